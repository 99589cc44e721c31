"""Writes through P2P memory, which put back what they wrote over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

from p2pctl.errors import BusyError, ExitCode, P2pctlError, PartialError
from p2pctl.kernel import Part
from p2pctl.proof.data import compare, inverse, pattern
from p2pctl.proof.model import Difference, Layout, Observed
from p2pctl.proof.reading import ATTEMPTS, Bench, Place, fill, gather, parts, whole


class TransferInterruptedError(P2pctlError):
    """A signal ended it; what was written over is put back."""

    exit_code = ExitCode.INTERRUPTED


class Rescue(Protocol):
    """Keeps what is about to be written over where it outlives this process."""

    @property
    def path(self) -> str:
        """The file that holds it."""
        ...

    def save(self, place: Place, data: bytes) -> None:
        """Stores it. Raises P2pctlError, before anything is written over."""
        ...

    def discard(self) -> None:
        """Forgets it: all is as it was."""
        ...


@contextlib.contextmanager
def put_back(bench: Bench, place: Place, rescue: Rescue) -> Iterator[bytes]:
    """For a block that writes over a place: gives what is there, and puts it back whatever happens in the block.

    Raises BusyError where somebody else writes there, OSError where the drive cannot be read, P2pctlError where what
    is there cannot be kept, PartialError where it could not be put back: then it is in the rescue's file.
    """
    original = _steady(bench, place)
    rescue.save(place, original)
    try:
        yield original
    finally:
        _restore(bench, place, original, rescue)
        rescue.discard()


def _steady(bench: Bench, place: Place) -> bytes:
    for _ in range(ATTEMPTS):
        first, second = _get(bench, place), _get(bench, place)
        if first == second:
            return first
    raise BusyError(
        f"somebody else writes to {place.path}: two ordinary reads of it differ",
        hint="name a disk, partition or file that nobody uses",
    )


def _restore(bench: Bench, place: Place, original: bytes, rescue: Rescue) -> None:
    problem = "what is there now is something else"
    for _ in range(ATTEMPTS):
        try:
            _put(bench, place, original)
            if _get(bench, place, before=inverse(original)) == original:
                return
        except OSError as error:
            problem = (error.strerror or str(error)).lower()
    raise PartialError(
        f"{place.length} bytes at offset {place.offset} of {place.path} could not be put back: {problem}",
        hint=restore_hint(place, rescue.path),
        path=place.path,
    )


def restore_hint(place: Place, file: str) -> str:
    """The command that puts back what a rescue's file holds."""
    return (
        f"they are in {file}: dd if={file} of={place.path} bs={place.length} count=1 seek={place.offset} "
        "oflag=direct,seek_bytes conv=notrunc,fsync, then remove that file"
    )


def write_through(bench: Bench, place: Place, layout: Layout, stop: Callable[[], bool]) -> tuple[Observed, Observed]:
    """A known pattern from the drive into the pool, then its inverse from the pool to the drive.

    For the block of ``put_back``. ``stop`` says that the process is to end. Raises TransferInterruptedError where it
    does, OSError where the drive fails in the ordinary way, and where the pool has gone.
    """
    vector = parts(bench, layout, place.length)
    known = pattern(f"{place.path} {place.offset} {layout}", place.length)
    other = inverse(known)
    _put(bench, place, known)
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
