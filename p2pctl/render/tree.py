"""Trees: guides, a label that is never cut, and columns at its right as far as the terminal reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from p2pctl.render.layout import Look, kept, wrap
from p2pctl.render.page import Node, Tree
from p2pctl.render.table import hidden_note
from p2pctl.render.text import Line, Span, line_width, paint, spans, width

GAP = 2
NARROWEST = 20
"""Cells that the last column keeps when it has to wrap."""


class _Guides(NamedTuple):
    """What is drawn before a child and the last child, and beside what hangs below either."""

    child: str
    last: str
    beside: str
    below_last: str


_UNICODE = _Guides("├─ ", "└─ ", "│  ", "   ")
_ASCII = _Guides("|- ", "`- ", "|  ", "   ")
_PLAIN = _Guides("  ", "  ", "  ", "  ")


class _Row(NamedTuple):
    label: tuple[Span, ...]
    """With the guides before it."""
    below: str
    """The guides at the left of a line that continues this one."""
    cells: tuple[Line, ...]


class _Slot(NamedTuple):
    """A column as it is shown."""

    column: int
    width: int
    right: bool
    title: str


def tree_lines(tree: Tree, look: Look, *, plain: bool = False) -> Iterator[str]:
    """The tree. Plain output shows every column whole, and depth as spaces."""
    guides = _PLAIN if plain else _UNICODE if look.unicode else _ASCII
    rows = [row for root in tree.roots for row in _walk(root, "", "", guides)]
    label = max((line_width(row.label) for row in rows), default=0)
    slots = _slots(tree, rows, None if plain else look.width - label - GAP)
    if slots and rows:
        titles = tuple(Span(slot.title, "strong") for slot in slots)
        yield paint(_aligned((Span(""),), titles, label, slots), color=look.color)
    for row in rows:
        yield from _drawn(row, label, slots, look)
    shown = {slot.column for slot in slots}
    hidden = [column.title.lower() for index, column in enumerate(tree.columns) if index not in shown]
    if hidden:
        yield from hidden_note(hidden, look)


def _walk(node: Node, lead: str, below: str, guides: _Guides) -> Iterator[_Row]:
    """The rows of a node; ``lead`` stands before its label, ``below`` before everything under it."""
    beside = below + (guides.beside if node.children else "")
    yield _Row((Span(lead), *spans(node.label)), beside, node.cells)
    final = len(node.children) - 1
    for index, child in enumerate(node.children):
        guide, under = (guides.last, guides.below_last) if index == final else (guides.child, guides.beside)
        yield from _walk(child, below + guide, below + under, guides)


def _slots(tree: Tree, rows: Sequence[_Row], room: int | None) -> tuple[_Slot, ...]:
    """The columns that fit into ``room`` cells, all of them where it is None. Only the tree's last one may shrink."""
    natural = [
        max(width(column.title), *(line_width(_cell(row, index)) for row in rows), 0)
        for index, column in enumerate(tree.columns)
    ]
    stay = tuple(range(len(natural)))
    if room is not None and natural:
        final = stay[-1]
        least = [*natural[:-1], min(natural[-1], NARROWEST)]
        stay = kept([column.priority for column in tree.columns], least, room, GAP)
        if final in stay:
            taken = sum(natural[i] for i in stay if i != final) + GAP * (len(stay) - 1)
            natural[final] = max(least[final], min(natural[final], room - taken))
    return tuple(_Slot(i, natural[i], tree.columns[i].right, tree.columns[i].title.upper()) for i in stay)


def _cell(row: _Row, index: int) -> Line:
    return row.cells[index] if index < len(row.cells) else ""


def _drawn(row: _Row, label: int, slots: Sequence[_Slot], look: Look) -> Iterator[str]:
    """The row's line, and the lines on which its last cell goes on."""
    if not slots:
        yield paint(row.label, color=look.color)
        return
    *others, last = (_cell(row, slot.column) for slot in slots)
    for number, piece in enumerate(wrap(last, slots[-1].width) or [()]):
        head: tuple[Span, ...] = row.label if number == 0 else (Span(row.below),)
        cells = (*(others if number == 0 else [""] * len(others)), piece)
        yield paint(_aligned(head, cells, label, slots), color=look.color)


def _aligned(head: tuple[Span, ...], cells: Sequence[Line], label: int, slots: Sequence[_Slot]) -> Line:
    line: list[Span] = [*head, Span(" " * (label - line_width(head)))]
    for cell, slot in zip(cells, slots, strict=True):
        fill = Span(" " * (slot.width - line_width(cell)))
        line += [Span(" " * GAP), *((fill, *spans(cell)) if slot.right else (*spans(cell), fill))]
    return tuple(line)
