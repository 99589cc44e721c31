"""RDMA devices (drivers/infiniband/core/sysfs.c)."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import NamedTuple

from p2pctl.simulator.host import Host
from p2pctl.simulator.layout import Place
from p2pctl.simulator.nodes import Directory, File, Link, Node, refused, relative, text

GID_ENTRIES = 16
"""Size of a port's GID table here; real ones have up to 1024 entries, most of them empty all the same."""

EMPTY_GID = "0000:0000:0000:0000:0000:0000:0000:0000"

V1, V2 = "IB/RoCE v1", "RoCE v2"


class Gid(NamedTuple):
    """One entry of a GID table."""

    gid: str
    type: str
    interface: str


class Rnic(NamedTuple):
    """One RDMA device with one Ethernet port."""

    name: str
    guid: str
    """``b8ce:f603:00a1:0100``."""
    type: str
    """``hca_type``."""
    firmware: str
    board: str
    rate: str
    active: bool = True
    gids: tuple[Gid, ...] = ()
    interface: str | None = None
    """The network interface that a software device runs over."""


def addresses(mac: str, interface: str, ipv4: str | None = None) -> tuple[Gid, ...]:
    """The GIDs of an interface as RoCE makes them: its link-local address and its IPv4 address, each as v1 and v2."""
    octets = [int(part, 16) for part in mac.split(":")]
    octets[0] ^= 0x02
    eui = [*octets[:3], 0xFF, 0xFE, *octets[3:]]
    local = "fe80:0000:0000:0000:" + ":".join(f"{eui[at]:02x}{eui[at + 1]:02x}" for at in range(0, 8, 2))
    gids = [Gid(local, V1, interface), Gid(local, V2, interface)]
    if ipv4 is not None:
        one, two, three, four = (int(part) for part in ipv4.split("."))
        mapped = f"0000:0000:0000:0000:0000:ffff:{one:02x}{two:02x}:{three:02x}{four:02x}"
        gids += [Gid(mapped, V1, interface), Gid(mapped, V2, interface)]
    return tuple(gids)


def attach(host: Host, place: Place, device: Rnic) -> None:
    """Puts an RDMA device on its PCI function."""
    path = f"{place.path}/infiniband/{device.name}"
    host.extend(
        place, lambda: {"infiniband": Directory({device.name: Directory(lambda: _files(device, path, place.path))})}
    )
    host.register("infiniband", path)


def add_software(host: Host, device: Rnic) -> None:
    """A software device such as rxe0, which has no PCI function at all."""
    path = f"/sys/devices/virtual/infiniband/{device.name}"
    host.add(path, Directory(lambda: _files(device, path, None)))
    host.register("infiniband", path)


def _files(device: Rnic, path: str, owner: str | None) -> Mapping[str, Node]:
    files: dict[str, Node] = {
        "board_id": text(device.board),
        "fw_ver": text(device.firmware),
        "hca_type": text(device.type),
        "hw_rev": text("0"),
        "node_desc": text(f"demo {device.name}", 0o644),
        "node_guid": text(device.guid),
        "node_type": text("1: CA"),
        "ports": Directory({"1": Directory(lambda: _port(device))}),
        "subsystem": Link(relative("/sys/class/infiniband", path)),
        "sys_image_guid": text(device.guid),
        "uevent": File(f"NAME={device.name}\n".encode(), 0o644),
    }
    if device.interface is not None:
        files["parent"] = text(device.interface)
    if owner is not None:
        files["device"] = Link(relative(owner, path))
    return files


def _port(device: Rnic) -> Mapping[str, Node]:
    return {
        "cap_mask": text("0x04010000"),
        "gid_attrs": Directory(
            {
                "ndevs": Directory(lambda: _table([gid.interface for gid in device.gids])),
                "types": Directory(lambda: _table([gid.type for gid in device.gids])),
            }
        ),
        "gids": Directory(
            lambda: {
                str(index): text(device.gids[index].gid if index < len(device.gids) else EMPTY_GID)
                for index in range(GID_ENTRIES)
            }
        ),
        "lid": text("0x0"),
        "lid_mask_count": text(0),
        "link_layer": text("Ethernet"),
        "phys_state": text("5: LinkUp" if device.active else "3: Disabled"),
        "pkeys": Directory({"0": text("0xffff")}),
        "rate": text(device.rate),
        "sm_lid": text("0x0"),
        "sm_sl": text(0),
        "state": text("4: ACTIVE" if device.active else "1: DOWN"),
    }


def _table(values: list[str]) -> dict[str, Node]:
    """One attribute for every entry of the GID table; those of empty entries refuse to be read."""
    empty = refused(errno.EINVAL)
    return {str(at): text(values[at]) if at < len(values) else File(empty) for at in range(GID_ENTRIES)}
