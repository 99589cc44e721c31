"""Who is connected, for people and machines."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.model.facts import Missing
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.document import iso
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.text import Tone
from p2pctl.target.connections import PARTS, Connection, connections

__all__ = ["PARTS", "connection_item", "connection_report"]

_TONES: Mapping[str, Tone] = {"debugfs": "good", "sysfs": "good", "log": "warning", "inferred": "warning"}


def _listed(value: Value) -> str:
    return " or ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


_COLUMNS = (
    Column("kind", "kind", style="name", priority=2),
    Column("port", "port", show=_listed),
    Column("subsystem", "subsystem", least=20),
    Column("cntlid", "cntlid", style="number"),
    Column("host", "host", least=27),
    Column("address", "address", priority=3),
    Column("state", "state", priority=1),
    Column("since", "since", style="name", priority=4),
    Column("basis", "basis", style="name", tones=_TONES),
)


def connection_report(snapshot: Snapshot, port: str | None = None, subsystem: str | None = None) -> Report:
    """All connections, or those by one port (a directory's name) and to one subsystem."""
    found = [
        one
        for one in connections(snapshot)
        if (port is None or port in one.ports) and (subsystem is None or one.subsystem == subsystem)
    ]
    notes = tuple(dict.fromkeys(f"{one.basis}: {one.remark}" for one in found if one.remark))
    return Report.of(
        snapshot,
        "connection",
        map(connection_item, found),
        _COLUMNS,
        summary={"debugfs": _debugfs(snapshot), "connections": len(found)},
        empty="Nobody is connected." if _debugfs(snapshot) is True else _unsure(snapshot),
        notes=notes,
    )


def connection_item(one: Connection) -> Item:
    """One connection."""
    return {
        "kind": one.kind,
        "basis": one.basis,
        "subsystem": one.subsystem,
        "cntlid": one.cntlid,
        "port": list(one.ports),
        "host": one.host,
        "address": one.address,
        "state": one.state,
        "since": None if one.since is None else iso(one.since),
        "count": one.strands,
        "p2p": None if one.kind == "nvmet" else False,
        "path": one.path,
        "remark": one.remark or ("never uses P2P memory" if one.kind != "nvmet" else None),
    }


def _debugfs(snapshot: Snapshot) -> Value:
    return snapshot.connections.debugfs if snapshot.connections else Missing.NOT_READ


def _unsure(snapshot: Snapshot) -> str:
    """What it means that none was found where the kernel does not show them all."""
    if snapshot.nvmet is not None and snapshot.nvmet.present is False:
        return "None: the NVMe target is not loaded, or configfs is not mounted."
    if snapshot.log is None or isinstance(snapshot.log.records, Missing):
        return "Not known: the target's debugfs and the kernel's log could not be read (run p2pctl as root)."
    if _debugfs(snapshot) is False:
        return "None that the log or the sockets tell of: this kernel does not show its connections (no nvmet debugfs)."
    return "None that the log or the sockets tell of: the target's debugfs could not be read (root, debugfs mounted)."
