"""A change: what it would do, the question whether to do it, how it goes and how it ended."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from p2pctl.dashboard.contents.change import done_page, error_page, plan_page, severe
from p2pctl.dashboard.dialogs.keys import QUIT
from p2pctl.dashboard.undertaking import Phase, Undertaking
from p2pctl.dashboard.widgets.answer import Answer
from p2pctl.dashboard.widgets.page_text import READING_KEYS, PageText
from p2pctl.errors import P2pctlError
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.text import clean

_TURNS = "|/-\\"
_TICK = 0.1
"""Seconds between two looks at how it goes."""
_AROUND = 5
"""Lines that stand around the page: two of title, what goes on, the answer, the keys."""
_FRAMED = 12
"""Lines of a screen from which on there is a frame, which takes two of them."""
_LOW = 4
"""Lines around the page on a screen with fewer: a title of one line only."""

_HINTS: dict[Phase, str] = {
    "planning": "It is being planned. Nothing is changed yet.",
    "nothing": "",
    "refused": "",
    "doing": "It is being done.",
    "ended": "",
}


class ChangeDialog(ModalScreen[None]):
    """From the plan to the end of one change. Nothing is done without a yes, and Enter is no."""

    DEFAULT_CSS = """
    ChangeDialog { align: center middle; }
    ChangeDialog > #change-box {
        width: 100%; max-width: 124; height: auto; max-height: 100%; background: $surface; padding: 0 1;
    }
    ChangeDialog > #change-box > #change-title { height: auto; max-height: 2; text-style: bold; }
    ChangeDialog > #change-box > #change-line { height: auto; max-height: 3; color: $text-warning; }
    ChangeDialog.-low > #change-box > #change-title, ChangeDialog.-low > #change-box > #change-line { max-height: 1; }
    ChangeDialog.-roomy > #change-box { border: round $primary; }
    ChangeDialog.-roomy.-ascii > #change-box { border: ascii $primary; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (_FRAMED, "-roomy")]  # noqa: RUF012  textual declares it so that ClassVar would not do
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", tooltip="Do it", id="change.yes"),
        Binding("n,escape", "no", "No", tooltip="Do nothing, and go back", id="change.no"),
        Binding("escape", "back", "Back", tooltip="Ask for nothing", id="change.back"),
        Binding("enter,escape", "close", "Close", tooltip="Back to the view", id="change.close"),
        Binding("s", "stop", "Stop", tooltip="Finish the step at hand, then undo all of it", id="change.stop"),
        QUIT,
        Binding("escape", "hold", "Back", show=False, tooltip="Says why not yet", id="change.hold"),
        Binding("left,h", "side('no')", "No", show=False, tooltip="To No", id="change.left"),
        Binding("right,l", "side('yes')", "Yes", show=False, tooltip="To Yes", id="change.right"),
        *READING_KEYS,
    ]

    def __init__(self, undertaking: Undertaking, snapshot: Snapshot, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.undertaking = undertaking
        self._snapshot = snapshot
        self._unicode = not ascii_only
        self._turn = 0
        self.set_class(ascii_only, "-ascii")

    @property
    def phase(self) -> Phase:
        """How far it is."""
        return self.undertaking.phase

    def compose(self) -> ComposeResult:
        """The title, the page, a line about what goes on, and room for an answer."""
        with Vertical(id="change-box"):
            yield Static(clean(self.undertaking.request.title), id="change-title", markup=False)
            text = PageText(unicode=self._unicode, id="change-text")
            text.can_focus = False  # the keys are the answer's; those that scroll are handed on
            yield text
            yield Static("", id="change-line", markup=False)
            yield Answer()
        yield Footer()

    def on_resize(self) -> None:
        """Only the page gives way: the question is always seen."""
        # By the height: the classes of this size may not be set yet.
        around = _AROUND + 2 if self.size.height >= _FRAMED else _LOW
        self._text.styles.max_height = max(self.size.height - around, 1)

    def on_mount(self) -> None:
        """Has it planned."""
        self._say()
        self.set_interval(_TICK, self._tick)
        self.undertaking.plan(self)

    async def on_undertaking_planned(self, message: Undertaking.Planned) -> None:
        """Shows what would be done and asks, or says why it cannot be."""
        message.stop()
        found = message.found
        self.undertaking.planned(found)
        if isinstance(found, P2pctlError):
            self._text.show(error_page(self._snapshot, found, begun=False))
        else:
            self._text.show(plan_page(self._snapshot, found))
        self.tell()
        if self.phase == "asking" and not isinstance(found, P2pctlError):
            await self.query_one(Answer).ask(strictly=severe(found))

    def tell(self) -> None:
        """Says how it stands with the change; at its end, how it ended."""
        self._say()
        self.refresh_bindings()
        end = self.undertaking.end
        if isinstance(end, P2pctlError):
            self._text.show(error_page(self._snapshot, end, begun=self.undertaking.progress.begun))
        elif end is not None:
            self._text.show(done_page(self._snapshot, end))

    @property
    def _text(self) -> PageText:
        return self.query_one(PageText)

    def _tick(self) -> None:
        """A sign of life, and how far it is."""
        if self.phase in {"planning", "doing"}:
            self._turn += 1
            self._say()
        if self.phase == "doing" and self.undertaking.progress.moved():
            self._text.show(self.undertaking.progress.page(self._snapshot))
            self.call_after_refresh(self._text.action_edge, True)

    def _say(self) -> None:
        stopping, leaving = self.undertaking.stopping, self.undertaking.leaving is not None
        line = _HINTS.get(self.phase, "")
        if self.phase == "doing" and stopping:
            line = "It stops after the step at hand; what was done is then undone."
        if self.phase == "doing" and leaving:
            line += " Then p2pctl ends." if stopping else " p2pctl ends with it; q again stops and undoes it."
        if self.phase in {"planning", "doing"}:
            line = f"{_TURNS[self._turn % len(_TURNS)]} {line}"
        self.query_one("#change-line", Static).update(line)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Each phase has its keys."""
        del parameters
        proposal = self.undertaking.proposal
        asks = self.phase == "asking" and proposal is not None
        return {
            "yes": asks and proposal is not None and not severe(proposal),
            "side": asks,
            "no": asks,
            "back": self.phase == "planning",
            "stop": self.phase == "doing" and not self.undertaking.stopping,
            "hold": self.phase == "doing",
            "close": self.phase in {"nothing", "refused", "ended"},
        }.get(action, True)

    def on_answer_given(self, message: Answer.Given) -> None:
        """An answer."""
        message.stop()
        if message.yes:
            self.action_yes()
        else:
            self.action_no()

    def action_yes(self) -> None:
        """Does it."""
        if self.phase != "asking":
            return
        self.undertaking.begin(self.app)
        self.query_one(Answer).remove_children()
        self.tell()
        self._text.show(self.undertaking.progress.page(self._snapshot))

    def action_no(self) -> None:
        """Goes back without."""
        if self.phase == "asking":
            self.app.notify("Nothing was changed.", markup=False)
        self.dismiss(None)

    action_back = action_close = action_no

    def action_hold(self) -> None:
        """Says that it cannot be left half done."""
        self.notify("It is carried out or undone whole: s stops it and undoes it.", markup=False)

    def action_stop(self) -> None:
        """Has it end after the step at hand, and undone."""
        self.undertaking.stop()
        self.tell()

    def action_side(self, which: str) -> None:
        """To the other answer."""
        self.query_one(Answer).side(which)

    def action_line(self, lines: int) -> None:
        """Up or down."""
        self._text.action_line(lines)

    def action_screen(self, screens: int) -> None:
        """A screen up or down."""
        self._text.action_screen(screens)

    def action_edge(self, end: bool) -> None:
        """To the top or the end."""
        self._text.action_edge(end)
