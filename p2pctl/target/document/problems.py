"""What is wrong with a document, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from p2pctl.errors import UsageError
from p2pctl.target.wishes import Place

MOST = 20
"""Problems that are told of one document."""


class Problem(NamedTuple):
    """One thing that is wrong."""

    text: str
    place: Place | None = None
    """None where the file as a whole is meant."""

    def told(self, file: str) -> str:
        """As compilers do: ``FILE:LINE:COLUMN: TEXT``."""
        if self.place is None:
            return f"{file}: {self.text}"
        return f"{file}:{self.place.line}:{self.place.column}: {self.text}"


class DocumentError(UsageError):
    """A document that cannot be used. ``problems`` has up to MOST of them in the order of the file."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        found = sorted(dict.fromkeys(problems), key=lambda one: one.place or Place(0, 0))
        self.file = file
        self.problems = tuple(found[:MOST])
        self.untold = max(0, len(found) - MOST)
        hint = "p2pctl validate --schema prints what a document may hold"
        if len(found) > 1:
            hint = f"{len(found) - 1} more in the same file: p2pctl validate lists them"
        super().__init__(found[0].told(file), hint=hint, path=file)

    @property
    def lines(self) -> tuple[str, ...]:
        """Every problem as a line, and how many more there are."""
        told = [one.told(self.file) for one in self.problems]
        return (*told, f"{self.file}: {self.untold} more problems") if self.untold else tuple(told)


class Flaw(Exception):  # noqa: N818  it never leaves this package
    """Ends the reading of a node: nothing sensible can be said of what is in it."""

    def __init__(self, text: str, place: Place | None = None) -> None:
        super().__init__(text)
        self.problem = Problem(text, place)
