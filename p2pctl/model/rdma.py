"""RDMA devices and network interfaces, down to their PCI functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Gap


@dataclass(frozen=True, slots=True)
class Gid:
    """One entry of a port's GID table."""

    index: int
    gid: str
    """Eight groups of four hexadecimal digits, as sysfs writes them."""
    type: Fact[str]
    """``RoCE v2``, ``IB/RoCE v1``."""
    interface: Fact[str]
    """The network interface that owns the address."""


@dataclass(frozen=True, slots=True)
class RdmaPort:
    """One port of an RDMA device."""

    number: int
    state: Fact[str]
    link_layer: Fact[str]
    """``InfiniBand`` or ``Ethernet``."""
    gids: tuple[Gid, ...]
    """Entries that are in use."""


@dataclass(frozen=True, slots=True)
class RdmaDevice:
    """One RDMA device."""

    name: str
    address: Fact[Address]
    """Its PCI function, also through auxiliary devices; ABSENT for software devices."""
    driver: Fact[str]
    """Driver of that PCI function."""
    node_guid: Fact[str]
    virtual_dma: Fact[bool]
    """Whether it registers without a DMA device, so that the kernel never lets it do P2P."""
    virtual_dma_reason: str | None
    ports: tuple[RdmaPort, ...]
    interfaces: tuple[str, ...]
    """Network interfaces on the same PCI function, and those that own its GIDs."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface."""

    name: str
    address: Fact[Address]
    state: Fact[str]
    """``up``, ``down``, ``unknown``."""


@dataclass(frozen=True, slots=True)
class Rdma:
    """The part of a Snapshot that holds RDMA and network devices."""

    taken: float
    devices: Mapping[str, RdmaDevice]
    interfaces: Mapping[str, Interface]
    gaps: tuple[Gap, ...] = ()
