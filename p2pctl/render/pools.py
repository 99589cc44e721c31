"""Pools as records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from p2pctl.findings.holders import Holder
from p2pctl.findings.pools import PoolState, holder_gaps, pool_states
from p2pctl.model.facts import NOT_READ, Gap, Missing
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.items import place_item, show_link
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.text import Tone
from p2pctl.units import format_bytes

STATE_TONES: Mapping[str, Tone] = {"published": "good", "unregistered": "warning"}


def _show_holders(value: Value) -> str:
    """``nvme-queues 128.0 KiB, fio[812] 1.0 MiB``."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ""
    return ", ".join(_short(holder) for holder in value if isinstance(holder, Mapping)) or "nobody"


def _short(holder: Mapping[str, Value]) -> str:
    name = f"{holder['command']}[{holder['pid']}]" if holder["kind"] == "process" else str(holder["kind"])
    size = holder["bytes"]
    if holder["shared"]:
        return f"{name} shared"
    return f"{name} {format_bytes(size) if isinstance(size, int) else '?'}"


STATE = Column("state", "state", tones=STATE_TONES)
SIZE = Column("size", "size", style="bytes")
AVAILABLE = Column("available", "available", style="bytes")
USED = Column("used", "used", style="bytes")

COLUMNS = (
    Column("address", "address", style="name"),
    Column("device", "device", style="name", priority=1),
    STATE,
    SIZE,
    AVAILABLE,
    USED,
    Column("holders", "holders", priority=3, show=_show_holders),
    Column("numa_node", "numa", style="number", priority=2),
    Column("slot", "slot", style="name", priority=6),
    Column("link", "link", style="name", priority=5, show=show_link),
    Column("driver", "driver", style="name", priority=4),
    Column("name", "name", priority=7),
)


def holder_item(holder: Holder) -> Item:
    """One holder; ``pid``, ``user`` and ``command`` are null for what is no process."""
    return {
        "kind": holder.kind,
        "bytes": holder.size,
        "basis": holder.basis,
        "pid": holder.pid,
        "user": holder.user,
        "command": holder.command,
        "shared": holder.shared,
        "text": holder.text,
    }


def pool_item(state: PoolState) -> Item:
    """One pool."""
    holders: Value = NOT_READ if state.holders is None else [holder_item(holder) for holder in state.holders]
    return {
        "address": str(state.address),
        "device": state.controller,
        "name": state.name,
        "driver": state.function.driver,
        "state": state.state,
        "cause": state.cause,
        "size": state.size,
        "available": state.available,
        "used": state.used,
        "mappable": state.mappable,
        **place_item(state.function),
        "holders": state.used if isinstance(state.used, Missing) else holders,
    }


def _summary(states: Sequence[PoolState]) -> Item:
    def total(values: list[int | Missing]) -> int:
        return sum(value for value in values if not isinstance(value, Missing))

    return {
        "pools": sum(state.state != "unregistered" for state in states),
        "published": sum(state.state == "published" for state in states),
        "unregistered": sum(state.state == "unregistered" for state in states),
        "size": total([state.size for state in states]),
        "available": total([state.available for state in states]),
    }


def pool_gaps(snapshot: Snapshot, states: Sequence[PoolState]) -> tuple[Gap, ...]:
    """The gaps of the snapshot, and those of holders that nobody asked for."""
    return (*snapshot.gaps, *holder_gaps(states))


def pool_report(snapshot: Snapshot) -> Report:
    """All pools."""
    states = pool_states(snapshot)
    return Report.of(
        snapshot,
        "pool",
        map(pool_item, states),
        COLUMNS,
        summary=_summary(states),
        gaps=pool_gaps(snapshot, states),
        empty="No device has P2P memory here.",
        notes=tuple(
            f"{state.address} has a memory buffer that is no pool: {state.cause}" for state in states if state.cause
        ),
    )
