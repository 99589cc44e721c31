"""The line at the top: whose facts these are, of when, and how one looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from p2pctl.render.layout import kept
from p2pctl.render.text import Tone, clean, width

GAP = 2


class Word(NamedTuple):
    """One of the things that it says."""

    text: str
    priority: int = 0
    """0 is always said; on a narrow screen the highest number goes first."""
    tone: Tone | None = None
    right: bool = False
    """Whether it stands at the right."""


class TopLine(Widget):
    """Words at its left and at its right; what does not fit is left out."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"top-line--{tone}" for tone in ("strong", "dim", "good", "warning", "bad", "accent")
    }
    DEFAULT_CSS = """
    TopLine { height: 1; background: $panel; color: $foreground; }
    TopLine > .top-line--strong { text-style: bold; }
    TopLine > .top-line--dim { color: $text-muted; }
    TopLine > .top-line--good { color: $text-success; }
    TopLine > .top-line--warning { color: $text-warning; text-style: bold; }
    TopLine > .top-line--bad { color: $text-error; text-style: bold reverse; }
    TopLine > .top-line--accent { color: $text-accent; text-style: bold; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  textual's name
        super().__init__(id=id)
        self.words: tuple[Word, ...] = ()

    def show(self, words: Sequence[Word]) -> None:
        """Says this instead; where it is the same, nothing is drawn."""
        found = tuple(word._replace(text=clean(word.text)) for word in words if word.text)
        if found != self.words:
            self.words = found
            self.refresh()

    def fitting(self, room: int) -> tuple[Word, ...]:
        """The words for which there is room, in cells."""
        places = kept([word.priority for word in self.words], [width(word.text) for word in self.words], room, GAP)
        return tuple(self.words[place] for place in places)

    def render_line(self, y: int) -> Strip:
        """The only line."""
        del y
        room = self.size.width
        words = self.fitting(room - 2)
        left, right = [word for word in words if not word.right], [word for word in words if word.right]
        used = sum(width(word.text) for word in words) + GAP * max(len(words) - 1, 0)
        between = max(room - 2 - used, 0) + (GAP if left and right else 0)
        segments = [Segment(" ", self.rich_style), *self._said(left), Segment(" " * between, self.rich_style)]
        return Strip([*segments, *self._said(right)]).adjust_cell_length(room, self.rich_style)

    def _said(self, words: Sequence[Word]) -> list[Segment]:
        segments: list[Segment] = []
        for number, word in enumerate(words):
            if number:
                segments.append(Segment(" " * GAP, self.rich_style))
            segments.append(Segment(word.text, self.rich_style + self._tone(word.tone)))
        return segments

    def _tone(self, tone: Tone | None) -> Style:
        return self.get_component_rich_style(f"top-line--{tone}", partial=True) if tone else Style.null()
