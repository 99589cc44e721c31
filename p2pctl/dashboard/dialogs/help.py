"""The keys that work where one is, read off the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from p2pctl.dashboard.dialogs.keys import QUIT
from p2pctl.dashboard.widgets.key_line import CHANGE, KeyLine
from p2pctl.dashboard.widgets.list_keys import MOTION_IDS
from p2pctl.dashboard.widgets.page_text import PageText
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.model.facts import ABSENT
from p2pctl.model.snapshot import Source
from p2pctl.render.page import Field, Fields, Lines, Page, Section
from p2pctl.render.report import Report
from p2pctl.render.text import Span

if TYPE_CHECKING:
    from textual.app import App

CHANGES = "Changes"
EVERYWHERE = "Everywhere"
MOVING = "Moving"
MEANINGS = "What signs and words mean"
_LATER = (CHANGES, EVERYWHERE, MOVING)
_WORDS = {
    "app.focus_next": "To the next list",
    "app.focus_previous": "To the list before",
    "app.command_palette": "Go to anything by its name, or do anything by what it is called",
    "command_palette": "Go to anything by its name, or do anything by what it is called",
}
"""Of bindings that are not from here. The others of that kind are left out: they do nothing here."""
_NOWHERE = Source("live", ABSENT, ABSENT, ABSENT)


class HelpDialog(ModalScreen[None]):
    """What each key does, the nearest first. Changes that are not allowed say so."""

    DEFAULT_CSS = """
    HelpDialog { align: center middle; }
    HelpDialog > #help-box {
        width: 100%; max-width: 84; height: auto; max-height: 100%; background: $surface; padding: 0 1;
    }
    HelpDialog > #help-box > #help-title { height: 1; text-style: bold; background: $panel; }
    HelpDialog > #help-box > #help-text { max-height: 1fr; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-roomy")]  # noqa: RUF012  as textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark", "close", "Close", tooltip="Back to where you were", id="help.close"),
        QUIT,
    ]

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page

    def compose(self) -> ComposeResult:
        """The keys in a box."""
        with Vertical(id="help-box"):
            yield Static("Keys", id="help-title", markup=False)
            yield PageText(unicode=not self.app.has_class("-ascii"), id="help-text")
        yield KeyLine()

    def on_mount(self) -> None:
        """Can be scrolled at once."""
        text = self.query_one(PageText)
        text.show(self._page)
        text.focus()

    def action_close(self) -> None:
        """Back to the view."""
        self.dismiss(None)


def help_page(
    app: App[Any],
    screen: Screen[Any],
    active: Mapping[str, ActiveBinding],
    legend: Sequence[str] = (),
    off: str = "",
) -> Page:
    """The active bindings as a page, each action once with all its keys; then what signs and words mean.

    Those of the focused widget come first, then those of the view, and changes; what only moves comes last. ``off``
    says why those that are dimmed do nothing.
    """
    groups: dict[str, list[ActiveBinding]] = {}
    nodes = _nearest_first(screen, active.values())
    for one in sorted(active.values(), key=lambda one: nodes.index(one.node)):
        if one.binding.description and (one.binding.id or one.binding.action in _WORDS):
            groups.setdefault(_title(app, screen, one), []).append(one)
    order = sorted(groups, key=lambda title: _LATER.index(title) if title in _LATER else -1)
    sections = [Section(title, (Fields(tuple(_rows(app, groups[title], off))),)) for title in order]
    if legend:
        sections.append(Section(MEANINGS, (Lines(tuple(legend)),)))
    return Page(Report("help", (), (), _NOWHERE, 0.0), tuple(sections))


def _nearest_first(screen: Screen[Any], found: Iterable[ActiveBinding]) -> list[DOMNode]:
    chain: list[DOMNode] = list(screen.focused.ancestors_with_self) if screen.focused else [screen, screen.app]
    return sorted({one.node for one in found}, key=lambda node: chain.index(node) if node in chain else len(chain))


def _title(app: App[Any], screen: Screen[Any], one: ActiveBinding) -> str:
    node = one.node
    if one.binding.action.startswith(CHANGE):
        return CHANGES
    if one.binding.id in MOTION_IDS:
        return MOVING
    if node is app or node is screen:
        return EVERYWHERE
    if node is screen.focused:
        return "In this list" if isinstance(node, RecordList) else "Here"
    return f"In {getattr(node, 'TITLE', '')}" if getattr(node, "TITLE", "") else "Here"


def _rows(app: App[Any], found: Iterable[ActiveBinding], why: str) -> Iterable[Field]:
    merged: dict[tuple[str, str], list[ActiveBinding]] = {}
    for one in found:
        merged.setdefault((one.binding.id or one.binding.action, one.binding.description), []).append(one)
    for (_, description), same in merged.items():
        # What the line at the bottom calls them is the same for all keys of an action.
        keys = " ".join(dict.fromkeys(app.get_key_display(replace(one.binding, key_display=None)) for one in same))
        text = _WORDS.get(same[0].binding.action) or same[0].tooltip or same[0].binding.tooltip or description
        off = "" if same[0].enabled else f"  (not now: {why})"
        yield Field(keys, Span(text + off, None if same[0].enabled else "dim"))
