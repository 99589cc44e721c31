"""What else could lend memory to peers: GPUs, vfio devices, RDMA registers, plain BARs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Gap

ExporterKind = Literal["memory", "registers"]


@dataclass(frozen=True, slots=True)
class Exporter:
    """A function whose driver can lend a BAR to other devices as a dma-buf. No kernel file proves that it will."""

    address: Address
    driver: str
    kind: ExporterKind
    """``registers`` for doorbells and the like: a target for small writes, no buffer for data."""
    bar_size: Fact[int]
    """Bytes of the largest prefetchable memory BAR."""
    memory_total: Fact[int]
    """Bytes of device memory, where the driver tells (amdgpu ``mem_info_vram_total``)."""
    memory_visible: Fact[int]
    """Bytes of it that the BAR shows."""
    peers: tuple[Address, ...]
    """Functions for which the driver itself approved P2P (KFD ``p2p_links``)."""


@dataclass(frozen=True, slots=True)
class DmaBuffer:
    """A dma-buf that exists now (debugfs ``dma_buf/bufinfo``)."""

    exporter: str
    size: int
    """Bytes."""
    attached: tuple[str, ...]
    """Devices that imported it, as the kernel names them."""


@dataclass(frozen=True, slots=True)
class Exporters:
    """The part of a Snapshot that holds possible exporters."""

    taken: float
    exporters: Mapping[Address, Exporter]
    buffers: Fact[tuple[DmaBuffer, ...]]
    gaps: tuple[Gap, ...] = ()
