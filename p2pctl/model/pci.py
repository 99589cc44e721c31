"""PCI functions and what is known of each of them.

They are named tuples, since a host has thousands: a frozen dataclass takes several times as long to fill.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, Fact, Missing


class PortType(enum.IntEnum):
    """PCI Express Device/Port Type (PCI Express Base Specification 6.0, section 7.5.3.2, bits 7:4)."""

    ENDPOINT = 0x0
    LEGACY_ENDPOINT = 0x1
    ROOT_PORT = 0x4
    UPSTREAM = 0x5
    DOWNSTREAM = 0x6
    PCIE_TO_PCI = 0x7
    PCI_TO_PCIE = 0x8
    INTEGRATED = 0x9
    EVENT_COLLECTOR = 0xA


PORT_NAMES = {
    PortType.ENDPOINT: "endpoint",
    PortType.LEGACY_ENDPOINT: "endpoint",
    PortType.ROOT_PORT: "root-port",
    PortType.UPSTREAM: "upstream-port",
    PortType.DOWNSTREAM: "downstream-port",
    PortType.PCIE_TO_PCI: "bridge",
    PortType.PCI_TO_PCIE: "bridge",
    PortType.INTEGRATED: "integrated-endpoint",
    PortType.EVENT_COLLECTOR: "event-collector",
}

ACS_BITS = (
    (0x01, "SV", "source validation"),
    (0x02, "TB", "translation blocking"),
    (0x04, "RR", "request redirect"),
    (0x08, "CR", "completion redirect"),
    (0x10, "UF", "upstream forwarding"),
    (0x20, "EC", "egress control"),
    (0x40, "DT", "direct translated"),
)
"""ACS capability and control bits: mask, the kernel's and lspci's short name, the specification's name."""

ACS_REDIRECT = 0x2C
"""The bits that send peer traffic up to the host bridge: RR, CR, EC (drivers/pci/p2pdma.c, since 4.20)."""


def acs_names(bits: int) -> tuple[str, ...]:
    """Short names of the bits that are set, lowest first."""
    return tuple(name for mask, name, _ in ACS_BITS if bits & mask)


class Acs(NamedTuple):
    """Access Control Services of one function."""

    capability: int
    """ACS Capability register: what the hardware can do."""
    control: int
    """ACS Control register: what is on."""

    @property
    def redirects(self) -> bool:
        """Whether any bit sends peer traffic through the host bridge."""
        return bool(self.control & ACS_REDIRECT)


class ResizableBar(NamedTuple):
    """A BAR that can be made larger or smaller (PCI Express Base Specification 6.0, section 7.8.6)."""

    number: int
    size: int
    """Bytes, as it is set now; the BAR itself may have been left without an address all the same."""
    largest: int
    """Bytes at most."""


class Config(NamedTuple):
    """What configuration space says. All NOT_READ where nobody asked or the function sleeps."""

    header_type: Fact[int] = NOT_READ
    """0 endpoint, 1 bridge, 2 CardBus."""
    multifunction: Fact[bool] = NOT_READ
    port_type: Fact[int] = NOT_READ
    """A ``PortType`` where it is a known one; ABSENT without a PCI Express capability."""
    secondary_bus: Fact[int] = NOT_READ
    subordinate_bus: Fact[int] = NOT_READ
    max_payload: Fact[int] = NOT_READ
    """Bytes, as programmed in Device Control."""
    max_payload_supported: Fact[int] = NOT_READ
    """Bytes, from Device Capabilities."""
    acs: Fact[Acs] = NOT_READ
    ari_forwarding: Fact[bool] = NOT_READ
    """Ports: ARI forwarding enabled (Device Control 2 bit 5)."""
    ari: Fact[bool] = NOT_READ
    """Endpoints: True with an ARI capability, else ABSENT."""
    ats: Fact[bool] = NOT_READ
    """Address translation services: enabled or not; ABSENT without the capability."""
    resizable: Fact[tuple[ResizableBar, ...]] = NOT_READ
    """BARs whose size can be chosen; ABSENT without the capability."""


class Link(NamedTuple):
    """The PCI Express link from a function up to the port above it, as sysfs tells it, which needs no privilege."""

    speed: Fact[float] = ABSENT
    """GT/s now."""
    width: Fact[int] = ABSENT
    """Lanes now."""
    max_speed: Fact[float] = ABSENT
    """GT/s that this function could do."""
    max_width: Fact[int] = ABSENT
    port_speed: Fact[float] = ABSENT
    """GT/s that the port above could do."""
    port_width: Fact[int] = ABSENT

    @property
    def best_speed(self) -> Fact[float]:
        """GT/s that both ends could do."""
        return _least(self.max_speed, self.port_speed)

    @property
    def best_width(self) -> Fact[float]:
        """Lanes that both ends have."""
        return _least(self.max_width, self.port_width)

    @property
    def below_best(self) -> bool:
        """Whether it runs slower or narrower than both ends could."""
        return _below(self.speed, self.best_speed) or _below(self.width, self.best_width)


def _least(one: Fact[float], other: Fact[float]) -> Fact[float]:
    if isinstance(one, Missing) or isinstance(other, Missing):
        return other if isinstance(one, Missing) else one
    return min(one, other)


def _below(now: Fact[float], best: Fact[float]) -> bool:
    return not isinstance(now, Missing) and not isinstance(best, Missing) and 0 < now < best


class Bar(NamedTuple):
    """A base address register with something behind it."""

    number: int
    """0 to 5; a 64-bit one takes the first of its two places."""
    start: int
    size: int
    """Bytes."""
    memory: bool
    """False for I/O ports."""
    prefetchable: bool
    wide: bool
    """Decodes 64 bits of address."""


class Function(NamedTuple):
    """One PCI function."""

    address: Address
    path: str
    """Its directory below /sys/devices."""
    parent: Address | None
    """The bridge above it; None on a root bus."""
    root: str
    """Its root bus as the kernel names it: ``pci0000:00``."""
    vendor: Fact[int] = NOT_READ
    device: Fact[int] = NOT_READ
    subsystem_vendor: Fact[int] = NOT_READ
    subsystem_device: Fact[int] = NOT_READ
    class_code: Fact[int] = NOT_READ
    """Class, subclass, programming interface: 24 bits."""
    driver: Fact[str] = NOT_READ
    numa_node: Fact[int] = NOT_READ
    iommu_group: Fact[int] = NOT_READ
    bars: Fact[tuple[Bar, ...]] = NOT_READ
    physfn: Fact[Address] = NOT_READ
    """For a virtual function: the physical one that it belongs to."""
    virtfns: tuple[Address, ...] = ()
    link: Link = Link()
    slot: Fact[str] = NOT_READ
    """Name of the physical slot it is plugged into."""
    runtime_status: Fact[str] = NOT_READ
    """``active``, ``suspended``... (runtime power management)."""
    config: Config = Config()
    vendor_name: str | None = None
    device_name: str | None = None

    @property
    def is_bridge(self) -> bool:
        """Whether it is a PCI-to-PCI bridge: from the class, which every user can read."""
        return not isinstance(self.class_code, Missing) and self.class_code >> 8 == 0x0604

    @property
    def looks_down(self) -> bool:
        """Whether it is a root port or a switch's downstream port: by its type, or where that is not known, its place.

        Below a root bus the bridges alternate: root port, upstream port, downstream port, upstream port...
        """
        if not self.is_bridge:
            return False
        if not isinstance(self.config.port_type, Missing):
            return self.config.port_type in {PortType.ROOT_PORT, PortType.DOWNSTREAM}
        return self.path.rpartition(self.root)[2].count("/") % 2 == 1

    @property
    def below_best(self) -> bool:
        """Whether the link above it runs below what both its ends could do.

        A port that looks down is judged by what is plugged into it, and virtual functions share their physical one's
        link: these ends carry the mark.
        """
        return self.link.below_best and not self.looks_down and isinstance(self.physfn, Missing)

    @property
    def role(self) -> str:
        """What it is in the tree: a name of ``PORT_NAMES``, or what its class allows to say."""
        port_type = self.config.port_type
        if not isinstance(port_type, Missing):
            return PORT_NAMES.get(PortType(port_type), "endpoint") if port_type in _PORT_TYPES else "reserved"
        if self.is_bridge:
            return "bridge"
        if not isinstance(self.class_code, Missing) and self.class_code >> 8 == 0x0600:
            return "host-bridge"
        return "endpoint"


_PORT_TYPES = frozenset(int(kind) for kind in PortType)
