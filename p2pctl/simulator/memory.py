"""The demo host's memory and disks: transfers that obey the verdicts of its kernel, with the kernel's errno."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from p2pctl.kernel import Closing, Files, Identity, Part, Stretch
from p2pctl.simulator import distance
from p2pctl.simulator.nodes import error
from p2pctl.simulator.pools import Taken

if TYPE_CHECKING:
    from p2pctl.simulator.host import Host

_BLOCK = 4096
_FILLED = 1 << 30
"""Bytes from its start up to which a disk holds something; nobody has written to the rest."""
_SECTOR = 512
_ALLOCATE = "/p2pmem/allocate"


class MemoryRegion(Closing):
    """A piece of a pool, or of ordinary memory."""

    def __init__(self, size: int, pool: str | None, give_back: Callable[[], None]) -> None:
        self.size = size
        self.pool = pool
        """Address of the function whose memory it is."""
        self.bytes = bytearray(size)
        self._give_back: Callable[[], None] | None = give_back

    def get(self, offset: int, length: int) -> bytes:
        """What is in it."""
        return bytes(self.bytes[offset : offset + length])

    def put(self, offset: int, data: bytes) -> None:
        """Writes into it."""
        self.bytes[offset : offset + len(data)] = data

    def close(self) -> None:
        """Gives it back. Harmless when repeated."""
        if self._give_back is not None:
            self._give_back()
            self._give_back = None


class MemoryDisk(Closing):
    """A disk with something else in each block of its first part, and nothing after it.

    What is written to it lasts as long as the door.
    """

    def __init__(self, memory: DemoMemory, path: str, size: int, owner: str | None, *, write: bool) -> None:
        self.size = size
        self.identity = Identity(memory.number(path), 0)
        self._memory = memory
        self._path = path
        self._owner = owner
        self._write = write
        self._open = True

    def read(self, offset: int, parts: Sequence[Part]) -> int:
        """From the disk into the parts."""
        length = self._check(offset, parts)
        data = self._memory.contents(self._path, offset, length)
        start = 0
        for region, place, count in parts:
            region.put(place, data[start : start + count])
            start += count
        return length

    def write(self, offset: int, parts: Sequence[Part], *, back: bool = False) -> int:
        """From the parts to the disk. Nobody else is there who could want it."""
        del back
        if not self._write:
            raise error(errno.EBADF, self._path)
        length = self._check(offset, parts)
        data = b"".join(region.get(place, count) for region, place, count in parts)
        self._memory.store(self._path, offset, data)
        return length

    def flush(self) -> None:
        """What is written is kept at once."""
        if not self._open:
            raise error(errno.EBADF, self._path)

    def stretches(self, offset: int, length: int) -> tuple[Stretch, ...]:
        """All of it is a drive's."""
        return (Stretch(offset, length, None),)

    def _check(self, offset: int, parts: Sequence[Part]) -> int:
        """Bytes that can be transferred. Raises EINVAL for blocks cut in two, and as the kernel does for P2P memory.

        Like the kernel's, it looks at the first page of a transfer to decide how all of it is mapped.
        """
        if not self._open:
            raise error(errno.EBADF, self._path)
        length = sum(part.length for part in parts)
        if offset % _SECTOR or length % _SECTOR or offset < 0:
            raise error(errno.EINVAL, self._path)
        first = parts[0].region if parts else None
        pool = first.pool if isinstance(first, MemoryRegion) else None
        if pool is not None and (self._owner is None or self._memory.hops(pool, self._owner) < 0):
            raise error(errno.EINVAL, self._path)
        return max(min(length, self.size - offset), 0)

    def close(self) -> None:
        """No more transfers. Harmless when repeated."""
        self._open = False


class DemoMemory:
    """`p2pctl.kernel.Memory` of the demo host."""

    def __init__(self, host: Callable[[], Host], files: Files, taken: Taken) -> None:
        self._host = host
        self._files = files
        self._taken = taken
        self._written: dict[tuple[str, int], bytes] = {}
        self._lock = threading.Lock()

    def map(self, path: str, size: int) -> MemoryRegion:
        """A piece of a pool. Raises ENOMEM where it is short, and what a lookup raises."""
        real = self._files.realpath(path)
        if not real.endswith(_ALLOCATE) or size <= 0:
            raise error(errno.EINVAL, path)
        function = real.removesuffix(_ALLOCATE)
        pages = -(-size // _BLOCK) * _BLOCK
        if pages > int(self._files.read(f"{function}/p2pmem/available")):
            raise error(errno.ENOMEM, path)
        address = function.rpartition("/")[2]
        self._taken.add(address, pages)
        return MemoryRegion(size, address, lambda: self._taken.add(address, -pages))

    def ordinary(self, size: int) -> MemoryRegion:
        """System memory."""
        return MemoryRegion(size, None, lambda: None)

    def open(self, path: str, *, write: bool = False, exclusive: bool = False) -> MemoryDisk:
        """A disk. Raises ENOENT, EINVAL for what is none, EBUSY for one that is held and is to be exclusive."""
        real = self._files.realpath(path)
        name = real.rpartition("/")[2]
        here = f"/sys/class/block/{name}"
        try:
            sectors = int(self._files.read(f"{here}/size"))
        except FileNotFoundError:
            raise error(errno.EINVAL, path) from None
        if exclusive and self._files.list(f"{here}/holders"):
            raise error(errno.EBUSY, path)
        return MemoryDisk(self, real, sectors * _SECTOR, self._owner(self._files.realpath(here)), write=write)

    def number(self, path: str) -> str:
        """``MAJOR:MINOR`` of a disk."""
        return self._files.read(f"/sys/class/block/{path.rpartition('/')[2]}/dev").decode().strip()

    def hops(self, provider: str, client: str) -> int:
        """The distance of two functions, negative where the kernel refuses them."""
        return 0 if provider == client else distance.hops(self._host().layout, provider, client)

    def contents(self, path: str, offset: int, length: int) -> bytes:
        """What a disk holds: made up where nobody has written, and the same every time."""
        first, last = offset // _BLOCK, -(-(offset + length) // _BLOCK)
        with self._lock:
            whole = b"".join(self._block(path, number) for number in range(first, last))
        start = offset - first * _BLOCK
        return whole[start : start + length]

    def store(self, path: str, offset: int, data: bytes) -> None:
        """Writes to a disk."""
        with self._lock:
            while data:
                number, start = divmod(offset, _BLOCK)
                piece, data = data[: _BLOCK - start], data[_BLOCK - start :]
                block = self._block(path, number)
                self._written[path, number] = block[:start] + piece + block[start + len(piece) :]
                offset += len(piece)

    def _block(self, path: str, number: int) -> bytes:
        found = self._written.get((path, number))
        if found is None and number * _BLOCK >= _FILLED:
            return bytes(_BLOCK)
        return hashlib.shake_128(f"{path} {number}".encode()).digest(_BLOCK) if found is None else found

    def _owner(self, real: str) -> str | None:
        """The function that a disk hangs on, a multipath head by its path; none for what else is made of others."""
        layout = self._host().layout
        with contextlib.suppress(OSError):
            paths = self._files.list(f"{real}/multipath")
            real = self._files.realpath(f"{real}/multipath/{paths[0]}")
        found = (part for part in reversed(real.split("/")) if part.count(":") == 2 and "." in part)
        for part in found:
            try:
                return str(layout[part].address)
            except KeyError:
                continue
        return None
