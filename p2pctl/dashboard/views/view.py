"""What all views have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from p2pctl.dashboard.dialogs.columns import ColumnsDialog
from p2pctl.dashboard.dialogs.page import Maker, PageDialog
from p2pctl.dashboard.glyphs import UNICODE, Glyphs
from p2pctl.dashboard.history import History
from p2pctl.dashboard.journal import Journal
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.widgets.filter_line import FilterLine
from p2pctl.dashboard.widgets.record_list import RecordList

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Shown:
    """What there is to show besides the picture. One object, shared by the app and its views."""

    def __init__(self, glyphs: Glyphs = UNICODE, lists: Mapping[str, object] | None = None) -> None:
        self.glyphs = glyphs
        self.lists = lists or {}
        """What `RecordList.state` gave at the end of the last run, by the id of the list."""
        self.history = History()
        self.events = Journal()
        """Oldest first."""


class View(Vertical):
    """One of the screens that a number key leads to."""

    TITLE: ClassVar[str] = ""
    NAME: ClassVar[str] = ""
    """``pools``: its id, and what --view calls it."""
    BINDINGS: ClassVar[list[BindingType]] = [
        # With priority: what is typed right after it must not reach the list.
        Binding(
            "slash",
            "filter",
            "Filter",
            key_display="/",
            tooltip="Show what matches a text",
            priority=True,
            id="list.filter",
        ),
        Binding("c", "columns", "Columns", show=False, tooltip="Hide and show columns", id="list.columns"),
    ]

    def __init__(self, shown: Shown) -> None:
        super().__init__(id=self.NAME)
        self.shown = shown
        self.picture: Picture | None = None

    def on_mount(self) -> None:
        """Its lists draw with the same letters as everything else, and have the columns and the order that they had."""
        for one in self.query(RecordList):
            one.glyphs = self.shown.glyphs
            if one.id and one.id in self.shown.lists:
                one.restore(self.shown.lists[one.id])

    @property
    def focused_list(self) -> RecordList | None:
        """The list that has the focus; else the first one that is seen."""
        lists = [one for one in self.query(RecordList) if one.is_on_screen or one.has_focus]
        return next((one for one in lists if one.has_focus), lists[0] if lists else None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Who types a text types a slash, too; columns are a list's."""
        if action == "filter" and isinstance(self.screen.focused, Input):
            return False
        if action == "columns" and self.focused_list is None:
            return False
        return super().check_action(action, parameters)

    async def action_filter(self) -> None:
        """Opens the line where a filter is typed. What is typed meanwhile waits, and belongs to it."""
        target = self.focused_list
        if target and not self.query(FilterLine):
            line = FilterLine(target)
            await self.mount(line)
            # Not focus(), which comes after the keys that wait.
            self.screen.set_focus(line.query_one(Input))

    def action_columns(self) -> None:
        """Opens the choice of columns."""
        target = self.focused_list
        if target and target.panel:
            self.app.push_screen(ColumnsDialog(target))

    def show(self, picture: Picture) -> None:
        """Shows a new picture. Called only while the view is seen, and once when it comes to be."""
        self.picture = picture
        for panel in self.panels(picture):
            self.query_one(f"#{self.NAME}-{panel.name}", RecordList).show(panel)

    @property
    def list_names(self) -> tuple[str, ...]:
        """What its lists are called, in order. No list is made for it."""
        return tuple(str(one.id).removeprefix(f"{self.NAME}-") for one in self.query(RecordList))

    def panels_later(self, picture: Picture) -> Callable[[], Sequence[Panel]]:
        """Its lists, for another thread; who takes long to make them does it there."""
        panels = self.panels(picture)
        return lambda: panels

    def panels(self, picture: Picture) -> Sequence[Panel]:
        """The lists of this view, as a screen, an export and --once show them."""
        raise NotImplementedError

    def details(self, panel_name: str, key: str) -> Maker | None:
        """What makes the page that Enter opens on a record; None where there is none.

        The maker gets every picture that follows while the page is open; it gives None once the record is gone.
        """
        del panel_name, key
        return None

    def on_record_list_opened(self, message: RecordList.Opened) -> None:
        """Opens the page of the record."""
        message.stop()
        panel = message.list.panel
        make = self.details(panel.name, message.key) if panel else None
        if panel and make:
            self.app.push_screen(PageDialog(f"{panel.title}: {message.key}", make))

    def go_to(self, key: str) -> bool:
        """Puts the cursor on a record of any of its lists, by key."""
        for one in self.query(RecordList):
            if one.go_to(key):
                one.focus()
                return True
        return False
