"""The first screen: pools, ports, findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from p2pctl.dashboard.contents.overview import BY_GRAVITY, count_wrong, overview_panels, page_of, place_of
from p2pctl.dashboard.dialogs.page import Maker
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.remembered import Remembered
from p2pctl.dashboard.views.beside import PAGE, ROOMY, needed, widen
from p2pctl.dashboard.views.view import Shown, View
from p2pctl.dashboard.widgets.aside import Aside
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.dashboard.widgets.stack import Stack, Want

if TYPE_CHECKING:
    from p2pctl.dashboard.app import Dashboard

NAMES = ("pools", "ports", "findings")
LOW = 12
"""Lines below the lists that make a page there worth more than one beside them for which they cut something."""
SPLIT = 0.6
"""Share of the width that lists have which do not fit whole beside a page."""


class _List(RecordList):
    """One of the three: what is looked for may stand in any of them, so that a filter is for all."""

    filtered: ClassVar[str] = "All lists"

    def narrow(self, text: str) -> None:
        """Filters the others, too."""
        for one in self.screen.query(_List):
            RecordList.narrow(one, text)


class _Lists(Stack):
    """What is wrong is seen first. What the lists leave goes to a page about the record under the cursor."""

    PAGE = Want(7, 100, last=True)

    def want(self, child: Widget) -> Want:
        """The page comes last."""
        if isinstance(child, Aside):
            return self.PAGE
        wanted = super().want(child)
        wrong = count_wrong(child.panel) if isinstance(child, RecordList) and child.panel else 0
        return wanted._replace(urgent=2 + wrong) if wrong else wanted


class Overview(View):
    """Pools with their levels, ports with their P2P state, findings."""

    TITLE: ClassVar[str] = "Overview"
    NAME: ClassVar[str] = "overview"
    DEFAULT_CSS = """
    Overview Horizontal { height: 1fr; }
    Overview #overview-below { padding: 0 1; }
    Overview #overview-beside { width: 1fr; height: 1fr; display: none; border-left: solid $panel; padding: 0 1; }
    Overview.-ascii #overview-beside { border-left: ascii $panel; }
    Overview.-roomy #overview-beside { display: block; }
    Overview.-roomy #overview-below { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "go", "Go there", tooltip="To the view that has more about this record", id="overview.go"),
    ]

    def __init__(self, shown: Shown) -> None:
        super().__init__(shown)
        self._kept = Remembered()
        self._live = Remembered()
        self._beside: tuple[str, str] | None = None
        self._maker: Maker | None = None
        self._begun = False

    def compose(self) -> ComposeResult:
        """Three lists, and beside them what the cursor is on."""
        ascii_only = self.shown.glyphs.full.isascii()
        self.set_class(ascii_only, "-ascii")
        with Horizontal():
            with _Lists():
                for name in NAMES:
                    yield _List(id=f"overview-{name}")
                yield Aside(unicode=not ascii_only, id="overview-below")
            yield Aside(unicode=not ascii_only, id="overview-beside")

    def panels(self, picture: Picture) -> tuple[Panel, ...]:
        """The lists."""
        return overview_panels(picture, self.shown.history, self.shown.glyphs, self._kept)

    def show(self, picture: Picture) -> None:
        """Shows a new picture: where one may press Enter."""
        self.picture = picture
        for panel in overview_panels(picture, self.shown.history, self.shown.glyphs, self._live, live=True):
            self.query_one(f"#overview-{panel.name}", RecordList).show(panel)
        self._arrange()
        self.query_one(Stack).settle()
        self._explain()
        if not self._begun:
            self._begun = True
            self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """Whoever has not moved yet is led to the worst there is."""
        first = self.query_one("#overview-pools", RecordList)
        worst = next((name for name in BY_GRAVITY if count_wrong(self._panel(name))), None)
        if worst and (first.has_focus or self.screen.focused is None) and not first.cursor and self.is_on_screen:
            chosen = self.query_one(f"#overview-{worst}", RecordList)
            self.query_one(Stack).expect(chosen)
            self.screen.set_focus(chosen)

    def _panel(self, name: str) -> Panel | None:
        return self.query_one(f"#overview-{name}", RecordList).panel

    def _arrange(self) -> None:
        """The page stands beside the lists if they are whole there, else below if there is room, else beside."""
        lists = list(self.query(RecordList))
        wide, columns = self.size.width, needed(lists)
        lines = sum(one.virtual_size.height for one in lists)
        whole = wide - columns >= PAGE
        roomy = whole or (wide >= ROOMY and self.size.height - lines < LOW)
        self.set_class(roomy, "-roomy")
        widen(self.query_one(Stack), (columns if whole else int(wide * SPLIT)) if roomy else None)

    def details(self, panel_name: str, key: str) -> Maker | None:
        """What makes the page of a pool, a port's state or a finding."""
        return page_of(panel_name, key)

    def on_resize(self) -> None:
        """With enough columns there is a page beside the lists."""
        self._arrange()

    def on_aside_resized(self) -> None:
        """Its page is wrapped anew."""
        self._explain()

    def on_record_list_moved(self) -> None:
        """The cursor is on another record."""
        self._explain()

    def on_descendant_focus(self) -> None:
        """Another list is looked at."""
        self._explain()

    async def action_go(self) -> None:
        """To the view that has more about the record under the cursor."""
        at = self._current()
        place = place_of(self.picture, *at) if at and self.picture else None
        if place is None or not await cast("Dashboard", self.app).jump(*place):
            self.notify("There is no more about it in another view.", markup=False)

    def _current(self) -> tuple[str, str] | None:
        """The panel and the key of the record under the cursor of the list that is used."""
        lists = list(self.query(RecordList))
        used = next((one for one in lists if one.has_focus), None)
        if used is None:
            used = next((one for one in lists if self._beside and one.id == f"overview-{self._beside[0]}"), lists[0])
        return (used.panel.name, used.current[0]) if used.panel and used.current else None

    def _explain(self) -> None:
        if self.picture is None:
            return
        aside = self.query_one("#overview-beside" if self.has_class("-roomy") else "#overview-below", Aside)
        if not aside.size.height:
            return
        at = self._current()
        anew = at != self._beside
        if anew:
            self._beside, self._maker = at, page_of(*at) if at else None
        aside.follow(self._maker(self.picture) if self._maker else None, anew=anew)
