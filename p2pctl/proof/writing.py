"""Writes through P2P memory, which put back what they wrote over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

from p2pctl.errors import BusyError, ExitCode, P2pctlError, PartialError
from p2pctl.kernel import Disk, Part, Region
from p2pctl.proof.blank import Blank, pieces
from p2pctl.proof.data import compare, inverse, pattern
from p2pctl.proof.model import LAYOUTS, Difference, Layout, Observed
from p2pctl.proof.reading import ATTEMPTS, Bench, Place, fill, gather, parts, whole
from p2pctl.proof.stored import check_stored

_SECTOR = 512
"""Bytes that no drive writes half of."""


class TransferInterruptedError(P2pctlError):
    """A signal ended it; what was written over is put back."""

    exit_code = ExitCode.INTERRUPTED


class Rescue(Protocol):
    """Keeps what is about to be written over where it outlives this process, and the machine's power."""

    @property
    def path(self) -> str:
        """The file that holds it."""
        ...

    def save(self, blank: Blank) -> None:
        """Stores it. Raises P2pctlError, before anything is written over."""
        ...

    def discard(self) -> None:
        """Forgets it: all is as it was. Raises P2pctlError."""
        ...


@contextlib.contextmanager
def put_back(disk: Disk, plain: Region, blank: Blank, rescue: Rescue) -> Iterator[None]:
    """For a block that writes over a blank place: makes it blank again whatever happens in the block.

    Raises BusyError where somebody else writes there, OSError where the drive cannot be read, P2pctlError where what
    is there cannot be kept, PartialError where it could not be put back: the rescue's file tells what was there.
    """
    if not _is_blank(disk, plain, blank):
        raise BusyError(
            f"somebody else writes to {blank.place.path}: a place on it that was blank is blank no more",
            hint="name a disk, partition or file that nobody uses",
        )
    rescue.save(blank)
    try:
        yield
    finally:
        restore(disk, plain, blank, rescue.path)
        rescue.discard()


def restore(disk: Disk, plain: Region, blank: Blank, file: str) -> None:
    """Makes a place blank again, and sure of it. Raises PartialError; ``file`` is where it is told what was there."""
    place = blank.place
    problem = "what is there now is something else"
    for _ in range(ATTEMPTS):
        try:
            for piece in pieces(place):
                # In a hole of a full file system nothing has been written, and nothing can be.
                if not _is_blank(disk, plain, Blank(piece, blank.byte)):
                    plain.put(0, bytes([blank.byte]) * piece.length)
                    whole(disk.write(piece.offset, (Part(plain, 0, piece.length),), back=True), piece)
            disk.flush()
            if _is_blank(disk, plain, blank):
                return
        except OSError as error:
            problem = (error.strerror or str(error)).lower()
    raise PartialError(
        f"{place.length} bytes at offset {place.offset} of {place.path} could not be put back: {problem}",
        hint=f"p2pctl recover tries again; {file} tells what was there: bytes of {blank.byte:#04x}",
        path=place.path,
    )


def _is_blank(disk: Disk, plain: Region, blank: Blank) -> bool:
    return all(
        _found(disk, plain, piece, blank.byte).count(blank.byte) == piece.length for piece in pieces(blank.place)
    )


def _found(disk: Disk, plain: Region, piece: Place, byte: int) -> bytes:
    """What is there. Memory that nothing arrives in holds no such byte."""
    plain.put(0, bytes([byte ^ 0xFF]) * piece.length)
    whole(disk.read(piece.offset, (Part(plain, 0, piece.length),)), piece)
    return plain.get(0, piece.length)


def first_foreign(disk: Disk, plain: Region, blank: Blank) -> int | None:
    """Where on a disk the first sector of a place is that is neither blank nor `write_through`'s; None without any.

    Where there is none, nobody loses anything when the place is made blank. What `bench` copied there counts as
    foreign: nothing tells it from somebody's data. Raises OSError.
    """
    for piece in pieces(blank.place):
        found = _found(disk, plain, piece, blank.byte)
        if found.count(blank.byte) == piece.length:
            continue
        patterns = [_pattern(piece, layout) for layout in LAYOUTS]
        ours = [bytes([blank.byte]) * piece.length, *patterns, *map(inverse, patterns)]
        for start in range(0, piece.length, _SECTOR):
            sector = slice(start, start + _SECTOR)
            if not any(one[sector] == found[sector] for one in ours):
                return piece.offset + start
    return None


def _pattern(place: Place, layout: Layout) -> bytes:
    """What is written to a place, piece by piece the same whatever follows."""
    return b"".join(pattern(f"{piece.path} {piece.offset} {layout}", piece.length) for piece in pieces(place))


def write_through(bench: Bench, place: Place, layout: Layout, stop: Callable[[], bool]) -> tuple[Observed, Observed]:
    """A known pattern from the drive into the pool, then its inverse from the pool to the drive.

    For the block of ``put_back``. ``stop`` says that the process is to end. Raises TransferInterruptedError where it
    does, UnsupportedError where what was written is not on the drive then, OSError where the drive fails in the
    ordinary way, and where the pool has gone.
    """
    vector = parts(bench, layout, place.length)
    known = _pattern(place, layout)
    other = inverse(known)
    _put(bench, place, known)
    check_stored(bench.disk, *place)  # which in a file only the first write may have made so
    _go_on(stop)
    fill(vector, other)
    arrived = _moved(lambda: bench.disk.read(place.offset, vector))
    found = gather(vector)
    read = _seen(Observed("read", layout, *place), arrived, lambda: compare(known, found, other))
    _go_on(stop)
    fill(vector, other)
    taken = _moved(lambda: bench.disk.write(place.offset, vector))
    written = _get(bench, place, before=known)
    write = _seen(Observed("write", layout, *place), taken, lambda: compare(other, written, known))
    _go_on(stop)
    return read, write


def _moved(transfer: Callable[[], int]) -> tuple[int | None, int]:
    try:
        return None, transfer()
    except OSError as error:
        return error.errno, 0


def _seen(seen: Observed, answer: tuple[int | None, int], difference: Callable[[], Difference | None]) -> Observed:
    number, moved = answer
    seen = seen._replace(errno=number, moved=moved)
    if number is not None or moved < seen.length:
        return seen
    return seen._replace(difference=difference())


def _go_on(stop: Callable[[], bool]) -> None:
    if stop():
        raise TransferInterruptedError("interrupted: what was written over has been put back", hint="run it again")


def _get(bench: Bench, place: Place, before: bytes = b"") -> bytes:
    if before:
        bench.plain.put(0, before)
    whole(bench.disk.read(place.offset, (Part(bench.plain, 0, place.length),)), place)
    return bench.plain.get(0, place.length)


def _put(bench: Bench, place: Place, data: bytes) -> None:
    bench.plain.put(0, data)
    whole(bench.disk.write(place.offset, (Part(bench.plain, 0, place.length),)), place)
