"""The door: the one protocol through which anything reaches a kernel file.

Paths are the kernel's own (``/sys/...``, ``/proc/...``), whatever they are read from. Failures are ``OSError`` with
the kernel's errno, from every implementation alike; who calls decides what an errno means for its fact.
File names are ``str`` with ``surrogateescape``; contents are ``bytes``, since devices put anything into them.
"""

from __future__ import annotations

import abc
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

READ_LIMIT = 1 << 20
"""Bytes read of one file at most: sysfs attributes end at a page, and a hostile file ends here."""

SourceKind = Literal["live", "sysroot", "capture", "demo"]


class Stat(NamedTuple):
    """What a path is, links not followed."""

    kind: Literal["file", "directory", "link", "other"]
    mode: int
    """Permission bits, such as ``0o660``."""
    size: int
    """Bytes; the kernel reports a page for most attributes."""


class Handle(Protocol):
    """An open file, for values that are read again and again and for files that are read in pieces."""

    def pread(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``, fewer at the end. Raises OSError (ENODEV once a device is gone)."""
        ...

    def close(self) -> None:
        """Gives the descriptor back. Harmless when repeated."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Closing(abc.ABC):
    """The part of a handle, or of whatever else is closed, that makes a ``with`` block of it."""

    __slots__ = ()

    @abc.abstractmethod
    def close(self) -> None:
        """Gives back what is held. Harmless when repeated."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Files(Protocol):
    """Kernel files. Every method raises OSError with the kernel's errno."""

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """The file's contents, ``limit`` bytes at most."""
        ...

    def open(self, path: str) -> Handle:
        """A handle for reading, positioned nowhere."""
        ...

    def list(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        ...

    def readlink(self, path: str) -> str:
        """Where a symbolic link points, as it is written."""
        ...

    def realpath(self, path: str) -> str:
        """The kernel path with every link resolved. Raises ENOENT where nothing is there."""
        ...

    def stat(self, path: str) -> Stat:
        """Kind, mode and size; a link is not followed."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Stores ``data`` with one system call, since a second would be a second store. A short one raises EIO."""
        ...

    def mkdir(self, path: str) -> None:
        """Makes a directory; in configfs, an object."""
        ...

    def rmdir(self, path: str) -> None:
        """Removes a directory."""
        ...

    def symlink(self, target: str, path: str) -> None:
        """Makes a link at ``path``; ``target`` is a kernel path, absolute."""
        ...

    def unlink(self, path: str) -> None:
        """Removes a link."""
        ...

    def chmod(self, path: str, mode: int) -> None:
        """Sets the permission bits, such as ``0o600``; configfs keeps them while the object exists."""
        ...


class LogLine(NamedTuple):
    """One record of the kernel's log."""

    sequence: int
    """Counts up by one a record (Documentation/ABI/testing/dev-kmsg); only order and gaps mean anything."""
    time: float
    """Seconds since 1970 on the source."""
    text: str
    """The message, without level, time and dictionary."""


class LogRead(NamedTuple):
    """What the kernel's log still holds."""

    lines: tuple[LogLine, ...]
    """Oldest first."""
    complete: bool
    """Whether nothing that was asked for has been overwritten: False where the ring has wrapped since."""


class Log(Protocol):
    """The kernel's messages."""

    def mark(self) -> int:
        """The sequence number of the newest record, -1 without any. Raises OSError (EPERM, EACCES: not for us)."""
        ...

    def since(self, mark: int = -1) -> LogRead:
        """The records after ``mark``; all that are left without one. Raises OSError."""
        ...


class Modules(Protocol):
    """Kernel modules, and the file system that some of them are configured by."""

    def load(self, name: str) -> None:
        """Loads a module and what it stands on. Raises OSError (ENOENT: there is none; EPERM; EKEYREJECTED...)."""
        ...

    def mount_configfs(self) -> None:
        """Mounts configfs at /sys/kernel/config. Raises OSError (EBUSY: it is)."""
        ...


class Happening(NamedTuple):
    """Something that the kernel has told of."""

    subsystem: str
    """``pci``, ``nvme``, ``block``, ``infiniband``...; ``configfs`` for a directory that is watched; ``lost`` where
    some were missed, so that everything has to be read anew."""
    action: str
    """``add``, ``remove``, ``bind``, ``unbind``, ``change``...;
    ``created``, ``deleted``, ``written`` in a directory."""
    path: str
    """The kernel's own path: /sys/devices/..., /sys/kernel/config/...; empty for ``lost``."""


class Events(Protocol):
    """News of devices and of directories, from when it was opened."""

    def watch(self, directories: Collection[str]) -> tuple[str, ...]:
        """Watches these directories and no others; gives those that cannot be watched, though they are there."""
        ...

    def wait(self, seconds: float) -> tuple[Happening, ...]:
        """Sleeps until something happens, ``wake`` is called or the time is over. Raises OSError."""
        ...

    def wake(self) -> None:
        """Ends a wait at once, from any thread."""
        ...

    def close(self) -> None:
        """Gives back what is held. Harmless when repeated."""
        ...


class Process(NamedTuple):
    """Who a process is."""

    pid: int
    user: str
    """Login name, or the number where it has none."""
    command: str
    """The program's name, as ps shows it in its ``comm`` column."""


class Processes(Protocol):
    """Who processes are."""

    def who(self, pid: int) -> Process | None:
        """The process, or None once it is gone or where this source cannot tell."""
        ...


class Names(Protocol):
    """What PCI identifiers are called."""

    def device(self, vendor: int, device: int) -> tuple[str | None, str | None]:
        """Vendor and device name, None where no database knows it."""
        ...


class Region(Protocol):
    """A piece of memory that drives transfer into and out of: of a pool, or ordinary."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def get(self, offset: int, length: int) -> bytes:
        """What is in it, as the processor sees it. Raises OSError (ENODEV: the pool has gone)."""
        ...

    def put(self, offset: int, data: bytes) -> None:
        """Writes into it with the processor. Raises OSError (ENODEV: the pool has gone)."""
        ...

    def close(self) -> None:
        """Gives it back. Harmless when repeated."""
        ...


class Part(NamedTuple):
    """Part of a region: what one element of an I/O vector points to."""

    region: Region
    offset: int
    length: int


class Identity(NamedTuple):
    """What has been opened, by the kernel's own numbers and not by its name."""

    node: str | None
    """``MAJOR:MINOR`` of a block device; None for a file."""
    inode: int
    """Of a file; 0 for a block device, whose node may be made anew at any time."""


class Stretch(NamedTuple):
    """Bytes of a disk, or of a file, that come from the same kind of place."""

    offset: int
    length: int
    reason: str | None
    """Why the drive is not asked when they are read, or not for these bytes; None where it is."""


class Disk(Protocol):
    """A block device or a file, opened past the page cache (O_DIRECT)."""

    @property
    def identity(self) -> Identity:
        """What it is."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def read(self, offset: int, parts: Sequence[Part]) -> int:
        """One transfer from the disk into the parts, one after the other: the bytes that arrived. Raises OSError."""
        ...

    def write(self, offset: int, parts: Sequence[Part], *, back: bool = False) -> int:
        """One transfer of the parts to the disk: the bytes that it took.

        Raises OSError, BusyError for a file that was opened as ``exclusive`` and that somebody else opens. ``back``
        puts back what was there, for which a moment is left then: EBUSY once it is over.
        """
        ...

    def flush(self) -> None:
        """Has the disk keep what it was sent, also without power. Raises OSError."""
        ...

    def stretches(self, offset: int, length: int) -> Iterable[Stretch]:
        """Where these bytes come from, in order and without gaps; of a block device all from the drive.

        Raises OSError (EOPNOTSUPP: the file system of a file does not tell).
        """
        ...

    def close(self) -> None:
        """Gives the descriptor back. Harmless when repeated."""
        ...


class Memory(Protocol):
    """Memory for direct I/O, and disks to do it with. All of it is the kernel's again when the process ends."""

    def map(self, path: str, size: int) -> Region:
        """A fresh piece of a pool, by the path of its ``p2pmem/allocate`` or its character device.

        Raises OSError (ENOMEM: the pool is short; EACCES; ENODEV: it is going away; EOPNOTSUPP for a recording).
        """
        ...

    def ordinary(self, size: int) -> Region:
        """System memory, at the start of a page. Raises OSError."""
        ...

    def open(self, path: str, *, write: bool = False, exclusive: bool = False) -> Disk:
        """A disk by its device node, or a file, by its real path.

        ``exclusive`` asks the kernel for a block device that nobody holds, or a file that nobody has open.

        Raises OSError (EBUSY: somebody holds it; ELOOP: another file has taken its place, or a link leads there).
        """
        ...


class Door(Protocol):
    """One source of facts: the running host, a recorded one, or a simulated one."""

    @property
    def kind(self) -> SourceKind:
        """What sort of source it is."""
        ...

    @property
    def files(self) -> Files:
        """Its kernel files."""
        ...

    @property
    def processes(self) -> Processes:
        """Its processes."""
        ...

    @property
    def names(self) -> Names:
        """Names for identifiers."""
        ...

    @property
    def log(self) -> Log:
        """The kernel's messages."""
        ...

    @property
    def modules(self) -> Modules:
        """The kernel's modules."""
        ...

    @property
    def memory(self) -> Memory:
        """Its memory and disks, for transfers."""
        ...

    def events(self) -> Events:
        """A new subscription to what happens. Raises OSError (EOPNOTSUPP for a recording)."""
        ...

    def now(self) -> float:
        """Seconds since 1970 on this source: when a capture was taken, not when it is read."""
        ...
