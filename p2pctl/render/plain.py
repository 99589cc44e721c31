"""Plain lists: a record a line, columns two spaces apart, nothing cut, no colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from p2pctl.render.cells import cell
from p2pctl.render.report import Column, Item
from p2pctl.render.text import pad, width

GAP = "  "


def plain_rows(
    columns: Sequence[Column], items: Iterable[Item], *, header: bool = True, at_least: Sequence[int] = ()
) -> Iterator[str]:
    """The header and a line an item. ``at_least`` holds widths in cells, for lists that go on as time passes."""
    body = [[cell(column, item, exact=True).text for column in columns] for item in items]
    rows = [[column.title.upper() for column in columns], *body]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for index, least in enumerate(at_least):
        widths[index] = max(widths[index], least)
    right = [column.right for column in columns]
    for row in rows if header else body:
        yield join(row, widths, right)


def join(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """One aligned line, without trailing spaces."""
    cells = zip(row, widths, right, strict=True)
    return GAP.join(pad(text, cells_wide, right=at_right) for text, cells_wide, at_right in cells).rstrip(" ")
