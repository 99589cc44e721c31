"""One look at the host for ``p2pctl metrics``: each part by itself, so that one that fails leaves the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from p2pctl.cli.session import Session
from p2pctl.cli.unfinished import change_findings
from p2pctl.errors import P2pctlError
from p2pctl.findings.pools import also_needed
from p2pctl.metrics.exposition import exposition
from p2pctl.metrics.measure import PARTS, Reading, measure
from p2pctl.metrics.ports import network_needed
from p2pctl.target.port_state import evidence_needed

if TYPE_CHECKING:
    from p2pctl.findings.rules import Finding
    from p2pctl.model.snapshot import PartName, Snapshot

T = TypeVar("T")

clock = time.monotonic
"""What durations are measured by."""


class Once:
    """Tells each thing once for as long as it stays so, and not with every look."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._before: set[str] = set()
        self._now: set[str] = set()

    def __call__(self, text: str) -> None:
        """Tells it, unless the look before had to tell it, too."""
        if text not in self._before | self._now:
            self._tell(text)
        self._now.add(text)

    def begin(self) -> None:
        """A look begins: what has not been told since the last one began is over, and is told when it comes back."""
        self._before, self._now = self._now, set()


class _Parts:
    """The snapshot as it grows, with what each part took."""

    def __init__(self, session: Session, *, wake: bool) -> None:
        self._session = session
        self._wake = wake
        self.snapshot: Snapshot = session.snapshot(())
        self.seconds: dict[str, float] = {}
        self.failed: dict[str, str] = {}

    def read(self, part: PartName) -> None:
        """Adds a part, if it can be read."""

        def extended() -> Snapshot:
            return self._session.extended(self.snapshot, (part,), wake=self._wake)

        self.snapshot = self.timed(part, extended, self.snapshot)

    def timed(self, part: str, read: Callable[[], T], otherwise: T) -> T:
        """What was read, or ``otherwise``."""
        began = clock()
        try:
            return read()
        except Exception as error:  # noqa: BLE001  whatever it is: the other parts are worth showing
            self.failed[part] = error.message if isinstance(error, P2pctlError) else f"{type(error).__name__}: {error}"
            return otherwise
        finally:
            self.seconds[part] = clock() - began


def look(session: Session, *, wake: bool) -> Reading:
    """Reads what the metrics are made of; dear parts only where they tell something. Raises nothing for a part."""
    parts = _Parts(session, wake=wake)
    for part in PARTS:
        parts.read(part)
    more = also_needed(parts.snapshot) | evidence_needed(parts.snapshot) | network_needed(parts.snapshot)
    for part in sorted(more - set(PARTS)):
        parts.read(part)
    nothing: Mapping[str, str] = {}
    links = parts.timed("device-paths", lambda: session.device_links(parts.snapshot), nothing)
    unchanged: tuple[Finding, ...] = ()
    changes = parts.timed("changes", lambda: change_findings(session), unchanged)
    return Reading(parts.snapshot, links, changes, parts.seconds, parts.failed)


def expose(session: Session, tell: Callable[[str], None], *, wake: bool) -> bytes:
    """One look as text. ``tell`` is called with what could not be read at all."""
    reading = look(session, wake=wake)
    for part, reason in reading.failed.items():
        tell(f"{part} could not be read: {reason}")

    def told(error: Exception) -> None:
        tell(f"not all of it could be concluded: {type(error).__name__}: {error}")

    return exposition(measure(reading, clock, told))
