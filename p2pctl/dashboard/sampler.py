"""The thread that looks at the host, so that the one that draws never waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from p2pctl.dashboard.picture import Painter, Picture
from p2pctl.dashboard.source import Event, Source
from p2pctl.errors import P2pctlError
from p2pctl.model.snapshot import Snapshot

RATES = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds between two looks at the levels, of which one chooses."""
FULL = 30.0
"""Seconds after which everything is read anew: what the kernel changes by itself in configfs raises no event."""
SHARE = 10
"""How many times as long as reading everything took passes at least before that is done again, so that a host that
takes long to read is not read all the time."""


class Sample(NamedTuple):
    """What the sampler hands over."""

    picture: Picture | None
    """None where this look failed: the last one still stands."""
    events: tuple[Event, ...]
    trouble: str | None
    """Why the look failed."""
    at: float
    """When it ended: seconds of the monotonic clock."""


class Sampler(threading.Thread):
    """Looks at the levels at an interval, at what an event concerns at once, and at everything now and then.

    A daemon: a read that never comes back must not keep the program from ending. ``clock`` gives the seconds of the
    monotonic clock, and ``rest`` lets some of them pass.
    """

    def __init__(
        self,
        source: Source,
        deliver: Callable[[Sample], None],
        *,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__(name="p2pctl-sampler", daemon=True)
        self.source = source
        self._deliver = deliver
        self._interval = interval
        self._clock = clock
        self._rest = rest
        self._last_levels = 0.0
        self._next_full = 0.0
        self._paused = False
        self._all = True
        self._ended = False
        self.busy_since: float | None = None
        """When the look that goes on began, on the monotonic clock; None while it waits."""
        self.whole_at: float | None = None
        """When everything was last read, on that clock. A part that was read since for an event may not be all new:
        what the kernel changes by itself raises none."""

    @property
    def interval(self) -> float:
        """Seconds between two looks at the levels."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._interval = seconds
        self.source.wake()

    @property
    def paused(self) -> bool:
        """Whether the levels are left alone, and events are only gathered."""
        return self._paused

    @paused.setter
    def paused(self, wanted: bool) -> None:
        self._paused = wanted
        if not wanted:
            self._all = True  # what happened meanwhile was not looked at
        self.source.wake()

    def look_now(self) -> None:
        """Has everything read anew, from any thread."""
        self._all = True
        self.source.wake()

    def end(self) -> None:
        """Ends the thread as soon as its read comes back. Does not wait for that."""
        self._ended = True
        self.source.wake()

    def run(self) -> None:
        """Looks until it is ended."""
        painter = Painter(self.source.links)
        snapshot: Snapshot | None = None
        events: tuple[Event, ...] = ()
        while not self._ended:
            began = self.busy_since = self._clock()
            picture, trouble = None, None
            try:
                snapshot, looked = self._look(snapshot, events, began)
                picture = painter.paint(snapshot) if looked else None
            except Exception as error:  # noqa: BLE001  whatever it is: the screen keeps what it has, and says why
                trouble = _told(error)
                self._all = True
                # A look that takes long to fail is not made again at once.
                self._last_levels = self._clock()
                self._next_full = self._last_levels + self._interval
            self.busy_since = None
            if self._ended:
                break
            if picture is not None or trouble is not None or events:
                self._deliver(Sample(picture, events, trouble, self._clock()))
            events = self._wait()
        self.source.close()

    @property
    def _running(self) -> bool:
        """Whether looks are due by themselves."""
        return self.source.moves and not self._paused

    def _wait(self) -> tuple[Event, ...]:
        """What happened until the next look is due. A source that cannot even wait is asked again in a while."""
        left = FULL
        if self._running:
            left = max(min(self._last_levels + self._interval, self._next_full) - self._clock(), 0.0)
        try:
            return self.source.wait(left)
        except Exception:  # noqa: BLE001  the next look says what is wrong
            self._rest(max(min(left, 1.0), 0.05))
            return ()

    def _look(self, snapshot: Snapshot | None, events: tuple[Event, ...], now: float) -> tuple[Snapshot, bool]:
        """The next snapshot, and whether anything was looked at for it."""
        if self._all or snapshot is None or (self._running and now >= self._next_full):
            # Before the read: whoever asks while it goes on wants another one.
            self._all = False
            snapshot = self.source.take()
            self._next_full = now + max(FULL, (self._clock() - now) * SHARE)
            self._last_levels = now
            self.whole_at = self._clock()
            return snapshot, True
        looked = False
        parts = frozenset(part for event in events for part in event.parts)
        if parts and not self._paused:
            snapshot, looked = self.source.refresh(snapshot, parts), True
        # However much happens, the levels are looked at in time.
        if self._running and now >= self._last_levels + self._interval:
            snapshot, looked = self.source.levels(snapshot), True
            self._last_levels = now
        return snapshot, looked


def _told(error: Exception) -> str:
    if isinstance(error, P2pctlError):
        return error.message
    if isinstance(error, OSError):
        return f"{error.filename or 'a read'}: {error.strerror or error}"
    return f"{type(error).__name__}: {error}"
