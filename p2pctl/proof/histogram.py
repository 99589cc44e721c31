"""Very many durations in little memory: how many of them were about as long."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate

_BITS = 10
ERROR = 2.0**-_BITS
"""By which share, at most, a percentile is larger than the one of the values themselves."""


class Histogram:
    """Counts of whole numbers, by their first eleven binary digits: below 2048 each of its own."""

    __slots__ = ("_counts", "most")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._counts: dict[int, int] = {}
        self.most = 0
        """The largest of them, exactly."""
        for value in values:
            self.add(value)

    def __len__(self) -> int:
        return len(self._counts)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self._counts.values())

    def add(self, value: int) -> None:
        """Counts one more."""
        if value > self.most:  # this is done between two transfers: max() takes twice as long  # noqa: PLR1730
            self.most = value
        dropped = value.bit_length() - _BITS - 1
        if dropped > 0:
            value |= (1 << dropped) - 1
        counts = self._counts
        counts[value] = counts.get(value, 0) + 1

    def take(self, other: Histogram) -> None:
        """Counts all that another one has counted."""
        for upper, count in other._counts.items():
            self._counts[upper] = self._counts.get(upper, 0) + count
        self.most = max(self.most, other.most)

    def percentiles(self, shares: Iterable[float]) -> list[int]:
        """For each share, a value that so many of all are not above (nearest rank), larger by `ERROR` at most.

        Raises ValueError without values.
        """
        ordered = sorted(self._counts)
        passed = list(accumulate(self._counts[upper] for upper in ordered))
        if not passed:
            raise ValueError("no values have no percentile")
        # Of 1,000 values the 999th, not the 1,000th for want of a bit.
        ranks = (max(math.ceil(round(share * passed[-1], 9)), 1) for share in shares)
        return [min(ordered[bisect_left(passed, rank)], self.most) for rank in ranks]
