"""A recorded tree as the host answered: its files, and the errors and gaps that its manifest remembers."""

from __future__ import annotations

import errno
import os
from typing import Literal

from p2pctl.hardware.capture import MANIFEST_NAME
from p2pctl.hardware.capture.manifest import Manifest, NamePair, Ranges
from p2pctl.hardware.confine import ReadOnly, failure
from p2pctl.kernel import READ_LIMIT, Closing, Files, Handle, LogRead, Process, Stat

_NOTHING = frozenset({errno.ENOENT, errno.ENOTDIR})


class ReplayFiles(ReadOnly):
    """``Files`` over a tree that holds a capture. Errors are OSError with the errno that the host gave.

    What was withheld, and what nobody read, is there and has no data (ENODATA).
    ``tree`` names the place in the ``filename`` of its errors, as ``confine.resolve`` does.
    """

    def __init__(self, tree: Files, manifest: Manifest, source: str) -> None:
        self._tree = tree
        self._source = source
        self._holes = manifest.holes
        self._errors = dict.fromkeys(manifest.withheld, errno.ENODATA) | dict(manifest.errors)

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """The file's contents, ``limit`` bytes at most; ENODATA where that reaches into a hole."""
        place = self._place(path, "file")
        data = self._tree.read(place, limit)
        _refuse_holes(self._holes.get(place, ()), 0, len(data), path)
        return data

    def open(self, path: str) -> Handle:
        """A handle for reading."""
        place = self._place(path, "file")
        handle = self._tree.open(place)
        holes = self._holes.get(place)
        return _HoledHandle(handle, holes, path) if holes else handle

    def list(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        place = self._place(path, "directory")
        names = self._tree.list(place)
        return names if place != "/" else tuple(name for name in names if name != MANIFEST_NAME)

    def readlink(self, path: str) -> str:
        """Where a symbolic link points, as it is written."""
        try:
            return self._tree.readlink(path)
        except OSError as error:
            raise self._recorded(error, path) from None

    def realpath(self, path: str) -> str:
        """The kernel path with every link resolved."""
        try:
            return self._tree.realpath(path)
        except OSError as error:
            raise self._recorded(error, path) from None

    def stat(self, path: str) -> Stat:
        """Kind, mode and size, the size as it was recorded; a link is not followed."""
        try:
            return self._tree.stat(path)
        except OSError as error:
            raise self._recorded(error, path) from None

    def _place(self, path: str, kind: Literal["file", "directory"]) -> str:
        """Where ``path`` is in the tree. Raises OSError where the host could not read or list it either."""
        place = self.realpath(path)
        number = self._errors.get(place)
        if number is not None and self._tree.stat(place).kind == kind:
            raise failure(number, path)
        return place

    def _recorded(self, error: OSError, path: str) -> OSError:
        """The host's own error, where the tree has nothing at the place where resolving ``path`` ended."""
        number = error.errno or errno.EIO
        return failure(self._errors.get(error.filename, number) if number in _NOTHING else number, path)


class _HoledHandle(Closing):
    """A handle that tells what was never read from what is zero."""

    def __init__(self, inner: Handle, holes: Ranges, path: str) -> None:
        self._inner = inner
        self._holes = holes
        self._path = path

    def pread(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``. Raises OSError (ENODATA where nobody read them)."""
        data = self._inner.pread(offset, length)
        _refuse_holes(self._holes, offset, offset + len(data), self._path)
        return data

    def close(self) -> None:
        """Closes the file."""
        self._inner.close()


def _refuse_holes(holes: Ranges, start: int, end: int, path: str) -> None:
    if any(start < hole_end and hole_start < end for hole_start, hole_end in holes):
        raise failure(errno.ENODATA, path)


class RecordedProcesses:
    """The processes that the manifest tells of."""

    def __init__(self, manifest: Manifest) -> None:
        self._processes = manifest.processes

    def who(self, pid: int) -> Process | None:
        """The process, or None where the capture tells nothing of it."""
        return self._processes.get(pid)


class RecordedNames:
    """The names that the manifest tells of: those of the host's own databases."""

    def __init__(self, manifest: Manifest) -> None:
        self._names = manifest.names

    def device(self, vendor: int, device: int) -> NamePair:
        """Vendor and device name, None where the host knew none."""
        return self._names.get((vendor, device), (None, None))


class RecordedLog:
    """The messages that the manifest tells of: those of the host's log that concern p2pctl."""

    def __init__(self, manifest: Manifest) -> None:
        self._log = manifest.log

    def mark(self) -> int:
        """The sequence number of the newest record, -1 without any. Raises OSError as the host did."""
        lines = self._read().lines
        return lines[-1].sequence if lines else -1

    def since(self, mark: int = -1) -> LogRead:
        """The records after ``mark``. Raises OSError as the host did, EOPNOTSUPP where no log was recorded."""
        lines, complete = self._read()
        return LogRead(tuple(line for line in lines if line.sequence > mark), complete)

    def _read(self) -> LogRead:
        if isinstance(self._log, LogRead):
            return self._log
        number = errno.EOPNOTSUPP if self._log is None else self._log
        raise OSError(number, os.strerror(number))
