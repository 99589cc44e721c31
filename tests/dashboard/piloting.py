"""Drives the screen as somebody at a keyboard would, over a source that moves only when the test says so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from functools import cache, cached_property
from typing import cast

from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.source import Changer, Event, Source
from p2pctl.hardware.snapshot import ALL_PARTS, extend, take
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.simulator.door import DemoDoor

PATIENCE = 400
"""Turns of the event loop after which a condition counts as never coming true."""

Scenario = Callable[[Pilot[None], Dashboard], Awaitable[None]]


@cache
def demo_snapshot(clock: float = 0.0) -> Snapshot:
    """The demo host at a moment, seconds after it started. Read once: nobody can change a snapshot."""
    door = DemoDoor(lambda: 0.0)
    door._start = -clock
    return take(door, ALL_PARTS)


class HeldSource:
    """A source of one snapshot, until the test gives it another."""

    moves = True

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.snapshot = snapshot or demo_snapshot()
        self.trouble: Exception | None = None
        """What every look raises."""
        self.gate = threading.Event()
        """Cleared, every look hangs until it is set."""
        self.gate.set()
        self.looks = 0
        self.refreshed: list[frozenset[PartName]] = []
        self.closed = False
        self._events: list[Event] = []
        self._bell = threading.Event()

    @cached_property
    def door(self) -> DemoDoor:
        """The demo host, for what the snapshot lacks."""
        return DemoDoor(lambda: 0.0)

    def _look(self) -> Snapshot:
        self.gate.wait()
        self.looks += 1
        if self.trouble is not None:
            raise self.trouble
        return self.snapshot

    def take(self) -> Snapshot:
        """The snapshot."""
        return self._look()

    def refresh(self, snapshot: Snapshot, parts: frozenset[PartName]) -> Snapshot:
        """The parts of the snapshot that the test gave."""
        found = self._look()
        self.refreshed.append(parts)
        return replace(snapshot, taken=found.taken, **{part: getattr(found, part) for part in parts})

    def levels(self, snapshot: Snapshot) -> Snapshot:
        """Its pools."""
        found = self._look()
        return replace(snapshot, taken=found.taken, pools=found.pools)

    def wait(self, seconds: float) -> tuple[Event, ...]:
        """What the test said happened. Nothing is due by itself: no test depends on time."""
        del seconds
        self._bell.wait(60)
        self._bell.clear()
        events, self._events = tuple(self._events), []
        return events

    def wake(self) -> None:
        """Ends a wait."""
        self._bell.set()

    def links(self, snapshot: Snapshot) -> Mapping[str, str]:
        """None."""
        del snapshot
        return {}

    def now(self) -> float:
        """When the snapshot was taken."""
        return self.snapshot.taken

    def close(self) -> None:
        """Notes that it was."""
        self.closed = True
        self._bell.set()

    def happen(self, *events: Event, snapshot: Snapshot | None = None) -> None:
        """Has something happen, after which the host looks as ``snapshot``."""
        if snapshot is not None:
            self.snapshot = snapshot
        self._events += events
        self._bell.set()

    def extended(self, parts: Collection[PartName]) -> Snapshot:
        """The snapshot with more parts."""
        return extend(self.door, self.snapshot, parts)


def pilot(
    scenario: Scenario,
    *,
    source: Source | None = None,
    changer: Changer | None = None,
    settings: Settings | None = None,
    size: tuple[int, int] = (80, 24),
    ready: bool = True,
    toasts: bool = False,
) -> None:
    """Runs a scenario on a screen of ``size`` columns and lines, once it shows its first picture if ``ready``.

    What is told is drawn with ``toasts`` only.
    """

    async def run() -> None:
        app = Dashboard(source or HeldSource(), changer, settings)
        async with app.run_test(size=size, notifications=toasts) as running:
            driver = cast("Pilot[None]", running)
            if ready:
                await until(driver, lambda: app.picture is not None)
            await scenario(driver, app)

    asyncio.run(run())


async def until(driver: Pilot[None], condition: Callable[[], bool]) -> None:
    """Waits until something is so. Raises AssertionError where it does not come to be."""
    for _ in range(PATIENCE):
        await driver.pause()
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to be")


def screen_lines(app: Dashboard) -> list[str]:
    """What stands on the screen, line by line, without colours."""
    width, height = app.size
    app.screen._compositor.reflow  # noqa: B018  fails loudly if textual's name for it changes
    lines = app.screen._compositor.render_strips()
    return [strip.text[:width].rstrip() for strip in lines[:height]]
