"""The kernel, its command line, the CPU and the IOMMU."""

from __future__ import annotations

from dataclasses import dataclass

from p2pctl.model.facts import Fact, Gap


@dataclass(frozen=True, slots=True)
class Cpu:
    """What the kernel's CPU rule looks at (drivers/pci/p2pdma.c, ``cpu_supports_p2pdma``)."""

    vendor: str
    """``GenuineIntel``, ``AuthenticAMD``...; empty where /proc/cpuinfo has none (not x86)."""
    family: int | None
    model_name: str
    count: int
    """Logical processors."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The part of a Snapshot that holds the kernel and the machine."""

    taken: float
    release: Fact[str]
    command_line: Fact[str]
    cpu: Fact[Cpu]
    iommus: Fact[tuple[str, ...]]
    """Names of the IOMMUs (``dmar0``, ``ivhd0``); ABSENT or none: DMA is not translated."""
    lockdown: Fact[str]
    """``none``, ``integrity``, ``confidentiality``."""
    p2pdma: Fact[bool]
    """Whether this kernel was built with CONFIG_PCI_P2PDMA."""
    p2pdma_evidence: str
    """Where that is known from."""
    gaps: tuple[Gap, ...] = ()
