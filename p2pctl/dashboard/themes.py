"""Themes of our own, and how the screen does without colours or beyond-ASCII letters."""

from __future__ import annotations

from textual.scrollbar import ScrollBarRender
from textual.theme import Theme

DISTINCT = Theme(
    name="p2pctl-distinct",
    primary="#56b4e9",
    secondary="#0072b2",
    accent="#cc79a7",
    # Blue and orange instead of green and red: most people who confuse the latter two tell these apart.
    success="#56b4e9",
    warning="#f0e442",
    error="#e69f00",
    background="#101418",
    surface="#161b21",
    panel="#222a33",
    foreground="#e8ecf0",
    dark=True,
)
"""For people who do not tell red from green."""


class PlainScrollBar(ScrollBarRender):
    """Scroll bars of whole cells, drawn with blanks."""

    VERTICAL_BARS = [" "]  # noqa: RUF012  as textual declares it
    HORIZONTAL_BARS = [" "]  # noqa: RUF012


_SPELLED = {"↑": "up", "↓": "down", "←": "left", "→": "right", "⏎": "enter", "␣": "space", "⌫": "backspace", "⇥": "tab",
            "⇤": "shift+tab", "⌦": "delete", "⎋": "esc"}  # fmt: skip


def spelled(key: str) -> str:
    """The name of a key without letters beyond ASCII."""
    for sign, word in _SPELLED.items():
        key = key.replace(sign, word)
    return key.encode("ascii", "replace").decode("ascii")
