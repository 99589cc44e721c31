"""Pools, how their levels moved, and who holds every byte of them."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget

from p2pctl.dashboard.contents.level import level_page
from p2pctl.dashboard.contents.pools import PoolPages, holders_panel, pools_panel
from p2pctl.dashboard.dialogs.page import Maker
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.views.beside import PAGE, ROOMY, needed, widen
from p2pctl.dashboard.views.view import View
from p2pctl.dashboard.widgets.aside import Aside
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.dashboard.widgets.stack import Stack, Want


class _Parts(Stack):
    """The graph takes what the lists leave, and is never squeezed to nothing."""

    GRAPH = Want(9, 26)

    def want(self, child: Widget) -> Want:
        """A graph may be higher or lower."""
        return self.GRAPH if isinstance(child, Aside) else super().want(child)


class Pools(View):
    """Every pool; of the one under the cursor the level over time, and its holders."""

    TITLE: ClassVar[str] = "Pools"
    NAME: ClassVar[str] = "pools"
    DEFAULT_CSS = """
    Pools Horizontal { height: 1fr; }
    Pools Aside { width: 1fr; padding: 0 1; }
    Pools #pools-beside { display: none; height: 1fr; border-left: solid $panel; }
    Pools.-ascii #pools-beside { border-left: ascii $panel; }
    Pools.-roomy #pools-beside { display: block; }
    Pools.-roomy #pools-below { display: none; }
    """

    def compose(self) -> ComposeResult:
        """Pools, the graph, holders; with enough columns the graph at the side."""
        ascii_only = self.shown.glyphs.full.isascii()
        self.set_class(ascii_only, "-ascii")
        with Horizontal():
            with _Parts():
                yield RecordList(id="pools-pools")
                yield Aside(unicode=not ascii_only, id="pools-below")
                yield RecordList(id="pools-holders")
            yield Aside(unicode=not ascii_only, id="pools-beside")

    def panels(self, picture: Picture) -> tuple[Panel, ...]:
        """The pools, and who holds what of any of them."""
        return (pools_panel(picture, self.shown.history, self.shown.glyphs), holders_panel(picture))

    def show(self, picture: Picture) -> None:
        """Shows a new picture: of the holders those of the pool under the cursor."""
        self.picture = picture
        self.query_one("#pools-pools", RecordList).show(pools_panel(picture, self.shown.history, self.shown.glyphs))
        self._arrange()
        self._follow()

    def details(self, panel_name: str, key: str) -> Maker | None:
        """What makes the page of a pool; that of a holder is its pool's."""
        del panel_name
        return PoolPages(key.partition(" ")[0])

    def on_resize(self) -> None:
        """With enough columns the graph is at the side."""
        self._arrange()

    def _arrange(self) -> None:
        """The lists have what they need, and the graph the rest."""
        wide = self.size.width
        roomy = wide >= ROOMY
        self.set_class(roomy, "-roomy")
        widen(self.query_one(_Parts), needed(self.query(RecordList), wide - PAGE) if roomy else None)

    def on_record_list_moved(self, message: RecordList.Moved) -> None:
        """The cursor is on another pool."""
        if message.list.id == "pools-pools":
            self._follow()

    def on_aside_resized(self) -> None:
        """A graph is as high and as wide as its place."""
        self._follow()

    @property
    def pool(self) -> str | None:
        """The address of the pool under the cursor."""
        current = self.query_one("#pools-pools", RecordList).current
        return current[0] if current else None

    def _follow(self) -> None:
        if self.picture is None:
            return
        address = self.pool
        self.query_one("#pools-holders", RecordList).show(holders_panel(self.picture, address))
        stack = self.query_one(_Parts)
        stack.settle()
        graph = self.query_one("#pools-beside" if self.has_class("-roomy") else "#pools-below", Aside)
        room = graph.scrollable_content_region
        page = None
        if address and room.width:
            shown = self.shown
            page = level_page(self.picture, address, shown.history, shown.glyphs, wide=room.width, lines=room.height)
        graph.follow(page, anew=True)
