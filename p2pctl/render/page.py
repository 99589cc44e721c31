"""Pages for people: sections of labelled values, small tables, lines and trees, over one document for machines."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from p2pctl.render.report import Column, Item, Report, Style, Value
from p2pctl.render.text import Line, Span, Tone

Severity = Literal["ok", "info", "warning", "error"]

_BADGES: dict[Severity, Tone | None] = {"ok": "good", "info": None, "warning": "warning", "error": "bad"}


def badge(severity: Severity) -> Span:
    """The word for a severity, with the emphasis that goes with it."""
    return Span(severity, _BADGES[severity])


class Field(NamedTuple):
    """A labelled value."""

    label: str
    value: Value | Span
    style: Style = "text"
    tone: Tone | None = None
    """Emphasis of a value that is known."""
    note: Line = ""
    """What is said after it, with whatever emphasis."""


class Fields(NamedTuple):
    """Labelled values, one a line, the values aligned."""

    rows: tuple[Field, ...]


class Grid(NamedTuple):
    """A small table."""

    columns: tuple[Column, ...]
    items: tuple[Item, ...]
    empty: str = "None."
    """What stands in its place without items."""


class Lines(NamedTuple):
    """Running text: each line wraps in a table and stays whole in plain output."""

    lines: tuple[Line, ...]
    bullet: str = ""
    """What stands before each line, such as ``- ``; what wraps hangs below the text."""
    whole: bool = False
    """Never wrapped: commands to copy."""


class TreeColumn(NamedTuple):
    """What stands beside the nodes of a tree."""

    title: str
    priority: int = 0
    """0 is always shown; in a narrow terminal the highest number goes first."""
    right: bool = False
    """Aligned at its right."""


class Node(NamedTuple):
    """A line of a tree with what hangs below it."""

    label: Line
    """Never cut, never wrapped."""
    cells: tuple[Line, ...] = ()
    """One for each column of the tree; missing ones at the end are empty."""
    children: tuple[Node, ...] = ()


class Tree(NamedTuple):
    """Nodes below nodes, with columns at their right."""

    roots: tuple[Node, ...]
    columns: tuple[TreeColumn, ...] = ()


Block: TypeAlias = Fields | Grid | Lines | Tree


class Section(NamedTuple):
    """A titled part of a page; without a title, just its blocks."""

    title: Line
    blocks: tuple[Block, ...]


class Page(NamedTuple):
    """What people read, and the report that machines get instead of it."""

    report: Report
    sections: tuple[Section, ...]
