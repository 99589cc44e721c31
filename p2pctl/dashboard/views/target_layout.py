"""How the lists of the target share the screen."""

from __future__ import annotations

from collections.abc import Sequence

SPLIT = 160
"""Columns of a screen from which lists stand side by side."""
LEAST = 5
"""Lines of a list among others, below which it gives up its head: its title, its head, three records."""
SPARE = 5
"""Lines that have to be left for the one that is looked at."""


def side_by_side(columns: int) -> bool:
    """Whether there is room for two lists beside each other."""
    return columns >= SPLIT


def stacked(lines: int, lists: int) -> bool:
    """Whether so many lists may stand below each other; else one is seen at a time."""
    return lines >= LEAST * lists + SPARE


def share(wanted: Sequence[int], lines: int, favoured: int | None = None) -> list[int]:
    """The lines that each of some lists gets of all that there are.

    None gets less than ``LEAST`` if it wants as much; the favoured one comes first then, the others get the same.
    What nobody wants goes to the last.
    """
    given = [min(one, LEAST) for one in wanted]
    left = lines - sum(given)
    if favoured is not None and left > 0:
        more = min(left, wanted[favoured] - given[favoured])
        given[favoured] += more
        left -= more
    while left > 0:
        hungry = [place for place, one in enumerate(wanted) if given[place] < one]
        if not hungry:
            break
        for place in hungry[:left]:
            given[place] += 1
        left -= len(hungry[:left])
    if given and left > 0:
        given[-1] += left
    return given
