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
    breaks: bool = False
    """Whether words and commands longer than a line are broken, with ``\\`` at the end; else they stay whole."""


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


def broken(line: Line, room: int) -> list[tuple[Span, ...]]:
    """The line in pieces of ``room`` cells, all but the last with a backslash at the end, as in a shell.

    It is broken after a space or a slash where there is one not too early, else anywhere.
    """
    pieces: list[tuple[Span, ...]] = []
    rest = spans(line)
    while room > 1 and sum(width(span.text) for span in rest) > room:
        at = _break("".join(span.text for span in rest), room - 1)
        head, rest = _parted(rest, at)
        pieces.append((*head, Span("\\", "dim")))
    return [*pieces, rest]


def _break(text: str, room: int) -> int:
    """How many letters of the text go before a break: at least one."""
    fits, cells = 0, 0
    for letter in text:
        cells += width(letter)
        if cells > room:
            break
        fits += 1
    gap = max(text.rfind(sign, 0, fits) for sign in " /") + 1
    return gap if gap > fits // 2 else max(fits, 1)


def _parted(line: Sequence[Span], letters: int) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The first letters of the line, and the others."""
    head: list[Span] = []
    for place, span in enumerate(line):
        if len(span.text) > letters:
            after = Span(span.text[letters:], span.tone)
            return (*head, Span(span.text[:letters], span.tone)), (after, *line[place + 1 :])
        head.append(span)
        letters -= len(span.text)
    return tuple(head), ()


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
