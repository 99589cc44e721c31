"""Block devices over RTRS, the other RDMA target (drivers/block/rnbd, drivers/infiniband/ulp/rtrs)."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from p2pctl.simulator.nodes import Directory, File, Link, Node, error, relative, text

_USAGE = "Usage: echo 1 > %s\n"


class Path(NamedTuple):
    """One connection of a session."""

    source: str
    """``ip:192.0.2.10`` or ``gid:...``."""
    destination: str
    device: str
    """RDMA device on this side."""
    port: int = 1
    transferred: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Requests read, bytes read, requests written, bytes written."""
    connected: bool = True
    """Of a client."""
    failures: int = 0
    """Connections that could not be made again, of a client."""

    @property
    def name(self) -> str:
        """Of its directory."""
        return f"{self.source}@{self.destination}"


class Mapped(NamedTuple):
    """One device of a session."""

    block: str
    """Kernel path of the block device, here."""
    path: str
    """Path that the client asked for."""
    access: str = "rw"


class Session(NamedTuple):
    """One session."""

    name: str
    paths: tuple[Path, ...]
    devices: tuple[Mapped, ...] = ()


class Command(File):
    """A file that does something when it is written to, and says how when it is read."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        super().__init__((_USAGE % name).encode(), 0o644)

    def store(self, data: bytes) -> None:
        """Raises EINVAL for anything but 1."""
        if data.strip() != b"1":
            raise error(errno.EINVAL)


def server(sessions: Iterable[Session]) -> dict[str, Node]:
    """What a server shows, by kernel path; its modules are on top."""
    every = tuple(sessions)
    found: dict[str, Node] = {
        "/sys/class/rtrs-server": Directory({one.name: _server_session(one) for one in every}),
        "/sys/class/rnbd-server": Directory({"ctl": Directory({"devices": Directory(_exported(every))})}),
        "/sys/module/rnbd_server/parameters": Directory({"port_nr": text(1234), "dev_search_path": text("/")}),
    }
    return found


def _server_session(session: Session) -> Directory:
    def path(one: Path) -> Directory:
        stats: dict[str, Node] = {"rdma": text(" ".join(map(str, one.transferred)))}
        return Directory({**_ends(one), "disconnect": Command("disconnect"), "stats": Directory(stats)})

    return Directory({"paths": Directory({one.name: path(one) for one in session.paths})})


def _ends(path: Path) -> dict[str, Node]:
    return {
        "hca_name": text(path.device),
        "hca_port": text(path.port),
        "src_addr": text(path.source),
        "dst_addr": text(path.destination),
    }


def _exported(sessions: tuple[Session, ...]) -> Mapping[str, Node]:
    above = "/sys/class/rnbd-server/ctl/devices"
    users: dict[str, dict[str, Mapped]] = {}
    for session in sessions:
        for device in session.devices:
            users.setdefault(device.block, {})[session.name] = device
    found: dict[str, Node] = {}
    for block, by_session in users.items():
        name = block.rpartition("/")[2]
        inside: dict[str, Node] = {one: _use(device) for one, device in by_session.items()}
        found[name] = Directory({"block_dev": Link(relative(block, f"{above}/{name}")), "sessions": Directory(inside)})
    return found


def _use(device: Mapped) -> Directory:
    return Directory(
        {
            "read_only": text(int(device.access == "ro")),
            "mapping_path": text(device.path),
            "access_mode": text(device.access),
            "force_close": Command("force_close"),
        }
    )


def client(sessions: Iterable[Session], processors: int = 2) -> dict[str, Node]:
    """What a client shows, by kernel path: its sessions, and the block devices ``rnbd0``... in their order."""
    every = tuple(sessions)
    found: dict[str, Node] = {
        "/sys/class/rtrs-client": Directory({one.name: _client_session(one, processors) for one in every}),
    }
    links: dict[str, Node] = {}
    here = "/sys/class/rnbd-client/ctl/devices"
    number = 0
    for session in every:
        for device in session.devices:
            block = f"/sys/devices/virtual/block/rnbd{number}"
            found[f"{block}/rnbd"] = Directory(
                {
                    "state": text("open"),
                    "session": text(session.name),
                    "mapping_path": text(device.path),
                    "access_mode": text(device.access),
                    "nr_poll_queues": text(0),
                    "unmap_device": Command("unmap_device"),
                    "remap_device": Command("remap_device"),
                    "resize": Command("resize"),
                }
            )
            found[f"/sys/block/rnbd{number}"] = Link(relative(block, "/sys/block"))
            links[f"{device.path.replace('/', '!')}@{session.name}"] = Link(relative(block, here))
            number += 1
    found["/sys/class/rnbd-client"] = Directory(
        {"ctl": Directory({"devices": Directory(links), "map_device": Command("map_device")})}
    )
    return found


def _client_session(session: Session, processors: int) -> Directory:
    idle = " ".join("0" for _ in range(processors))

    def path(one: Path) -> Directory:
        stats: dict[str, Node] = {
            "rdma": text(" ".join(map(str, (*one.transferred, 0, 0)))),
            "reconnects": text(f"{int(one.connected)} {one.failures}"),
            "cpu_migration_from": text(idle),
            "cpu_migration_to": text(idle),
            "reset_all": Command("reset_all"),
        }
        commands: dict[str, Node] = {name: Command(name) for name in ("reconnect", "disconnect", "remove_path")}
        own: dict[str, Node] = {
            "state": text("connected" if one.connected else "disconnected"),
            "cur_latency": text("4200 ns"),
            "stats": Directory(stats),
        }
        return Directory({**_ends(one), **commands, **own})

    return Directory(
        {
            "add_path": Command("add_path"),
            "max_reconnect_attempts": text(-1, 0o644),
            "mpath_policy": text("min-inflight (MI: 1)", 0o644),
            "paths": Directory({one.name: path(one) for one in session.paths}),
        }
    )


EXAMPLE = (
    Session(
        "client-a",
        (
            Path("ip:192.0.2.10", "ip:192.0.2.21", "mlx5_0", transferred=(120_000, 15_728_640_000, 64_000, 262_144)),
            Path("ip:192.0.2.11", "ip:192.0.2.121", "mlx5_1", transferred=(119_500, 15_663_104_000, 0, 0)),
        ),
        (
            Mapped("/sys/devices/virtual/block/dm-0", "/dev/vg0/root"),
            Mapped("/sys/devices/virtual/block/md0", "/dev/md0", "ro"),
        ),
    ),
    Session(
        "client-b",
        (Path("ip:192.0.2.10", "ip:192.0.2.22", "mlx5_0", transferred=(12, 49_152, 3, 12_288), connected=False),),
        (Mapped("/sys/devices/virtual/block/md0", "/dev/md0", "ro"),),
    ),
)
"""A server with two clients, one of which reaches it by two ways."""
