"""Takes a Snapshot: each part that is asked for, and no other.

The readers of a part, and the classes it is made of, are imported when it is read: they are most of what a short
command costs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import get_args

from p2pctl.hardware.reading import RELEASE, Reader
from p2pctl.kernel import Door
from p2pctl.model.snapshot import PartName, Snapshot, Source

ALL_PARTS: frozenset[PartName] = frozenset(get_args(PartName))

_NEEDS: Mapping[PartName, tuple[PartName, ...]] = {
    "pools": ("nvme",),
    "holders": ("nvme",),
    "exporters": ("pci",),
}
"""Parts that are read with the help of others."""


def needed_by(parts: Collection[PartName]) -> frozenset[PartName]:
    """``parts``, and those that are read with the help of them."""
    return frozenset(parts) | {part for part, needs in _NEEDS.items() if not frozenset(needs).isdisjoint(parts)}


def take(door: Door, parts: Collection[PartName], *, wake: bool = False) -> Snapshot:
    """Reads ``parts`` and what they stand on. Never raises for a fact that cannot be read: it becomes a gap.

    ``wake`` allows to wake runtime-suspended functions for their configuration space.
    """
    return extend(door, Snapshot(source=read_source(door), taken=door.now()), parts, wake=wake)


def extend(door: Door, snapshot: Snapshot, parts: Collection[PartName], *, wake: bool = False) -> Snapshot:
    """The snapshot with ``parts`` that it does not have yet."""
    wanted = {*parts, *(need for part in parts for need in _NEEDS.get(part, ()))}
    missing = {part for part in wanted if getattr(snapshot, part) is None}
    if "nvme" in missing:
        from p2pctl.hardware.nvme import read_nvme

        snapshot = replace(snapshot, nvme=read_nvme(Reader(door.files), door.now()))
    # Pools come after the controllers: see read_pools.
    if missing & {"pci", "pools"}:
        snapshot = _extend_functions(door, snapshot, missing, wake=wake)
    for part, read in _OTHERS.items():
        if part in missing:
            snapshot = read(door, snapshot)
    return snapshot


def _extend_functions(door: Door, snapshot: Snapshot, missing: Collection[PartName], *, wake: bool) -> Snapshot:
    from p2pctl.hardware.pci import FunctionReader, read_surroundings

    # What the surroundings lack becomes a gap of the part that is read first.
    reader = Reader(door.files)
    surroundings = read_surroundings(reader)
    if "pools" in missing and snapshot.nvme:
        from p2pctl.hardware.pools import read_pools

        functions = FunctionReader(reader, door.names, surroundings)
        snapshot = replace(snapshot, pools=read_pools(reader, door.now(), functions, snapshot.nvme))
        reader = Reader(door.files)
    if "pci" in missing:
        from p2pctl.hardware.tree import read_pci

        snapshot = replace(snapshot, pci=read_pci(reader, door.names, surroundings, door.now(), wake=wake))
    return snapshot


def _exporters(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.exporters import read_exporters

    functions = snapshot.pci.functions.values() if snapshot.pci else ()
    return replace(snapshot, exporters=read_exporters(Reader(door.files), door.now(), functions))


def _holders(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.holders import character_devices, read_holders

    devices = character_devices(snapshot.nvme, snapshot.pools) if snapshot.nvme else {}
    return replace(snapshot, holders=read_holders(Reader(door.files), door.processes, door.now(), devices))


def _block(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.block import read_block

    return replace(snapshot, block=read_block(Reader(door.files), door.now()))


def _rdma(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.rdma import read_rdma

    return replace(snapshot, rdma=read_rdma(Reader(door.files), door.now()))


def _nvmet(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.nvmet import read_nvmet

    return replace(snapshot, nvmet=read_nvmet(Reader(door.files), door.now()))


def _kernel(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.system import read_kernel

    return replace(snapshot, kernel=read_kernel(Reader(door.files), door.now()))


def _connections(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.connections import read_connections

    return replace(snapshot, connections=read_connections(Reader(door.files), door.now()))


def _log(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.log import read_log

    return replace(snapshot, log=read_log(Reader(door.files), door.log, door.now()))


def _network(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.network import read_network

    return replace(snapshot, network=read_network(Reader(door.files), door.now()))


def _rnbd(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.rnbd import read_rnbd

    return replace(snapshot, rnbd=read_rnbd(Reader(door.files), door.now()))


def _machine(door: Door, snapshot: Snapshot) -> Snapshot:
    from p2pctl.hardware.machine import read_machine

    return replace(snapshot, machine=read_machine(Reader(door.files), door.now()))


# In this order: what the log and the sockets say is newer than the target that they are about.
_OTHERS: Mapping[PartName, Callable[[Door, Snapshot], Snapshot]] = {
    "exporters": _exporters,
    "holders": _holders,
    "block": _block,
    "rdma": _rdma,
    "nvmet": _nvmet,
    "connections": _connections,
    "log": _log,
    "network": _network,
    "rnbd": _rnbd,
    "kernel": _kernel,
    "machine": _machine,
}


def read_source(door: Door) -> Source:
    """Which host this is."""
    reader = Reader(door.files)
    return Source(
        kind=door.kind,
        host=reader.text("/proc/sys/kernel/hostname", "host name"),
        kernel=reader.text(RELEASE, "kernel release"),
        boot_id=reader.text("/proc/sys/kernel/random/boot_id", "boot id"),
    )
