"""Reads RNBD and RTRS from sysfs (drivers/block/rnbd, drivers/infiniband/ulp/rtrs).

What vanishes meanwhile is left out. Files that take commands print how they are used when they are read; they are
never opened here.
"""

from __future__ import annotations

from p2pctl.hardware.reading import SECTOR, SENSE, Reader, natural
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.rnbd import (
    ExportedDevice,
    ExportSession,
    MappedDevice,
    Rnbd,
    RtrsPath,
    RtrsSession,
    RtrsStatistics,
    Side,
)

_CLASS = "/sys/class"
_BLOCK = "/sys/block"
_CLIENT, _SERVER = f"{_CLASS}/rnbd-client", f"{_CLASS}/rnbd-server"
_PARAMETERS = "/sys/module/rnbd_server/parameters"
_CLIENT_COUNTERS, _SERVER_COUNTERS = 6, 4


def read_rnbd(reader: Reader, now: float) -> Rnbd:
    """Sessions, mapped and exported devices; ``client`` and ``server`` are False where the modules are not loaded."""
    client, server = _loaded(reader, _CLIENT), _loaded(reader, _SERVER)
    sessions = (*_sessions(reader, "client"), *_sessions(reader, "server"))
    return Rnbd(
        taken=now,
        client=client,
        server=server,
        sessions=sessions,
        mapped=_mapped(reader) if client is True else (),
        exported=_exported(reader) if server is True else (),
        port=reader.number(f"{_PARAMETERS}/port_nr", "rnbd port") if server is True else ABSENT,
        search_path=reader.text(f"{_PARAMETERS}/dev_search_path", "rnbd search path") if server is True else ABSENT,
        gaps=tuple(reader.gaps),
    )


def _loaded(reader: Reader, path: str) -> Fact[bool]:
    found = reader.listing(path, "rnbd")
    if found is ABSENT:
        return False
    return found if isinstance(found, Missing) else True


def _children(reader: Reader, path: str, subject: str | None = None) -> list[str]:
    return sorted(reader.names(path, "rnbd", subject), key=natural)


def _sessions(reader: Reader, side: Side) -> list[RtrsSession]:
    sessions = []
    for name in _children(reader, f"{_CLASS}/rtrs-{side}"):
        directory = f"{_CLASS}/rtrs-{side}/{name}"
        if reader.listing(directory, "rtrs session", name) is ABSENT:
            continue  # gone, or, as ``ctl`` may be, a file
        client = side == "client"
        found = (
            _path(reader, side, f"{directory}/paths/{path}", path) for path in _children(reader, f"{directory}/paths")
        )
        sessions.append(
            RtrsSession(
                name=name,
                side=side,
                paths=tuple(path for path in found if path is not None),
                policy=reader.text(f"{directory}/mpath_policy", "rtrs policy", name) if client else ABSENT,
                max_reconnect_attempts=reader.number(
                    f"{directory}/max_reconnect_attempts", "rtrs reconnect attempts", name
                )
                if client
                else ABSENT,
            )
        )
    return sessions


def _path(reader: Reader, side: Side, directory: str, name: str) -> RtrsPath | None:
    source = reader.text(f"{directory}/src_addr", "rtrs path", name)
    destination = reader.text(f"{directory}/dst_addr", "rtrs path", name)
    if source is ABSENT and destination is ABSENT:
        return None
    client = side == "client"
    return RtrsPath(
        name=name,
        state=reader.text(f"{directory}/state", "rtrs path state", name) if client else ABSENT,
        device=reader.text(f"{directory}/hca_name", "rtrs path device", name),
        device_port=reader.number(f"{directory}/hca_port", "rtrs path device", name),
        source=source,
        destination=destination,
        latency=_latency(reader, f"{directory}/cur_latency", name) if client else ABSENT,
        statistics=_statistics(reader, side, f"{directory}/stats", name),
    )


def _latency(reader: Reader, path: str, name: str) -> Fact[int]:
    text = reader.text(path, "rtrs path latency", name)
    return text if isinstance(text, Missing) else reader.to_number(text.removesuffix(" ns"), path, "rtrs latency", name)


def _statistics(reader: Reader, side: Side, directory: str, name: str) -> RtrsStatistics:
    """The client's ``rdma`` has six numbers; the server's four, though its documentation promises five."""
    client = side == "client"
    counters = _numbers(reader, f"{directory}/rdma", _CLIENT_COUNTERS if client else _SERVER_COUNTERS, name)
    reconnects = _numbers(reader, f"{directory}/reconnects", 2, name) if client else _all(ABSENT, 2)
    return RtrsStatistics(*(counters if client else (*counters, ABSENT, ABSENT)), *reconnects)


def _numbers(reader: Reader, path: str, count: int, name: str) -> tuple[Fact[int], ...]:
    """``count`` decimal numbers in one line; more may follow on another kernel."""
    text = reader.text(path, "rtrs statistics", name)
    if isinstance(text, Missing):
        return _all(text, count)
    words = text.split()[:count]
    if len(words) < count:
        reader.gap("rtrs statistics", name, path, SENSE)
        return _all(UNREADABLE, count)
    return tuple(reader.to_number(word, path, "rtrs statistics", name) for word in words)


def _all(missing: Missing, count: int) -> tuple[Fact[int], ...]:
    return (missing,) * count


def _mapped(reader: Reader) -> tuple[MappedDevice, ...]:
    devices = []
    for name in _children(reader, _BLOCK):
        directory = f"{_BLOCK}/{name}/rnbd"
        if not name.startswith("rnbd"):
            continue
        state = reader.text(f"{directory}/state", "rnbd device", name)
        session = reader.text(f"{directory}/session", "rnbd device", name)
        if state is ABSENT and session is ABSENT:
            continue
        sectors = reader.number(f"{_BLOCK}/{name}/size", "rnbd device size", name)
        devices.append(
            MappedDevice(
                name=name,
                session=session,
                remote=reader.text(f"{directory}/mapping_path", "rnbd device", name),
                state=state,
                access=reader.text(f"{directory}/access_mode", "rnbd device", name),
                poll_queues=reader.number(f"{directory}/nr_poll_queues", "rnbd device", name),
                size=sectors if isinstance(sectors, Missing) else sectors * SECTOR,
            )
        )
    return tuple(devices)


def _exported(reader: Reader) -> tuple[ExportedDevice, ...]:
    root = f"{_SERVER}/ctl/devices"
    devices = []
    for name in _children(reader, root):
        block = reader.link_name(f"{root}/{name}/block_dev", "rnbd export", name)
        names = reader.listing(f"{root}/{name}/sessions", "rnbd export", name)
        if block is ABSENT and names is ABSENT:
            continue
        listed = () if isinstance(names, Missing) else sorted(names, key=natural)
        found = (_export(reader, f"{root}/{name}/sessions/{one}", one) for one in listed)
        devices.append(ExportedDevice(name, block, tuple(session for session in found if session is not None)))
    return tuple(devices)


def _export(reader: Reader, directory: str, session: str) -> ExportSession | None:
    remote = reader.text(f"{directory}/mapping_path", "rnbd export", session)
    access = reader.text(f"{directory}/access_mode", "rnbd export", session)
    if remote is ABSENT and access is ABSENT:
        return None
    return ExportSession(session, remote, access, reader.flag(f"{directory}/read_only", "rnbd export", session))
