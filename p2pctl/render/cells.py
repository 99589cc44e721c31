"""Values as words: what the text formats put into a cell."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.model.facts import Missing
from p2pctl.render.report import Column, Item, Style, Value, lookup
from p2pctl.render.text import Span, Tone, clean
from p2pctl.units import format_bytes

NOTHING = "-"
"""The host has no such thing."""
UNKNOWN = "?"
"""It may have: the value could not be read, or nobody asked."""


def words(value: Value, style: Style = "text", *, exact: bool = False) -> str:
    """The value on one line, cleaned. ``exact`` keeps bytes as a number and lists without spaces, for scripts."""
    if value is None or value is Missing.ABSENT:
        return NOTHING
    if isinstance(value, Missing):
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return clean(value) or NOTHING
    if isinstance(value, (int, float)):
        return _number(value, style, exact=exact)
    comma = "," if exact else ", "
    if isinstance(value, Mapping):
        pairs = (f"{clean(key)}={words(member, style, exact=exact)}" for key, member in value.items())
        return comma.join(pairs) or NOTHING
    return comma.join(words(member, style, exact=exact) for member in value) or NOTHING


def _number(value: float, style: Style, *, exact: bool) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(round(value, 3))
    return format_bytes(value) if style == "bytes" and not exact else str(value)


def cell(column: Column, item: Item, *, exact: bool = False) -> Span:
    """What an item shows in a column."""
    value = lookup(item, column.key)
    if column.show is None or value is None or isinstance(value, Missing):
        text = words(value, column.style, exact=exact)
    else:
        text = clean(column.show(value)) or NOTHING
    return Span(text, _tone(text, value, column))


def _tone(text: str, value: Value, column: Column) -> Tone | None:
    if text == UNKNOWN:
        return "warning"
    if text == NOTHING:
        return "dim"
    found = column.tones.get(text) if column.tones else None
    if found is None and column.tone is not None and value is not None and not isinstance(value, Missing):
        return column.tone(value)
    return found
