"""Choosing one of several things that may be asked for, each with what would come of it; a star marks what is so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import ClassVar, Protocol

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option as Row

from p2pctl.dashboard.changing import Choice
from p2pctl.dashboard.dialogs.keys import QUIT
from p2pctl.dashboard.threads import in_background
from p2pctl.errors import P2pctlError
from p2pctl.render.layout import wrap
from p2pctl.render.text import clean, pad, width

_GAP = "  "
"""Between two columns."""
_MARK = "* "
"""Before what is so already."""
_DENIED = "denied"
"""How the last column of an option begins that need not be read to its end."""
_WIDEST = 110
"""Cells of the dialog, as its style has it."""
_FRAMED = 16
"""Lines of a screen from which on there is a frame, and something said of the option under the cursor."""
_AROUND = 3
"""Lines around the list: two of title, and the keys; with a frame and a blank line, three more."""
_LEAST = 16
"""Cells that the last column has at least."""


def _told(height: int) -> int:
    """Lines for what is said of an option, on a screen of that height."""
    return min(max((height - 6) // 3, 3), 8)


class Rules(Protocol):
    """What comes of each option. All of it may take a while."""

    def judged(self, choice: Choice) -> Choice:
        """The same options with a verdict, the best first."""

    def tell(self, value: str) -> tuple[str, ...]:
        """Lines about a value."""


class _Options(OptionList):
    """The list, with the keys that all lists have."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Choose", tooltip="Plan this; nothing is done yet", id="choice.take"),
        Binding("k", "cursor_up", "Up", show=False, id="list.up"),
        Binding("j", "cursor_down", "Down", show=False, id="list.down"),
        Binding("g", "first", "First", show=False, id="list.first"),
        Binding("G", "last", "Last", show=False, id="list.last"),
    ]


class ChoiceDialog(ModalScreen[str | None]):
    """A list; Enter takes what the cursor is on, Esc nothing."""

    DEFAULT_CSS = """
    ChoiceDialog { align: center middle; }
    ChoiceDialog > #choice-box {
        width: 100%; max-width: 110; height: auto; max-height: 100%; background: $surface; padding: 0 1;
    }
    ChoiceDialog > #choice-box > #choice-title { height: auto; max-height: 2; text-style: bold; }
    ChoiceDialog > #choice-box > OptionList {
        height: auto; border: none; padding: 0; background: transparent;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    ChoiceDialog > #choice-box > #choice-about { height: auto; color: $text-muted; margin: 1 0 0 0; }
    ChoiceDialog.-low > #choice-box > #choice-about { display: none; }
    ChoiceDialog.-roomy > #choice-box { border: round $primary; }
    ChoiceDialog.-roomy.-ascii > #choice-box { border: ascii $primary; }
    ChoiceDialog:nocolor OptionList > .option-list--option-highlighted { text-style: reverse; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (_FRAMED, "-roomy")]  # noqa: RUF012  textual declares it so that ClassVar would not do
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Back", tooltip="Ask for nothing", id="choice.close"),
        QUIT,
    ]

    class Judged(Message):
        """The verdicts are known, and so is the order."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    class Told(Message):
        """What would come of a value is known."""

        def __init__(self, value: str, lines: tuple[str, ...]) -> None:
            super().__init__()
            self.value = value
            self.lines = lines

    def __init__(self, choice: Choice, *, rules: Rules | None = None, ascii_only: bool = False) -> None:
        super().__init__()
        self.choice = choice
        self.told: dict[str, tuple[str, ...]] = {}
        self._rules = rules
        self.set_class(ascii_only, "-ascii")

    def compose(self) -> ComposeResult:
        """The title, the list, what is said of the option under the cursor."""
        with Vertical(id="choice-box"):
            yield Static(clean(self.choice.title), id="choice-title", markup=False)
            yield _Options(markup=False)
            yield Static("", id="choice-about", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Puts the cursor on what is so now, and has worked out what comes of each."""
        self.query_one(OptionList).focus()
        self._fill(next((one.value for one in self.choice.options if one.now), None))
        if not self.choice.options:
            self.query_one("#choice-about", Static).update("There is nothing that this could be done with.")
        if self._rules is not None:
            in_background(partial(self._work_out, self._rules), "prediction")

    def _work_out(self, rules: Rules) -> None:
        """In a thread: a verdict for each option, then all about each, in their order."""
        choice = self.choice
        with contextlib.suppress(P2pctlError, OSError, LookupError, ValueError):
            choice = rules.judged(choice)
            self.post_message(self.Judged(choice))
        for option in choice.options:
            try:
                lines = rules.tell(option.value)
            except (P2pctlError, OSError, LookupError, ValueError) as error:
                lines = (f"it cannot be told: {error}",)
            if not self.post_message(self.Told(option.value, lines)):
                return  # it has closed meanwhile

    def on_choice_dialog_judged(self, message: Judged) -> None:
        """Shows the verdicts. The cursor stays on what it was on: Enter must not take anything else."""
        was = self._value
        self.choice = message.choice
        self._fill(was)
        self._say()

    def on_resize(self) -> None:
        """Lines that were too wide may not be any more; what is said of the option keeps its place below the list."""
        around, told = (_AROUND, 0) if self.size.height < _FRAMED else (_AROUND + 3, _told(self.size.height))
        self.query_one("#choice-about").styles.max_height = max(told, 1)
        self.query_one(OptionList).styles.max_height = max(self.size.height - around - told, 1)
        self._fill(self._value)

    @property
    def _value(self) -> str | None:
        """What the cursor is on."""
        place = self.query_one(OptionList).highlighted
        return self.choice.options[place].value if place is not None else None

    def _fill(self, value: str | None) -> None:
        """Shows the options, with the cursor on a value."""
        rows = self.query_one(OptionList)
        rows.clear_options()
        # What stands around the list: two lines of the frame, two cells of room, the scrollbar.
        rows.add_options(self._rows(min(self.size.width, _WIDEST) - 4 - rows.styles.scrollbar_size_vertical))
        rows.highlighted = next((place for place, one in enumerate(self.choice.options) if one.value == value), 0)

    def on_choice_dialog_told(self, message: Told) -> None:
        """Keeps it for when the cursor is there."""
        self.told[message.value] = message.lines
        self._say()

    def on_option_list_option_highlighted(self, message: OptionList.OptionHighlighted) -> None:
        """Says more of it."""
        message.stop()
        self._say()

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Takes it."""
        message.stop()
        self.dismiss(self.choice.options[message.option_index].value)

    def _say(self) -> None:
        place = self.query_one(OptionList).highlighted
        if place is None or self._rules is None:
            return
        lines = self.told.get(self.choice.options[place].value, ("What the rules say of it is being worked out.",))
        self.query_one("#choice-about", Static).update("\n".join(map(clean, lines)))

    def _rows(self, room: int) -> Iterator[Row]:
        """The options in columns. Of what may be taken, the last one takes as many lines as it needs."""
        table = [tuple(map(clean, one.cells)) for one in self.choice.options]
        wide = [max(map(width, column)) for column in zip(*table, strict=True)][:-1]
        before = len(_MARK) + sum(wide) + len(_GAP) * len(wide)
        for option, (*cells, last) in zip(self.choice.options, table, strict=True):
            padded = "".join(f"{pad(text, cells)}{_GAP}" for text, cells in zip(cells, wide, strict=True))
            head = f"{_MARK if option.now else ' ' * len(_MARK)}{padded}"
            start = before if room - before >= _LEAST else 2 * len(_MARK)
            if last.startswith(_DENIED):
                lines = [head + last]
            else:
                lines = [" " * start + "".join(span.text for span in line) for line in wrap(last, room - start)]
                lines = [head + lines[0][start:], *lines[1:]] if start == before or not last else [head, *lines]
            yield Row(Text("\n".join(line.rstrip() for line in lines)))

    def action_close(self) -> None:
        """Nothing."""
        self.dismiss(None)
