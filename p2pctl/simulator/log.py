"""The log and the modules of a kernel in memory."""

from __future__ import annotations

import errno
from collections.abc import Callable

from p2pctl.kernel import LogLine, LogRead
from p2pctl.simulator.nodes import error


class MemoryLog:
    """`p2pctl.kernel.Log` that keeps what `say` is given."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lines: list[LogLine] = []

    def say(self, text: str) -> None:
        """Adds a record, as printk does."""
        self._lines.append(LogLine(len(self._lines), self._now(), text))

    def mark(self) -> int:
        """The sequence number of the newest record, -1 without any."""
        return len(self._lines) - 1

    def since(self, mark: int = -1) -> LogRead:
        """The records after ``mark``."""
        return LogRead(tuple(self._lines[mark + 1 :]), complete=True)


class MemoryModules:
    """`p2pctl.kernel.Modules` of a kernel that has all it can have built in."""

    def load(self, name: str) -> None:
        """Raises ENOENT: there are no files of modules."""
        raise error(errno.ENOENT, name)

    def mount_configfs(self) -> None:
        """Raises EBUSY: it is mounted."""
        raise error(errno.EBUSY)
