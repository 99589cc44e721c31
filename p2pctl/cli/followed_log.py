"""The kernel's log, followed as far as that goes; where it does not, that is told once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from p2pctl.cli.happenings import logged
from p2pctl.dashboard.source import Event
from p2pctl.errors import P2pctlError
from p2pctl.hardware.log import LogTail

if TYPE_CHECKING:
    from p2pctl.kernel import Door
    from p2pctl.model.log import KernelLog
    from p2pctl.model.snapshot import PartName

_STALE: frozenset[PartName] = frozenset({"log", "connections"})


class FollowedLog:
    """Belongs to one thread."""

    def __init__(self, door: Door, otherwise: str) -> None:
        self._door = door
        self._otherwise = otherwise
        self.tail: LogTail | None = None
        self._unheard = ""
        """Why it is not followed, as it was told; empty while it is."""

    def open(self) -> None:
        """Begins to follow it, if nobody does yet. Where that fails, the part about the log says why."""
        if self.tail is None:
            with contextlib.suppress(OSError, P2pctlError):
                self.tail = LogTail(self._door.log)

    def forget(self) -> None:
        """Drops what was kept of it: it is about to be read anew."""
        if self.tail is not None:
            self.tail.forget()

    def extended(self, log: KernelLog | None, now: float) -> KernelLog | None:
        """The part with what came since; None where it has to be read anew."""
        return self.tail.extended(log, now) if self.tail is not None and log is not None else None

    def news(self) -> tuple[Event, ...]:
        """What it says since the last time."""
        if self.tail is None:
            return ()
        try:
            records = self.tail.look()
        except (OSError, P2pctlError) as error:
            self.tail = None
            known, self._unheard = self._unheard, reason_of(error)
            if self._unheard == known:
                return ()
            text = f"the kernel's log cannot be followed: {self._unheard}; new lines {self._otherwise}"
            return (Event(self._door.now(), "screen", "", text, "warning", _STALE),)
        self._unheard = ""
        return logged(records)


def reason_of(error: Exception) -> str:
    """Why something could not be read, for the end of a sentence."""
    reason = error.message if isinstance(error, P2pctlError) else getattr(error, "strerror", None) or str(error)
    return reason.lower()
