"""Draws a list of records. Only the lines that are seen are made, and only those that changed are painted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from p2pctl.dashboard.glyphs import UNICODE, Glyphs
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.widgets.fitting import Fit, fit, whole
from p2pctl.dashboard.widgets.lines import Frame, Line, Marks, cut, head_line, row_line, texts_below, title_line
from p2pctl.dashboard.widgets.rows import Row, Rows

LEAD = 2
"""Cells at the left of the columns, where there are marks."""
STYLES = (
    "title", "count", "badge", "rule", "head", "cursor", "marked", "chosen",
    "strong", "dim", "good", "warning", "bad", "accent",
)  # fmt: skip


class DrawnList(ScrollView, can_focus=True):
    """A panel, with a cursor that stays on its record when the records change."""

    DEFAULT_CSS = """
    DrawnList { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; }
    DrawnList > .record-list--title { text-style: bold; }
    DrawnList:focus > .record-list--title { color: $text-primary; text-style: bold; }
    DrawnList > .record-list--count { color: $text-muted; }
    DrawnList > .record-list--badge { color: $text-accent; text-style: bold; }
    DrawnList > .record-list--rule { color: $panel-lighten-2; }
    DrawnList:focus > .record-list--rule { color: $primary; }
    DrawnList > .record-list--head { text-style: bold; color: $text-muted; }
    DrawnList > .record-list--marked { text-style: bold; }
    DrawnList > .record-list--chosen { text-style: bold underline; }
    DrawnList > .record-list--strong { text-style: bold; }
    DrawnList > .record-list--dim { color: $text-muted; }
    DrawnList > .record-list--good { color: $text-success; }
    DrawnList > .record-list--warning { color: $text-warning; }
    DrawnList > .record-list--bad { color: $text-error; }
    DrawnList > .record-list--accent { color: $text-primary; }
    DrawnList:focus > .record-list--cursor, DrawnList.-filtering > .record-list--cursor {
        background: $primary-muted; text-style: bold;
    }
    DrawnList:nocolor:focus > .record-list--cursor, DrawnList:ansi:focus > .record-list--cursor,
    DrawnList:nocolor.-filtering > .record-list--cursor, DrawnList:ansi.-filtering > .record-list--cursor,
    DrawnList:nocolor:focus > .record-list--title, DrawnList:ansi:focus > .record-list--title {
        text-style: bold reverse;
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"record-list--{name}" for name in STYLES}

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """Place of the record that keys act on, among those that show."""
    marked: reactive[frozenset[str]] = reactive(frozenset(), repaint=False, init=False)
    """Keys of records that are set off, such as those on a path."""
    chosen: reactive[tuple[str, ...]] = reactive((), repaint=False, init=False)
    """Keys of records that somebody marked, in that order."""
    shift: reactive[int] = reactive(0, repaint=False, init=False)
    """Cells by which the lines are scrolled to the side. Without any, columns are fitted into the room."""

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002  textual's name
        classes: str | None = None,
        markable: bool = False,
        titled: bool = True,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.rows = Rows()
        self.glyphs: Glyphs = UNICODE
        self.markable = markable
        self.titled = titled
        """Whether the title and the notes of the panel show. A filter shows in any case."""
        self._drawn: dict[int, tuple[Line, int]] = {}
        """What was last painted on each line, and how wide."""
        self._frame = Frame(Fit(()))
        self._top: tuple[str, ...] = ()
        self._laid: Size | None = None
        """The room for which the columns were last fitted."""
        self._below: tuple[str, ...] = ()

    @property
    def panel(self) -> Panel | None:
        """What it shows."""
        return self.rows.panel

    def show(self, panel: Panel) -> None:
        """Shows these records; the cursor stays on the key that it is on, else near where it was."""
        with self._keeping():
            self.rows.show(panel)
        here = set(panel.keys) if self.chosen else set()
        if not here.issuperset(self.chosen):
            self.chosen = tuple(key for key in self.chosen if key in here)

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        """While records change: keeps the cursor on its key, and in sight if it was."""
        key, in_sight = self.row.key if self.row else None, self.cursor_in_sight
        yield
        last = max(len(self.rows.shown) - 1, 0)
        place = self.rows.place(key, self.cursor) if key is not None else None
        self.set_reactive(DrawnList.cursor, min(self.cursor, last) if place is None else place)
        self.sync()
        if in_sight:
            self.see_cursor()

    @property
    def seen(self) -> Size:
        """What is seen of it, without scroll bars."""
        return self.scrollable_content_region.size

    @property
    def row(self) -> Row | None:
        """The record that the cursor is on."""
        return self.rows.shown[self.cursor] if 0 <= self.cursor < len(self.rows.shown) else None

    def watch_cursor(self) -> None:
        """Keeps the cursor in sight."""
        self.see_cursor()
        self.sync()

    def watch_marked(self) -> None:
        """Paints what was set off."""
        self.sync()

    def watch_chosen(self) -> None:
        """Paints what was marked."""
        self.sync()

    def watch_shift(self) -> None:
        """Paints everything anew."""
        self.sync()

    def on_resize(self) -> None:
        """Columns come and go with the width."""
        self.shift = min(self.shift, self.most_shift)
        self.sync()
        self.see_cursor()

    @property
    def cursor_in_sight(self) -> bool:
        """Whether the cursor's line is one that is seen."""
        return self.head <= self.cursor + self.head - self.scroll_offset.y < self.seen.height

    def see_cursor(self) -> None:
        """Scrolls to the cursor."""
        if self.row is not None:
            region = Region(0, self.cursor, 1, 1 + self.head)
            self.scroll_to_region(region, animate=False, force=True, x_axis=False, immediate=True)

    @property
    def top(self) -> tuple[str, ...]:
        """What stands above the records: where they do not fit the heads of the columns go first, then the title."""
        full, high = self._full_top, self.seen.height
        return full if len(full) + max(len(self.rows.shown), 1) <= high else full[: high // 2]

    @property
    def _full_top(self) -> tuple[str, ...]:
        titled = self.panel is not None and (self.titled or bool(self.rows.text))
        headed = any(column.title for column in self.rows.columns)
        return ("title",) * titled + ("head",) * headed

    @property
    def head(self) -> int:
        """How many lines that are."""
        return len(self.top)

    @property
    def room(self) -> int:
        """Cells for columns."""
        return max(self.seen.width - (LEAD if self.marks.shown or self.shift else 0), 0)

    @property
    def marks(self) -> Marks:
        """What stands at the left of records."""
        return Marks(self.markable, self.marked, self.chosen)

    @property
    def most_shift(self) -> int:
        """How far the lines scroll to the side."""
        room = max(self.seen.width - LEAD, 0)
        return max(whole(self.rows.wanted, self.rows.room).total - room, 0)

    def sync(self) -> None:
        """Has the lines painted that look other than they were painted."""
        rows, (wide, high) = self.rows, self.seen
        self._lay()
        self._below = tuple(texts_below(rows, notes=self.titled))
        self.virtual_size = Size(wide, len(self._full_top) + len(rows.shown) + len(self._below))
        if self.scroll_offset.y > self.max_scroll_y:
            # Fewer records than before: their end must not be above the screen.
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True, immediate=True)
        first = self.scroll_offset.y
        for y, painted in list(self._drawn.items()):
            if y >= high:
                del self._drawn[y]
            elif (self._line(y, first, wide), wide) != painted:
                self.refresh(Region(0, y, wide, 1))

    def _lay(self) -> None:
        """Fits the columns into the room that there is."""
        rows, self._laid = self.rows, self.seen
        columns = whole(rows.wanted, rows.room) if self.shift else fit(rows.columns, rows.wanted, rows.room, self.room)
        self._frame = Frame(columns, self.marks, self.glyphs, self.shift, self.room)
        self._top = self.top

    def _line(self, y: int, first: int, wide: int) -> Line:
        """What stands on a line of the screen, where the records begin with the ``first``."""
        if y < len(self._top):
            title = self._top[y] == "title"
            return title_line(self.rows, self._frame, wide) if title else head_line(self.rows, self._frame)
        place = y - len(self._top) + first
        if place < len(self.rows.shown):
            return row_line(self.rows, self.rows.shown[place], self._frame, cursor=place == self.cursor)
        place -= len(self.rows.shown)
        text = self._below[place] if place < len(self._below) else ""
        return Line(((cut(text, wide, self.glyphs.cut), "count"),))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if self._laid != self.seen:
            # It is painted in a new place before it is told of it.
            self._lay()
        wide, style = self.seen.width, self.rich_style
        line = self._line(y, self.scroll_offset.y, wide)
        self._drawn[y] = (line, wide)
        for name in line.styles:
            style += self._style(name)
        lead = self._strip(line.lead, style)
        room = max(wide - lead.cell_length - len(line.end), 0)
        body = self._strip(line.body, style).crop(line.shift, line.shift + room).adjust_cell_length(room, style)
        end = Strip([Segment(line.end, style + self._style("badge"))])
        return Strip.join([lead, body, end]).adjust_cell_length(wide, style)

    def _strip(self, pieces: tuple[tuple[str, str], ...], style: Style) -> Strip:
        return Strip([Segment(text, style + self._style(name) if name else style) for text, name in pieces])

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"record-list--{name}", partial=True)
