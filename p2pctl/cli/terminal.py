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
        width=max(_width(stream), NARROWEST),
        color=wants_color(choice, os.environ, terminal=is_terminal(stream)),
        unicode=encoding.startswith("utf"),
    )


def _width(stream: TextIO | None) -> int:
    """COLUMNS, as every terminal program has it, then the terminal itself."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream else FALLBACK
    except (OSError, ValueError):
        return FALLBACK
