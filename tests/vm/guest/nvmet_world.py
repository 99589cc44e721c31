"""The machine of the differential test: made in the guest, and described to the generator and to the simulator."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType

from p2pctl.simulator.nvmet.environment import Environment, Function, Opened
from tests.vm.guest.nvmet_values import World

PLACE = "/run/differential"
LOCAL = ("10.99.0.1", "fd99::1")
"""Addresses given to the loopback interface, beside its own."""
TAKEN = frozenset({("127.0.0.1", 4433), ("0.0.0.0", 4434), ("::1", 4435)})  # noqa: S104
"""Where somebody else listens."""
CONTENTS: Mapping[str, int] = MappingProxyType({"file": 1 << 20, "empty": 0})
SOUND = (7, 3)
"""The first kernel known to survive every operation; 6.18 is known not to."""
SWITCHES = 0x80
"""The number of the second root bus of `two-sockets`: between functions below it and above it nothing is allowed."""


def drives(addresses: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The paths of each drive's disk and controller, by its id."""
    return {name: (f"{PLACE}/disk-{name}", f"{PLACE}/{name}") for name in addresses}


def world(addresses: Mapping[str, str], pools: frozenset[str]) -> World:
    """What the generator may point at, from the drives' addresses by id and the ids of those with a pool."""
    paths = drives(addresses).values()
    bdfs = [addresses[name] for name in sorted(pools)]
    good = [("ipv4", "127.0.0.1"), ("ipv4", LOCAL[0]), ("ipv6", "::1"), ("ipv6", LOCAL[1])]
    return World(
        disks=tuple(disk for disk, _ in paths),
        controllers=tuple(controller for _, controller in paths),
        others=(
            *(f"{PLACE}/{name}" for name in ("file", "file", "empty", "directory", "dangling", "missing", "n" * 256)),
            f"{PLACE}/missing/below", f"{PLACE}/file/below", "/dev/null", "/dev/nullb0", "relative", "/", "/dev/zero/",
        ),
        pools=tuple(bdfs),
        functions=(
            *(address for name, address in addresses.items() if name not in pools),
            "0000:00:00.0", "0000:40:00.0", "0000:77:00.0", "00:00.0", bdfs[0][5:], f"{bdfs[0]}x",
        ),
        addresses=(
            *(good * 5),
            ("ipv4", "0.0.0.0"), ("ipv4", "127.3.4.5"), ("ipv4", "192.0.2.1"), ("ipv4", "not.an.address"),  # noqa: S104
            ("ipv4", "224.0.0.1"), ("ipv4", "255.255.255.255"), ("ipv4", "::1"), ("ipv4", "127.1"),
            ("ipv4", "127.0.0.01"), ("ipv6", "::"), ("ipv6", "2001:db8::1"), ("ipv6", "127.0.0.1"),
            ("ipv6", "::ffff:127.0.0.1"), ("ipv6", "::1%lo"), ("fc", "nn-0x1000000044001123:pn-0x2000000055001123"),
            ("fc", "x"), ("loop", "x"), ("ib", "127.0.0.1"),
        ),
        services=(
            *("4420",) * 12,
            *("4421", "4433", "4434", "4435", "4436", "0", "65535", "65536", "-1", "x", "0x1144", "04420", "443"),
        ),
    )  # fmt: skip


def environment(addresses: Mapping[str, str], pools: frozenset[str], release: str) -> Environment:
    """The same for the simulator."""
    devices = {
        f"{PLACE}/{name}": Opened("file") for name in CONTENTS
    } | {
        f"{PLACE}/directory": Opened("directory"), "/dev/null": Opened("character"), "/dev/zero": Opened("character"),
        "/dev/nullb0": Opened("block"), "/run": Opened("directory"), "/": Opened("directory"),
    }  # fmt: skip
    for number, (name, (disk, controller)) in enumerate(drives(addresses).items()):
        devices[disk] = Opened("block", p2p=True, pci=addresses[name])
        devices[controller] = Opened("controller", number=number)
    functions = {address: Function("nvme", published=name in pools) for name, address in addresses.items()}
    return Environment(
        release=release,
        devices=devices,
        addresses=frozenset({"127.0.0.1", "::1", *LOCAL}),
        listeners=TAKEN,
        functions=functions | {"0000:00:00.0": Function(), "0000:40:00.0": Function("pcieport")},
        distance=_distance,
    )


def _distance(provider: str, client: str) -> int:
    sides = {int(address.split(":")[1], 16) >= SWITCHES for address in (provider, client)}
    return 4 if len(sides) == 1 else -1


@contextmanager
def made(addresses: Mapping[str, str], controllers: Mapping[str, str]) -> Iterator[None]:
    """Makes it, in the guest: the drives under fixed names, files, addresses, listeners."""
    place = Path(PLACE)
    place.mkdir()
    for name, (disk, controller) in drives(addresses).items():
        Path(controller).symlink_to(f"/dev/{controllers[name]}")
        Path(disk).symlink_to(f"/dev/{controllers[name]}n1")
    for name, size in CONTENTS.items():
        (place / name).write_bytes(bytes(size))
    (place / "directory").mkdir()
    (place / "dangling").symlink_to(place / "nothing")
    for address in LOCAL:
        _lo("add", address)
    with ExitStack() as stack:
        for address, port in sorted(TAKEN):
            listener = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen()
        yield
    for address in LOCAL:
        _lo("del", address)
    shutil.rmtree(place)


def _lo(what: str, address: str) -> None:
    width = 128 if ":" in address else 32
    command = ["busybox", "ip", "addr", what, f"{address}/{width}", "dev", "lo"]
    subprocess.run(command, check=True, capture_output=True)
