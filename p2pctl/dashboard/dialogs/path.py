"""Asking for the path of a file."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from p2pctl.dashboard.dialogs.keys import QUIT
from p2pctl.render.text import clean


class PathDialog(ModalScreen[str | None]):
    """One line to type in; Enter takes it, Esc nothing."""

    DEFAULT_CSS = """
    PathDialog { align: center middle; }
    PathDialog > #path-box { width: 100%; max-width: 90; height: auto; background: $surface; padding: 0 1; }
    PathDialog > #path-box > Static { height: auto; max-height: 2; text-style: bold; }
    PathDialog.-roomy > #path-box { border: round $primary; }
    PathDialog.-roomy.-ascii > #path-box { border: ascii $primary; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-roomy")]  # noqa: RUF012  textual declares it so that ClassVar would not do
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Back", tooltip="Ask for nothing", id="path.close"),
        QUIT,
    ]

    def __init__(self, title: str, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._title = clean(title)
        self.set_class(ascii_only, "-ascii")

    def compose(self) -> ComposeResult:
        """What is asked, and where to answer."""
        with Vertical(id="path-box"):
            yield Static(self._title, markup=False)
            yield Input(placeholder="target.yaml", compact=True)
        yield Footer()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Takes what was typed."""
        message.stop()
        self.dismiss(message.value.strip() or None)

    def action_close(self) -> None:
        """Nothing."""
        self.dismiss(None)
