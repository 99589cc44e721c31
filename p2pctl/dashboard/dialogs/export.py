"""Asks in which form and under which name the view is to be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from p2pctl.dashboard.contents.change import as_told
from p2pctl.dashboard.dialogs.keys import QUIT
from p2pctl.dashboard.exporting import FORMATS, ExportFormat, Writing, called, completed, form_of
from p2pctl.dashboard.threads import in_background
from p2pctl.errors import P2pctlError
from p2pctl.render.text import clean


class ExportDialog(ModalScreen[None]):
    """A format and a file name. It says what was written; Esc means that nothing is, however far it is."""

    DEFAULT_CSS = """
    ExportDialog { align: center middle; }
    ExportDialog > #export-box { width: 100%; max-width: 76; height: auto; background: $surface; padding: 0 1; }
    ExportDialog #export-title { height: 1; text-style: bold; background: $panel; }
    ExportDialog #export-formats { height: auto; }
    ExportDialog #export-trouble { height: auto; color: $text-error; text-style: bold; display: none; }
    ExportDialog #export-trouble.-said { display: block; }
    ExportDialog Input, ExportDialog Input:focus { border: none; height: 1; padding: 0; background: $panel; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-roomy")]  # noqa: RUF012  as textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Cancel", tooltip="Back, and write nothing", id="export.cancel"),
        Binding(
            "tab,down",
            "turn(1)",
            "Format",
            key_display="tab",
            priority=True,
            tooltip="To the next format",
            id="export.next",
        ),
        Binding("shift+tab,up", "turn(-1)", "Format before", show=False, priority=True, id="export.before"),
        QUIT,
    ]

    class Written(Message):
        """The file is there."""

        def __init__(self, told: str) -> None:
            super().__init__()
            self.told = told

    class Failed(Message):
        """It is not, and why."""

        def __init__(self, error: P2pctlError) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self,
        what: str,
        named: Callable[[ExportFormat], str],
        later: Callable[[ExportFormat], Callable[[], str]],
    ) -> None:
        """``later`` gives, at once, what makes the text of a file, which may take long and is called in a thread."""
        super().__init__()
        self._what = what
        self._named = named
        self._later = later
        self._form: ExportFormat = "json"
        self._writing: Writing | None = None

    def compose(self) -> ComposeResult:
        """The forms, and a line for the name."""
        with Vertical(id="export-box"):
            yield Static(f"Export {self._what}", id="export-title", markup=False)
            yield Static("", id="export-formats", markup=False)
            yield Input(self._named(self._form), id="export-name", select_on_focus=False)
            yield Static("", id="export-trouble", markup=False)
            yield Static(
                "Enter writes it: as the name ends, .json, .csv, .txt or .svg. Nothing is written over.",
                id="export-hint",
                markup=False,
            )
        yield Footer()

    def on_mount(self) -> None:
        """The name can be edited at once."""
        self.query_one(Input).focus()
        self._offer()

    def _offer(self) -> None:
        shown = "  ".join(f"[{form}]" if form == self._form else f" {form} " for form in FORMATS)
        self.query_one("#export-formats", Static).update(Content(shown))

    def action_turn(self, by: int) -> None:
        """Another format, which the name follows."""
        self._form = FORMATS[(FORMATS.index(self._form) + by) % len(FORMATS)]
        name = self.query_one(Input)
        name.value = called(name.value, self._form)
        name.cursor_position = len(name.value)
        self._offer()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        """A name that speaks of another format chooses that."""
        event.stop()
        form = form_of(event.input.value)
        if form is not None and form != self._form:
            self._form = form
            self._offer()

    def action_close(self) -> None:
        """Back, with nothing written."""
        if self._writing is None or self._writing.cancel():
            self.dismiss(None)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        if not name:
            self._say("a file needs a name")
        elif self._writing is None:
            self._begin(name)

    def _begin(self, name: str) -> None:
        try:
            writing = Writing(completed(name, self._form), self._later(self._form))
        except P2pctlError as error:
            self._refuse(error)
            return
        self._writing = writing
        self._say("It is being written.")
        in_background(lambda: self._write(writing), "export")

    def _write(self, writing: Writing) -> None:
        """In a thread: a file may lie on a server that does not answer."""
        try:
            size = writing.write()
        except Exception as error:  # noqa: BLE001  whatever it is: it is told, and the screen goes on
            self.post_message(self.Failed(as_told(error)))
        else:
            if size is not None:
                self.post_message(self.Written(f"{writing.name}: {size} bytes written"))

    def on_export_dialog_written(self, message: Written) -> None:
        """Back, with a word of it."""
        message.stop()
        self.notify(clean(message.told), markup=False)
        self.dismiss(None)

    def on_export_dialog_failed(self, message: Failed) -> None:
        """Another name may do better."""
        message.stop()
        self._writing = None
        self._refuse(message.error)

    def _refuse(self, error: P2pctlError) -> None:
        self._say(error.message + (f" ({error.hint})" if error.hint else ""))

    def _say(self, text: str) -> None:
        trouble = self.query_one("#export-trouble", Static)
        trouble.add_class("-said")
        trouble.update(Content(text))
