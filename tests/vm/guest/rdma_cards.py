"""Network cards with RDMA: the driver, the interfaces and the devices."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.vm.guest.api import PCI, Context, modprobe, wait

MODULE = "rdma_rxe.ko"
"""The driver that the host built (tests/vm/rdma_driver.py), in the results directory."""
DRIVER_NEEDS = "ib_core", "ip6_udp_tunnel", "udp_tunnel"
INFINIBAND = Path("/sys/class/infiniband")
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK, IFF_UP = 0x8914, 0x8916, 0x891C, 1
NETLINK_RDMA, NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 20, 1, 4, 2
NEWLINK = 5 << 10 | 3
"""RDMA_NL_NLDEV and RDMA_NLDEV_CMD_NEWLINK (include/uapi/rdma/rdma_netlink.h), as are the attributes' numbers."""
DEV_NAME, NDEV_NAME, LINK_TYPE = 2, 51, 65


class Card(NamedTuple):
    """A network card's function, its RDMA device and its IPv4 address; `port` is the target's port on it."""

    address: str
    device: str
    ip: str
    port: int


def bring_up(context: Context) -> list[Card]:
    """Loads the driver and gives every network card an address and an RDMA device; does nothing a second time.

    Raises RuntimeError with the loader's words when a module does not load.
    """
    if not _is_ours(_cards()):
        take_down()
        modprobe(*DRIVER_NEEDS)
        ran = subprocess.run(["insmod", context.out / MODULE], check=False, capture_output=True, text=True)
        if ran.returncode:
            raise RuntimeError(f"insmod {MODULE}: {ran.stderr.strip()}")
        modprobe("nvme-rdma", "nvmet-rdma")
        make_devices()
    return _cards()


def make_devices() -> list[Card]:
    """Gives every network card an address and an RDMA device of the driver that is loaded."""
    cards = _cards()
    for card in cards:
        (interface,) = (PCI / "devices" / card.address / "net").iterdir()
        turn_on(interface.name, card.ip)
        add_device(card.device, interface.name)
    for card in cards:
        state = INFINIBAND / card.device / "ports/1/state"
        assert wait(lambda: "ACTIVE" in state.read_text(), 30), f"{card} has not found its network"  # noqa: B023
        gid = f"0000:0000:0000:0000:0000:ffff:{socket.inet_aton(card.ip).hex(':', 2)}"
        assert wait(lambda: gid in _gids(card)), f"{card} has no GID for its address"  # noqa: B023
    return cards


def _cards() -> list[Card]:
    return [
        Card(path.resolve().parents[1].name, f"rxe{number}", f"192.168.{number + 1}.1", number + 1)
        for number, path in enumerate(sorted((PCI / "drivers/e1000e").glob("0*/net/*")))
    ]


def take_down() -> None:
    """Unloads the driver, and its devices with it."""
    for module in ("nvme_rdma", "nvmet_rdma", "rdma_rxe"):
        if Path("/sys/module", module).exists():
            subprocess.run(["rmmod", module], check=True, capture_output=True)


def _is_ours(cards: Sequence[Card]) -> bool:
    """Whether each card has its device already; the distribution's driver makes devices without a function."""
    return all((INFINIBAND / card.device / "device").resolve().name == card.address for card in cards)


def _gids(card: Card) -> set[str]:
    return {path.read_text().strip() for path in (INFINIBAND / card.device / "ports/1/gids").iterdir()}


def turn_on(interface: str, ip: str) -> None:
    """Gives an interface an address and turns it on."""
    name = interface.encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for request, value in ((SIOCSIFADDR, ip), (SIOCSIFNETMASK, "255.255.255.0")):
            packed = struct.pack("<H2x4s8x", socket.AF_INET, socket.inet_aton(value))
            fcntl.ioctl(handle, request, struct.pack("16s16s8x", name, packed))
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("<16sH22x", name, IFF_UP))


def add_device(name: str, interface: str) -> None:
    """Adds a software RDMA device, as `rdma link add NAME type rxe netdev INTERFACE` does. Raises OSError."""

    def attribute(kind: int, value: str) -> bytes:
        data = value.encode() + b"\0"
        return struct.pack("<HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)

    body = attribute(DEV_NAME, name) + attribute(NDEV_NAME, interface) + attribute(LINK_TYPE, "rxe")
    head = struct.pack("<IHHII", 16 + len(body), NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_RDMA) as handle:
        handle.bind((0, 0))
        handle.send(head + body)
        answer = handle.recv(8192)
    kind, error = struct.unpack_from("<4xH10xi", answer)
    assert kind == NLMSG_ERROR, answer
    if error:
        raise OSError(-error, os.strerror(-error))
