"""What SPDK needs to copy through the memory buffer of a drive. It drives the hardware itself, past the kernel.

The verdict of the kernel's rules is a forecast here: nobody refuses, but what the rules deny may lose data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from p2pctl.findings.finding import some
from p2pctl.findings.requirements.common import AS_ROOT, drives, name_of, reach
from p2pctl.findings.requirements.requirement import Requirement
from p2pctl.findings.scene import Scene
from p2pctl.model.facts import ABSENT, Missing
from p2pctl.model.nvme import Controller
from p2pctl.resolver.host import host_facts
from p2pctl.target.port_state import PortState
from p2pctl.units import format_bytes

_USER_SPACE = frozenset({"vfio-pci", "uio_pci_generic", "igb_uio"})
_MODULES = ("vfio_pci", "uio_pci_generic", "igb_uio")


def spdk_requirements(scene: Scene, states: Sequence[PortState]) -> Iterator[Requirement]:
    """A buffer for data, a second drive, a driver for user space, memory for it, and a way between the drives."""
    del states
    yield _buffer(scene)
    yield _second(scene)
    yield _driver(scene)
    yield _iommu(scene)
    yield _huge_pages(scene)
    lenders = [one.address for one in _with_buffer(scene) if not isinstance(one.address, Missing)]
    clients = [one.function.address for one in drives(scene)]
    yield reach(scene, "a way between the drives that is known to carry data", lenders, clients)


def _with_buffer(scene: Scene) -> list[Controller]:
    every = scene.snapshot.nvme.controllers.values() if scene.snapshot.nvme else ()
    return [one for one in every if not isinstance(one.cmb, Missing) and one.cmb.takes_data]


def _taken(scene: Scene) -> list[str]:
    """Drives that a driver for user space holds: the kernel shows nothing of their registers."""
    return [name_of(one) for one in drives(scene) if one.function.driver in _USER_SPACE]


def _buffer(scene: Scene) -> Requirement:
    title, where = "a drive with a CMB for data (RDS and WDS)", "/sys/class/nvme/*/cmbsz"
    found = _with_buffer(scene)
    if found:
        return Requirement("cmb", title, True, f"found: {some(one.name for one in found)}", where)
    taken = _taken(scene)
    if taken:
        text = f"{some(taken)} are in the hands of user space, where the kernel cannot tell"
        return Requirement("cmb", title, None, text, where, "spdk_nvme_identify tells")
    if scene.snapshot.nvme is None or scene.snapshot.nvme.gaps:
        return Requirement("cmb", title, None, "the registers could not be read", where, AS_ROOT)
    return Requirement("cmb", title, False, "no drive has one", where)


def _second(scene: Scene) -> Requirement:
    found = drives(scene)
    text = f"{len(found)} found" if found else "there is none"
    return Requirement("drives", "two NVMe drives or more", len(found) > 1, text, "/sys/bus/pci/devices/*/class")


def _driver(scene: Scene) -> Requirement:
    title, where = "a driver for user space", "/sys/module/vfio_pci"
    taken, machine = _taken(scene), scene.snapshot.machine
    if taken:
        text = f"it drives {some(taken)}"
        return Requirement("driver", title, True, text, "/sys/bus/pci/devices/*/driver")
    if machine is None:
        return Requirement("driver", title, None, "the modules were not read", where, AS_ROOT)
    loaded = [name for name in _MODULES if name in machine.modules]
    text = f"loaded: {', '.join(loaded)}; no drive is bound to it yet" if loaded else "none is loaded"
    return Requirement("driver", title, bool(loaded), text, where, None if loaded else "modprobe vfio-pci")


def _iommu(scene: Scene) -> Requirement:
    title, where = "an IOMMU, which vfio-pci asks for", "/sys/class/iommu"
    used = host_facts(scene.snapshot).iommu
    if isinstance(used, Missing):
        return Requirement("iommu", title, None, "whether there is one could not be read", where, AS_ROOT)
    remedy = "switch it on in the BIOS and with intel_iommu=on; uio_pci_generic does without, unsafely"
    text = "there is one in use" if used else "there is none in use"
    return Requirement("iommu", title, used, text, where, None if used else remedy)


def _huge_pages(scene: Scene) -> Requirement:
    title, where = "huge pages", "/sys/kernel/mm/hugepages/*/nr_hugepages"
    size = scene.snapshot.machine.huge_pages if scene.snapshot.machine else Missing.NOT_READ
    if isinstance(size, Missing) and size is not ABSENT:
        return Requirement("huge-pages", title, None, "they could not be read", where, AS_ROOT)
    reserved = 0 if isinstance(size, Missing) else size
    text = f"{format_bytes(reserved)} are set aside" if reserved else "none are set aside"
    remedy = None if reserved else "echo 1024 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
    return Requirement("huge-pages", title, bool(reserved), text, where, remedy)
