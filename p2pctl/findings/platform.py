"""The IOMMU's mode, where drivers depend on it."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.findings.finding import Finding, some
from p2pctl.findings.scene import Scene
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing

_PHYSICAL = frozenset({"amdgpu", "nvidia"})
"""Drivers whose peer traffic between GPUs was seen to need untranslated addresses: RCCL hangs, zeroed tensors."""


def platform_findings(scene: Scene) -> Iterator[Finding]:
    """GPUs that talk to each other behind a translating IOMMU."""
    gpus = translated_gpus(scene)
    if len(gpus) < 2:
        return
    group = _group(scene, gpus[0])
    yield Finding(
        "iommu-translates-gpus",
        "warning",
        str(gpus[0]),
        f"the IOMMU translates the addresses of {some(gpus)}, whose drivers may hand each other physical ones",
        f"/sys/kernel/iommu_groups/{group}/type",
        "boot with iommu=pt, which leaves devices of the host untranslated; the kernel's own P2P needs no such thing",
        meaning="GPU to GPU copies may fault (IO_PAGE_FAULT), hang, or come back as zeros",
        line=_type(scene, group),
        commands=("iommu=pt",),
        risk="a faulty or hostile device of the host can then reach all memory; guests stay isolated",
        verify=(f"cat /sys/kernel/iommu_groups/{group}/type  # identity",),
    )


def translated_gpus(scene: Scene) -> list[Address]:
    """GPUs of such drivers whose DMA is translated."""
    return [
        address
        for address, device in scene.devices.items()
        if device.kind == "gpu"
        and device.matters
        and device.function.driver in _PHYSICAL
        and (_type(scene, _group(scene, address)) or "").startswith("DMA")
    ]


def _group(scene: Scene, address: Address) -> int | None:
    group = scene.devices[address].function.iommu_group
    return None if isinstance(group, Missing) else group


def _type(scene: Scene, group: int | None) -> str | None:
    pci = scene.snapshot.pci
    found = None if pci is None or group is None else pci.iommu_groups.get(group)
    return None if found is None or isinstance(found.type, Missing) else found.type
