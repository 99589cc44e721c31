"""The parts of snapshots: one that was read anew and says the same stays the same object, and so all made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args

from p2pctl.model.snapshot import PartName, Snapshot

T = TypeVar("T")

NAMES: tuple[PartName, ...] = get_args(PartName)


def kept(old: T | None, new: T) -> T:
    """The old part where the new one differs in nothing but when it was read, else the new one."""
    if old is None or old is new or type(old) is not type(new):
        return new
    return old if all(_same(getattr(old, name), getattr(new, name)) for name in _names(new)) else new


def _names(part: object) -> tuple[str, ...]:
    names = (one.name for one in fields(part)) if is_dataclass(part) else getattr(part, "_fields", ())
    return tuple(name for name in names if name != "taken")


def _same(old: object, new: object) -> bool:
    """Whether two values are equal, and list things in the same order."""
    if isinstance(old, Mapping) and isinstance(new, Mapping) and list(old) != list(new):
        return False
    return old == new


class Parts:
    """Remembers the parts of the last snapshot. Belongs to one thread."""

    def __init__(self) -> None:
        self._read: dict[PartName, Any] = {}
        self._kept: dict[PartName, Any] = {}

    def settled(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with the parts that it had before where they say the same.

        Their time is then that of when what they say was first read. The pools always stay as they were read, since
        their levels are shown over time.
        """
        for name in NAMES:
            if name == "pools":
                continue
            part = getattr(snapshot, name)
            if part is not self._read.get(name):
                self._read[name] = part
                self._kept[name] = part if part is None else kept(self._kept.get(name), part)
        return replace(snapshot, **self._kept)
