"""Places that are written over: such as hold nothing, away from where file systems and partition tables are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from p2pctl.errors import BusyError
from p2pctl.kernel import Disk, Memory, Part, Region
from p2pctl.proof.data import is_uniform, positions
from p2pctl.proof.reading import Place, whole
from p2pctl.units import format_bytes

PIECE = 1 << 20
"""Bytes that are looked at, or put back, at a time."""

_LEAST_EDGE = 1 << 20
_MOST_EDGE = 64 << 20
_EDGE_SHARE = 16
_TRIED = 128
"""Places that are looked at."""


class Blank(NamedTuple):
    """A place whose bytes are all alike: to put them back takes no copy."""

    place: Place
    byte: int


def edge(size: int) -> int:
    """Bytes at both ends of a disk that nothing is written to: labels, superblocks and partition tables live there."""
    return max(_LEAST_EDGE, min(_MOST_EDGE, size // _EDGE_SHARE))


def room(size: int, unit: int) -> int:
    """Bytes between the ends, in whole units."""
    return max(size - 2 * _start(size, unit), 0) // unit * unit


def _start(size: int, unit: int) -> int:
    return -(-edge(size) // unit) * unit


def pieces(place: Place) -> Iterator[Place]:
    """A place, `PIECE` by `PIECE`."""
    end = place.offset + place.length
    for offset in range(place.offset, end, PIECE):
        yield Place(place.path, offset, min(PIECE, end - offset))


def find_blank(memory: Memory, disk: Disk, path: str, length: int, unit: int) -> Blank:
    """A blank place of ``length`` bytes. Raises BusyError where there is none, OSError where the disk fails."""
    if not 0 < length <= room(disk.size, unit):
        raise BusyError(
            f"{path} is too small to be written to: it has {format_bytes(disk.size)}, and {format_bytes(length)} away "
            f"from its ends are needed, of which {format_bytes(_start(disk.size, unit))} each stay as they are",
            hint="name a larger partition or file, or write less of it (--size, --span)",
            path=path,
        )
    start = _start(disk.size, unit)
    with closing(memory.ordinary(min(length, PIECE))) as plain:
        for offset in positions(room(disk.size, unit), length, unit, _TRIED):
            place = Place(path, start + offset, length)
            byte = _uniform(disk, plain, place)
            if byte is not None:
                return Blank(place, byte)
    raise BusyError(
        f"{path} holds data wherever it was looked at: nothing is written but to a place that is blank",
        hint="name an empty partition, or a file of zeros made for it (fallocate -l 256M FILE)",
        path=path,
    )


def _uniform(disk: Disk, plain: Region, place: Place) -> int | None:
    """The byte that all of a place consists of."""
    found: int | None = None
    for piece in pieces(place):
        whole(disk.read(piece.offset, (Part(plain, 0, piece.length),)), piece)
        data = plain.get(0, piece.length)
        if not is_uniform(data) or found not in {None, data[0]}:
            return None
        found = data[0]
    return found
