"""The rules of Linux, from 4.20 on, each release said as what it changed in the one before.

A new release that changes an answer is one more set at the end; any new release moves ``NEWEST``.
"""

from __future__ import annotations

from dataclasses import replace

from p2pctl.model.pci import ACS_REDIRECT
from p2pctl.resolver.rules import Caveat, CpuRule, ListedBridge, RuleSet

NEWEST = (7, 3)
"""The newest kernel release that was looked at."""

_AMD, _INTEL, _GOOGLE, _NVIDIA = 0x1022, 0x8086, 0x1AE0, 0x10DE


def _any(vendor: int, device: int | None, name: str) -> ListedBridge:
    return ListedBridge(vendor, device, same_only=False, name=name)


def _same(vendor: int, device: int | None, name: str) -> ListedBridge:
    return ListedBridge(vendor, device, same_only=True, name=name)


BEFORE = RuleSet(
    name="linux-before-4.20",
    kind="kernel",
    since=(0, 0),
    change="no P2PDMA: there is nothing to ask",
    source="drivers/pci/p2pdma.c does not exist",
    works=False,
)

_4_20 = RuleSet(
    name="linux-4.20",
    kind="kernel",
    since=(4, 20),
    change="P2PDMA begins: both functions below one bridge, and no port on the way that redirects",
    source="drivers/pci/p2pdma.c of 5.0: upstream_bridge_distance",
    acs_mask=ACS_REDIRECT,
)

_5_2 = replace(
    _4_20,
    name="linux-5.2",
    since=(5, 2),
    change="without a common bridge both host bridges may be listed ones (1022:1450), as long as there is no IOMMU; "
    "such a pair counts as 4096 further apart; RDMA devices without DMA of their own are refused",
    source="drivers/pci/p2pdma.c of 5.3: root_complex_whitelist; commit 6dbbd053e6ae",
    across="host-bridge",
    penalty=0x1000,
    listed=(_any(_AMD, 0x1450, "AMD Zen"),),
    host_bridge_needs_no_iommu=True,
    virtual_dma="distance",
)

_5_4 = replace(
    _5_2,
    name="linux-5.4",
    since=(5, 4),
    change="a port that redirects sends the pair to the list of host bridges instead of refusing it; the list gets "
    "Intel ones, for pairs below the same host bridge; an IOMMU is no obstacle; host bridges add no distance",
    source="drivers/pci/p2pdma.c of 5.4: pci_p2pdma_whitelist",
    acs_hit="host-bridge",
    penalty=0,
    listed=(
        *_5_2.listed,
        _same(_INTEL, 0x3C00, "Intel Xeon E5, Core i7 (Sandy Bridge-E)"),
        _same(_INTEL, 0x3C01, "Intel Xeon E5, Core i7 (Sandy Bridge-E)"),
        _same(_INTEL, 0x2F00, "Intel Xeon E5 v3, E7 v3 (Haswell-E)"),
        _same(_INTEL, 0x2F01, "Intel Xeon E5 v3, E7 v3 (Haswell-E)"),
    ),
    host_bridge_needs_no_iommu=False,
)

_5_6 = replace(
    _5_4,
    name="linux-5.6",
    since=(5, 6),
    change="Intel Skylake-E host bridges are listed",
    source="linux-pci: applied for v5.6",
    listed=(*_5_4.listed, _any(_INTEL, 0x2030, "Intel Skylake-E"), _any(_INTEL, 0x2020, "Intel Skylake-E")),
)

_5_7 = replace(
    _5_6,
    name="linux-5.7",
    since=(5, 7),
    change="more Intel Skylake-E ids are listed",
    source="linux-pci: applied for v5.7",
    listed=(*_5_6.listed, *(_any(_INTEL, device, "Intel Skylake-E") for device in (0x2031, 0x2032, 0x2033))),
)

_5_8 = replace(
    _5_7,
    name="linux-5.8",
    since=(5, 8),
    change="AMD Raven and Renoir host bridges are listed",
    source="linux-pci: applied for v5.8",
    listed=(*_5_7.listed, _any(_AMD, 0x15D0, "AMD Raven"), _any(_AMD, 0x1630, "AMD Renoir")),
)

_5_9 = replace(
    _5_8,
    name="linux-5.9",
    since=(5, 9),
    change="AMD processors from Zen on (family 23) are accepted as such, whatever their host bridges; the AMD ids go",
    source="commit dea286bb71ba: cpu_supports_p2pdma",
    cpu=CpuRule("AuthenticAMD", 0x17),
    listed=tuple(entry for entry in _5_8.listed if entry.vendor != _AMD),
    caveats=(Caveat((5, 10), "from 5.10.6 on the NVMe target leaves out RDMA devices without DMA, as in 5.11"),),
)

_5_11 = replace(
    _5_9,
    name="linux-5.11",
    since=(5, 11),
    change="RDMA devices without DMA of their own are left out by the NVMe target instead of the distance function",
    source="commit 'RDMA/core: remove use of dma_virt_ops', also in 5.10.6",
    virtual_dma="nvmet-rdma",
    caveats=(),
)

_5_18 = replace(
    _5_11,
    name="linux-5.18",
    since=(5, 18),
    change="Intel Xeon host bridges from Ice Lake-SP on are listed",
    source="linux-pci: applied for v5.18",
    listed=(*_5_11.listed, _any(_INTEL, 0x09A2, "Intel Xeon, Ice Lake-SP and later")),
)

_5_19 = replace(
    _5_18,
    name="linux-5.19",
    since=(5, 19),
    change="a root port may stand for its host bridge, wherever it is on the bus",
    source="commit 1af7c26c59eb: pci_host_bridge_dev",
    representative="slot-0-or-root-port",
    caveats=(Caveat((7, 0), "Ubuntu's 7.0.14 lists what 7.2 does"),),
)

_7_1 = replace(
    _5_19,
    name="linux-7.1",
    since=(7, 1),
    change="all Google host bridges are listed",
    source="commits 70cf146a674c, 1a1f96e3e2a8",
    listed=(*_5_19.listed, _any(_GOOGLE, None, "Google SoC")),
    caveats=(Caveat((7, 1), "7.1 releases from July 2026 on list what 7.2 does"),),
)

_7_2 = replace(
    _7_1,
    name="linux-7.2",
    since=(7, 2),
    change="Intel accelerators that come first on a root bus of their own are listed",
    source="commit 0ba76b19fd4c",
    listed=(
        *_7_1.listed,
        *(_any(_INTEL, device, "Intel DSA") for device in (0x0B25, 0x11FB, 0x1212)),
        *(_any(_INTEL, device, "Intel IAA") for device in (0x0CFE, 0x1216)),
        *(_any(_INTEL, device, "Intel QAT") for device in (0x4940, 0x4942, 0x4944, 0x4946, 0x4948)),
    ),
    caveats=(),
)

_7_3 = replace(
    _7_2,
    name="linux-7.3",
    since=(7, 3),
    change="NVIDIA Vera host bridges are listed",
    source="commit 894a78088fc3",
    listed=(*_7_2.listed, *(_any(_NVIDIA, device, "NVIDIA Vera") for device in range(0x2F95, 0x2F99))),
)

KERNEL_RULES = (BEFORE, _4_20, _5_2, _5_4, _5_6, _5_7, _5_8, _5_9, _5_11, _5_18, _5_19, _7_1, _7_2, _7_3)
"""Oldest first."""
