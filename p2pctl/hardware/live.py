"""The running host."""

# Paths are text here, as the kernel names them; a Path object costs more than the read itself.
# ruff: noqa: PTH101, PTH102, PTH106, PTH108, PTH115, PTH208, PTH211

from __future__ import annotations

import errno
import os
import stat as modes
import time
from functools import cached_property
from typing import Literal

from p2pctl.hardware.names import PciNames
from p2pctl.kernel import READ_LIMIT, Closing, Events, Log, Memory, Modules, Process, Stat

READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
"""O_NONBLOCK so that no fifo that somebody left in the way can hang a read."""

_POOL = "/p2pmem/allocate"
_PAGE = 4096
_PIECE = 1 << 16
_WHOLE = ("/sys/devices/", "/sys/bus/", "/sys/class/", "/sys/kernel/config/")
"""Where an attribute comes whole with the first read, a page at most (fs/kernfs/file.c, fs/configfs/file.c)."""
_COMM_LENGTH = 15  # TASK_COMM_LEN less its NUL, include/linux/sched.h


def refuse_pool(path: str) -> None:
    """Raises EINVAL for ``p2pmem/allocate``: it is there to be mapped, and a read(2) of it has no meaning."""
    if path.endswith(_POOL):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)


def drain(descriptor: int, limit: int) -> bytes:
    """What a descriptor gives until its end, ``limit`` bytes at most; /proc gives its long files in pieces."""
    pieces = []
    while limit > 0:
        piece = os.read(descriptor, min(limit, _PIECE))
        if not piece:
            break
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


def stat_of(found: os.stat_result) -> Stat:
    """The part of lstat(2) that the door shows."""
    kind: Literal["file", "directory", "link", "other"] = "other"
    if modes.S_ISREG(found.st_mode):
        kind = "file"
    elif modes.S_ISDIR(found.st_mode):
        kind = "directory"
    elif modes.S_ISLNK(found.st_mode):
        kind = "link"
    return Stat(kind, found.st_mode & 0o777, found.st_size)


class DescriptorHandle(Closing):
    """A ``Handle`` over a file descriptor, which it owns."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def pread(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``, fewer only at the end. Raises OSError (EBADF once closed)."""
        data = os.pread(self._descriptor, length, offset)
        while data and len(data) < length:
            more = os.pread(self._descriptor, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def close(self) -> None:
        """Gives the descriptor back. Harmless when repeated."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class LiveFiles:
    """The host's own files. Every method raises OSError as the kernel gave it."""

    __slots__ = ()

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """The file's contents, ``limit`` bytes at most. Raises OSError (EINVAL for ``p2pmem/allocate``)."""
        if path.endswith(_POOL):
            refuse_pool(path)
        descriptor = os.open(path, READING)
        try:
            if limit < 2 * _PAGE:
                return drain(descriptor, limit)
            data = os.read(descriptor, _PAGE)
            if not data or (len(data) < _PAGE and path.startswith(_WHOLE)):
                return data
            more = os.read(descriptor, _PAGE)
            if not more:
                return data
            return data + more + drain(descriptor, limit - len(data) - len(more))
        finally:
            os.close(descriptor)

    def open(self, path: str) -> DescriptorHandle:
        """A handle for reading. Raises OSError (EINVAL for ``p2pmem/allocate``)."""
        refuse_pool(path)
        return DescriptorHandle(os.open(path, READING))

    def list(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        return tuple(sorted(os.listdir(path)))

    def readlink(self, path: str) -> str:
        """Where a symbolic link points, as it is written."""
        return os.readlink(path)

    def realpath(self, path: str) -> str:
        """The path with every link resolved. Raises OSError (ENOENT where nothing is there)."""
        return os.path.realpath(path, strict=True)

    def stat(self, path: str) -> Stat:
        """Kind, mode and size; a link is not followed."""
        return stat_of(os.lstat(path))

    def write(self, path: str, data: bytes) -> None:
        """One system call, never more: for an attribute, one store. Raises OSError (EIO where a part was taken)."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            # A second write would be a second store of the rest (configfs, sysfs).
            if os.write(descriptor, data) != len(data):
                raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        finally:
            os.close(descriptor)

    def mkdir(self, path: str) -> None:
        """Makes a directory; in configfs, an object."""
        os.mkdir(path)

    def rmdir(self, path: str) -> None:
        """Removes a directory."""
        os.rmdir(path)

    def symlink(self, target: str, path: str) -> None:
        """Makes a link at ``path``. Configfs resolves ``target`` from the caller's directory, hence absolute."""
        os.symlink(target, path)

    def unlink(self, path: str) -> None:
        """Removes a link."""
        os.unlink(path)

    def chmod(self, path: str, mode: int) -> None:
        """Sets the permission bits of a file."""
        os.chmod(path, mode)


class LiveProcesses:
    """The host's processes, as psutil knows them."""

    __slots__ = ()

    def who(self, pid: int) -> Process | None:
        """The process, or None once it is gone."""
        import psutil  # noqa: PLC0415  22 ms that only commands that show holders pay

        try:
            process = psutil.Process(pid)
            user, name = process.username(), process.name()
        except (psutil.Error, OSError, ValueError, OverflowError):
            return None
        # psutil completes a cut name from the command line, which its owner writes as they like.
        return Process(pid, user, os.fsdecode(os.fsencode(name)[:_COMM_LENGTH]))


class LiveDoor:
    """The running host: ``Door`` over its files, processes and name databases."""

    kind: Literal["live"] = "live"

    def __init__(self) -> None:
        self.files = LiveFiles()
        self.processes = LiveProcesses()
        self.names = PciNames()

    @cached_property
    def log(self) -> Log:
        """The kernel's messages."""
        from p2pctl.hardware.kmsg import LiveLog  # noqa: PLC0415  most commands never ask

        return LiveLog()

    @cached_property
    def modules(self) -> Modules:
        """The kernel's modules."""
        from p2pctl.hardware.modules import LiveModules  # noqa: PLC0415

        return LiveModules()

    @cached_property
    def memory(self) -> Memory:
        """The host's memory and disks."""
        from p2pctl.hardware.memory import LiveMemory  # noqa: PLC0415

        return LiveMemory()

    def events(self) -> Events:
        """A new subscription to udev's events, or the kernel's own, and to directories. Raises OSError."""
        from p2pctl.hardware.events import LiveEvents  # noqa: PLC0415  loads libudev

        return LiveEvents()

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()
