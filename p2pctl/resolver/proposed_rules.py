"""Rules that were proposed on the lists, as their authors posted them: the answer that such a system would give."""

from __future__ import annotations

from dataclasses import replace

from p2pctl.model.pci import ACS_REDIRECT
from p2pctl.resolver.kernel_rules import KERNEL_RULES
from p2pctl.resolver.rules import RuleSet

_MAINLINE_OF_2022 = next(rules for rules in KERNEL_RULES if rules.since == (5, 19))

RFC_2017 = RuleSet(
    name="rfc-2017",
    kind="proposal",
    since=None,
    change="both functions are plugged into the same switch: the bridge two above each of them is one; ACS is not "
    "looked at, and what sits below a root port without a switch is refused",
    source="Copy Offload with Peer-to-Peer PCI Memory, RFC, 2017: upstream_bridges_match",
    common="same-switch",
)

V5_2018 = RuleSet(
    name="v5-2018",
    kind="proposal",
    since=None,
    change="a common bridge above both functions is required, and any port on the way that redirects refuses the pair",
    source="Copy Offload in NVMe Fabrics with P2P PCI Memory, version 5, 2018: upstream_bridge_distance",
    acs_mask=ACS_REDIRECT,
)

VMA_2019 = replace(
    V5_2018,
    name="vma-2019",
    change="no IOMMU, no ACS redirection, and both functions in the same subtree: the root complex is not crossed",
    source="Device peer to peer (p2p) through vma, RFC, January 2019: pci_test_p2p",
    needs_no_iommu=True,
)

USERSPACE_2022 = replace(
    _MAINLINE_OF_2022,
    name="userspace-2022",
    kind="proposal",
    since=None,
    change="the rules of the kernel of its time, and for O_DIRECT a 64-bit kernel with direct DMA or an Intel or AMD "
    "IOMMU",
    source="Userspace P2PDMA with O_DIRECT NVMe devices, 2022: dma_pci_p2pdma_supported",
    needs_64_bit=True,
    iommu_kinds=("dmar", "ivhd"),
    caveats=(),
)

PROPOSED_RULES = (RFC_2017, V5_2018, VMA_2019, USERSPACE_2022)
"""Oldest first."""
