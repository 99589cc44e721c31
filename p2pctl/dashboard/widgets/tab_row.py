"""One line that says which lists there are, how long each is, and which one is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from p2pctl.render.text import clean, width


class Tab(NamedTuple):
    """A list that there is."""

    name: str
    label: str


class TabRow(Widget):
    """Tabs in a row. What does not fit is left out from the left, never the chosen one."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"tab-row--chosen"}
    DEFAULT_CSS = """
    TabRow { height: 1; background: $panel; color: $text-muted; }
    TabRow > .tab-row--chosen { text-style: bold; color: $text; }
    """

    @dataclass
    class Chosen(Message):
        """Somebody clicked on a tab."""

        name: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  textual's name
        super().__init__(id=id)
        self._tabs: tuple[Tab, ...] = ()
        self._chosen = ""

    def show(self, tabs: Sequence[Tab], chosen: str) -> None:
        """Shows these tabs."""
        if (tuple(tabs), chosen) != (self._tabs, self._chosen):
            self._tabs, self._chosen = tuple(tabs), chosen
            self.refresh()

    @property
    def _shown(self) -> list[tuple[Tab, str]]:
        """What fits; brackets say which one is chosen, where there are no colours."""
        cells = [
            (tab, f"[{clean(tab.label)}]" if tab.name == self._chosen else f" {clean(tab.label)} ")
            for tab in self._tabs
        ]
        place = next((place for place, (tab, _) in enumerate(cells) if tab.name == self._chosen), 0)
        first = 0
        while first < place and sum(width(text) for _, text in cells[first : place + 1]) > self.size.width:
            first += 1
        return cells[first:]

    def render_line(self, y: int) -> Strip:
        """The only line."""
        del y
        chosen = self.get_component_rich_style("tab-row--chosen")
        segments = [Segment(text, chosen if tab.name == self._chosen else self.rich_style) for tab, text in self._shown]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Finds the tab under the mouse."""
        end = 0
        for tab, text in self._shown:
            end += width(text)
            if event.x < end:
                self.post_message(self.Chosen(tab.name))
                return
