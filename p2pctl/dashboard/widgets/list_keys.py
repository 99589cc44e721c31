"""The keys of every list."""

from __future__ import annotations

from collections.abc import Iterator

from textual.binding import Binding

_MOTION = (
    ("up", "up,k", "Up"),
    ("down", "down,j", "Down"),
    ("left", "left,h", "Left"),
    ("right", "right,l", "Right"),
    ("page-up", "pageup,ctrl+u", "Page up"),
    ("page-down", "pagedown,ctrl+d", "Page down"),
    ("first", "home,g", "First"),
    ("last", "end,G", "Last"),
)
MOTION_IDS = frozenset(f"list.{name}" for name, _, _ in _MOTION)
"""Ids of the bindings that only move."""


def motion(**does: tuple[str, str]) -> Iterator[Binding]:
    """The keys that move, for whatever has a cursor: of each (``up``, ``page_up``, ...) the action and the tooltip."""
    for name, keys, text in _MOTION:
        action, tooltip = does[name.replace("-", "_")]
        yield Binding(keys, action, text, show=False, tooltip=tooltip, id=f"list.{name}")


LIST_KEYS = (
    *motion(
        up=("move(-1)", "To the record above"),
        down=("move(1)", "To the record below"),
        left=("shift(-1)", "Scroll the columns back"),
        right=("shift(1)", "Scroll to columns without room"),
        page_up=("page(-1)", "A screen up"),
        page_down=("page(1)", "A screen down"),
        first=("first", "To the first record"),
        last=("last", "To the last record"),
    ),
    Binding("enter", "open", "Details", tooltip="All about the record", id="list.open"),
    Binding("x", "mark", "Mark", tooltip="Mark the record, or unmark it", id="list.mark"),
    Binding("s", "sort", "Sort", show=False, tooltip="Sort by the next column", id="list.sort"),
    Binding("S", "reverse", "Reverse", show=False, tooltip="Reverse the order", id="list.reverse"),
    Binding("y", "copy", "Copy", show=False, tooltip="Copy the record, with tabs between cells", id="list.copy"),
    Binding("Y", "copy_key", "Copy name", show=False, tooltip="Copy what names the record", id="list.copy-key"),
    Binding("escape", "widen", "All", show=False, tooltip="Take the filter away", id="list.widen"),
)
