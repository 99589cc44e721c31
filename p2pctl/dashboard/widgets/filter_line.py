"""Where a filter is typed. It works while it is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.render.text import clean


class FilterLine(Widget):
    """The last line of a view while somebody types what a list should show."""

    DEFAULT_CSS = """
    FilterLine { layout: horizontal; width: 100%; height: 1; dock: bottom; background: $panel; }
    FilterLine > Static { width: auto; max-width: 50%; height: 1; text-style: bold; }
    FilterLine > Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    FilterLine > Input:focus { border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "Keep", tooltip="Keep the filter, back to the list", priority=True, id="filter.keep"),
        Binding("escape", "clear", "Clear", tooltip="Show everything again", priority=True, id="filter.clear"),
        Binding("up", "move(-1)", "Up", show=False, priority=True, id="filter.up"),
        Binding("down", "move(1)", "Down", show=False, priority=True, id="filter.down"),
    ]

    class Cleared(Message):
        """Somebody changed their mind: everything shows again."""

    def __init__(self, target: RecordList) -> None:
        super().__init__()
        self.target = target
        """The list that it filters."""

    def compose(self) -> ComposeResult:
        """What is filtered, and the text."""
        title = self.target.filtered or (clean(self.target.panel.title) if self.target.panel else "")
        yield Static(f"{title} /" if title else "/", markup=False)
        yield Input(self.target.rows.text, placeholder="text, !text, column:text", select_on_focus=False, compact=True)

    def on_mount(self) -> None:
        """The list shows its cursor meanwhile."""
        self.target.add_class("-filtering")

    def on_unmount(self) -> None:
        """The list has the keys again."""
        self.target.remove_class("-filtering")

    def on_input_changed(self, message: Input.Changed) -> None:
        """Shows what the text finds so far."""
        message.stop()
        self.target.narrow(message.value)

    def on_descendant_blur(self) -> None:
        """Who goes elsewhere keeps the filter. A terminal that only loses its focus changes nothing."""
        if self.app.app_focus:
            self.remove()

    def action_keep(self) -> None:
        """Back to the list."""
        self.target.focus()

    def action_clear(self) -> None:
        """Without a filter."""
        self.target.narrow("")
        self.post_message(self.Cleared())  # before the focus goes, and this line with it
        self.target.focus()

    def action_move(self, lines: int) -> None:
        """Moves in the list meanwhile."""
        self.target.action_move(lines)
