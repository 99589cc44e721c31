"""The PCI tree; two marked devices have it explain what is between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.geometry import Region
from textual.widgets import Static

from p2pctl.dashboard.contents.marked import HINT, Marked, device_of
from p2pctl.dashboard.contents.pair import pairs_of
from p2pctl.dashboard.contents.topology import aloof, branches, bridge_page, in_words, topology_panel, tree_of
from p2pctl.dashboard.dialogs.page import Maker, PageDialog
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.remembered import Remembered
from p2pctl.dashboard.views.beside import PAGE, ROOMY, needed, widen
from p2pctl.dashboard.views.view import Shown, View
from p2pctl.dashboard.widgets.aside import Aside
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.dashboard.widgets.rows import Row
from p2pctl.dashboard.widgets.told import Told
from p2pctl.errors import NotFoundError
from p2pctl.model.address import Address
from p2pctl.render.devices import device_page
from p2pctl.render.page import Tree
from p2pctl.render.report import Column
from p2pctl.render.text import clean

LOW = 12
"""Lines below which the tree gets all of them but one."""


class _Tree(RecordList):
    """Knows its nodes by their addresses, and tells when something is looked for in it."""

    @dataclass
    class Narrowed(RecordList.About):
        """Another filter; an empty one shows everything again."""

        text: str

    def narrow(self, text: str) -> None:
        """Tells it, too."""
        super().narrow(text)
        self.post_message(self.Narrowed(self, text))

    def copied(self, column: Column, row: Row) -> str:
        """Of a node its address, without the branches that it hangs on."""
        return clean(row.key) if column.key == "tree" else super().copied(column, row)


class Topology(View):
    """Host bridges, ports, endpoints, and what is between two of them."""

    TITLE: ClassVar[str] = "Topology"
    NAME: ClassVar[str] = "topology"
    DEFAULT_CSS = """
    Topology Horizontal { height: 1fr; }
    Topology RecordList { width: 1fr; height: 1fr; }
    Topology Aside { width: 1fr; height: 1fr; display: none; border-left: solid $panel; padding: 0 1; }
    Topology.-ascii Aside { border-left: ascii $panel; }
    Topology.-roomy Aside { display: block; }
    Topology.-low #topology-node { display: none; }
    Topology.-low Told { max-height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "why", "Why", tooltip="Explain what is between the two marked devices", id="topology.why"),
        Binding("o", "fold", "Fold", tooltip="Hide what hangs below, or show it again", id="topology.fold"),
        Binding("u", "unmark", "Unmark", tooltip="Take all marks away", id="topology.unmark"),
    ]

    def __init__(self, shown: Shown) -> None:
        super().__init__(shown)
        self._folded: frozenset[str] = frozenset()
        self._sought = False
        """Whether something is looked for: all of the tree then, whatever is folded."""
        self._marked = Marked()
        self._beside: object = None
        """What stands beside the tree: a pair, or the key of a device."""
        self._remark = ""
        """What is wrong with the last mark."""
        self._corrected: tuple[str, ...] = ()
        """The marks that were left of it: the list tells of them, too."""
        self._aloof: frozenset[str] = frozenset()
        """What is folded because it has no part in the way between the marked ones."""
        self._kept = Remembered()

    def compose(self) -> ComposeResult:
        """The tree; what the cursor is on; what is between the marked ones."""
        ascii_only = self.shown.glyphs.full.isascii()
        self.set_class(ascii_only, "-ascii")
        with Horizontal():
            yield _Tree(id="topology-tree", markable=True)
            yield Aside(unicode=not ascii_only, id="topology-beside")
        yield Told(id="topology-node")
        yield Told(HINT, id="topology-pair")

    @property
    def _list(self) -> RecordList:
        return self.query_one("#topology-tree", RecordList)

    def panels(self, picture: Picture) -> tuple[Panel, ...]:
        """The tree."""
        return (self._panel(picture),)

    def _panel(self, picture: Picture) -> Panel:
        """The same one as long as nothing in it is another: levels of pools are no part of it."""
        tree, folded = self._tree(picture), frozenset() if self._sought else self._folded
        lines = self._kept.of("lines", (tree, folded), lambda: branches(tree, self.shown.glyphs, folded))
        way = self._way(picture)
        return self._kept.of("panel", (lines, way), lambda: topology_panel(lines, folded=folded, way=way))

    def _tree(self, picture: Picture) -> Tree:
        return self._kept.of("tree", (picture.verdicts,), lambda: tree_of(picture))

    def _way(self, picture: Picture) -> Mapping[str, str]:
        return self._marked.way(picture, self.shown.glyphs.dot)

    def show(self, picture: Picture) -> None:
        """Shows a new picture."""
        self.picture = picture
        panel = self._panel(picture)
        if self._list.panel is not panel:
            self._list.show(panel)
            self._arrange()
        self._list.marked = frozenset(self._way(picture))
        self._tell()

    def details(self, panel_name: str, key: str) -> Maker | None:
        """What makes the page of a device, or of a host bridge."""
        del panel_name
        address = Address.parse(key)
        if address is None:
            return lambda picture: self._kept.of("bridge", (picture.verdicts, key), lambda: bridge_page(picture, key))
        return lambda picture: device_page(picture.snapshot, address)

    def go_to(self, key: str) -> bool:
        """Puts the cursor on a device, unfolding what hides it."""
        if self._folded and self.picture:
            self._unfold_to(self.picture, key)
            self.show(self.picture)
        return super().go_to(key)

    def _unfold_to(self, picture: Picture, key: str) -> None:
        """Unfolds what hides a node."""
        for line in branches(self._tree(picture), self.shown.glyphs):
            if line.key == key:
                self._folded -= frozenset(line.above)

    def on__tree_narrowed(self, message: _Tree.Narrowed) -> None:
        """What is looked for may be folded away. Where it was found, it stays in sight."""
        message.stop()
        sought, self._sought = self._sought, bool(message.text)
        if self.picture is None or sought is self._sought:
            return
        if sought and self._list.current:
            self._unfold_to(self.picture, self._list.current[0])
        self.show(self.picture)
        self.refresh_bindings()

    def on_resize(self) -> None:
        """A low screen keeps its lines for the tree."""
        self.set_class(self.size.height < LOW, "-low")
        self._arrange()
        self.call_after_refresh(self._tell)

    def _arrange(self) -> None:
        """With enough columns the marked pair, else the node under the cursor, is explained beside the tree."""
        wide = self.size.width
        self.set_class(wide >= ROOMY, "-roomy")
        widen(self._list, needed([self._list], wide - PAGE) if wide >= ROOMY else None)

    def on_record_list_opened(self, message: RecordList.Opened) -> None:
        """A host bridge is folded: its page says no more than the screen. Devices open theirs, as in every view."""
        if Address.parse(message.key) is None and not self._sought:
            message.prevent_default()
            message.stop()
            self.action_fold()

    def on_record_list_moved(self, message: RecordList.Moved) -> None:
        """Tells about the node under the cursor; what was wrong with a mark is past."""
        message.stop()
        self._remark = ""
        self._tell()

    def on_record_list_marked(self, message: RecordList.Marked) -> None:
        """The second mark has the two explained."""
        message.stop()
        if self.picture is None:
            return
        if message.keys != self._corrected:
            self._remark = ""
        addresses = [found for key in message.keys if (found := device_of(self.picture, key))]
        if len(addresses) < len(message.keys):
            self._remark = "A port neither lends nor uses memory: mark devices. "
            self._list.chosen = self._corrected = tuple(map(str, addresses))
        if len(addresses) > 2:
            # A third one begins a new pair.
            addresses = addresses[-1:]
            self._list.chosen = (str(addresses[0]),)
        names = self.picture.verdicts.names
        others = self._marked.choose(pairs_of(names, *addresses) if len(addresses) == 2 else ())
        if others:
            self._make_room(self.picture)
        self.show(self.picture)
        self.refresh_bindings()
        if others and self._marked.pairs:
            self._see_both()
            self.action_why()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is about marks needs some; what is looked for must not be folded away."""
        del parameters
        if action == "why":
            return bool(self._marked.pairs)
        if action == "fold":
            return not self._sought
        return bool(self._list.chosen) if action == "unmark" else True

    def _make_room(self, picture: Picture) -> None:
        """Folds what has no part in the way between the marked ones if the tree does not fit, or unfolds it again."""
        self._folded -= self._aloof
        self._aloof = frozenset()
        lines = branches(self._tree(picture), self.shown.glyphs)
        way = self._way(picture)
        if way and len(lines) + self._list.head > self._list.seen.height:
            # What was folded by hand stays so.
            self._aloof = aloof(lines, way) - self._folded
            shown = {key for line in lines if line.key in way for key in line.above}
            self._folded = (self._folded | self._aloof) - shown

    def _see_both(self) -> None:
        """Scrolls to where both ends are seen, as far as they fit; else the cursor's is."""
        places = [place for key in self._list.chosen if (place := self._list.rows.place(key)) is not None]
        if places:
            region = Region(0, min(places), 1, max(places) - min(places) + 1 + self._list.head)
            self._list.scroll_to_region(region, animate=False, force=True, x_axis=False, immediate=True)
            self._list.see_cursor()

    def action_why(self) -> None:
        """Opens the explanation of the marked pair."""
        if self._marked.pairs and self.picture:
            page = PageDialog(self._marked.title(self.picture), self._marked.explanation)
            self.app.push_screen(page, self._read)

    def _read(self, _: object) -> None:
        """What is said below the tree may have taken lines from it."""
        self.call_after_refresh(self._see_both)

    def action_fold(self) -> None:
        """Hides what hangs below the node, or shows it again."""
        current = self._list.current
        if current and self.picture:
            self._folded ^= {current[0]}
            self._aloof -= {current[0]}
            self.show(self.picture)

    def action_unmark(self) -> None:
        """Takes all marks away."""
        self._list.chosen = ()
        self._marked.choose(())
        self.refresh_bindings()
        if self.picture:
            self._make_room(self.picture)
            self.show(self.picture)

    def _tell(self) -> None:
        if self.picture is None:
            return
        current = self._list.current
        self.query_one("#topology-node", Static).update(in_words(self.picture, current[0]) if current else "")
        self.query_one("#topology-pair", Told).say(self._marked.told(self.picture, self._list.chosen, self._remark))
        if self.has_class("-roomy"):
            self._explain(self.picture, current[0] if current else "")

    def _explain(self, picture: Picture, key: str) -> None:
        """What Enter or w would open, where there is room for it anyway."""
        about: object = self._marked.pairs or key
        make = self._marked.explanation if self._marked.pairs else self.details("tree", key)
        try:
            page = make(picture) if make else None
        except NotFoundError:
            page = None
        self.query_one(Aside).follow(page, anew=about != self._beside)
        self._beside = about
