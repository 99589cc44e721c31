"""What the kernel's log says about the target and about peer-to-peer memory."""

from __future__ import annotations

from typing import NamedTuple

from p2pctl.model.facts import Fact, Gap


class Record(NamedTuple):
    """One message of the kernel."""

    sequence: int
    """Counts up within one boot; only order and gaps mean anything."""
    time: float
    """Seconds since 1970 on the source."""
    text: str
    """One message, without level and time. Any text: a host's name for itself may stand in it."""


class KernelLog(NamedTuple):
    """The part of a Snapshot that holds the log, as far as it concerns the target, its transports and P2PDMA."""

    taken: float
    records: Fact[tuple[Record, ...]]
    """Oldest first."""
    complete: bool
    """Whether the log goes back to the boot. Where it does not, a message that is not here may have been there."""
    gaps: tuple[Gap, ...] = ()
