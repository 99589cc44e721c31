"""What ROCm needs for P2P between AMD GPUs over PCI Express (drivers/gpu/drm/amd/amdgpu, amdkfd)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from p2pctl.findings.devices import Device
from p2pctl.findings.finding import some
from p2pctl.findings.platform import translated_gpus
from p2pctl.findings.requirements.common import AS_ROOT, gpus, kernel_p2pdma, name_of, reach
from p2pctl.findings.requirements.requirement import Requirement
from p2pctl.findings.scene import Scene
from p2pctl.model.facts import NOT_READ, Missing
from p2pctl.target.port_state import PortState
from p2pctl.units import format_bytes

_AMD = 0x1002


def rocm_requirements(scene: Scene, states: Sequence[PortState]) -> Iterator[Requirement]:
    """Kernel, driver, GPUs with all of their memory in view, the way between them, and what the driver made of it."""
    del states
    cards = gpus(scene, _AMD)
    yield kernel_p2pdma(scene)
    yield _option(scene)
    yield _driver(scene)
    yield _several(cards)
    yield _window(scene, cards)
    addresses = [one.function.address for one in cards]
    yield reach(scene, "P2P between all GPUs by the kernel's rules", addresses, addresses, every=True)
    yield _approved(scene, cards)
    yield _iommu(scene)


def _option(scene: Scene) -> Requirement:
    title, machine = "amdgpu built for P2P (CONFIG_HSA_AMD_P2P)", scene.snapshot.machine
    built = NOT_READ if machine is None else machine.option("HSA_AMD_P2P")
    where = (machine.options_file if machine else None) or "the kernel's build configuration"
    if isinstance(built, Missing):
        return Requirement("hsa-amd-p2p", title, None, "it is not known", where, "look for the build configuration")
    remedy = None if built else "Ubuntu's kernels have it from 6.2 on; Debian's have not: use AMD's own driver package"
    return Requirement("hsa-amd-p2p", title, built, "it is set" if built else "it is not set", where, remedy)


def _driver(scene: Scene) -> Requirement:
    title, where = "amdgpu, with pcie_p2p on", "/sys/module/amdgpu/parameters/pcie_p2p"
    machine = scene.snapshot.machine
    if machine is None:
        return Requirement("driver", title, None, "the modules were not read", where, AS_ROOT)
    module = machine.modules.get("amdgpu")
    if module is None:
        return Requirement("driver", title, False, "it is not loaded", "/sys/module/amdgpu", "modprobe amdgpu")
    value = module.parameters.get("pcie_p2p", NOT_READ)
    if isinstance(value, Missing):
        text = "this driver has no such parameter" if value is Missing.ABSENT else "it could not be read"
        return Requirement("driver", title, None, text, where)
    on = value in {"Y", "1"}
    return Requirement("driver", title, on, f"it is {value}", where, None if on else "boot with amdgpu.pcie_p2p=1")


def _several(cards: Sequence[Device]) -> Requirement:
    title = "two AMD GPUs or more"
    text = f"{len(cards)} found: {some(name_of(one) for one in cards)}" if cards else "there is none"
    return Requirement("gpus", title, len(cards) > 1, text, "/sys/bus/pci/devices/*/uevent")


def _window(scene: Scene, cards: Sequence[Device]) -> Requirement:
    title, where = "BARs that show all of each GPU's memory", "/sys/bus/pci/devices/*/mem_info_vis_vram_total"
    exporters = scene.snapshot.exporters.exporters if scene.snapshot.exporters else {}
    told = [exporters[one.function.address] for one in cards if one.function.address in exporters]
    sizes = [(one.address, one.memory_visible, one.memory_total) for one in told]
    small = [
        f"{address} shows {format_bytes(visible)} of {format_bytes(total)}"
        for address, visible, total in sizes
        if not isinstance(visible, Missing) and not isinstance(total, Missing) and visible < total
    ]
    if small:
        return Requirement("bar", title, False, some(small, 2), where, "enable Above 4G Decoding and Resizable BAR")
    if not sizes or any(isinstance(one, Missing) for _, *both in sizes for one in both):
        text = "there is no GPU of amdgpu" if not sizes else "the driver does not tell"
        return Requirement("bar", title, None if sizes else False, text, where)
    return Requirement("bar", title, True, "all of it is shown", where)


def _approved(scene: Scene, cards: Sequence[Device]) -> Requirement:
    """What the driver itself made of the pairs when it started."""
    title, where = "pairs that the driver approved", "/sys/class/kfd/kfd/topology/nodes/*/p2p_links"
    addresses = {one.function.address for one in cards}
    if len(cards) < 2:
        return Requirement("approved", title, False, "there is no pair", where)
    if scene.snapshot.exporters is None or any(gap.fact.startswith("kfd") for gap in scene.snapshot.exporters.gaps):
        return Requirement("approved", title, None, "the driver's topology could not be read", where, AS_ROOT)
    short = [one for one in cards if addresses - {one.function.address} - set(one.peers)]
    if short:
        text = f"not for all: {some(one.function.address for one in short)} miss a peer"
        remedy = "dmesg | grep 'not supported by the chipset'; then load amdgpu anew: it decides when it starts"
        return Requirement("approved", title, False, text, where, remedy)
    return Requirement("approved", title, True, "every GPU has all others as peers", where)


def _iommu(scene: Scene) -> Requirement:
    title, where = "GPUs whose addresses the IOMMU leaves alone", "/sys/kernel/iommu_groups/*/type"
    translated = translated_gpus(scene)
    if translated:
        text = f"translated: {some(translated)}"
        return Requirement("iommu", title, False, text, where, "boot with iommu=pt")
    if scene.snapshot.pci is None or any(gap.fact.startswith("iommu") for gap in scene.snapshot.pci.gaps):
        return Requirement("iommu", title, None, "the IOMMU groups could not be read", where, AS_ROOT)
    return Requirement("iommu", title, True, "none is translated", where)
