"""How much of the width lists need, and what that leaves for a page beside them."""

from __future__ import annotations

from collections.abc import Iterable

from textual.css.scalar import Scalar
from textual.widget import Widget

from p2pctl.dashboard.widgets.drawn_list import LEAD
from p2pctl.dashboard.widgets.fitting import fit, whole
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.render.report import Column

ROOMY = 150
"""Columns from which on there may be a page beside lists that have to cut something for it."""
PAGE = 60
"""Columns without which a page is hard to read."""
ENOUGH = 28
"""Columns of a text that say what it is about."""
STEP = 8
"""Columns by which lists grow: numbers that get a letter longer move nothing."""


def needed(lists: Iterable[RecordList], most: int | None = None) -> int:
    """Columns for every cell of these lists, and for their scroll bars; ``most`` leaves out what it must.

    Names count whole. Text counts as what it takes to recognise it: the page beside the list has all of it.
    """
    widest = 0
    for one in lists:
        rows, beside = one.rows, (LEAD if one.marks.shown else 0) + one.styles.scrollbar_size_vertical
        if most is None:
            found = whole(rows.wanted, [_asked(*pair) for pair in zip(rows.columns, rows.room, strict=True)])
        else:
            found = fit(rows.columns, rows.wanted, rows.room, max(most - beside, 0))
        widest = max(widest, found.total + beside)
    wanted = -(-widest // STEP) * STEP
    return wanted if most is None else min(wanted, most)


def _asked(column: Column, natural: int) -> int:
    return natural if column.style != "text" else min(natural, max(column.least, ENOUGH))


def widen(widget: Widget, columns: int | None) -> None:
    """Gives it so many columns, or with None what others leave."""
    wanted = Scalar.parse("1fr" if columns is None else str(columns))
    if widget.styles.width != wanted:
        widget.styles.width = wanted
