"""Fitting text to the width of a terminal: which columns stay, where lines break."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from p2pctl.render.text import Line, Span, spans, width


class Look(NamedTuple):
    """What the terminal can show. The caller decides; nothing here asks the environment."""

    width: int = 80
    """Columns of the terminal."""
    color: bool = False
    unicode: bool = True
    """Whether its encoding has line-drawing characters."""


def kept(priorities: Sequence[int], widths: Sequence[int], room: int, gap: int) -> tuple[int, ...]:
    """Indexes of the columns that fit into ``room`` cells: the highest priority number goes first, of equals the last.

    Columns of priority 0 stay even where they do not fit. What a wide column leaves goes to narrower ones after it.
    """
    stay: list[int] = []
    taken = -gap
    for index in sorted(range(len(widths)), key=lambda i: (priorities[i], i)):
        if priorities[index] == 0 or taken + gap + widths[index] <= room:
            stay.append(index)
            taken += gap + widths[index]
    return tuple(sorted(stay))


def wrap(line: Line, room: int) -> list[tuple[Span, ...]]:
    """The line broken at spaces into lines of ``room`` cells; a word that is longer stays whole."""
    lines: list[list[Span]] = [[]]
    used = 0
    for blanks, word in _words(line):
        cells = sum(width(span.text) for span in word)
        if used and used + blanks + cells > room:
            lines.append([])
            used = 0
        elif blanks:
            lines[-1].append(Span(" " * blanks))
            used += blanks
        lines[-1].extend(word)
        used += cells
    return [tuple(pieces) for pieces in lines]


def _words(line: Line) -> list[tuple[int, list[Span]]]:
    """Runs without a space, each with the number of spaces before it; a word may change its emphasis on the way."""
    words: list[tuple[int, list[Span]]] = []
    blanks, inside = 0, False
    for span in spans(line):
        for index, text in enumerate(span.text.split(" ")):
            if index:
                blanks, inside = blanks + 1, False
            if text and inside:
                words[-1][1].append(Span(text, span.tone))
            elif text:
                words.append((blanks, [Span(text, span.tone)]))
                blanks, inside = 0, True
    return words
