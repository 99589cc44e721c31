"""The views with their keys, in a line that can be clicked on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events

from p2pctl.dashboard.widgets.tab_row import Tab, TabRow
from p2pctl.render.text import width


class ViewTabs(TabRow):
    """Numbered tabs; brackets mark the one that is seen. Where they do not fit, the others are only numbers."""

    @dataclass
    class Chosen(TabRow.Chosen):
        """Somebody clicked on a view. A message of its own, since views have tabs, too."""

    def __init__(self, titles: Sequence[tuple[str, str]], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._titles = tuple(titles)
        self._current = ""

    def choose(self, name: str) -> None:
        """Marks a view."""
        self._current = name
        self._fit()

    def on_resize(self, event: events.Resize) -> None:
        """There is room for other labels."""
        del event
        self._fit()

    def _fit(self) -> None:
        labels = [(name, f"{number} {title}") for number, (name, title) in enumerate(self._titles, 1)]
        if sum(width(label) + 2 for _, label in labels) > self.size.width > 0:
            labels = [(name, label if name == self._current else label.split(" ", 1)[0]) for name, label in labels]
        self.show([Tab(name, label) for name, label in labels], self._current)
