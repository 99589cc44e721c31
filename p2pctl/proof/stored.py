"""What of a disk, or of a file, is on the drive: only what the drive is asked for tells of a transfer.

Holes and room that is only reserved read as zeros that the processor writes, whatever memory they are read into; what
goes by way of the page cache is copied by the processor, too.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from p2pctl.errors import UnsupportedError
from p2pctl.kernel import Disk, Stretch
from p2pctl.units import format_bytes

_MOST = 64
"""Rooms that are looked for."""

_HINT = "write the file with data: cp --sparse=never, or dd if=/dev/urandom; or name the drive or a partition"


class Room(NamedTuple):
    """Bytes on the drive, in whole units."""

    start: int
    length: int


def rooms(disk: Disk, path: str, unit: int) -> list[Room]:
    """What is on the drive, the first of it. Raises UnsupportedError with the reason where nothing is, OSError."""
    if disk.size < unit:
        raise UnsupportedError(
            f"{path} has {disk.size} bytes: too few for a transfer", hint="name a larger disk or file", path=path
        )
    found = list(islice(_rooms(disk, unit), _MOST))
    if not found:
        missing = next((one for one in _stretches(disk, 0, disk.size) if one.reason is not None), None)
        raise _not_stored(path, missing or Stretch(0, disk.size, "nowhere a whole block together"))
    return found


def _rooms(disk: Disk, unit: int) -> Iterator[Room]:
    start = end = 0
    for one in _stretches(disk, 0, disk.size):
        if one.reason is None:
            end = one.offset + one.length
            continue
        yield from _whole(start, end, unit)
        start = end = one.offset + one.length
    yield from _whole(start, end, unit)


def _whole(start: int, end: int, unit: int) -> Iterator[Room]:
    first, last = -(-start // unit) * unit, end // unit * unit
    if first < last:
        yield Room(first, last - first)


def check_stored(disk: Disk, path: str, offset: int, length: int) -> None:
    """Raises UnsupportedError where any of these bytes do not come from the drive, OSError."""
    for one in _stretches(disk, offset, length):
        if one.reason is not None:
            raise _not_stored(path, one)


def _stretches(disk: Disk, offset: int, length: int) -> Iterator[Stretch]:
    try:
        yield from disk.stretches(offset, length)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        yield Stretch(offset, length, error.strerror or str(error))


def _not_stored(path: str, stretch: Stretch) -> UnsupportedError:
    return UnsupportedError(
        f"no drive is asked for {format_bytes(stretch.length)} at offset {stretch.offset} of {path}: {stretch.reason}",
        hint=_HINT,
        path=path,
    )
