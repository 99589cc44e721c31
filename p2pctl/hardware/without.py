"""What a recorded host does not have: a log that goes on, modules to load, news, memory."""

from __future__ import annotations

import errno
import os
from typing import NoReturn

from p2pctl.kernel import Disk, LogRead, Region


def _refuse() -> NoReturn:
    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


def without_events() -> NoReturn:
    """``Door.events`` of a host that does not run. Raises EOPNOTSUPP."""
    _refuse()


class WithoutLog:
    """``Log`` where none was recorded. Every method raises EOPNOTSUPP."""

    __slots__ = ()

    def mark(self) -> int:
        """Refuses."""
        _refuse()

    def since(self, mark: int = -1) -> LogRead:  # noqa: ARG002  the protocol has it
        """Refuses."""
        _refuse()


class WithoutModules:
    """``Modules`` of a host that does not run. Every method raises EOPNOTSUPP."""

    __slots__ = ()

    def load(self, name: str) -> None:  # noqa: ARG002  the protocol has it
        """Refuses."""
        _refuse()

    def mount_configfs(self) -> None:
        """Refuses."""
        _refuse()


class WithoutMemory:
    """``Memory`` of a host that does not run. Every method raises EOPNOTSUPP."""

    __slots__ = ()

    def map(self, path: str, size: int) -> Region:  # noqa: ARG002  the protocol has it
        """Refuses."""
        _refuse()

    def ordinary(self, size: int) -> Region:  # noqa: ARG002  the protocol has it
        """Refuses."""
        _refuse()

    def open(self, path: str, *, write: bool = False, exclusive: bool = False) -> Disk:  # noqa: ARG002
        """Refuses."""
        _refuse()
