"""Where the dashboard's facts and news come from: the door that the command line has opened."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from p2pctl.cli.followed_log import FollowedLog, reason_of
from p2pctl.cli.happenings import story
from p2pctl.cli.session import Session
from p2pctl.dashboard.source import Event
from p2pctl.errors import P2pctlError
from p2pctl.hardware.levels import PoolLevels
from p2pctl.hardware.nvmet_follow import directories, read_changed
from p2pctl.hardware.reading import Reader
from p2pctl.hardware.snapshot import ALL_PARTS, extend, needed_by, take
from p2pctl.kernel import Closing

if TYPE_CHECKING:
    from p2pctl.kernel import Events, Happening
    from p2pctl.model.snapshot import PartName, Snapshot
    from p2pctl.render.page import Severity

SLOWLY = "are seen when all is read anew"
MOST = 1000
"""Changes of the target after which all of it is read anew."""
GATHER = 0.1
"""Seconds without news after which a burst is over: a drive that is plugged in brings a dozen events."""
LONGEST = 0.5
"""Seconds that a burst is gathered at most."""
LOOK = 1.0
"""Seconds after which the kernel's log is looked at, at the price of one read."""
HOLDERS = 5.0
"""Seconds between two looks into all processes at least, where levels move."""
SPARING = 100
"""And at least as many times what the last one took: a hundredth of the time goes into it."""


class DoorSource(Closing):
    """`p2pctl.dashboard.source.Source` over a session's door. Used by one thread, but for ``wake``, ``now``."""

    def __init__(
        self,
        session: Session,
        parts: frozenset[PartName] = ALL_PARTS,
        otherwise: str = SLOWLY,
    ) -> None:
        """``parts`` are what is looked at; ``otherwise`` says what becomes of changes that no event tells of."""
        self._session = session
        self._door = session.door
        self._parts = parts
        self._otherwise = otherwise
        self._levels = PoolLevels(self._door)
        self._events: Events | None = None
        self._log = FollowedLog(self._door, otherwise)
        self._unheard = ""
        """Why no events come, as it was told; empty while they do."""
        self._touched: list[str] | None = []
        """Paths that something happened at since the target was read; None where that is not all."""
        self._unwatched = False
        """Whether it was told that some directories cannot be watched."""
        self._queue: list[Event] = []
        """What is to be told with the next wait."""
        self._pools: frozenset[str] | None = None
        self._awake = threading.Event()
        self._moved = False
        """Whether a level has moved since the processes were looked into."""
        self._next_holders = 0.0
        """When they may be looked into again, on the monotonic clock."""

    @property
    def moves(self) -> bool:
        """Whether anything can change: False for a capture."""
        return self._door.kind != "capture"

    def take(self) -> Snapshot:
        """Everything that the screen shows. Raises P2pctlError, OSError."""
        self._open()
        self._touched = []
        self._log.forget()
        self._watch()
        self._moved, self._next_holders = False, time.monotonic() + HOLDERS
        return self._compared(take(self._door, self._parts))

    def refresh(self, snapshot: Snapshot, parts: frozenset[PartName]) -> Snapshot:
        """The snapshot with these parts, and what is read with their help, read anew; the others are the same objects.

        Of the log only what is new is read. Raises P2pctlError, OSError.
        """
        now = self._door.now()
        stale = needed_by(parts) & self._parts
        kept: dict[str, Any] = dict.fromkeys(stale)
        if "log" in stale:
            seen = self._log.extended(snapshot.log, now)
            kept["log"] = seen if stale != self._parts else None
        if "nvmet" in stale:
            # Before it is read: what is done in a new directory meanwhile is an event, and brings the next look.
            self._watch()
            touched, self._touched = self._touched, []
            if touched and stale != self._parts and snapshot.nvmet is not None:
                kept["nvmet"] = read_changed(Reader(self._door.files), snapshot.nvmet, touched, now)
        return self._compared(extend(self._door, replace(snapshot, taken=now, **kept), stale))

    def levels(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the levels of its pools as they are now; where one is gone, all about them is read anew.

        Raises P2pctlError, OSError.
        """
        if snapshot.pools is None:
            return snapshot
        pools = self._levels.read(snapshot.pools)
        if pools is None:
            return self.refresh(snapshot, frozenset({"nvme", "pools"}))
        found = replace(snapshot, taken=pools.taken, pools=pools)
        moved = any(pool.available != snapshot.pools.pools[one].available for one, pool in pools.pools.items())
        self._moved = self._moved or moved
        looks = "holders" in self._parts and self._moved and time.monotonic() >= self._next_holders
        return self._held(found) if looks else found

    def _held(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with who maps the pools as it is now: a level that moved may be somebody's who came or went."""
        began = time.monotonic()
        found = extend(self._door, replace(snapshot, holders=None), {"holders"})
        took = time.monotonic() - began
        self._next_holders = began + max(HOLDERS, took * SPARING)
        self._moved = False
        return found

    def wait(self, seconds: float) -> tuple[Event, ...]:
        """Sleeps until something happens, ``wake`` is called or the time is over, and gives what happened.

        A burst comes as one. The kernel's log is looked at every second, since it wakes nobody.
        """
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            found = self._gathered(min(max(left, 0.0), LOOK) if not self._queue and not self._awake.is_set() else 0.0)
            self._note(found)
            events = (*self._queue, *story(found, self.now(), self._door.files), *self._log.news())
            self._queue.clear()
            if events or left <= LOOK or self._awake.is_set():
                self._awake.clear()
                return events

    def wake(self) -> None:
        """Ends a wait at once, from any thread."""
        self._awake.set()
        events = self._events
        if events is not None:
            events.wake()

    def links(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Where those device paths of the target's namespaces lead that are no kernel names."""
        return self._session.device_links(snapshot)

    def now(self) -> float:
        """Seconds since 1970 on the source. Never blocks."""
        return self._door.now()

    def close(self) -> None:
        """Gives back what is held. Harmless when repeated."""
        self._levels.close()
        events, self._events = self._events, None
        if events is not None:
            events.close()

    def _open(self) -> None:
        """Listens before the read, so that nothing falls between the two. What failed before is tried again."""
        if not self.moves:
            return
        if self._events is None:
            try:
                self._events = self._door.events()
            except (OSError, P2pctlError) as error:
                self._without_events(error)
            else:
                if self._unheard:
                    self._tell("events come from this source again", "info")
                self._unheard = ""
        self._log.open()

    def _without_events(self, error: Exception, stale: frozenset[PartName] = frozenset()) -> None:
        """Goes on with what the slow look brings, and says so: once, unless something is ``stale`` because of it."""
        events, self._events = self._events, None
        if events is not None:
            events.close()
        reason = reason_of(error)
        if stale or reason != self._unheard:
            text = f"no events from this source: {reason}; changes {self._otherwise}"
            self._tell(text, "warning", stale)
        self._unheard = reason

    def _tell(self, text: str, severity: Severity, parts: frozenset[PartName] = frozenset()) -> None:
        self._queue.append(Event(self.now(), "screen", "", text, severity, parts))

    def _watch(self) -> None:
        """Watches the directories that the target is made of by now."""
        if self._events is None:
            return
        refused = self._events.watch(tuple(directories(self._door.files)))
        if refused and not self._unwatched:
            text = (
                f"{len(refused):,} directories of the target cannot be watched, such as {refused[0]}: "
                f"changes there {self._otherwise} (more: sysctl fs.inotify.max_user_watches)"
            )
            self._tell(text, "warning")
        self._unwatched = bool(refused)

    def _note(self, found: Iterable[Happening]) -> None:
        """Keeps in mind what of the target is out of date."""
        for one in found:
            if one.subsystem in {"lost", "module"}:
                self._touched = None
            elif one.subsystem == "configfs" and self._touched is not None:
                self._touched.append(one.path)
        if self._touched is not None and len(self._touched) > MOST:
            self._touched = None

    def _gathered(self, seconds: float) -> list[Happening]:
        """What happened, with what follows on its heels."""
        if self._events is None:
            self._awake.wait(seconds)
            return []
        found: list[Happening] = []
        try:
            found.extend(self._events.wait(seconds))
            until = time.monotonic() + LONGEST
            while found and time.monotonic() < until and not self._awake.is_set():
                more = self._events.wait(GATHER)
                if not more:
                    break
                found.extend(more)
        except (OSError, P2pctlError) as error:
            self._without_events(error, ALL_PARTS)
        return found

    def _compared(self, snapshot: Snapshot) -> Snapshot:
        """The same snapshot; pools that came or went since the last one are told of."""
        if snapshot.pools is not None:
            pools = frozenset(map(str, snapshot.pools.pools))
            known = pools if self._pools is None else self._pools
            news = [(one, "has a pool of P2P memory now") for one in pools - known]
            news += [(one, "has no pool of P2P memory any more") for one in known - pools]
            self._queue.extend(Event(self.now(), "pool", one, f"{one} {what}") for one, what in sorted(news))
            self._pools = pools
        return snapshot
