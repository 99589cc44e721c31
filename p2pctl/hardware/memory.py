"""The host's memory and disks, for transfers that go past the page cache."""

# Paths are text here, as the kernel names them.

from __future__ import annotations

import errno
import mmap
import os
import stat
from collections.abc import Callable, Iterable, Sequence

from p2pctl.hardware.lease import Lease
from p2pctl.kernel import Closing, Identity, Part, Stretch

_MAPPING = os.O_RDWR | os.O_CLOEXEC
_BOTH = mmap.PROT_READ | mmap.PROT_WRITE


class MappedRegion(Closing):
    """A mapping: it is given back when it is closed, or when the process ends in whatever way."""

    __slots__ = ("_map", "size")

    def __init__(self, mapping: mmap.mmap, size: int) -> None:
        self._map = mapping
        self.size = size

    def get(self, offset: int, length: int) -> bytes:
        """What is in it."""
        return self._map[offset : offset + length]

    def put(self, offset: int, data: bytes) -> None:
        """Writes into it."""
        self._map[offset : offset + len(data)] = data

    def view(self, offset: int, length: int) -> memoryview:
        """The bytes themselves, for an I/O vector; to be released before the region is closed."""
        with memoryview(self._map) as whole:
            return whole[offset : offset + length]

    def close(self) -> None:
        """Unmaps it. Harmless when repeated."""
        self._map.close()


class PoolRegion(MappedRegion):
    """A mapping of a device's memory, which the kernel takes back when the device goes away.

    A process that touches it then is killed (SIGBUS). So it is the kernel that copies, by way of a file in memory: its
    system calls fail with EFAULT, told as ENODEV.
    """

    __slots__ = ("_between", "_path")

    def __init__(self, mapping: mmap.mmap, size: int, path: str) -> None:
        super().__init__(mapping, size)
        self._path = path
        self._between = os.memfd_create("p2pctl")

    def get(self, offset: int, length: int) -> bytes:
        """What is in it. Raises OSError (ENODEV: the pool has gone)."""
        with self.view(offset, length) as view:
            self._whole(lambda start: os.pwrite(self._between, view[start:], start), len(view))
        return os.pread(self._between, length, 0)

    def put(self, offset: int, data: bytes) -> None:
        """Writes into it. Raises OSError (ENODEV: the pool has gone)."""
        os.ftruncate(self._between, 0)
        self._whole(lambda start: os.pwrite(self._between, memoryview(data)[start:], start), len(data))
        with self.view(offset, len(data)) as view:
            self._whole(lambda start: os.preadv(self._between, [view[start:]], start), len(data))

    def _whole(self, copy: Callable[[int], int], length: int) -> None:
        done = 0
        while done < length:
            try:
                count = copy(done)
            except OSError as error:
                number = errno.ENODEV if error.errno == errno.EFAULT else error.errno or errno.EIO
                raise OSError(number, os.strerror(number), self._path) from None
            if not count:
                raise OSError(errno.EIO, os.strerror(errno.EIO), self._path)
            done += count

    def close(self) -> None:
        """Unmaps it. Harmless when repeated."""
        super().close()
        descriptor, self._between = self._between, -1
        if descriptor >= 0:
            os.close(descriptor)


class DirectDisk(Closing):
    """A descriptor opened with O_DIRECT: each call is one preadv(2) or pwritev(2), and lets other threads run."""

    __slots__ = ("_descriptor", "_lease", "identity", "size")

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lease: Lease | None = None
        self.size = os.lseek(descriptor, 0, os.SEEK_END)
        self.identity = _identity(os.fstat(descriptor))

    def read(self, offset: int, parts: Sequence[Part]) -> int:
        """From the disk into the parts."""
        views = _views(parts)
        try:
            return os.preadv(self._descriptor, views, offset)
        finally:
            _release(views)

    def claim(self) -> None:
        """Takes a lease on a file, which is given back when it is closed. Raises EBUSY where somebody has it open."""
        self._lease = Lease(self._descriptor)

    def write(self, offset: int, parts: Sequence[Part], *, back: bool = False) -> int:
        """From the parts to the disk."""
        if self._lease is not None:
            self._lease.check(back=back)
        views = _views(parts)
        try:
            return os.pwritev(self._descriptor, views, offset)
        finally:
            _release(views)

    def flush(self) -> None:
        """fdatasync(2), which sends a flush to the drive as well."""
        os.fdatasync(self._descriptor)

    def stretches(self, offset: int, length: int) -> Iterable[Stretch]:
        """As the file system of a file tells."""
        if self.identity.node is not None:
            return (Stretch(offset, length, None),)
        from p2pctl.hardware.extents import read_stretches  # noqa: PLC0415  it takes ctypes, which only files need

        return read_stretches(self._descriptor, offset, length)

    def close(self) -> None:
        """Gives the descriptor back. Harmless when repeated."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class LiveMemory:
    """The host's own."""

    __slots__ = ()

    def map(self, path: str, size: int) -> PoolRegion:
        """A fresh piece of a pool (drivers/pci/p2pdma.c: ``p2pmem_alloc_mmap``). The mapping keeps the file open."""
        descriptor = os.open(path, _MAPPING)
        try:
            # A shared mapping from offset 0 is the only one that the kernel takes.
            return PoolRegion(mmap.mmap(descriptor, size, mmap.MAP_SHARED, _BOTH), size, path)
        except ValueError as error:  # a file that is smaller: no pool of the kernel's
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path) from error
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from None
        finally:
            os.close(descriptor)

    def ordinary(self, size: int) -> MappedRegion:
        """Anonymous memory of this process."""
        return MappedRegion(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, _BOTH), size)

    def open(self, path: str, *, write: bool = False, exclusive: bool = False) -> DirectDisk:
        """O_DIRECT and, for ``exclusive``, O_EXCL: on a block device without O_CREAT it means that nobody holds it.

        A file takes a lease instead. No link is followed anywhere on the path: what was looked at by its real path is
        what is opened.
        """
        flags = os.O_DIRECT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK | os.O_NOFOLLOW
        flags |= os.O_RDWR if write else os.O_RDONLY
        flags |= os.O_EXCL if exclusive else 0
        descriptor = os.open(path, flags)
        try:
            disk = DirectDisk(descriptor)
            _check_path(descriptor, path)
            if exclusive and disk.identity.node is None:
                disk.claim()
        except OSError as error:
            os.close(descriptor)
            raise OSError(error.errno, error.strerror, path) from None
        return disk


def _identity(found: os.stat_result) -> Identity:
    """Raises EINVAL for what is neither a block device nor a file."""
    if stat.S_ISBLK(found.st_mode):
        return Identity(f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}", 0)
    if stat.S_ISREG(found.st_mode):
        return Identity(None, found.st_ino)
    raise OSError(errno.EINVAL, "it is neither a block device nor a file")


def _check_path(descriptor: int, path: str) -> None:
    """Raises ELOOP where something else was opened: the kernel names what was by a path without links."""
    if os.readlink(f"/proc/self/fd/{descriptor}") != path:  # noqa: PTH115  paths are text
        raise OSError(errno.ELOOP, "a link leads there, or something else has taken its place")


def _views(parts: Sequence[Part]) -> list[memoryview]:
    views: list[memoryview] = []
    for region, offset, length in parts:
        if not isinstance(region, MappedRegion):
            raise TypeError(f"a live disk reaches no {type(region).__name__}")
        views.append(region.view(offset, length))
    return views


def _release(views: Sequence[memoryview]) -> None:
    for view in views:
        view.release()
