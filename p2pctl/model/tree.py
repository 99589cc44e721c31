"""The PCI tree: all functions, host bridges and IOMMU groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Gap
from p2pctl.model.pci import Function


@dataclass(frozen=True, slots=True)
class HostBridge:
    """A root bus: one ``pciDDDD:BB`` directory is one host bridge object of the kernel."""

    name: str
    first: Address | None
    """The lowest function on the root bus: the kernel looks at the first device of the bus."""
    representative: Fact[Address]
    """What the kernel compares with its list: ``first`` if it is 00.0 or a root port (drivers/pci/p2pdma.c,
    ``pci_host_bridge_dev``); ABSENT if it is neither, UNREADABLE while its port type is not known."""


@dataclass(frozen=True, slots=True)
class IommuGroup:
    """Functions that the IOMMU cannot tell apart."""

    number: int
    type: Fact[str]
    """The kernel's word: ``DMA``, ``DMA-FQ``, ``identity``, ``blocked``, ``auto``."""


@dataclass(frozen=True, slots=True)
class Pci:
    """The part of a Snapshot that holds the PCI tree."""

    taken: float
    functions: Mapping[Address, Function]
    """In order of address."""
    host_bridges: Mapping[str, HostBridge]
    iommu_groups: Mapping[int, IommuGroup]
    gaps: tuple[Gap, ...] = ()

    def below(self, address: Address | None, root: str) -> tuple[Function, ...]:
        """The functions directly under a bridge, or under a root bus when ``address`` is None."""
        return tuple(f for f in self.functions.values() if f.parent == address and f.root == root)
