"""Which columns of a list show on a line, how wide, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from p2pctl.render.layout import kept
from p2pctl.render.report import Column
from p2pctl.render.text import width

GAP = 2
PROSE = 60
"""Cells of text that the columns that a list is about have before others grow."""
REMARK = 40
"""Cells up to which those others grow, before what the list is about grows further."""
LEAST = 8
"""Cells that a column keeps where not even those that always show have room."""


class Placed(NamedTuple):
    """A column on the line."""

    which: int
    """Its place among the panel's."""
    start: int
    """Cells from the beginning of the line."""
    cells: int


class Fit(NamedTuple):
    """A line's columns."""

    placed: tuple[Placed, ...]
    hidden: int = 0
    """Columns that had no room."""
    cut: bool = False
    """Whether some text may not show whole."""

    @property
    def total(self) -> int:
        """Cells that the line takes."""
        return self.placed[-1].start + self.placed[-1].cells if self.placed else 0


def whole(wanted: Sequence[int], widths: Sequence[int]) -> Fit:
    """Every column, as wide as it needs, whatever the room."""
    return Fit(_placed(wanted, [widths[index] for index in wanted]))


def fit(columns: Sequence[Column], wanted: Sequence[int], widths: Sequence[int], room: int) -> Fit:
    """The columns that fit into ``room`` cells by their priority. ``wanted`` are the places of those asked for.

    Names show whole, and text shares the room that they leave: the columns of the lowest priority number first, so
    that what the list is about shows whole before what is told beside it; but beyond ``PROSE`` cells of it the others
    have ``REMARK`` first. Only where the columns that always show have no room even so, the widest of them are cut.
    """
    needs = [_need(columns[index], widths[index]) for index in wanted]
    stay = kept([columns[index].priority for index in wanted], needs, room, GAP)
    chosen = [wanted[place] for place in stay]
    cells = [needs[place] for place in stay]
    natural = [widths[index] for index in chosen]
    spare = room - sum(cells) - GAP * (len(cells) - 1)
    ranks = [columns[index].priority for index in chosen]
    if spare > 0:
        limits = [PROSE if rank == min(ranks) else REMARK for rank in ranks]
        enough = [max(min(wide, most), have) for wide, most, have in zip(natural, limits, cells, strict=True)]
        readable = _grown(cells, enough, ranks, spare)
        cells = _grown(readable, natural, ranks, spare - sum(readable) + sum(cells))
    else:
        cells = _shrunk(cells, -spare)
    return Fit(_placed(chosen, cells), len(wanted) - len(chosen), cells != natural)


def _need(column: Column, natural: int) -> int:
    return natural if column.style != "text" or column.right else min(natural, max(column.least, width(column.title)))


def _grown(cells: list[int], natural: Sequence[int], ranks: Sequence[int], spare: int) -> list[int]:
    """By rank; among equals what needs least more gets it first, and the others share what is left."""
    cells = list(cells)
    for rank in sorted(set(ranks)):
        order = sorted((natural[place] - cells[place], place) for place, one in enumerate(ranks) if one == rank)
        for done, (more, place) in enumerate(order):
            given = min(more, spare // (len(order) - done))
            cells[place] += given
            spare -= given
    return cells


def _shrunk(cells: list[int], over: int) -> list[int]:
    """The widest give way, one another's width at most."""
    cells = list(cells)
    while over > 0 and max(cells, default=0) > LEAST:
        widest = max(cells)
        places = [place for place, have in enumerate(cells) if have == widest]
        floor = max([have for have in cells if have < widest] + [LEAST])
        for place in places:
            given = min(widest - floor, -(-over // len(places)), over)
            cells[place] -= given
            over -= given
    return cells


def _placed(chosen: Sequence[int], cells: Sequence[int]) -> tuple[Placed, ...]:
    placed, start = [], 0
    for which, wide in zip(chosen, cells, strict=True):
        placed.append(Placed(which, start, wide))
        start += wide + GAP
    return tuple(placed)
