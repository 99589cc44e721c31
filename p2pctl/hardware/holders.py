"""Finds the processes that map peer-to-peer memory."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping as Map
from dataclasses import dataclass, field

from p2pctl.hardware.reading import Reader
from p2pctl.kernel import Process, Processes
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.holders import Holders, Mapping
from p2pctl.model.nvme import Nvme
from p2pctl.model.pools import Pools

_LINE = re.compile(
    rb"^([0-9a-f]{1,16})-([0-9a-f]{1,16}) \S+ \S+ \S+ \d+ +"
    rb"(?:/sys/devices/\S*/([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])/p2pmem/allocate|/dev/(nvme\d+|ng\d+n\d+|p2pmem\d+))"
    rb"(?: \(deleted\))?$",
    re.MULTILINE,
)
"""A line of /proc/PID/maps: range, permissions, offset, device, inode, path (Documentation/filesystems/proc.rst)."""


_NAMESPACE = "/proc/self/ns/pid"
_INITIAL_NAMESPACE = "pid:[4026531836]"
"""PROC_PID_INIT_INO of include/linux/proc_ns.h."""


@dataclass(slots=True)
class _Found:
    """The mappings of one pool in one process."""

    via: str
    ranges: set[tuple[int, int]] = field(default_factory=set)


def read_holders(reader: Reader, processes: Processes, now: float, devices: Map[str, Address]) -> Holders:
    """Every process's mappings of pools.

    ``devices`` maps the names of character devices to PCI functions: those of NVMe (``nvme0``, ``ng0n1``), through
    which the series of 2022 handed out memory, and those of pools (``p2pmem0``), as the one of 2017 did.
    """
    found: dict[int, dict[Address, _Found]] = {}
    denied = 0
    for name in reader.names("/proc", "processes"):
        if not (name.isascii() and name.isdigit() and len(name) < 10):
            continue
        try:
            data = reader.files.read(f"/proc/{name}/maps", 1 << 26)
        except OSError as error:
            denied += error.errno in {errno.EACCES, errno.EPERM}
            continue
        if b"/p2pmem/allocate" in data or b" /dev/n" in data or b" /dev/p2pmem" in data:
            pools = _pools(data, devices)
            if pools:
                found[int(name)] = pools
    if denied:
        reader.gap(
            "holders", None, "/proc", "root (CAP_SYS_PTRACE): some processes cannot be looked into", errno.EACCES
        )
    namespace = reader.link_name(_NAMESPACE, "holders")
    elsewhere = not isinstance(namespace, Missing) and namespace != _INITIAL_NAMESPACE
    if elsewhere:
        reader.gap("holders", None, _NAMESPACE, "the host's process namespace: a container sees its own processes")
    mappings = tuple(mapping for pid in sorted(found) for mapping in _mappings(reader, processes, pid, found))
    return Holders(now, mappings, complete=not denied and not elsewhere, gaps=tuple(reader.gaps))


def _pools(maps: bytes, devices: Map[str, Address]) -> dict[Address, _Found]:
    pools: dict[Address, _Found] = {}
    for match in _LINE.finditer(maps):
        start, end, directory, device = match.groups()
        address = Address.from_sysfs(directory.decode()) if directory else devices.get(device.decode())
        size = int(end, 16) - int(start, 16)
        if address is not None and size > 0:
            via = "p2pmem/allocate" if directory else f"/dev/{device.decode()}"
            pools.setdefault(address, _Found(via)).ranges.add((int(start, 16), int(end, 16)))
    return pools


def _mappings(reader: Reader, processes: Processes, pid: int, found: Map[int, Map[Address, _Found]]) -> list[Mapping]:
    who = processes.who(pid) or Process(pid, "?", "?")
    parent = _parent(reader, pid)
    return [
        Mapping(
            address=address,
            size=sum(end - start for start, end in pool.ranges),
            pid=pid,
            user=who.user,
            command=who.command,
            via=pool.via,
            ranges=tuple(sorted(pool.ranges)),
            inherited=address in found.get(parent, {}) and pool.ranges <= found[parent][address].ranges,
        )
        for address, pool in sorted(found[pid].items())
    ]


def _parent(reader: Reader, pid: int) -> int:
    """The parent's process id; 0 when the process is gone."""
    try:
        data = reader.files.read(f"/proc/{pid}/status")
    except OSError:
        return 0
    match = re.search(rb"^PPid:\t(\d{1,9})$", data, re.MULTILINE)
    return int(match[1]) if match else 0


def character_devices(nvme: Nvme, pools: Pools | None = None) -> dict[str, Address]:
    """Names of character devices: NVMe controllers, ``ngXnY`` for each namespace of theirs, and pools that have one."""
    devices: dict[str, Address] = {
        pool.character_device: address
        for address, pool in (pools.pools.items() if pools else ())
        if pool.character_device is not None
    }
    for controller in nvme.controllers.values():
        if not isinstance(controller.address, Missing):
            devices[controller.name] = controller.address
            devices.update({"ng" + name.removeprefix("nvme"): controller.address for name in controller.namespaces})
    return devices
