"""What the terminal behind a stream can show: the one place that asks the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, TextIO

from p2pctl.render.layout import Look

ColorChoice = Literal["auto", "always", "never"]

NARROWEST = 40
"""Columns below which a table is no use; what is narrower gets wrapped by the terminal."""
FALLBACK = 80
FALLBACK_LINES = 24


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody looks at it. A closed stream is none."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def wants_color(choice: ColorChoice, environ: Mapping[str, str], *, terminal: bool) -> bool:
    """--color, then NO_COLOR, then FORCE_COLOR (both only if not empty), then TERM=dumb, then the stream."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return terminal and environ.get("TERM") != "dumb"


def look(stream: TextIO | None, choice: ColorChoice) -> Look:
    """How to draw on a stream."""
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    return Look(
        width=max(width(stream), NARROWEST),
        color=wants_color(choice, os.environ, terminal=is_terminal(stream)),
        unicode=encoding.startswith("utf"),
    )


def width(stream: TextIO | None) -> int:
    """Columns of the terminal behind a stream."""
    return _size(stream, "COLUMNS", 0) or FALLBACK


def height(stream: TextIO | None) -> int:
    """Lines of the terminal behind a stream."""
    return _size(stream, "LINES", 1) or FALLBACK_LINES


def moves_cursor(stream: TextIO | None) -> bool:
    """Whether what stands on it can be drawn over."""
    return is_terminal(stream) and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}


_DIGITS = 5
"""Of a size that somebody may mean: lines are padded to it."""


def _size(stream: TextIO | None, variable: str, index: int) -> int:
    """What the environment says, as every terminal program has it, then the terminal itself; 0 where neither knows."""
    text = os.environ.get(variable, "")
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text):
        return int(text)
    try:
        return os.get_terminal_size(stream.fileno())[index] if stream else 0
    except (OSError, ValueError):
        return 0
