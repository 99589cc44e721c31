"""Reads through P2P memory, each between two ordinary reads of the same place."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

from p2pctl.kernel import Disk, Memory, Part, Region
from p2pctl.proof.data import PAGE, compare, inverse, is_uniform, positions
from p2pctl.proof.model import Layout, Observed
from p2pctl.proof.stored import rooms

ATTEMPTS = 5
"""How often a place is tried at which somebody else writes."""


_TRIED = 8
"""Places that are looked at."""


class Place(NamedTuple):
    """Where on a disk a transfer is made."""

    path: str
    offset: int
    length: int


class Bench(NamedTuple):
    """What transfers are made with."""

    disk: Disk
    pool: Region
    plain: Region
    """Ordinary memory, as much as of the pool."""
    beside: Region
    """More of it, for transfers that take both kinds."""


def open_bench(memory: Memory, disk: Disk, pool: Region) -> Bench:
    """Ordinary memory beside a piece of a pool. Raises OSError."""
    plain = memory.ordinary(pool.size)
    try:
        return Bench(disk, pool, plain, memory.ordinary(pool.size))
    except OSError:
        plain.close()
        raise


def close_bench(bench: Bench) -> None:
    """Gives the ordinary memory back; disk and pool are their opener's."""
    bench.plain.close()
    bench.beside.close()


def find_place(memory: Memory, disk: Disk, path: str, length: int, unit: int) -> Place:
    """A place on the drive whose bytes are not all alike, if there is one at hand; shorter where nothing longer is.

    Raises UnsupportedError where nothing of it is on the drive, OSError where it cannot be read in the ordinary way.
    """
    found = rooms(disk, path, unit)
    length = min(length, max(room.length for room in found))
    fitting = [room for room in found if room.length >= length]
    first = Place(path, fitting[0].start, length)
    with closing(memory.ordinary(length)) as plain:
        for room in fitting[:_TRIED]:
            for offset in positions(room.length, length, unit, _TRIED // min(len(fitting), _TRIED)):
                place = Place(path, room.start + offset, length)
                if not is_uniform(_ordinary(disk, plain, place, b"")):
                    return place
    return first


def parts(bench: Bench, layout: Layout, length: int) -> tuple[Part, ...]:
    """The vector of a transfer; half of a mixed one is ordinary, in whole pages where it has two."""
    if layout == "pool":
        return (Part(bench.pool, 0, length),)
    half = length // 2
    pages = half // PAGE * PAGE or half
    if layout == "pool-first":
        return Part(bench.pool, 0, pages), Part(bench.beside, 0, length - pages)
    return Part(bench.beside, 0, pages), Part(bench.pool, 0, length - pages)


def fill(vector: Sequence[Part], data: bytes) -> None:
    """Spreads data over a vector."""
    start = 0
    for region, offset, length in vector:
        region.put(offset, data[start : start + length])
        start += length


def gather(vector: Sequence[Part]) -> bytes:
    """What a vector holds."""
    return b"".join(region.get(offset, length) for region, offset, length in vector)


def read_through(bench: Bench, place: Place, layout: Layout) -> Observed:
    """Ordinary read, read through the pool, ordinary read: judged only where the two ordinary ones agree.

    Before each read the memory holds the inverse of what is expected, so that a transfer that never happened shows.
    Raises OSError where the drive does not even read in the ordinary way, and where the pool has gone.
    """
    vector = parts(bench, layout, place.length)
    seen = Observed("read", layout, *place)
    for attempt in range(1, ATTEMPTS + 1):
        expected = _ordinary(bench.disk, bench.plain, place, b"")
        before = inverse(expected)
        fill(vector, before)
        number: int | None = None
        moved = 0
        try:
            moved = bench.disk.read(place.offset, vector)
        except OSError as error:
            number = error.errno
        # After a failure, too: it may be that of a pool that has gone, and then this fails as well.
        found = gather(vector)
        again = _ordinary(bench.disk, bench.plain, place, before)
        settled = again == expected
        seen = seen._replace(errno=number, moved=moved, settled=settled, attempts=attempt, uniform=is_uniform(expected))
        if number is not None or moved < place.length:
            return seen
        if settled:
            return seen._replace(difference=compare(expected, found, before))
    return seen


def _ordinary(disk: Disk, plain: Region, place: Place, before: bytes) -> bytes:
    """What is there, by way of system memory. Raises OSError, EIO where the disk gives less."""
    if before:
        plain.put(0, before)
    whole(disk.read(place.offset, (Part(plain, 0, place.length),)), place)
    return plain.get(0, place.length)


def whole(moved: int, place: Place) -> None:
    """Raises EIO where an ordinary transfer moved less than it was asked to."""
    if moved < place.length:
        raise OSError(errno.EIO, f"only {moved} of {place.length} bytes", place.path)
