"""Bytes that are compared, and how many of them are borrowed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from p2pctl.proof.model import Difference

PAGE = 4096
"""Pools hand out whole pages, and direct I/O of whole pages suits every disk with blocks up to that."""

SHARE = 8
"""The part of what is available that is taken at most is one in this many: the NVMe target lives on the same pool."""

_INVERSE = bytes(range(255, -1, -1))
_PIECE = 4096
_ONES = 0xFF


def inverse(data: bytes) -> bytes:
    """Every bit turned over: memory that holds it cannot pass for memory that ``data`` was transferred to."""
    return data.translate(_INVERSE)


def pattern(seed: str, length: int) -> bytes:
    """Bytes that look random, the same for the same seed; no two places of it are alike."""
    return hashlib.shake_128(seed.encode()).digest(length)


def is_uniform(data: bytes) -> bool:
    """Whether all bytes are alike, as on a drive that nobody has written to."""
    return not data or data.count(data[:1]) == len(data)


def compare(expected: bytes, found: bytes, before: bytes) -> Difference | None:
    """How ``found`` differs from ``expected``, None where it does not; ``before`` is what was there beforehand.

    All three have the same length; raises ValueError where they have not.
    """
    if not len(expected) == len(found) == len(before):
        raise ValueError("only as many bytes as were expected can be compared")
    if expected == found:
        return None
    different, first = 0, -1
    for start in range(0, len(expected), _PIECE):
        one, other = expected[start : start + _PIECE], found[start : start + _PIECE]
        if one != other:
            places = [index for index, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
            first = start + places[0] if first < 0 else first
            different += len(places)
    ones = found.count(_ONES) == len(found)
    return Difference(different, first, nothing_arrived=found == before, all_ones=ones)


def borrow(available: int, wanted: int, unit: int, share: int = SHARE) -> int:
    """Bytes to take of a pool: ``wanted``, or one in ``share`` of what is available, in whole units; perhaps none."""
    return min(wanted, available // share) // unit * unit


def positions(size: int, length: int, unit: int, most: int = 8) -> Iterator[int]:
    """Offsets on a disk of ``size`` bytes where ``length`` bytes fit, spread over it, the start first."""
    room = (size - length) // unit
    if room < 0:
        return
    steps = min(most - 1, room)
    yield 0
    for number in range(1, steps + 1):
        yield room * number // steps * unit
