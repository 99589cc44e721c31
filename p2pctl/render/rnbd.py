"""RNBD and RTRS: sessions, paths, devices and counters. None of it ever uses P2P memory, and each record says so."""

from __future__ import annotations

from p2pctl.model.facts import NOT_READ
from p2pctl.model.rnbd import ExportedDevice, MappedDevice, Rnbd, RtrsPath, RtrsSession
from p2pctl.render.page import Block, Grid, Lines, Section
from p2pctl.render.report import Column, Item, Value

_PATH_COLUMNS = (
    Column("session", "session", style="name"),
    Column("side", "side"),
    Column("device", "rdma device", style="name"),
    Column("state", "state", style="name"),
    Column("name", "path", style="name", priority=2),
    Column("statistics.read_bytes", "read", style="bytes", priority=1),
    Column("statistics.written_bytes", "written", style="bytes", priority=1),
)
_DEVICE_COLUMNS = (
    Column("name", "device", style="name"),
    Column("role", "role", style="name"),
    Column("block_device", "block device", style="name"),
    Column("session", "session", style="name"),
    Column("access", "access", style="name"),
    Column("state", "state", style="name", priority=1),
    Column("size", "size", style="bytes", priority=2),
)
_NEVER = "RNBD and RTRS never use P2P memory: their data goes through system memory."


def rnbd_item(rnbd: Rnbd | None) -> dict[str, Value]:
    """The key ``rnbd``."""
    if rnbd is None:
        return {"rnbd": NOT_READ}
    return {
        "rnbd": {
            "client": rnbd.client,
            "server": rnbd.server,
            "p2p": False,
            "port": rnbd.port,
            "search_path": rnbd.search_path,
            "sessions": [_session_item(one) for one in rnbd.sessions],
            "mapped": [_mapped_item(one) for one in rnbd.mapped],
            "exported": [_exported_item(one) for one in rnbd.exported],
        }
    }


def rnbd_sections(rnbd: Rnbd | None) -> tuple[Section, ...]:
    """A section where one of the modules is loaded; none where not."""
    if rnbd is None or not (rnbd.sessions or rnbd.mapped or rnbd.exported or True in {rnbd.client, rnbd.server}):
        return ()
    blocks: list[Block] = []
    if rnbd.sessions:
        paths = tuple(
            {"session": session.name, "side": session.side, **_path_item(path)}
            for session in rnbd.sessions
            for path in session.paths
        )
        blocks.append(Grid(_PATH_COLUMNS, paths, empty="No paths."))
    devices = (*map(_mapped_item, rnbd.mapped), *(row for one in rnbd.exported for row in _exported_rows(one)))
    if devices:
        blocks.append(Grid(_DEVICE_COLUMNS, devices))
    blocks.append(Lines((_NEVER if rnbd.sessions or devices else f"No sessions. {_NEVER}",)))
    return (Section("RNBD", tuple(blocks)),)


def _session_item(session: RtrsSession) -> Item:
    return {
        "name": session.name,
        "side": session.side,
        "p2p": False,
        "policy": session.policy,
        "max_reconnect_attempts": session.max_reconnect_attempts,
        "paths": [_path_item(path) for path in session.paths],
    }


def _path_item(path: RtrsPath) -> dict[str, Value]:
    return {
        "name": path.name,
        "state": path.state,
        "device": path.device,
        "device_port": path.device_port,
        "source": path.source,
        "destination": path.destination,
        "latency_ns": path.latency,
        "p2p": False,
        "statistics": dict(path.statistics._asdict()),
    }


def _mapped_item(device: MappedDevice) -> Item:
    return {
        "name": device.name,
        "role": "mapped",
        "block_device": device.name,
        "session": device.session,
        "remote": device.remote,
        "state": device.state,
        "access": device.access,
        "poll_queues": device.poll_queues,
        "size": device.size,
        "p2p": False,
    }


def _exported_item(device: ExportedDevice) -> Item:
    return {
        "name": device.name,
        "role": "exported",
        "block_device": device.block_device,
        "p2p": False,
        "sessions": [
            {"session": use.session, "remote": use.remote, "access": use.access, "read_only": use.read_only}
            for use in device.sessions
        ],
    }


def _exported_rows(device: ExportedDevice) -> tuple[Item, ...]:
    item = _exported_item(device)
    return tuple({**item, "session": use.session, "access": use.access} for use in device.sessions) or (item,)
