"""How old what one sees is, and when that is worth a word."""

from __future__ import annotations

from dataclasses import dataclass

from p2pctl.dashboard.sampler import FULL

GRACE = 2.0
"""Seconds by which a look may be late before the screen says so."""
OLD = 2.0
"""Seconds from which on the age of what is seen is said."""
OFTEN = 1.0
"""The interval at and below which the age is a matter of course: the next look comes before it would be said."""
COARSE = 5.0
"""Seconds between two ages that are said, from a minute on."""


@dataclass(slots=True)
class Freshness:
    """Kept by the screen; all times are seconds of the monotonic clock."""

    seen: float | None = None
    """When the last look that succeeded ended."""
    trouble: str | None = None
    """Why the last one did not."""

    def age(self, now: float) -> float:
        """Seconds since the last good look; 0 without one."""
        return max(now - self.seen, 0.0) if self.seen is not None else 0.0

    def stale(self, now: float, interval: float, *, paused: bool, moves: bool) -> bool:
        """Whether there should be something newer."""
        if self.seen is None:
            return False
        return self.trouble is not None or (moves and not paused and self.age(now) > interval + GRACE)

    def old(self, now: float, *, paused: bool, moves: bool) -> bool:
        """Whether the age is worth a word, though nothing newer is due yet."""
        return self.seen is not None and moves and not paused and self.age(now) >= OLD

    def why(self, now: float, busy_since: float | None) -> str:
        """Why there is nothing newer."""
        if busy_since is not None and now - busy_since > GRACE:
            return f"a read has been going on for {ago(now - busy_since)}"
        return self.trouble or "no read has come back since"

    def next_tick(self, now: float, interval: float, *, paused: bool, moves: bool) -> float | None:
        """Seconds after which a word on the screen is out of date if nothing else happens; None: never."""
        if self.seen is None:
            return 1.0
        age = self.age(now)
        if paused or self.trouble is not None:
            return _till_next(age)
        if not moves:
            return None
        stale = interval + GRACE - age + LATE
        if stale <= 0:
            return _till_next(age)
        if interval <= OFTEN:
            return stale
        return min(OLD - age + LATE if age < OLD else _till_next(age), stale)


LATE = 0.05
"""Seconds by which a tick comes later than what it is for, so that it never comes before."""


def _till_next(age: float) -> float:
    """Seconds until another age is said."""
    step = 1.0 if age < 60 else COARSE
    return step - age % step + LATE


def aged(seconds: float) -> str:
    """An age, as `ago` has it; over a minute in steps of ``COARSE`` seconds, so that it need not be drawn so often."""
    return ago(seconds if seconds < 60 else seconds // COARSE * COARSE)


def behind(now: float, whole_at: float | None, *, paused: bool, moves: bool) -> float | None:
    """Seconds since everything was read, where that is longer ago than it should be: the levels alone are newer."""
    if whole_at is None or paused or not moves or now - whole_at <= FULL + GRACE:
        return None
    return now - whole_at


def ago(seconds: float) -> str:
    """``12 s``, ``5 min 3 s``, ``3 h 20 min``."""
    whole = int(max(seconds, 0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
