"""Lists and texts below each other that share the height: each has what it needs, as far as there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.containers import Vertical
from textual.scroll_view import ScrollView
from textual.widget import Widget


class Want(NamedTuple):
    """What one of them asks for, in lines."""

    least: int
    """Below which it is of no use."""
    most: int
    """Beyond which it has nothing to show."""
    last: bool = False
    """Whether it has only what the others leave, and nothing where that is less than its least."""
    urgent: int = 0
    """Lines for what should be seen before anybody else has more than the least."""


def shared(room: int, wants: Sequence[Want], favoured: int | None = None) -> list[int]:
    """Lines for each, together ``room`` where they can use that many; the favoured one comes before the others.

    With too little room for all, the favoured one has what it can use and the others what is left, in their order.
    """
    given = [0] * len(wants)
    order = [place for place in range(len(wants)) if not wants[place].last]
    order.sort(key=lambda place: place != favoured)
    left = max(room, 0)
    for place in order:
        left -= _grow(given, wants, place, min(wants[place].least, left))
    if favoured in order and favoured is not None:
        left -= _grow(given, wants, favoured, left - left // 4)
    for place in order:
        left -= _grow(given, wants, place, min(wants[place].urgent - given[place], left))
    growing = order
    while left > 0 and (growing := [place for place in growing if given[place] < wants[place].most]):
        for place in growing:
            left -= _grow(given, wants, place, min(1, left))
    for place, want in enumerate(wants):
        if want.last and left >= want.least:
            left -= _grow(given, wants, place, left)
    return given


def _grow(given: list[int], wants: Sequence[Want], place: int, lines: int) -> int:
    """Gives one of them up to so many lines more; how many it took."""
    more = max(min(lines, wants[place].most - given[place]), 0)
    given[place] += more
    return more


class Stack(Vertical):
    """Shares its height among its children; the one with the focus grows."""

    DEFAULT_CSS = """
    Stack { height: 1fr; width: 1fr; }
    """
    LEAST = 4
    """Lines of a list: its title, its head, two records."""

    def __init__(self, *children: Widget, id: str | None = None) -> None:  # noqa: A002  textual's name
        super().__init__(*children, id=id)
        self._favoured: Widget | None = None
        self._unasked: Widget | None = None

    def expect(self, child: Widget) -> None:
        """Nobody went to this child, which gets the keys: it does not grow until they have been elsewhere."""
        self._unasked, self._favoured = child, None

    def on_resize(self) -> None:
        """There is more room, or less."""
        self.settle()

    def on_descendant_focus(self) -> None:
        """Another one is looked at. It stays the favoured one while something above it has the keys."""
        focused = next((child for child in self.children if child.has_focus_within), self._favoured)
        if focused is not self._unasked:
            self._unasked, self._favoured = None, focused
        self.settle()

    def settle(self) -> None:
        """Shares the height anew. To be called when the children show something else."""
        children = [child for child in self.children if child.styles.display != "none"]
        if not children or not self.size.height:
            return
        favoured = children.index(self._favoured) if self._favoured in children else None
        found = shared(self.size.height, [self.want(child) for child in children], favoured)
        for child, lines in zip(children, found, strict=True):
            if child.styles.height is None or child.styles.height.value != lines:
                child.styles.height = lines

    def want(self, child: Widget) -> Want:
        """What a child asks for: a list has as many lines as it has records, and those above and below."""
        height = child.virtual_size.height if isinstance(child, ScrollView) else child.size.height
        most = height + child.gutter.height
        return Want(min(self.LEAST, most), most)
