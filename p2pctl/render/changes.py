"""Changes of pools as records, for watching."""

from __future__ import annotations

from p2pctl.findings.changes import PoolChange
from p2pctl.findings.pools import pool_states
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.document import iso
from p2pctl.render.pools import COLUMNS, pool_item
from p2pctl.render.report import Column, Item, Report, Value


def _show_delta(value: Value) -> str:
    return f"{value:+d}" if isinstance(value, int) else ""


CHANGE_COLUMNS = (
    Column("time", "time", style="name"),
    Column("event", "event", style="name"),
    Column("address", "address", style="name"),
    Column("device", "device", style="name"),
    Column("available", "available", style="bytes"),
    Column("size", "size", style="bytes"),
    Column("delta", "delta", style="number", show=_show_delta),
)
"""One line a change, for watching through a pipe."""


def change_item(change: PoolChange, when: float) -> Item:
    """One change of one pool, ``when`` it was seen."""
    pool = change.pool
    return {
        "time": iso(when),
        "event": change.event,
        "address": str(pool.address),
        "device": pool.controller,
        "state": pool.state,
        "size": pool.size,
        "available": pool.available,
        "used": pool.used,
        "delta": change.delta,
    }


_LEVELS = tuple(column for column in COLUMNS if column.key != "holders")


def levels_report(snapshot: Snapshot) -> Report:
    """The pools as they are now, without their holders, which nobody looks for again and again."""
    return Report.of(
        snapshot,
        "pool",
        map(pool_item, pool_states(snapshot)),
        _LEVELS,
        gaps=(),
        empty="No device has P2P memory here.",
    )
