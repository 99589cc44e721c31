"""The log: what happened while the screen was open, and what the kernel said before and since."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from p2pctl.dashboard.contents.log import LogContents, log_page, narrow
from p2pctl.dashboard.dialogs.page import Maker, PageDialog
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.views.view import Shown, View
from p2pctl.dashboard.widgets.record_list import RecordList

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from p2pctl.dashboard.panel import Panel


WIDE = 150
"""Columns from which on long names show whole."""


class Log(View):
    """One list, oldest first, that stays at its end until somebody moves up."""

    TITLE: ClassVar[str] = "Log"
    NAME: ClassVar[str] = "log"

    def __init__(self, shown: Shown) -> None:
        super().__init__(shown)
        self._contents = LogContents()

    def compose(self) -> ComposeResult:
        """One list."""
        yield RecordList(id="log-log")

    def panels(self, picture: Picture) -> tuple[Panel, ...]:
        """The list."""
        return (self._contents.panel(picture, self.shown.events),)

    def details(self, panel_name: str, key: str) -> Maker | None:
        """The whole line, and what it means."""
        del panel_name
        return lambda picture: log_page(self._contents, picture, self.shown.events, key)

    def on_record_list_opened(self, message: RecordList.Opened) -> None:
        """Opens the whole line."""
        message.stop().prevent_default()
        make = self.details("log", message.key)
        if make:
            self.app.push_screen(PageDialog(f"Log, {message.item['time']}", make))

    @property
    def _list(self) -> RecordList:
        return self.query_one("#log-log", RecordList)

    @property
    def _newest_first(self) -> bool:
        """Whether somebody turned the list over."""
        return self._list.rows.sorting.reverse and self._list.rows.sorting.column in {None, "time"}

    @property
    def follows(self) -> bool:
        """Whether the newest line is kept in sight: the cursor is on it."""
        return self._list.cursor == 0 if self._newest_first else self._list.cursor >= len(self._list.rows.shown) - 1

    def show(self, picture: Picture) -> None:
        """Shows new lines, and goes on to the newest if the cursor was on the newest before."""
        self.picture = picture
        follows = self.follows
        (panel,) = self.panels(picture)
        if self.size.width < WIDE:
            panel = panel._replace(columns=narrow(self.shown.glyphs.cut))
        self._list.show(self._told(panel, follows=follows))
        if follows:
            self._list.action_first() if self._newest_first else self._list.action_last()

    def on_resize(self) -> None:
        """Long names are cut where they would leave no room."""
        if self.picture:
            self.show(self.picture)

    def on_record_list_moved(self, message: RecordList.Moved) -> None:
        """Says at once whether newer lines will be followed."""
        message.stop()
        if self._list.panel:
            self._list.show(self._told(self._list.panel, follows=self.follows))

    @staticmethod
    def _told(panel: Panel, *, follows: bool) -> Panel:
        return panel._replace(title="Log, following" if follows else "Log, standing still: G follows again")
