"""Samples of pools: how large, how full, who holds them."""

from __future__ import annotations

from collections import Counter

from p2pctl.findings.pools import PoolState
from p2pctl.metrics import families as f
from p2pctl.metrics.families import Sheet, place
from p2pctl.metrics.labels import foremost
from p2pctl.model.facts import Missing
from p2pctl.model.snapshot import Snapshot

STATES = ("published", "private", "unregistered", "unknown")

_LISTS = frozenset({"pci functions", "nvme controllers"})
"""Facts whose gap hides pools."""


def pool_samples(sheet: Sheet, snapshot: Snapshot, pools: tuple[PoolState, ...]) -> None:
    """Samples of all pools together, and of each of the foremost."""
    if snapshot.pools is None or snapshot.nvme is None:
        return
    counts = Counter(map(_state, pools))
    if not any(gap.fact in _LISTS for part in (snapshot.pools, snapshot.nvme) for gap in part.gaps):
        for state in STATES:
            sheet.add(f.POOLS, counts[state], state)
    shown, left_out = foremost(pools, lambda one: one.available == 0 or _state(one) != "published")
    sheet.add(f.LEFT_OUT, left_out, "pool")
    for pool in shown:
        _pool(sheet, pool)
        if snapshot.nvmet is not None:  # one of those whom memory is ascribed to
            _holders(sheet, pool)


def _state(pool: PoolState) -> str:
    return "unknown" if isinstance(pool.state, Missing) else pool.state


def _pool(sheet: Sheet, pool: PoolState) -> None:
    where = place(pool.address)
    function = pool.function
    sheet.add(
        f.POOL_INFO, 1, *where, pool.controller, pool.name, function.driver, function.numa_node, function.slot
    )  # fmt: skip
    sheet.add(f.POOL_SIZE, pool.size, *where)
    sheet.add(f.POOL_AVAILABLE, pool.available, *where)
    sheet.add(f.POOL_USED, pool.used, *where)
    for state in STATES:
        sheet.add(f.POOL_STATE, state == _state(pool), *where, state)


def _holders(sheet: Sheet, pool: PoolState) -> None:
    where = place(pool.address)
    held: Counter[str] = Counter()
    for holder in pool.holders or ():
        # What a process has inherited is counted with the one that it comes from.
        held[holder.kind] += 0 if holder.shared else holder.size
    for kind, size in sorted(held.items()):
        sheet.add(f.POOL_HELD, size, *where, kind)
