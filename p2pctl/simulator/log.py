"""The log and the modules of a kernel in memory."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterable, Iterator

from p2pctl.kernel import LogLine, LogRead
from p2pctl.simulator.nodes import error


class MemoryLog:
    """`p2pctl.kernel.Log` that keeps what `say` is given."""

    def __init__(self, now: Callable[[], float], ready: Callable[[], object] | None = None) -> None:
        self._now = now
        self._ready = ready
        """Makes what has been said since the start; called before anybody reads."""
        self._muted = False
        self._then: float | None = None
        self._lines: list[LogLine] = []

    def say(self, text: str) -> None:
        """Adds a record, as printk does."""
        if not self._muted:
            time = self._now() if self._then is None else self._then
            self._lines.append(LogLine(len(self._lines), time, text))

    def now(self) -> float:
        """Seconds since 1970 by its clock."""
        return self._now()

    @contextlib.contextmanager
    def at(self, time: float) -> Iterator[None]:
        """What is said meanwhile was said then, in seconds since 1970."""
        self._then = time
        try:
            yield
        finally:
            self._then = None

    @contextlib.contextmanager
    def muted(self) -> Iterator[None]:
        """Says nothing meanwhile."""
        self._muted = True
        try:
            yield
        finally:
            self._muted = False

    def mark(self) -> int:
        """The sequence number of the newest record, -1 without any."""
        self._read()
        return len(self._lines) - 1

    def since(self, mark: int = -1) -> LogRead:
        """The records after ``mark``."""
        self._read()
        return LogRead(tuple(self._lines[mark + 1 :]), complete=True)

    def _read(self) -> None:
        if self._ready is not None:
            self._ready()


class MemoryModules:
    """`p2pctl.kernel.Modules` of a kernel in memory.

    Without ``available`` it is one that has all it can have built in.
    """

    def __init__(
        self,
        available: Iterable[str] = (),
        *,
        loaded: Callable[[str], object] | None = None,
        mounted: Callable[[], bool] | None = None,
    ) -> None:
        self._available = frozenset(available)
        self._loaded = loaded
        self._mounted = mounted

    def load(self, name: str) -> None:
        """Loads a module. Raises ENOENT where there is no file of it."""
        if name not in self._available or self._loaded is None:
            raise error(errno.ENOENT, name)
        self._loaded(name)

    def mount_configfs(self) -> None:
        """Mounts configfs. Raises EBUSY where it is mounted, ENODEV where the kernel has none."""
        if self._mounted is None or not self._mounted():
            raise error(errno.EBUSY)
