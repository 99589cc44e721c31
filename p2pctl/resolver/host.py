"""What verdicts need of the host itself: processor, IOMMU, word size."""

from __future__ import annotations

import re
from dataclasses import dataclass

from p2pctl.model.facts import NOT_READ, UNREADABLE, Fact, Missing, known
from p2pctl.model.kernel import Cpu, Kernel
from p2pctl.model.snapshot import Snapshot

_64_BIT = re.compile(r"(?:amd64|x86_64|arm64|aarch64|ppc64(?:le|el)?|s390x|riscv64|loong(?:arch)?64)\b")
_32_BIT = re.compile(r"(?:\b[3-6]86|armmp|armhf|armv[5-7]\w*|powerpc|mips)\b")


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Facts of the host that a rule may ask for."""

    cpu: Fact[Cpu]
    iommu: Fact[bool]
    """Whether an IOMMU is in use by the kernel, translating or not."""
    iommus: tuple[str, ...]
    """Names of the IOMMUs, as far as they are known: ``dmar0``, ``ivhd0``, ``smmu3.0x...``."""
    wide: Fact[bool]
    """Whether the kernel is a 64-bit one."""


def host_facts(snapshot: Snapshot) -> HostFacts:
    """The facts, as far as the snapshot has them."""
    kernel = snapshot.kernel
    return HostFacts(
        cpu=NOT_READ if kernel is None else kernel.cpu,
        iommu=_iommu(snapshot),
        iommus=() if kernel is None else known(kernel.iommus, ()),
        wide=_wide(snapshot),
    )


def _iommu(snapshot: Snapshot) -> Fact[bool]:
    """An IOMMU driver shows itself in /sys/class/iommu and by the groups it makes."""
    names = NOT_READ if snapshot.kernel is None else snapshot.kernel.iommus
    if known(names, ()) or (snapshot.pci is not None and snapshot.pci.iommu_groups):
        return True
    if names is NOT_READ or names is UNREADABLE:
        return names
    gaps = () if snapshot.pci is None else snapshot.pci.gaps
    return UNREADABLE if any(gap.fact == "iommu groups" for gap in gaps) else False


def _wide(snapshot: Snapshot) -> Fact[bool]:
    """From what only a 64-bit kernel has, else from the release.

    P2PDMA needs ZONE_DEVICE, which needs SPARSEMEM_VMEMMAP (mm/Kconfig): no 32-bit architecture has that.
    """
    kernel = snapshot.kernel
    if (snapshot.pools is not None and snapshot.pools.pools) or (kernel is not None and kernel.p2pdma is True):
        return True
    return NOT_READ if kernel is None else _wide_by_release(kernel)


def _wide_by_release(kernel: Kernel) -> Fact[bool]:
    if isinstance(kernel.release, Missing):
        return kernel.release
    if _64_BIT.search(kernel.release):
        return True
    return False if _32_BIT.search(kernel.release) else NOT_READ
