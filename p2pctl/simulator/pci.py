"""PCI functions to build: a description that nests as the hardware does.

Bus numbers, addresses of memory and IOMMU groups are nobody's business here: `layout` and `groups` work them out.
"""

from __future__ import annotations

from typing import NamedTuple

from p2pctl.model.pci import Acs, Link, PortType

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

BRIDGE_CLASS = 0x060400

PORTS = frozenset({PortType.ROOT_PORT, PortType.UPSTREAM, PortType.DOWNSTREAM})


class Region(NamedTuple):
    """A base address register and what is behind it."""

    bar: int
    """0 to 5; a 64-bit one takes the next place too."""
    size: int
    """Bytes, a power of two."""
    memory: bool = True
    prefetchable: bool = False
    wide: bool = True
    """Decodes 64 bits of address."""


class Slot(NamedTuple):
    """The physical slot behind a port."""

    name: str
    """What the kernel calls it in /sys/bus/pci/slots."""
    number: int
    """Physical Slot Number (Slot Capabilities, bits 31:19)."""


class Virtual(NamedTuple):
    """What makes a function able to have virtual ones (the SR-IOV capability)."""

    total: int
    """Virtual functions that it can have."""
    enabled: int
    offset: int
    """From its own routing id to the first one's."""
    device: int
    """Their device id."""
    size: int
    """Bytes of each one's memory."""


class Device(NamedTuple):
    """One PCI function and what hangs below it."""

    ids: tuple[int, int]
    """Vendor and device."""
    class_code: int
    """24 bits."""
    at: tuple[int, int] = (0, 0)
    """Device and function number on its bus."""
    subsystem: tuple[int, int] = (0, 0)
    """Subsystem vendor and device."""
    revision: int = 0
    port: PortType | None = None
    """None without a PCI Express capability: such a function has 256 bytes of configuration space."""
    driver: str | None = None
    regions: tuple[Region, ...] = ()
    link: Link | None = None
    """None without a link, as on a root bus."""
    acs: Acs | None = None
    """None without the capability."""
    resizable: tuple[tuple[int, int], ...] = ()
    """BARs whose size can be chosen: number, and bytes at most (the Resizable BAR capability)."""
    ats: bool | None = None
    """Address translation services: enabled or not; None without the capability."""
    ari: bool = False
    """Endpoints: has the ARI capability."""
    ari_forwarding: bool = False
    """Ports: ARI forwarding enabled."""
    vectors: int = 0
    """MSI-X vectors; 0 without the capability."""
    payload: int = 256
    """Bytes of a transaction at most, as programmed."""
    payload_supported: int = 512
    sleeps: bool = False
    """Runtime-suspended."""
    slot: Slot | None = None
    virtual: Virtual | None = None
    virtual_of: tuple[int, int] | None = None
    """A virtual function: where the physical one is on the same bus."""
    below: tuple[Device, ...] = ()
    domain: RootBus | None = None
    """A root bus of its own domain that it makes (Intel VMD)."""

    @property
    def is_bridge(self) -> bool:
        """Whether it has a header of type 1."""
        return self.class_code == BRIDGE_CLASS


class RootBus(NamedTuple):
    """A root bus, which the kernel shows as one ``pciDDDD:BB`` directory."""

    bus: int
    node: int
    """NUMA node."""
    devices: tuple[Device, ...]
    domain: int = 0
