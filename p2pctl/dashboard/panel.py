"""A titled list, the same for a view, for the export of a view and for ``--once``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from p2pctl.render.page import Grid, Lines, Section
from p2pctl.render.report import Column, Item


class Panel(NamedTuple):
    """Records of one kind."""

    name: str
    """``pools``: what a file of them, and the widget that shows them, is called."""
    title: str
    columns: tuple[Column, ...]
    items: Sequence[Item]
    keys: Sequence[str]
    """One for each item: what it is about, unique in the panel and the same from one look to the next."""
    empty: str = "None."
    """What stands there without items."""
    notes: tuple[str, ...] = ()
    """Lines below."""
    summary: str = ""
    """What the records come to, beside the title: ``3 confirmed, 1 falls-back``."""


def section(panel: Panel) -> Section:
    """The panel as part of a page."""
    grid = Grid(panel.columns, tuple(panel.items), panel.empty)
    title = f"{panel.title}: {panel.summary}" if panel.summary else panel.title
    return Section(title, (grid, Lines(panel.notes)) if panel.notes else (grid,))
