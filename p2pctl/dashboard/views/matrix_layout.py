"""How the grid and what is said about it share the lines of a screen."""

from __future__ import annotations

from typing import NamedTuple

from p2pctl.render.layout import wrap
from p2pctl.render.text import Line, width

HEAD = 1
"""Lines above the records of a grid."""
ANSWER = 4
"""Lines that the answer takes at most."""
NUMBERS = 6
"""Lines that the names of numbered columns take at most."""


class Lines(NamedTuple):
    """How many lines each has; 0 is not seen."""

    title: int
    answer: int
    signs: int
    """What the letters mean."""
    numbers: int
    """Which device each number over a column is: all of them or none."""


def shared(height: int, records: int, wanted: Lines, *, scrolls: bool = False) -> Lines:
    """The lines that each gets of ``height``; the grid has the others.

    That is at least half of the records that it could show. ``scrolls`` says that a line of it is a scroll bar's.
    """
    above = HEAD + scrolls
    least = above + -(-min(records, max(height - above, 0)) // 2)
    left = max(height - least, 0)
    answer = min(wanted.answer, ANSWER, left)
    left -= answer
    signs = min(wanted.signs, 1, left)
    left -= signs
    title = min(wanted.title, 1, left)
    left -= title
    numbers = wanted.numbers if wanted.numbers <= min(left, NUMBERS) else 0
    return Lines(title, answer, signs, numbers)


def lines(text: Line, room: int) -> int:
    """How many lines of ``room`` cells a text takes."""
    return sum(-(-max(sum(width(span.text) for span in one), 1) // max(room, 1)) for one in wrap(text, room))


def shortened(text: str, endings: tuple[str, ...], room: int, high: int, mark: str) -> str:
    """A text with an ending in ``high`` lines of ``room`` cells: the end of the text goes before its ending does.

    Of several endings the first that leaves the text half of the room.
    """
    for ending in endings:
        if lines(f"{text} {ending}", room) <= high:
            return f"{text} {ending}"
    words = text.split(" ")
    for ending in (*endings, ""):
        for count in range(len(words) - 1, 0, -1):
            found = f"{' '.join(words[:count]).rstrip(',;:')}{mark} {ending}".rstrip()
            if lines(found, room) > high:
                continue
            if not ending or width(found) - width(ending) >= width(ending):
                return found
            break
    return text
