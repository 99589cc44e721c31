"""Network interfaces (net/core/net-sysfs.c)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from p2pctl.simulator.host import Host
from p2pctl.simulator.layout import Place
from p2pctl.simulator.nodes import Directory, File, Link, Node, relative, text

ETHERNET, LOOPBACK = 1, 772
"""include/uapi/linux/if_arp.h."""


class Interface(NamedTuple):
    """A network interface."""

    name: str
    number: int
    """``ifindex``."""
    mac: str
    state: str = "up"
    """``operstate``."""
    speed: int = -1
    """Mbit/s; -1 while it has no link."""
    mtu: int = 1500
    port: int = 0
    """``dev_port``."""
    port_name: str | None = None
    """``p0``; None for an interface that has none, whose file cannot be read."""
    kind: int = ETHERNET


def attach(host: Host, place: Place, *interfaces: Interface) -> None:
    """Puts interfaces on a PCI function."""
    above = f"{place.path}/net"
    names = {one.name: one for one in interfaces}

    def extra() -> Mapping[str, Node]:
        return {
            "net": Directory(
                {name: Directory(files(one, f"{above}/{name}", place.path)) for name, one in names.items()}
            )
        }

    host.extend(place, extra)
    host.register("net", *(f"{above}/{name}" for name in names))


def add_virtual(host: Host, interface: Interface) -> None:
    """An interface without a device."""
    path = f"/sys/devices/virtual/net/{interface.name}"
    host.add(path, Directory(lambda: files(interface, path, None)))
    host.register("net", path)


def files(interface: Interface, path: str, device: str | None) -> dict[str, Node]:
    """The directory of an interface; ``device`` is the kernel path of what it hangs on."""
    up = interface.state != "down"
    found: dict[str, Node] = {
        "addr_assign_type": text(0),
        "addr_len": text(6),
        "address": text(interface.mac),
        "broadcast": text("00:00:00:00:00:00" if interface.kind == LOOPBACK else "ff:ff:ff:ff:ff:ff"),
        "carrier": text(int(up), 0o644),
        "dev_id": text("0x0"),
        "dev_port": text(interface.port),
        "dormant": text(0),
        "flags": text("0x9" if interface.kind == LOOPBACK else "0x1003", 0o644),
        "ifindex": text(interface.number),
        "iflink": text(interface.number),
        "mtu": text(65536 if interface.kind == LOOPBACK else interface.mtu, 0o644),
        "name_assign_type": text(4),
        "operstate": text(interface.state),
        "speed": text(interface.speed),
        "subsystem": Link(relative("/sys/class/net", path)),
        "tx_queue_len": text(1000, 0o644),
        "type": text(interface.kind),
        "uevent": File(f"INTERFACE={interface.name}\nIFINDEX={interface.number}\n".encode(), 0o644),
    }
    if interface.port_name is not None:
        found["phys_port_name"] = text(interface.port_name)
    if device is not None:
        found["device"] = Link(relative(device, path))
    return found
