"""A grid of letters, a row for each device that lends and a column for each that uses. Only what is seen is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from p2pctl.dashboard.contents.matrix import Pairs
from p2pctl.dashboard.widgets.list_keys import motion
from p2pctl.render.text import Tone, clean, pad, width

HEAD = 1
"""Lines above the first row."""
EDGE = 24
"""Cells that names at the edge take at most."""
_TONES: dict[str, Tone] = {"D": "good", "H": "accent", "A": "accent", "-": "bad", "?": "warning"}


class Layout(NamedTuple):
    """How wide things are."""

    edge: int
    """Of the names at the left, with the gap after them."""
    cell: int
    """Of a column, with the gap before it."""
    names: bool
    """Whether columns have names over them, not numbers."""
    distance: bool
    """Whether the letters have distances."""


class PairGrid(ScrollView, can_focus=True):
    """Moves a cursor over the pairs; it stays on its pair when devices come and go."""

    DEFAULT_CSS = """
    PairGrid { height: 1fr; background: transparent; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    PairGrid > .pair-grid--edge { color: $text-muted; }
    PairGrid > .pair-grid--here { text-style: bold; color: $foreground; }
    PairGrid > .pair-grid--cursor { text-style: bold; }
    PairGrid:focus > .pair-grid--cursor { text-style: bold reverse; }
    PairGrid > .pair-grid--good { color: $text-success; }
    PairGrid > .pair-grid--accent { color: $text-primary; }
    PairGrid > .pair-grid--warning { color: $text-warning; }
    PairGrid > .pair-grid--bad { color: $text-error; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"pair-grid--{part}" for part in ("edge", "here", "cursor", "good", "accent", "warning", "bad")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *motion(
            up=("move(-1, 0)", "To the lender above"),
            down=("move(1, 0)", "To the lender below"),
            left=("move(0, -1)", "To the user at the left"),
            right=("move(0, 1)", "To the user at the right"),
            page_up=("page(-1)", "A screen up"),
            page_down=("page(1)", "A screen down"),
            first=("edge(False)", "To the first pair"),
            last=("edge(True)", "To the last pair"),
        ),
        Binding("enter", "open", "Why", tooltip="Why, and what to do", id="list.open"),
    ]

    cursor: reactive[tuple[int, int]] = reactive((0, 0), repaint=True)
    """Row and column."""

    @dataclass
    class Moved(Message):
        """The cursor is on another pair."""

        grid: PairGrid

    @dataclass
    class Opened(Message):
        """Somebody wants to know why."""

        grid: PairGrid

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  textual's name
        super().__init__(id=id)
        self.pairs: Pairs | None = None
        self._layout = Layout(0, 1, names=False, distance=False)

    @property
    def there(self) -> bool:
        """Whether there is any pair."""
        return self.pairs is not None and len(self.pairs) > 0

    def show(self, pairs: Pairs) -> None:
        """Shows these pairs."""
        before = self.pairs
        self.pairs = pairs
        if before is None:
            self.cursor = pairs.first_denied
        elif before is not pairs and len(before):
            was = before.pair(*self.cursor)
            rows = {one: place for place, one in enumerate(pairs.providers)}
            columns = {one: place for place, one in enumerate(pairs.clients)}
            row, column = self.cursor
            self._go(rows.get(was.provider, row), columns.get(was.client, column))
        self._lay_out()

    def _lay_out(self) -> None:
        """The richest layout that fits: names and distances, numbers and distances, numbers alone, sideways."""
        pairs = self.pairs
        if pairs is None or not len(pairs):
            self.virtual_size = Size(1, 1)
            self.refresh()
            return
        edge = min(max(width(clean(pairs.short(one))) for one in pairs.providers), EDGE) + 1
        number = len(str(len(pairs.clients)))
        choices = [Layout(edge, max(number, 1) + 1, names=False, distance=False)]
        if pairs.few:
            name = max(width(clean(pairs.short(one))) for one in pairs.clients)
            choices.insert(0, Layout(edge, max(number, pairs.widest) + 1, names=False, distance=True))
            choices.insert(0, Layout(edge, max(name, pairs.widest) + 2, names=True, distance=True))
        room = self.scrollable_content_region.width
        fits = (one for one in choices if one.edge + one.cell * len(pairs.clients) <= room)
        self._layout = next(fits, choices[-1])
        wide = self._layout.edge + self._layout.cell * len(pairs.clients)
        self.virtual_size = Size(wide, HEAD + len(pairs.providers))
        self.refresh()

    @property
    def numbered(self) -> bool:
        """Whether columns have numbers over them."""
        return self.there and not self._layout.names

    @property
    def with_distance(self) -> bool:
        """Whether the letters have distances."""
        return self._layout.distance

    def on_resize(self) -> None:
        """What fits is another."""
        self._lay_out()
        self._see()
        self.post_message(self.Moved(self))

    def _go(self, row: int, column: int) -> None:
        if self.pairs is not None and len(self.pairs):
            last = len(self.pairs.providers) - 1, len(self.pairs.clients) - 1
            self.cursor = min(max(row, 0), last[0]), min(max(column, 0), last[1])

    def watch_cursor(self) -> None:
        """Keeps it in sight."""
        self._see()
        self.post_message(self.Moved(self))

    def _see(self) -> None:
        """Scrolls by whole cells as little as it takes."""
        row, column = self.cursor
        left, top = self.scroll_offset
        region = self.scrollable_content_region
        high = max(region.height - HEAD, 1)
        cells = max((region.width - self._layout.edge) // self._layout.cell, 1)
        first = left // self._layout.cell
        first = min(first, column) if column < first + cells else column - cells + 1
        top = min(top, row) if row < top + high else row - high + 1
        self.scroll_to(first * self._layout.cell, top, animate=False, force=True)

    def action_move(self, rows: int, columns: int) -> None:
        """To the next pair."""
        self._go(self.cursor[0] + rows, self.cursor[1] + columns)

    def action_page(self, pages: int) -> None:
        """A screen up or down."""
        self.action_move(pages * max(self.scrollable_content_region.height - HEAD, 1), 0)

    def action_edge(self, end: bool) -> None:
        """To the first pair or the last."""
        if self.pairs is not None:
            self._go(*((len(self.pairs.providers), len(self.pairs.clients)) if end else (0, 0)))

    def action_open(self) -> None:
        """Asks why."""
        if self.there:
            self.post_message(self.Opened(self))

    def on_click(self, event: events.Click) -> None:
        """A click goes there; one where the cursor is asks why."""
        left, top = self.scroll_offset
        at = event.y - HEAD + top, (event.x - self._layout.edge + left) // self._layout.cell
        if self.pairs is None or event.y < HEAD or event.x < self._layout.edge:
            return
        if at == self.cursor:
            self.action_open()
        elif 0 <= at[0] < len(self.pairs.providers) and 0 <= at[1] < len(self.pairs.clients):
            self.cursor = at

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        wide, style = self.size.width, self.rich_style
        left, top = self.scroll_offset
        row = y - HEAD + top
        if self.pairs is None or not self.there or (y >= HEAD and row >= len(self.pairs.providers)):
            empty = "No device here has P2P memory." if y == 0 and self.pairs is not None and not self.there else ""
            return Strip([Segment(empty, style)]).adjust_cell_length(wide, style)
        label = "" if y < HEAD else clean(self.pairs.short(self.pairs.providers[row]))
        here = "here" if y >= HEAD and row == self.cursor[0] else "edge"
        edge = Strip([Segment(label, style + self._part(here))]).adjust_cell_length(self._layout.edge, style)
        first, skipped = divmod(left, self._layout.cell)
        many = (wide - self._layout.edge) // self._layout.cell + 2
        columns = range(first, min(first + many, len(self.pairs.clients)))
        cells = Strip([self._cell(row if y >= HEAD else None, column, style) for column in columns])
        return Strip.join([edge, cells.crop(skipped)]).adjust_cell_length(wide, style)

    def _cell(self, row: int | None, column: int, style: Style) -> Segment:
        if self.pairs is None:
            return Segment("")
        if row is None:
            name = clean(self.pairs.short(self.pairs.clients[column])) if self._layout.names else str(column + 1)
            here = "here" if column == self.cursor[1] else "edge"
            return Segment(pad(name, self._layout.cell, right=True), style + self._part(here))
        text = self.pairs.cell(row, column, distance=self._layout.distance)
        style += self._part(_TONES.get(text[:1], "warning"))
        if (row, column) == self.cursor:
            style += self._part("cursor")
        return Segment(pad(text, self._layout.cell, right=True), style)

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"pair-grid--{name}", partial=True)
