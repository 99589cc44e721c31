"""All pairs at once: who may use whose memory. Enter says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher

from p2pctl.dashboard.contents.matrix import Pairs, legend, pairs_panel
from p2pctl.dashboard.contents.pair import Explanation, Pair, said, title_of
from p2pctl.dashboard.dialogs.page import Maker, PageDialog
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture, Verdicts
from p2pctl.dashboard.views.matrix_layout import HEAD, NUMBERS, Lines, lines, shared, shortened
from p2pctl.dashboard.views.view import Shown, View
from p2pctl.dashboard.widgets.aside import Aside
from p2pctl.dashboard.widgets.filter_line import FilterLine
from p2pctl.dashboard.widgets.lines import cut
from p2pctl.dashboard.widgets.pair_grid import PairGrid
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.dashboard.widgets.told import Told
from p2pctl.errors import NotFoundError

LOW = 12
"""Lines below which the grid has no scroll bar below it."""
PADDING = 1
"""Cells at either side of a text."""
ENDINGS = ("Enter: why, and what to do.", "Enter: why.")
"""What follows the answer, as far as there is room."""
ROOMY = 32
"""Lines from which on the pair under the cursor is explained below the grid."""


class Matrix(View):
    """Devices that lend down the side, devices that use across the top."""

    TITLE: ClassVar[str] = "Matrix"
    NAME: ClassVar[str] = "matrix"
    DEFAULT_CSS = """
    Matrix ContentSwitcher { height: 1fr; }
    Matrix #matrix-legend { color: $text-muted; background: transparent; }
    Matrix Aside { height: 1fr; display: none; padding: 0 1; border-top: solid $panel; }
    Matrix.-ascii Aside { border-top: ascii $panel; }
    Matrix.-roomy Aside { display: block; }
    Matrix.-roomy ContentSwitcher { height: auto; }
    Matrix.-roomy ContentSwitcher PairGrid { height: auto; max-height: 24; }
    Matrix.-roomy ContentSwitcher RecordList { height: 14; }
    Matrix.-low PairGrid { scrollbar-size-horizontal: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "list", "List/grid", tooltip="Show the pairs as a list, or as a grid again", id="matrix.list"),
        Binding("y", "copy", "Copy", show=False, tooltip="Copy the verdict in words", id="list.copy"),
    ]

    def __init__(self, shown: Shown) -> None:
        super().__init__(shown)
        self._known: Pairs | None = None
        self._beside = Explanation()
        self._only_filters = False
        """Whether the list came because the grid was to be filtered."""

    def compose(self) -> ComposeResult:
        """The grid or the list; the pair under the cursor in words; what the letters mean."""
        ascii_only = self.shown.glyphs.full.isascii()
        self.set_class(ascii_only, "-ascii")
        yield Told(id="matrix-title")
        with ContentSwitcher(initial="matrix-grid"):
            yield PairGrid(id="matrix-grid")
            yield RecordList(id="matrix-pairs")
        yield Told(id="matrix-said")
        yield Told(id="matrix-legend")
        yield Aside(unicode=not ascii_only, id="matrix-why")

    def panels(self, picture: Picture) -> tuple[Panel, ...]:
        """All pairs as records."""
        return (pairs_panel(self._pairs(picture.verdicts)),)

    def panels_later(self, picture: Picture) -> Callable[[], tuple[Panel, ...]]:
        """All pairs: of a large host too many to make while somebody waits."""
        pairs = Pairs(picture.verdicts)  # of its own: another thread is to fill it
        return lambda: (pairs_panel(pairs),)

    def _pairs(self, verdicts: Verdicts) -> Pairs:
        """The pairs; the same ones while the fabric is."""
        if self._known is None or self._known.verdicts is not verdicts:
            self._known = Pairs(verdicts)
        return self._known

    @property
    def listed(self) -> bool:
        """Whether the pairs show as a list."""
        return self.query_one(ContentSwitcher).current == "matrix-pairs"

    @property
    def _grid(self) -> PairGrid:
        return self.query_one(PairGrid)

    @property
    def _list(self) -> RecordList:
        return self.query_one("#matrix-pairs", RecordList)

    @property
    def focused_list(self) -> RecordList | None:
        """The list, while it shows."""
        return self._list if self.listed else None

    def show(self, picture: Picture) -> None:
        """Shows a new picture. While the fabric is the same, nothing of it is worked out again."""
        before, self.picture = self._known, picture
        pairs = self._pairs(picture.verdicts)
        if pairs is not before or self._grid.pairs is not pairs:
            self._grid.show(pairs)
            self._fill_list()
        self._tell()

    def _fill_list(self) -> None:
        """All pairs, or where they are too many for a list those of the row that the cursor is on."""
        if self.listed and self._known:
            self._list.show(pairs_panel(self._known, None if self._known.few else self._grid.cursor[0]))

    def action_list(self) -> None:
        """The other way to see the pairs, with the cursor on the same one."""
        pair = self.pair
        wanted = self._grid if self.listed else self._list
        # The keys go there first, and at once: those that wait are for it.
        wanted.display = True
        self.screen.set_focus(wanted)
        self.query_one(ContentSwitcher).current = wanted.id
        self._fill_list()
        self._list.shift = 0
        if pair is not None:
            self.go_to(f"{pair.provider} {pair.client}")
        self._tell()

    async def action_filter(self) -> None:
        """A grid cannot be filtered, a list can."""
        self._only_filters = not self.listed
        if self._only_filters:
            self.action_list()
        await super().action_filter()

    def on_filter_line_cleared(self, message: FilterLine.Cleared) -> None:
        """Who only wanted to filter the grid has it again."""
        message.stop()
        if self._only_filters and self.listed:
            self.action_list()

    def action_copy(self) -> None:
        """Copies what is said of the pair under the cursor."""
        pair = self.pair
        if pair and self.picture:
            self.app.copy_to_clipboard(said(self.picture, pair))
            self.app.notify(f"Copied: the verdict of {title_of(self.picture.verdicts.names, pair)}", markup=False)

    @property
    def pair(self) -> Pair | None:
        """The pair that the cursor is on."""
        if self._known is None or not len(self._known):
            return None
        if not self.listed:
            return self._known.pair(*self._grid.cursor)
        current = self._list.current
        place = self._known.place(current[0]) if current else None
        return self._known.pair(*place) if place else None

    def go_to(self, key: str) -> bool:
        """Puts the cursor on ``provider client``, or on a device of either edge."""
        place = self._known.place(key) if self._known else None
        if place is None:
            return False
        if self.listed:
            return self._list.go_to(key)
        self._grid.cursor = place
        self.screen.set_focus(self._grid)
        return True

    def details(self, panel_name: str, key: str) -> Maker | None:
        """What explains a pair."""
        del panel_name
        place = self._known.place(key) if self._known else None
        return Explanation(self._known.pair(*place)) if self._known and place else None

    def on_pair_grid_opened(self, message: PairGrid.Opened) -> None:
        """Explains the pair."""
        message.stop()
        pair = self.pair
        if pair and self._known:
            self.app.push_screen(PageDialog(title_of(self._known.verdicts.names, pair), Explanation(pair)))

    def on_pair_grid_moved(self, message: PairGrid.Moved) -> None:
        """Says what the pair may do."""
        message.stop()
        self._tell()

    def on_record_list_moved(self, message: RecordList.Moved) -> None:
        """The same, of the list."""
        message.stop()
        self._tell()

    def on_resize(self) -> None:
        """Fewer lines, or shorter ones, are shared anew."""
        self.set_class(self.size.height < LOW, "-low")
        self.set_class(self.size.height >= ROOMY, "-roomy")
        self.call_after_refresh(self._tell)

    def _tell(self) -> None:
        if self.picture is None or self._known is None:
            return
        title = self._known.nothing() or f"Rows lend, columns use: {self._known.counted()}"
        answer, legends = self._words(self.picture), self._legends(self._known)
        room = max(self.size.width - 2 * PADDING, 1)
        ending = f" {ENDINGS[0]}" if answer else ""
        wanted = Lines(lines(title, room), lines(answer + ending, room) if answer else 0,
                       *(lines(one, room) if one else 0 for one in legends))  # fmt: skip
        # Without pairs the title is all there is to say.
        given = self._shared(wanted) if len(self._known) else wanted._replace(answer=0)
        roomy = self.has_class("-roomy")
        whole = lines(title, room) <= given.title
        self._put("#matrix-title", title if whole else cut(title, room, self.shown.glyphs.cut), given.title)
        if answer:
            answer = shortened(answer, ENDINGS, room, given.answer, self.shown.glyphs.cut)
        self._put("#matrix-said", answer, 0 if roomy else given.answer)
        shown = [one for one, high in zip(legends, given[2:], strict=True) if high]
        self._put("#matrix-legend", "\n".join(shown), given.signs + given.numbers)
        if roomy:
            self._explain(self.picture)

    def _put(self, told: str, text: str, high: int) -> None:
        """A text on so many lines, or none."""
        widget = self.query_one(told, Told)
        widget.say(text)
        widget.display = high > 0
        widget.styles.height = max(high, 1)
        widget.styles.max_height = max(high, 1)

    def _legends(self, pairs: Pairs) -> tuple[str, str]:
        """What the letters mean, and which device each number is; empty where there are none."""
        if self.listed or not len(pairs):
            return "", ""
        told = legend(pairs, numbered=self._grid.numbered, distance=self._grid.with_distance)
        signs, _, numbers = told.partition("\n")
        return signs, numbers

    def _shared(self, wanted: Lines) -> Lines:
        """The lines that each text gets."""
        high = self.size.height
        if self.has_class("-roomy"):
            return wanted._replace(numbers=min(wanted.numbers, NUMBERS))
        if self.listed:
            return shared(high, self._list.virtual_size.height - HEAD, wanted)
        grid = self._grid
        scrolls = grid.virtual_size.width > self.size.width and not self.has_class("-low")
        return shared(high, grid.virtual_size.height - HEAD, wanted, scrolls=scrolls)

    def _explain(self, picture: Picture) -> None:
        """The page that Enter opens, where there is room for it anyway."""
        pair = self.pair
        anew = self._beside.pairs != (pair,)
        if anew:
            self._beside = Explanation(*([pair] if pair else ()))
        try:
            page = self._beside(picture) if pair else None
        except NotFoundError:
            page = None
        self.query_one(Aside).follow(page, anew=anew)

    def _words(self, picture: Picture) -> str:
        pair = self.pair
        if pair is None:
            return ""
        try:
            return said(picture, pair)
        except NotFoundError:
            return "One of the two is gone."
