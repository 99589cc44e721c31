"""What changed between two looks at the pools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from p2pctl.findings.pools import PoolState
from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Missing

PoolEvent = Literal["present", "appeared", "level", "state", "vanished"]


@dataclass(frozen=True, slots=True)
class PoolChange:
    """One thing that happened to one pool."""

    event: PoolEvent
    """``present``: what the first look found."""
    pool: PoolState
    """The pool after the change; for ``vanished``, as it was last seen."""
    delta: int | None
    """Bytes by which ``available`` moved, where both values are known."""


def pool_changes(before: Iterable[PoolState] | None, after: Iterable[PoolState]) -> Iterator[PoolChange]:
    """The changes in order of address; everything is ``present`` when there was no look before."""
    now = {state.address: state for state in after}
    if before is None:
        yield from (PoolChange("present", state, None) for state in now.values())
        return
    then: Mapping[Address, PoolState] = {state.address: state for state in before}
    for address in sorted({*now, *then}):
        old, new = then.get(address), now.get(address)
        if new is None and old is not None:
            yield PoolChange("vanished", old, None)
        elif new is not None and old is None:
            yield PoolChange("appeared", new, None)
        elif new is not None and old is not None:
            if (old.state, old.size) != (new.state, new.size):
                yield PoolChange("state", new, _delta(old.available, new.available))
            elif old.available != new.available:
                yield PoolChange("level", new, _delta(old.available, new.available))


def _delta(old: Fact[int], new: Fact[int]) -> int | None:
    return None if isinstance(old, Missing) or isinstance(new, Missing) else new - old
