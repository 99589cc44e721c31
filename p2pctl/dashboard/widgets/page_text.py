"""A page as text that scrolls: what the commands print, in the colours of the theme."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from p2pctl.render.layout import Look
from p2pctl.render.page import Page
from p2pctl.render.pages import page_lines
from p2pctl.render.text import Span, paint, spans, width

_TONES: dict[str, str] = {
    "1": "strong", "2": "dim", "31": "bad", "32": "good", "33": "warning", "36": "accent",
}  # fmt: skip
_PAINTED = re.compile(r"\x1b\[(\d+)m(.*?)\x1b\[0m")
"""What ``paint`` writes. Nothing else in a line can hold an escape: all of it was cleaned."""


READING_KEYS: tuple[BindingType, ...] = (
    Binding("up,k", "line(-1)", "Up", show=False, id="list.up"),
    Binding("down,j", "line(1)", "Down", show=False, id="list.down"),
    Binding("pageup,ctrl+u", "screen(-1)", "Page up", show=False, id="list.page-up"),
    Binding("pagedown,ctrl+d,space", "screen(1)", "Page down", show=False, id="list.page-down"),
    Binding("home,g", "edge(False)", "Top", show=False, id="list.first"),
    Binding("end,G", "edge(True)", "End", show=False, id="list.last"),
)
"""Up and down in a text, for whoever shows one."""


class PageText(ScrollView, can_focus=True):
    """A page, wrapped anew when the width changes; the place that one reads stays when the page does.

    Commands and long names are broken where the line ends, with a backslash; a table may be wider than the screen.
    """

    DEFAULT_CSS = """
    PageText { height: auto; background: transparent; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    PageText > .page-text--strong { text-style: bold; }
    PageText > .page-text--dim { color: $text-muted; }
    PageText > .page-text--good { color: $text-success; }
    PageText > .page-text--warning { color: $text-warning; }
    PageText > .page-text--bad { color: $text-error; }
    PageText > .page-text--accent { color: $text-primary; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"page-text--{tone}" for tone in _TONES.values()}
    BINDINGS: ClassVar[list[BindingType]] = [
        *READING_KEYS,
        Binding("left,h", "aside(-8)", "Left", show=False, id="list.left"),
        Binding("right,l", "aside(8)", "Right", show=False, id="list.right"),
        Binding("n,tab", "part(1)", "Next part", tooltip="To the next heading", id="page.next"),
        Binding(
            "N,shift+tab", "part(-1)", "Part before", show=False, tooltip="To the heading before", id="page.before"
        ),
    ]

    def __init__(self, *, unicode: bool = True, id: str | None = None) -> None:  # noqa: A002  textual's name
        super().__init__(id=id)
        self.unicode = unicode
        self.page: Page | None = None
        self._lines: list[str] = []
        self._parts: list[tuple[int, str]] = []
        self._drawn: tuple[Page, int] | None = None

    def show(self, page: Page) -> None:
        """Shows a page. It does not jump: what was at the top stays there as far as the page is still that long."""
        self.page = page
        wide = self.scrollable_content_region.width
        if wide:
            self._draw(wide)
            self.refresh(layout=True)

    @property
    def text(self) -> str:
        """All of it without colours: as it is wrapped now, but for commands, which are whole."""
        if self._drawn is None:
            return ""
        page, wide = self._drawn
        return "".join(f"{line}\n" for line in page_lines(page, Look(width=wide, unicode=self.unicode)))

    @property
    def below(self) -> tuple[str, ...]:
        """The headings that are further down than what is seen."""
        end = self.scroll_offset.y + self.scrollable_content_region.height
        return tuple(title for line, title in self._parts if line >= end)

    def _draw(self, wide: int) -> None:
        if self.page is None or self._drawn == (self.page, wide):
            return
        self._drawn = (self.page, wide)
        self._lines = list(page_lines(self.page, Look(wide, color=True, unicode=self.unicode, breaks=True)))
        self._parts = list(_parts(self.page, self._lines))
        longest = max((width(_PAINTED.sub(_bare, line)) for line in self._lines), default=0)
        self.virtual_size = Size(max(longest, 1), len(self._lines))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the page has at this width."""
        del container, viewport
        self._draw(max(width - self.styles.scrollbar_size_vertical, 1))
        return len(self._lines)

    def on_resize(self) -> None:
        """Wraps anew."""
        self._draw(max(self.scrollable_content_region.width, 1))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        left, top = self.scroll_offset
        wide, style = self.size.width, self.rich_style
        if top + y >= len(self._lines):
            return Strip.blank(wide, style)
        segments = [Segment(span.text, style + self._tone(span)) for span in _spans(self._lines[top + y])]
        return Strip(segments).crop(left, left + wide).adjust_cell_length(wide, style)

    def _tone(self, span: Span) -> Style:
        return self.get_component_rich_style(f"page-text--{span.tone}", partial=True) if span.tone else Style.null()

    def action_line(self, lines: int) -> None:
        """Up or down."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def action_aside(self, cells: int) -> None:
        """Left or right, where a table is wider than the screen."""
        self.scroll_to(x=self.scroll_offset.x + cells, animate=False)

    def action_screen(self, screens: int) -> None:
        """A screen up or down, with a line that is seen before and after."""
        self.action_line(screens * max(self.scrollable_content_region.height - 1, 1))

    def action_edge(self, end: bool) -> None:
        """To the top or the end."""
        self.scroll_to(y=self.virtual_size.height if end else 0, animate=False)

    def action_part(self, step: int) -> None:
        """To the next heading, or the one before."""
        here = self.scroll_offset.y
        later = [line for line, _ in self._parts if line > here]
        before = [line for line, _ in self._parts if line < here]
        if step > 0:
            self.scroll_to(y=later[0] if later else self.virtual_size.height, animate=False)
        else:
            self.scroll_to(y=before[-1] if before else 0, animate=False)


def _bare(match: re.Match[str]) -> str:
    return match[2]


def _spans(line: str) -> list[Span]:
    """A painted line in its pieces."""
    found: list[Span] = []
    end = 0
    for match in _PAINTED.finditer(line):
        found += [Span(line[end : match.start()]), Span(match[2], _TONES.get(match[1]))]  # type: ignore[arg-type]
        end = match.end()
    return [*found, Span(line[end:])]


def _parts(page: Page, lines: Sequence[str]) -> list[tuple[int, str]]:
    """Where the headings of the page are: a line that is one, and stands after the one before."""
    found: list[tuple[int, str]] = []
    start = 0
    for section in page.sections:
        if not section.title:
            continue
        title = paint(section.title, color=False)
        drawn = paint(tuple(Span(span.text, span.tone or "strong") for span in spans(section.title)), color=True)
        place = next((at for at in range(start, len(lines)) if lines[at] == drawn), None)
        if place is not None:
            found.append((place, title))
            start = place + 1
    return found
