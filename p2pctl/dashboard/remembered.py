"""What was worked out of parts of a picture, kept while those parts are the same objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Remembered:
    """One answer a name. Belongs to one thread."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[object, ...], object]] = {}

    def of(self, name: str, parts: tuple[object, ...], make: Callable[[], T]) -> T:
        """What ``make`` gives, or gave when it was last asked about the very same objects."""
        known = self._kept.get(name)
        if known is None or list(map(id, known[0])) != list(map(id, parts)):
            # The parts are kept with the answer, so that no other object gets their identity.
            known = (parts, make())
            self._kept[name] = known
        value: T = known[1]  # type: ignore[assignment]  # the same name always has the same maker
        return value
