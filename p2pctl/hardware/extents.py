"""Where the bytes of a file come from when it is read past the page cache, as its file system tells."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Iterator

from p2pctl.kernel import Stretch

_FIEMAP = 0xC020660B
"""``FS_IOC_FIEMAP`` (include/uapi/linux/fiemap.h)."""

_HEAD = struct.Struct("=QQLLLL")
"""``struct fiemap``: start, length, flags, mapped extents, room for so many, reserved."""

_EXTENT = struct.Struct("=QQQ16xL12x")
"""``struct fiemap_extent``: logical and physical start, length, flags."""

_SYNC = 1
"""Has the kernel write back first what waits in memory, and say where that came to lie."""

_AT_A_TIME = 512
"""Extents."""

_LAST = 0x1

_NOT_PLAIN = {
    0x2: "its place on the disk is not known",  # FIEMAP_EXTENT_UNKNOWN
    0x4: "it has no place on the disk yet",  # DELALLOC
    0x8: "it is compressed, or stored in another such way",  # ENCODED
    0x80: "it is encrypted",  # DATA_ENCRYPTED
    0x100: "it does not begin with a block",  # NOT_ALIGNED
    0x200: "it lies among the file system's own data",  # DATA_INLINE
    0x400: "it shares a block with other files",  # DATA_TAIL
    0x800: "nothing has been written there, the room is only reserved",  # UNWRITTEN
}
"""Why the drive is not asked for an extent's bytes, or what it gives are not these bytes, by the extent's flag."""

_HOLE = "nothing has been written there, it is a hole"

_STATX = struct.Struct("=L4xQ136xLL96x")
"""``struct statx``: mask, attributes, and how direct I/O has to be aligned (include/uapi/linux/stat.h)."""

_DIOALIGN = 0x2000
_EMPTY_PATH = 0x1000

_ATTRIBUTES = {
    0x4: "it is compressed",  # STATX_ATTR_COMPRESSED
    0x800: "it is encrypted",  # ENCRYPTED
    0x100000: "its file system compares all that is read with a hash (fs-verity)",  # VERITY
    0x200000: "the processor reads it from the drive's memory (DAX)",  # DAX
}


def read_stretches(descriptor: int, start: int, length: int) -> Iterator[Stretch]:
    """How a file keeps these bytes, in order and without gaps. Raises OSError, EOPNOTSUPP where it does not tell."""
    why = _not_direct(descriptor)
    if why is not None:
        yield Stretch(start, length, why)
        return
    end = start + length
    for at, size, flags in _extents(descriptor, start, end):
        begin, stop = max(at, start), min(at + size, end)
        if begin >= stop:  # what the file has taken for its future lies behind its end
            continue
        if begin > start:
            yield Stretch(start, begin - start, _HOLE)
        yield Stretch(begin, stop - begin, next((text for flag, text in _NOT_PLAIN.items() if flags & flag), None))
        start = stop
    if start < end:
        yield Stretch(start, end - start, _HOLE)


def _extents(descriptor: int, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Start, length and flags of each extent between these, and perhaps beyond."""
    while start < end:
        head = _HEAD.pack(start, end - start, _SYNC, 0, _AT_A_TIME, 0)
        buffer = bytearray(head + bytes(_AT_A_TIME * _EXTENT.size))
        try:
            fcntl.ioctl(descriptor, _FIEMAP, buffer)
        except OSError as error:
            if error.errno in {errno.ENOTTY, errno.EOPNOTSUPP, errno.EBADR, errno.EINVAL}:
                raise OSError(errno.EOPNOTSUPP, "its file system does not say where on the disk it lies") from None
            raise
        mapped = _HEAD.unpack_from(buffer)[3]
        for number in range(min(mapped, _AT_A_TIME)):
            at, _, length, flags = _EXTENT.unpack_from(buffer, _HEAD.size + number * _EXTENT.size)
            yield at, length, flags
            if flags & _LAST:
                return
            start = at + length
        if not mapped:
            return


def _not_direct(descriptor: int) -> str | None:
    """Why reads of a file that ask for it do not go past the page cache; None where they do."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(_STATX.size)
    if libc.statx(descriptor, b"", _EMPTY_PATH, _DIOALIGN, buffer):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    mask, attributes, memory, _ = _STATX.unpack(buffer.raw)
    for flag, text in _ATTRIBUTES.items():
        if attributes & flag:
            return text
    if not mask & _DIOALIGN:
        return "its file system does not say whether it can be read past the page cache"
    return None if memory else "its file system reads it through the page cache, whatever it is asked for"
