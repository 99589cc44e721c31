"""Pages as text: titles, aligned labels, small tables, running lines and trees, each below the other."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.render.cells import UNKNOWN, words
from p2pctl.render.layout import Look, broken, wrap
from p2pctl.render.notes import page_asides
from p2pctl.render.page import Block, Field, Fields, Grid, Lines, Page, Tree
from p2pctl.render.plain import plain_rows
from p2pctl.render.table import grid_rows
from p2pctl.render.text import Line, Span, clean, line_width, paint, spans, width
from p2pctl.render.tree import tree_lines

INDENT = 2
"""Cells by which a section's blocks stand in from its title."""
GAP = 2


def page_lines(page: Page, look: Look, *, plain: bool = False) -> Iterator[str]:
    """The page. Plain: nothing wraps, nothing is hidden, no colour."""
    if plain:
        look = look._replace(color=False)
    for number, section in enumerate(page.sections):
        if number:
            yield ""
        indent = ""
        if section.title:
            yield paint(
                tuple(Span(span.text, span.tone or "strong") for span in spans(section.title)), color=look.color
            )
            indent = " " * INDENT
        inner = look._replace(width=look.width - len(indent))
        for index, block in enumerate(section.blocks):
            if index and not (isinstance(block, Fields) and isinstance(section.blocks[index - 1], Fields)):
                yield ""
            yield from ((indent + line).rstrip(" ") for line in _block(block, inner, plain=plain))
    notes = page_asides(page)
    if notes:
        yield ""
        yield from _lines(Lines(notes), look, plain=plain)


def _block(block: Block, look: Look, *, plain: bool) -> Iterator[str]:
    if isinstance(block, Fields):
        return _fields(block, look, plain=plain)
    if isinstance(block, Grid):
        if not block.items:
            return iter([clean(block.empty)])
        return plain_rows(block.columns, block.items) if plain else grid_rows(block.columns, block.items, look)
    if isinstance(block, Tree):
        return tree_lines(block, look, plain=plain)
    return _lines(block, look, plain=plain)


def _lines(block: Lines, look: Look, *, plain: bool) -> Iterator[str]:
    for line in block.lines:
        yield from _hanging((Span(block.bullet),), line, look, plain=plain or block.whole)


def _fields(block: Fields, look: Look, *, plain: bool) -> Iterator[str]:
    labels = max((width(clean(field.label)) for field in block.rows), default=0)
    for field in block.rows:
        label = clean(field.label)
        head = (Span(label), Span(" " * (labels - width(label) + GAP)))
        yield from _hanging(head, (*_value(field, exact=plain), *_noted(field)), look, plain=plain)


def _value(field: Field, *, exact: bool) -> tuple[Span, ...]:
    if isinstance(field.value, Span):
        return spans(field.value)
    text = words(field.value, field.style, exact=exact)
    return (Span(text, "warning" if text == UNKNOWN else field.tone),)


def _noted(field: Field) -> tuple[Span, ...]:
    return (Span("  "), *spans(field.note)) if field.note else ()


def _hanging(head: tuple[Span, ...], line: Line, look: Look, *, plain: bool) -> Iterator[str]:
    """A line after its head; what wraps stands below where it began."""
    used = line_width(head)
    pieces = [spans(line)] if plain else wrap(line, look.width - used)
    if any(line_width(piece) > look.width - used for piece in pieces) and not plain and used > INDENT:
        # A name that is longer than the room beside its label stands below it.
        yield paint(head, color=look.color)
        yield from _hanging((Span(" " * INDENT),), line, look, plain=plain)
        return
    if look.breaks:
        pieces = [part for piece in pieces for part in broken(piece, look.width - used)]
    for number, piece in enumerate(pieces or [()]):
        yield paint((*(head if number == 0 else (Span(" " * used),)), *piece), color=look.color)
