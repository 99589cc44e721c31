"""What has happened since the screen opened, as far as there is room for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Self, overload

from p2pctl.dashboard.source import Event

LIMIT = 5000
"""Events that are kept."""


class Journal(Sequence[Event]):
    """The newest events, oldest first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._events: deque[Event] = deque(maxlen=limit)
        self.dropped = 0
        """Older ones that are forgotten."""

    def __iadd__(self, events: Iterable[Event]) -> Self:
        found = tuple(events)
        self.dropped += max(len(self._events) + len(found) - (self._events.maxlen or 0), 0)
        self._events.extend(found)
        return self

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        return tuple(self._events)[index] if isinstance(index, slice) else self._events[index]

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)
