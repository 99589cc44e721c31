"""How the pools were used over time. Belongs to the thread that draws.

The looks share one row of times; each pool has a row of bytes beside it, eight bytes a look: 500 pools over ten minutes
are some 2.5 MiB.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from math import floor
from typing import NamedTuple

from p2pctl.findings.pools import PoolState
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, Missing

SPAN = 600.0
"""Seconds that are kept, at one look a second."""
STEP = 0.9
"""Seconds that a place holds: what is looked at more often than that shares one, and the last look counts."""
SMOOTH = 5.0
"""Seconds of which a rate is the mean."""

_LENGTH = 600
_LATE = 2.5
"""Intervals after which a look is late, so that nobody knows what was between it and the one before."""
_UNKNOWN = -1
_NOT_YET = -2


class Extent(NamedTuple):
    """Between which levels a pool moved."""

    low: int
    """Bytes."""
    high: int
    since: float
    """When it was first looked at: seconds since 1970 on the source."""


class History:
    """The bytes used in each pool, look by look."""

    def __init__(self) -> None:
        self._times = array("d")
        self._joined = array("b")
        """Whether nothing is missing between a look and the one before."""
        self._used: dict[Address, array[int]] = {}
        self._extents: dict[Address, Extent] = {}
        self._begun = 0.0
        """When the newest place was begun; its time is that of its last look."""
        self._every = 0.0
        self._pieces: dict[tuple[int, float], list[tuple[int, int] | Missing]] = {}

    def __len__(self) -> int:
        """Looks that are kept."""
        return len(self._times)

    def add(self, time: float, pools: Iterable[PoolState], *, every: float = 1.0) -> None:
        """Notes how the pools were at ``time``, in seconds on the source; pools that are gone are forgotten.

        ``every`` is how many seconds lie between two looks when all goes well. A clock that is set back begins anew:
        what was noted has no place beside what follows.
        """
        if self._times and time < self._times[-1]:
            self._forget()
        if not self._times or time > self._times[-1]:
            self._begin(time, every)
        self._every = every
        self._pieces.clear()
        found = {one.address: one for one in pools}
        for gone in self._used.keys() - found.keys():
            del self._used[gone]
            self._extents.pop(gone, None)
        for address, one in found.items():
            self._note(address, _UNKNOWN if isinstance(one.used, Missing) else one.used)

    def _forget(self) -> None:
        del self._times[:], self._joined[:]
        self._used.clear()
        self._extents.clear()

    def _begin(self, time: float, every: float) -> None:
        """A place for a look: the newest one, while it is young."""
        times = self._times
        if times and time - self._begun < STEP:
            times[-1] = time
            return
        joined = bool(times) and time - times[-1] <= _LATE * max(every, self._every, STEP)
        self._begun = time
        times.append(time)
        self._joined.append(joined)
        for series in self._used.values():
            series.append(_UNKNOWN)
        if len(times) > _LENGTH:
            del times[0], self._joined[0]
            for series in self._used.values():
                del series[0]

    def _note(self, address: Address, used: int) -> None:
        series = self._used.get(address)
        if series is None:
            series = self._used[address] = array("q", [_NOT_YET]) * len(self._times)
        series[-1] = used
        if used == _UNKNOWN:
            return
        past = self._extents.get(address) or Extent(used, used, self._times[-1])
        if not past.low <= used <= past.high or address not in self._extents:
            self._extents[address] = Extent(min(past.low, used), max(past.high, used), past.since)

    def extent(self, address: Address) -> Extent | None:
        """The lowest and the highest level since the pool was first seen; None where none is known."""
        return self._extents.get(address)

    def age(self) -> float:
        """Seconds between the oldest look that is kept and the newest."""
        return self._times[-1] - self._times[0] if self._times else 0.0

    def rate(self, address: Address) -> float | None:
        """Bytes a second by which the use of a pool grew, the mean of the last seconds; None where it is not known."""
        lately = self._lately(address)
        if lately is None:
            return None
        first, last = lately
        series = self._used[address]
        return (series[last] - series[first]) / (self._times[last] - self._times[first])

    def still(self, address: Address) -> bool:
        """Whether the use of a pool was the same in all looks of the last seconds, and they are known."""
        lately = self._lately(address)
        if lately is None:
            return False
        series = self._used[address]
        return len(set(series[lately[0] : lately[1] + 1])) == 1

    def _lately(self, address: Address) -> tuple[int, int] | None:
        """The first and the last of the looks that a rate is made of; None where there are no two."""
        series = self._used.get(address)
        if series is None or series[-1] < 0:
            return None
        last = first = len(series) - 1
        while first and self._joined[first] and series[first - 1] >= 0:
            # One look before this one is needed, however long ago.
            if first < last and self._times[last] - self._times[first - 1] > SMOOTH:
                break
            first -= 1
        return (first, last) if first < last else None

    def levels(self, address: Address, cells: int, span: float) -> tuple[int | Missing, ...]:
        """The last ``span`` seconds in so many pieces, oldest first: the highest number of bytes used in each.

        NOT_READ where nobody looked, or could tell, and ABSENT before the pool was first seen. Between two looks that
        followed each other as they should, the level counts as what it was.
        """
        series = self._used.get(address)
        if series is None or not self._times:
            return (ABSENT,) * cells
        pieces = self._pieces.get((cells, span))
        if pieces is None:
            pieces = self._pieces[cells, span] = [self._piece(place, span / cells, cells) for place in range(cells)]
        return tuple(_highest(series, piece) for piece in pieces)

    def _piece(self, place: int, width: float, cells: int) -> tuple[int, int] | Missing:
        """Which looks a piece stands for. Pieces begin at multiples of their width, so that a curve never trembles."""
        times = self._times
        start = floor(times[-1] / width) - cells + 1 + place
        first, end = bisect_left(times, start * width), bisect_left(times, (start + 1) * width)
        if place == cells - 1:
            end = len(times)
        if end > first:
            return first, end
        if first == 0:
            return ABSENT
        held = first == len(times) or self._joined[first]
        return (first - 1, first) if held else NOT_READ


def _highest(series: array[int], piece: tuple[int, int] | Missing) -> int | Missing:
    if isinstance(piece, Missing):
        return piece
    level = max(series[piece[0] : piece[1]])
    if level >= 0:
        return level
    return NOT_READ if level == _UNKNOWN else ABSENT
