"""What a user calls a device, turned into a PCI address."""

from __future__ import annotations

import re
from collections.abc import Iterable

from p2pctl.errors import DeniedError, NotFoundError, P2pctlError, UsageError
from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Missing
from p2pctl.model.snapshot import Snapshot

LISTS = frozenset({"pci functions", "nvme controllers", "rdma devices", "interfaces", "block devices"})
"""Facts whose gap hides devices."""

_HINT = "p2pctl device list shows what is there"
_CHARACTER = re.compile(r"^ng(?=\d)")
_PARTITION = re.compile(r"(nvme\d+(?:c\d+)?n\d+)p\d+|([a-z]+?)\d+")


def find_device(snapshot: Snapshot, text: str) -> Address:
    """The function that ``text`` names.

    It may be an address (domain optional), an NVMe controller, namespace or character device, a block device, a
    network interface or an RDMA device, with or without /dev/. Of a path, the last PCI address in it counts, else its
    last part: links are for the caller to resolve. Without a PCI tree in the snapshot any whole address is taken for
    one that exists.
    Raises UsageError where several functions fit, NotFoundError where none does, DeniedError where it cannot be told.
    """
    functions = _functions(snapshot)
    address = Address.parse(text)
    if address is not None:
        short = text.count(":") == 1
        found = {a for a in functions if a == address or (short and a[1:] == address[1:])}
        if not found and snapshot.pci is None:
            return address
        return _one(snapshot, text, found, f"no PCI function {address}")
    name = text.rstrip("/")
    if name.startswith("/sys/"):
        parts = (Address.from_sysfs(part) for part in reversed(name.split("/")))
        last = next((part for part in parts if part is not None), None)
        if last is not None:
            return _one(snapshot, text, {last} & functions, f"no PCI function at {text}")
    found, reason = _by_name(snapshot, name.rpartition("/")[2])
    return _one(snapshot, text, found, reason or f"no device is called {text}")


def _functions(snapshot: Snapshot) -> set[Address]:
    if snapshot.pci:
        return set(snapshot.pci.functions)
    found = {*snapshot.pools.pools, *snapshot.pools.unregistered} if snapshot.pools else set()
    return found | names_by_address(snapshot).keys()


def _by_name(snapshot: Snapshot, name: str) -> tuple[set[Address], str | None]:
    found: set[Address] = set()
    reason = None
    if snapshot.nvme:
        controllers = snapshot.nvme.controllers
        names = [name] if name in controllers else []
        namespace = snapshot.nvme.namespaces.get(_whole(_CHARACTER.sub("nvme", name)))
        names += namespace.controllers if namespace else ()
        found |= _addresses(controllers[n].address for n in names if n in controllers)
    if snapshot.rdma:
        for table in (snapshot.rdma.devices, snapshot.rdma.interfaces):
            if name in table:
                found |= _addresses([table[name].address])
                reason = f"{name} hangs on no PCI function"
    disk = (snapshot.block.devices.get(name) or snapshot.block.devices.get(_whole(name))) if snapshot.block else None
    if disk is not None and not found:
        found |= _addresses([disk.address])
        reason = f"{name} has no PCI function: {disk.reason}"
    return found, None if found else reason


def _whole(name: str) -> str:
    """The disk of a partition."""
    match = _PARTITION.fullmatch(name)
    return (match[1] or match[2]) if match else name


def _addresses(facts: Iterable[object]) -> set[Address]:
    return {fact for fact in facts if isinstance(fact, Address)}


def not_found(snapshot: Snapshot, message: str, hint: str) -> P2pctlError:
    """The error for what is not there, or that nobody may know because a list of devices could not be read."""
    unlisted = next((gap for gap in snapshot.gaps if gap.fact in LISTS), None)
    if unlisted is None:
        return NotFoundError(message, hint=hint)
    return DeniedError(
        f"{unlisted.path} could not be read: it is not known whether this is so: {message}",
        hint=f"it needs {unlisted.needs}",
        errno=unlisted.errno,
        path=unlisted.path,
    )


def _one(snapshot: Snapshot, text: str, found: set[Address], otherwise: str) -> Address:
    if len(found) > 1:
        candidates = ", ".join(map(str, sorted(found)))
        raise UsageError(f"{text} is ambiguous: {candidates}", hint="name one of these addresses")
    if not found:
        raise not_found(snapshot, otherwise, _HINT)
    return found.pop()


def names_by_address(snapshot: Snapshot) -> dict[Address, list[str]]:
    """What the kernel calls the devices on each function: ``nvme0``, ``mlx5_0``, ``eth0``; disks where nothing else."""
    names: dict[Address, list[str]] = {}

    def add(address: Fact[Address], name: str) -> None:
        if not isinstance(address, Missing):
            names.setdefault(address, []).append(name)

    for controller in snapshot.nvme.controllers.values() if snapshot.nvme else ():
        add(controller.address, controller.name)
    for device in snapshot.rdma.devices.values() if snapshot.rdma else ():
        add(device.address, device.name)
    for interface in snapshot.rdma.interfaces.values() if snapshot.rdma else ():
        add(interface.address, interface.name)
    taken = set(names)
    for disk in snapshot.block.devices.values() if snapshot.block else ():
        if disk.address not in taken:
            add(disk.address, disk.name)
    return names
