"""Rule sets: what a kernel asks before it lets one PCI function reach into another, as values.

A kernel does not expose its rules, so they are data here (`kernel_rules`, `proposed_rules`): one set for each release
in which drivers/pci/p2pdma.c changed an answer. The resolver knows the questions, a rule set which of them count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

RulesKind = Literal["kernel", "proposal"]


@dataclass(frozen=True, slots=True)
class ListedBridge:
    """An entry of the kernel's list of host bridges (``pci_p2pdma_whitelist``)."""

    vendor: int
    device: int | None
    """None for every device of the vendor."""
    same_only: bool
    """Both functions must be below this one host bridge (``REQ_SAME_HOST_BRIDGE``)."""
    name: str
    """What it is, for people."""

    def matches(self, vendor: int, device: int) -> bool:
        """Whether it means a host bridge with these ids."""
        return self.vendor == vendor and self.device in {None, device}

    def __str__(self) -> str:
        return f"{self.vendor:04x}:{'*' if self.device is None else f'{self.device:04x}'}"


@dataclass(frozen=True, slots=True)
class CpuRule:
    """Processors whose host bridges forward between any two functions (``cpu_supports_p2pdma``)."""

    vendor: str
    """As /proc/cpuinfo spells it."""
    family: int
    """This one and later ones."""


class Caveat(NamedTuple):
    """What may be different on some kernels of a release, whatever its rules are."""

    release: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What counts for a verdict, and where that is known from."""

    name: str
    """``linux-5.19``, ``rfc-2017``."""
    kind: RulesKind
    since: tuple[int, int] | None
    """The kernel release that it came with; None for a proposal."""
    change: str
    """What it changed, in one sentence; for a proposal what it asks."""
    source: str
    """Where that is known from."""
    works: bool = True
    """False for kernels without P2PDMA, which refuse every pair."""
    common: Literal["any-bridge", "same-switch"] = "any-bridge"
    """What two functions must share for the direct path: any bridge above both, or the bridge two above each of them,
    which is the upstream port of the switch that both are plugged into."""
    acs_mask: int = 0
    """The bits of ACS Control that count as redirecting; 0 where nobody looks."""
    acs_hit: Literal["refuse", "host-bridge"] = "refuse"
    """What follows when a port on the way redirects."""
    across: Literal["refuse", "host-bridge"] = "refuse"
    """What follows when there is no common bridge."""
    penalty: int = 0
    """Added to the distance of a pair without a common bridge."""
    cpu: CpuRule | None = None
    listed: tuple[ListedBridge, ...] = ()
    representative: Literal["slot-0", "slot-0-or-root-port"] = "slot-0"
    """Which first device of a root bus stands for the host bridge: only 00.0, or a root port wherever it is."""
    host_bridge_needs_no_iommu: bool = False
    """A host bridge is crossed only while there is no IOMMU."""
    needs_no_iommu: bool = False
    """No pair at all while there is an IOMMU."""
    needs_64_bit: bool = False
    iommu_kinds: tuple[str, ...] | None = None
    """Prefixes of names in /sys/class/iommu whose DMA backend can map the memory; None where nobody asks."""
    virtual_dma: Literal["nobody", "distance", "nvmet-rdma"] = "nobody"
    """Who refuses an RDMA device without DMA of its own: nobody before the first I/O, the kernel's distance function,
    or the NVMe target, which does not even offer such a device."""
    caveats: tuple[Caveat, ...] = ()

    @property
    def crosses_host_bridge(self) -> bool:
        """Whether any path through a host bridge can be allowed."""
        return "host-bridge" in {self.acs_hit, self.across}

    @property
    def release(self) -> str | None:
        """``5.19``; None for a proposal."""
        return None if self.since is None else f"{self.since[0]}.{self.since[1]}"
