"""Which columns a list shows."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer

from p2pctl.dashboard.dialogs.keys import QUIT
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.render.report import Column
from p2pctl.render.text import clean

_COLUMNS = (
    Column("box", "", style="name"),
    Column("title", "column", style="name"),
    Column("state", "", style="name", priority=1),
)


class ColumnsDialog(ModalScreen[None]):
    """Hides and shows columns of a list, which follows at once."""

    DEFAULT_CSS = """
    ColumnsDialog { align: center middle; }
    ColumnsDialog > Vertical { width: 44; max-width: 100%; height: auto; max-height: 100%; background: $panel; }
    ColumnsDialog RecordList { height: auto; max-height: 1fr; margin: 0 1; }
    ColumnsDialog.-roomy > Vertical { border: round $primary; }
    ColumnsDialog.-roomy.-ascii > Vertical { border: ascii $primary; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-roomy")]  # noqa: RUF012  textual declares it so that ClassVar would not do
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "turn", "Show or hide", tooltip="Show the column, or hide it", id="columns.toggle"),
        Binding("a", "everything", "All", tooltip="Show all columns", id="columns.all"),
        Binding("escape,c", "close", "Close", tooltip="Back to the list", id="columns.close"),
        QUIT,
    ]

    def __init__(self, target: RecordList) -> None:
        super().__init__()
        self.target = target
        self._list = RecordList(id="columns-list")
        self._list.glyphs = target.glyphs

    def compose(self) -> ComposeResult:
        """The columns, the keys."""
        self.set_class(self.target.glyphs.full.isascii(), "-ascii")
        with Vertical():
            yield self._list
        yield Footer()

    def on_mount(self) -> None:
        """Shows what is."""
        self._show()
        self._list.focus()

    def _show(self) -> None:
        rows = self.target.rows
        here = {column.key for column in self.target.columns_shown}
        items = []
        for column in rows.columns:
            state = "hidden" if column.key in rows.hidden else "shown" if column.key in here else "no room now"
            box = "[ ]" if column.key in rows.hidden else "[x]"
            items.append({"box": box, "title": column.title or column.key, "state": state})
        title = f"Columns of {clean(self.target.panel.title)}" if self.target.panel else "Columns"
        self._list.show(Panel("columns", title, _COLUMNS, items, [column.key for column in rows.columns]))

    def on_record_list_opened(self, message: RecordList.Opened) -> None:
        """Enter and a click do what space does."""
        message.stop()
        self.action_turn()

    def action_turn(self) -> None:
        """Shows the column, or hides it; one always stays."""
        if self._list.row is None:
            return
        hidden = self.target.rows.hidden ^ {self._list.row.key}
        if all(column.key in hidden for column in self.target.rows.columns):
            self.notify("One column has to stay.", markup=False)
            return
        self.target.hide(hidden)
        self._show()

    def action_everything(self) -> None:
        """Shows all."""
        self.target.hide(frozenset())
        self._show()

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)
