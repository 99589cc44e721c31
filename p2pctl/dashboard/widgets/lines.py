"""What stands on each line of a list, as pieces of text with names of styles. Knows nothing of a screen."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple, TypeAlias

from rich.cells import set_cell_size

from p2pctl.dashboard.glyphs import UNICODE, Glyphs
from p2pctl.dashboard.widgets.fitting import GAP, LEAST, Fit
from p2pctl.dashboard.widgets.rows import Row, Rows
from p2pctl.render.text import clean, pad, width

Piece: TypeAlias = tuple[str, str]
"""Text, and the name of its style; an empty name is the line's own."""


class Line(NamedTuple):
    """A line. Two that are equal look the same."""

    body: tuple[Piece, ...]
    """What scrolls to the side."""
    lead: tuple[Piece, ...] = ()
    """What stays at the left of it."""
    styles: tuple[str, ...] = ()
    """Names of styles of the whole line."""
    shift: int = 0
    """Cells of the body that are beyond the left edge."""
    end: str = ""
    """What stands in the last cell."""


class Marks(NamedTuple):
    """What is said of some records at their left."""

    room: bool = False
    """Whether that place is kept free for all of them."""
    path: Collection[str] = frozenset()
    chosen: Collection[str] = ()

    @property
    def shown(self) -> bool:
        """Whether lines begin with a place for it."""
        return self.room or bool(self.path or self.chosen)


class Frame(NamedTuple):
    """What all lines have in common."""

    fit: Fit
    marks: Marks = Marks()
    glyphs: Glyphs = UNICODE
    shift: int = 0
    room: int = 80
    """Cells for columns."""

    def lead(self, sign: str) -> tuple[Piece, ...]:
        """The sign at the left of the columns, where there is a place for it."""
        return ((f"{sign} ", ""),) if self.marks.shown or self.shift else ()


def cut(text: str, cells: int, mark: str, *, middle: bool = False) -> str:
    """The text, with a mark at its end or in its ``middle`` where it is longer than ``cells`` terminal cells."""
    if width(text) <= cells:
        return text
    if cells <= 1:
        return mark[:cells]
    tail = _last(text, (cells - 1) // 2) if middle else ""
    head = cells - 1 - width(tail)
    return (text[:head] if text.isascii() else set_cell_size(text, head)) + mark + tail


def _last(text: str, cells: int) -> str:
    if text.isascii():
        return text[len(text) - cells :]
    start = len(text)
    while start and width(text[start - 1 :]) <= cells:
        start -= 1
    while start < len(text) and width(text[start]) == 0:
        start += 1
    return text[start:]


def title_line(rows: Rows, frame: Frame, wide: int) -> Line:
    """``Pools (3 of 200)  /nvme  by used v +2 columns ------``, and what they come to where there is room."""
    badges: list[Piece] = []
    if rows.text:
        badges += [(f" /{clean(rows.text)} ", "badge"), (" ", "")]
    column, away = rows.sorted_by, len(rows.columns) - len(rows.wanted) + frame.fit.hidden
    if column:
        badges.append((f"by {clean(column.title)} {_arrow(rows, frame.glyphs)} ", "count"))
    elif rows.sorting.reverse and rows.sorting.column is None:
        badges.append((f"reversed {frame.glyphs.descending} ", "count"))
    if away:
        badges.append((f"+{away} column{'s'[: away != 1]} ", "count"))
    total = len(rows.all)
    badges.insert(0, (f" ({len(rows.shown)} of {total}) " if rows.text else f" ({total}) ", "count"))
    # What was done to the list is said in any case: who sees less than there is must know.
    title = clean(rows.panel.title) if rows.panel else ""
    title = cut(title, max(wide - sum(width(text) for text, _ in badges), LEAST), frame.glyphs.cut)
    used = width(title) + sum(width(text) for text, _ in badges)
    if rows.panel and rows.panel.summary and wide - used > LEAST:
        badges.insert(1, (_summed(clean(rows.panel.summary), wide - used - 1, frame.glyphs.cut) + " ", ""))
        used += width(badges[1][0])
    return Line(((title, "title"), *badges, (frame.glyphs.axis * max(wide - used, 0), "rule")))


def _summed(summary: str, cells: int, mark: str) -> str:
    """As many of its parts as there is room for, each whole: half a count tells less than none."""
    text = f" {summary}"
    while width(text) > cells and ", " in text:
        text = text.removesuffix(f", {mark}").rpartition(", ")[0] + f", {mark}"
        if text.count(", ") == 1 and width(text) > cells:
            break
    return cut(text, cells, mark)


def _arrow(rows: Rows, glyphs: Glyphs) -> str:
    return glyphs.descending if rows.sorting.reverse else glyphs.ascending


def head_line(rows: Rows, frame: Frame) -> Line:
    """The titles of the columns, with an arrow at that by which records are sorted, and marks where there is more."""
    fit, glyphs, shift = frame.fit, frame.glyphs, frame.shift
    pieces = []
    for placed in fit.placed:
        column = rows.columns[placed.which]
        title = clean(column.title).upper()
        if rows.sorted_by is column:
            title = f"{cut(title, placed.cells - 1, glyphs.cut)}{_arrow(rows, glyphs)}"
        text = pad(cut(title, placed.cells, glyphs.cut), placed.cells, right=column.right)
        pieces += [(text, ""), (" " * GAP, "")]
    more = shift + frame.room < fit.total or (not shift and (fit.hidden or fit.cut))
    return Line(tuple(pieces), frame.lead(glyphs.less if shift else " "), ("head",), shift, glyphs.more if more else "")


def row_line(rows: Rows, row: Row, frame: Frame, *, cursor: bool) -> Line:
    """A record."""
    glyphs, marks = frame.glyphs, frame.marks
    pieces = []
    for placed in frame.fit.placed:
        column, span = rows.columns[placed.which], row.cells[placed.which]
        # Of one long word the end tells as much as the beginning: it is a name, whatever the column holds.
        whole = column.style == "name" or " " not in span.text
        text = cut(span.text, placed.cells, glyphs.cut, middle=whole)
        pieces += [(pad(text, placed.cells, right=column.right), span.tone or ""), (" " * GAP, "")]
    on_path, chosen = row.key in marks.path, row.key in marks.chosen
    flags = (("marked", on_path), ("chosen", chosen), ("cursor", cursor))
    sign = glyphs.dot if chosen else glyphs.path if on_path else " "
    styles = tuple(name for name, so in flags if so)
    return Line(tuple(pieces), frame.lead(sign), styles, frame.shift)


def texts_below(rows: Rows, *, notes: bool) -> Iterator[str]:
    """What stands below the records, or in their place."""
    if rows.panel is None:
        return
    if not rows.shown:
        yield f"Nothing matches /{clean(rows.text)}" if rows.all else clean(rows.panel.empty)
    if notes:
        yield from map(clean, rows.panel.notes)
