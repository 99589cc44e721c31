"""What people type to see fewer records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from p2pctl.render.report import Column

EDGE = "\n"
"""Stands between the texts of two cells. A filter holds none, so that nothing is found across cells."""


class Filter(NamedTuple):
    """A text to look for in what is seen of a record."""

    text: str = ""
    """Folded; empty finds everything."""
    inverted: bool = False
    column: int | None = None
    """The only column to look at."""

    def matches(self, hay: str) -> bool:
        """Whether a record shows that, given the texts of its cells with an EDGE between them."""
        if not self.text:
            return True
        if self.column is not None:
            hay = hay.split(EDGE)[self.column]
        return (self.text in hay) is not self.inverted


def parse(text: str, columns: Sequence[Column]) -> Filter:
    """What is meant by ``text``, ``!text`` (all others), ``column:text`` and ``!column:text``.

    A column goes by its title or its key, or as much of it as no other begins with. A head that names no column is
    part of the text: addresses and NQNs have colons too.
    """
    inverted = text.startswith("!")
    text = text.removeprefix("!").replace(EDGE, "").casefold()
    head, colon, rest = text.partition(":")
    column = _column(head.strip(), columns) if colon else None
    return Filter(text if column is None else rest.lstrip(), inverted, column)


def _column(name: str, columns: Sequence[Column]) -> int | None:
    if not name:
        return None
    names = [(column.title.casefold(), column.key.casefold()) for column in columns]
    for fits in (str.__eq__, str.startswith):
        found = [place for place, both in enumerate(names) if any(fits(one, name) for one in both)]
        if len(found) == 1:
            return found[0]
    return None
