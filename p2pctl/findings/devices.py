"""Which functions matter for P2P, and what they are to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from p2pctl.findings.pools import pool_states
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.pci import Function
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.resolver.selectors import names_by_address

PARTS: frozenset[PartName] = frozenset({"pci", "pools", "nvme", "rdma", "block", "exporters"})
"""The parts that devices are described from."""

DeviceClass = Literal["nvme", "rdma", "network", "gpu", "storage", "accelerator", "bridge", "other"]
ExporterKind = Literal["pool", "cmb-unregistered", "dma-buf", "registers", "bar"]

_RAW_BAR = 2 << 20
"""Bytes: a smaller BAR holds registers, not buffers."""

_CLASSES: dict[int, DeviceClass] = {0x0108: "nvme", 0x0207: "rdma", 0x0604: "bridge", 0x0600: "bridge"}
_BASE_CLASSES: dict[int, DeviceClass] = {0x01: "storage", 0x02: "network", 0x03: "gpu", 0x12: "accelerator"}


@dataclass(frozen=True, slots=True)
class Device:
    """One function, with what other parts say of it."""

    function: Function
    names: tuple[str, ...]
    """Kernel names: ``nvme0``, ``mlx5_0``, ``eth0``."""
    kind: DeviceClass
    exporter: ExporterKind | None
    """How it could lend memory: ``pool`` is certain; ``dma-buf`` (memory) and ``registers`` (doorbells) are what its
    driver can do, ``bar`` is a large prefetchable BAR that no driver is known to lend."""
    exporter_bytes: int | None
    """Bytes it could lend."""
    memory_total: Fact[int]
    """Bytes of device memory, of which it may show only a part."""
    peers: tuple[Address, ...]
    """Functions that its driver approved for P2P."""

    @property
    def matters(self) -> bool:
        """Whether it may take part in P2P: memory to lend, or a client that does DMA to others' memory."""
        if self.exporter in {"pool", "cmb-unregistered", "dma-buf"}:
            return True
        # A graphics function without a large BAR is what a board's management controller draws on.
        return self.kind in {"nvme", "rdma", "accelerator"} or (self.kind == "gpu" and self.exporter is not None)


def devices(snapshot: Snapshot, *, everything: bool = False) -> tuple[Device, ...]:
    """The functions that matter, in order of address; all of them with ``everything``."""
    functions = snapshot.pci.functions.values() if snapshot.pci else ()
    states = {state.address: state for state in pool_states(snapshot)}
    names = names_by_address(snapshot)
    rdma = {device.address for device in snapshot.rdma.devices.values()} if snapshot.rdma else set()
    found = []
    for function in functions:
        state = states.get(function.address)
        exporter: ExporterKind | None
        size: int | None
        if state is not None:
            exporter = "cmb-unregistered" if state.state == "unregistered" else "pool"
            size = None if isinstance(state.size, Missing) else state.size
        else:
            exporter, size = _export(function, snapshot)
        lends = snapshot.exporters.exporters.get(function.address) if snapshot.exporters else None
        device = Device(
            function,
            tuple(names.get(function.address, ())),
            "rdma" if function.address in rdma else _kind(function),
            exporter,
            size,
            lends.memory_total if lends else ABSENT,
            lends.peers if lends else (),
        )
        if everything or device.matters:
            found.append(device)
    return tuple(found)


def _export(function: Function, snapshot: Snapshot) -> tuple[ExporterKind | None, int | None]:
    lends = snapshot.exporters.exporters.get(function.address) if snapshot.exporters else None
    if lends is not None:
        visible = lends.bar_size if isinstance(lends.memory_visible, Missing) else lends.memory_visible
        size = None if isinstance(visible, Missing) else visible
        return ("registers" if lends.kind == "registers" else "dma-buf"), size
    if function.is_bridge or isinstance(function.bars, Missing):
        return None, None
    bars = [bar.size for bar in function.bars if bar.memory and bar.prefetchable and bar.wide and bar.size >= _RAW_BAR]
    return ("bar", max(bars)) if bars else (None, None)


def _kind(function: Function) -> DeviceClass:
    if isinstance(function.class_code, Missing):
        return "other"
    found = _CLASSES.get(function.class_code >> 8)
    return found or _BASE_CLASSES.get(function.class_code >> 16, "other")


def branches(found: Mapping[Address, Device]) -> set[Address]:
    """The functions that matter, and every bridge above one that is there: one may just have been taken away."""
    kept: set[Address] = set()
    for device in found.values():
        if device.matters:
            above: Device | None = device
            while above is not None and above.function.address not in kept:
                kept.add(above.function.address)
                parent = above.function.parent
                above = None if parent is None else found.get(parent)
    return kept
