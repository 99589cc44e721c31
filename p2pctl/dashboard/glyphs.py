"""Bars, curves and graphs as text, in whatever letters the terminal has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from p2pctl.model.facts import ABSENT, Missing

BEFORE = " "
"""Where a curve has not begun."""


class Glyphs(NamedTuple):
    """What drawings are made of."""

    full: str
    empty: str
    eighths: str
    """From the lowest to the highest step of a curve."""
    guides: tuple[str, str, str, str]
    """Of a tree: before a child and the last child, beside what hangs below either."""
    ascending: str
    descending: str
    dot: str
    parts: str = ""
    """A cell of a bar that is full in part, from least to most; empty where bars go by whole cells."""
    steps: str = ".:#"
    """A cell of a graph, from its lowest step to a full one."""
    axis: str = "-"
    yes: str = "+"
    no: str = "x"
    gap: str = "?"
    """Where nobody looked."""
    cut: str = "~"
    """The end of a text that goes on."""
    less: str = "<"
    """There is more at the left."""
    more: str = ">"
    path: str = "|"
    """Before a record that is set off."""


UNICODE = Glyphs(
    "█", "░", "▁▂▃▄▅▆▇█", ("├─ ", "└─ ", "│  ", "   "), "▲", "▼", "●", "▏▎▍▌▋▊▉", "▁▂▃▄▅▆▇█", "─", "✓", "✗",
    cut="…", less="‹", more="›", path="┃",  # noqa: RUF001  quotation marks that look like arrows
)  # fmt: skip
ASCII = Glyphs("#", ".", "_.-=+*%#", ("|- ", "`- ", "|  ", "   "), "^", "v", "*")


def bar(share: float, cells: int, glyphs: Glyphs) -> str:
    """A bar of ``cells`` cells, ``share`` (0 to 1) of it full.

    What is more than nothing shows, and what is less than all leaves room.
    """
    fine = len(glyphs.parts) + 1
    full, part = divmod(_steps(share, cells * fine), fine)
    text = glyphs.full * full + (glyphs.parts[part - 1] if part else "")
    return text + glyphs.empty * (cells - len(text))


def _steps(share: float, steps: int) -> int:
    """How many of so many steps a share comes to: none only for nothing, all only for everything."""
    share = min(max(share, 0.0), 1.0)
    found = round(share * steps)
    if share > 0:
        found = max(found, 1)
    return min(found, steps - 1) if share < 1 else found


def percent(share: float) -> str:
    """The share in words of at most four cells: ``0%`` and ``100%`` are said of nothing and of everything only."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def curve(values: Sequence[float | Missing | None], cells: int, glyphs: Glyphs) -> str:
    """The last ``cells`` of values between 0 and 1, a step each; ``?`` where nobody looked, a space before."""
    top = len(glyphs.eighths) - 1
    return "".join(_letter(value, glyphs.eighths, top, glyphs) for value in values[-cells:]).rjust(cells)


def _letter(value: float | Missing | None, letters: str, top: int, glyphs: Glyphs) -> str:
    if value is None or value is ABSENT:
        return BEFORE
    return glyphs.gap if isinstance(value, Missing) else letters[_steps(value, top)]


def graph(values: Sequence[float | Missing], lines: int, glyphs: Glyphs) -> list[str]:
    """Columns of ``lines`` lines for values between 0 and 1, the top line first.

    Nothing has no column. Where nobody looked stands a ``?`` in the lowest line.
    """
    fine = len(glyphs.steps)
    heights = [None if isinstance(value, Missing) else _steps(value, lines * fine) for value in values]
    drawn = [
        "".join(BEFORE if height is None else _filled(height - line * fine, glyphs) for height in heights)
        for line in range(lines - 1, -1, -1)
    ]
    pairs = zip(values, drawn[-1], strict=True)
    drawn[-1] = "".join(_letter(value, "", 0, glyphs) if isinstance(value, Missing) else cell for value, cell in pairs)
    return drawn


def _filled(steps: int, glyphs: Glyphs) -> str:
    return " " if steps <= 0 else glyphs.steps[min(steps, len(glyphs.steps)) - 1]
