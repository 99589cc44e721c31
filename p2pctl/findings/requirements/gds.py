"""What NVIDIA's GPUDirect Storage needs for its mode on the kernel's P2PDMA.

The list is that of NVIDIA's troubleshooting guide for GPUDirect Storage, chapter 14, and of "GDS Support for NVMe
Drives Using Linux PCI P2PDMA Support".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from p2pctl.findings.devices import Device
from p2pctl.findings.finding import some
from p2pctl.findings.requirements.common import (
    AS_ROOT,
    at_least,
    drives,
    gpus,
    kernel_p2pdma,
    local_drive,
    name_of,
    reach,
)
from p2pctl.findings.requirements.requirement import Requirement
from p2pctl.findings.scene import Scene
from p2pctl.model.facts import Missing, known
from p2pctl.resolver.logic import Answer
from p2pctl.target.port_state import PortState
from p2pctl.units import format_bytes

_NVIDIA = 0x10DE
_KERNEL, _HEADS = (6, 2), (7, 2)
_DRIVER = 565
_SMALL = 256 << 20
_AMPERE = 0x2080
"""From this device number on: GA100, and whatever came after Turing."""
_CHIPS_OF_DATA_CENTRES = (range(0x20B0, 0x20C0), range(0x20F0, 0x2100), range(0x2300, 0x2400), range(0x2900, 0x2A00))
"""Of GA100 (A100, A30, A800), Hopper (H100, H200, H20, GH200) and Blackwell (B100, B200, GB200), by the PCI ID list."""
_OF_DATA_CENTRES = frozenset({0x2235, 0x2236, 0x25B6, 0x26B5, 0x26B9, 0x26BA, 0x27B6, 0x27B8, 0x3182})
"""A40, A10, A2 and A16, L40, L40S, L20, L2, L4, B300."""
_OF_DESKTOPS = ("geforce", "titan", "quadro", "rtx", "cmp ")
_MODELS = "the data-centre models (A100, A40, L4, L40S, H100, H200, B100, B200, B300)"
_SETTINGS = ("RMForceStaticBar1=1", "RmForceDisableIomapWC=1")
_OPTION = 'options nvidia NVreg_RegistryDwords="RMForceStaticBar1=1;RmForceDisableIomapWC=1;" in /etc/modprobe.d'


def gds_requirements(scene: Scene, states: Sequence[PortState]) -> Iterator[Requirement]:
    """Kernel, GPU, driver and its settings, drives, and the way between them."""
    del states
    cards = gpus(scene, _NVIDIA)
    yield kernel_p2pdma(scene)
    yield _release(scene)
    yield _gpu(cards)
    yield _driver(scene)
    yield _settings(scene, cards)
    yield _window(cards)
    yield local_drive(scene)
    yield _multipath(scene)
    lenders = [one.function.address for one in cards]
    clients = [one.function.address for one in drives(scene)]
    yield reach(scene, "a drive that may use the GPU's memory", lenders, clients)


def _release(scene: Scene) -> Requirement:
    new = at_least(scene, _KERNEL)
    text = f"this is Linux {scene.release}" if scene.release else "the release is not known"
    remedy = None if new else "Ubuntu 24.04 or a 6.2 kernel of its HWE line, Debian's from 6.16 on"
    return Requirement("kernel-release", "Linux 6.2 or later", new, text, "/proc/sys/kernel/osrelease", remedy)


def _gpu(cards: Sequence[Device]) -> Requirement:
    title, where = "a data-centre GPU of NVIDIA, Ampere or newer", "/sys/bus/pci/devices/*/uevent"
    if not cards:
        return Requirement("gpu", title, False, "there is none", where)
    by_answer: dict[Answer, list[Device]] = {}
    for one in cards:
        by_answer.setdefault(_supported(one), []).append(one)
    answer = next(one for one in (True, None, False) if one in by_answer)
    named = some(one.function.device_name or name_of(one) for one in by_answer[answer])
    if answer:
        return Requirement("gpu", title, True, f"found: {named}", where)
    text = f"only {named}: " + ("whether it is one of {} cannot be told" if answer is None else "NVIDIA supports {}")
    remedy = "look for the model in NVIDIA's list of supported GPUs" if answer is None else None
    return Requirement("gpu", title, answer, text.format(_MODELS), where, remedy)


def _supported(card: Device) -> Answer:
    """By its device number and, of chips that are sold as other models too, by the name of the model."""
    number = known(card.function.device, 0)
    if number in _OF_DATA_CENTRES or any(number in numbers for numbers in _CHIPS_OF_DATA_CENTRES):
        return True
    if not number:
        return None
    name = (card.function.device_name or "").lower()
    return False if number < _AMPERE or any(brand in name for brand in _OF_DESKTOPS) else None


def _driver(scene: Scene) -> Requirement:
    title, where = "NVIDIA's open driver, 565 or later", "/proc/driver/nvidia/version"
    machine = scene.snapshot.machine
    if machine is None:
        return Requirement("driver", title, None, "the modules were not read", where, AS_ROOT)
    module, nvidia = machine.modules.get("nvidia"), machine.nvidia
    if module is None and nvidia is None:
        return Requirement("driver", title, False, "it is not loaded", "/sys/module/nvidia", "install the open driver")
    version = known(module.version, "") if module else ""
    number = re.match(r"\d{1,6}", version)
    opened = Missing.NOT_READ if nvidia is None else nvidia.open
    kind = "kind unknown" if isinstance(opened, Missing) else "open" if opened else "closed"
    text = f"version {version or 'unknown'}, {kind}"
    if (number and int(number[0]) < _DRIVER) or opened is False:
        return Requirement("driver", title, False, text, where, "install the open kernel modules of 565 or later")
    if not number or isinstance(opened, Missing):
        return Requirement("driver", title, None, text, where, "cat /proc/driver/nvidia/version")
    return Requirement("driver", title, True, text, where)


def _settings(scene: Scene, cards: Sequence[Device]) -> Requirement:
    title, where = "a static BAR1 without write combining", "/proc/driver/nvidia/params"
    pools = {state.address for state in scene.pools}
    proven = [one for one in cards if one.function.address in pools]
    if proven:
        at = proven[0].function
        return Requirement("static-bar1", title, True, f"{at.address} has a pool, which proves it", f"{at.path}/p2pmem")
    nvidia = scene.snapshot.machine.nvidia if scene.snapshot.machine else None
    if nvidia is None or isinstance(nvidia.registry, Missing):
        return Requirement(
            "static-bar1", title, None, "the driver's settings could not be read", where, f"write {_OPTION}"
        )
    missing = [one for one in _SETTINGS if one.lower() not in nvidia.registry.lower()]
    text = f"not set: {', '.join(missing)}" if missing else "both are set"
    return Requirement("static-bar1", title, not missing, text, where, f"write {_OPTION}" if missing else None)


def _window(cards: Sequence[Device]) -> Requirement:
    title, where = "a BAR that shows the GPU's memory", "/sys/bus/pci/devices/*/resource"
    sizes = {one.function.address: one.exporter_bytes for one in cards}
    told = {address: size for address, size in sizes.items() if size is not None}
    if not told:
        answer = None if sizes else False
        return Requirement("bar", title, answer, "no BAR of a GPU could be read" if sizes else "there is no GPU", where)
    address, size = max(told.items(), key=lambda one: one[1])
    text = f"{address} shows {format_bytes(size)}"
    remedy = None if size > _SMALL else "enable Above 4G Decoding and Resizable BAR in the BIOS"
    return Requirement("bar", title, size > _SMALL, text, where, remedy)


def _multipath(scene: Scene) -> Requirement:
    title, where = "drives that are no multipath heads", "/sys/module/nvme_core/parameters/multipath"
    nvme = scene.snapshot.nvme
    if at_least(scene, _HEADS):
        return Requirement("multipath", title, True, "from 7.2 on a head passes P2P on to its paths", where)
    if nvme is None:
        return Requirement("multipath", title, None, "the drives were not read", where, AS_ROOT)
    heads = [one.name for one in nvme.namespaces.values() if one.multipath]
    if heads:
        remedy = "options nvme_core multipath=N in /etc/modprobe.d, then a new initramfs"
        return Requirement("multipath", title, False, f"these are: {some(heads)}", where, remedy)
    return Requirement("multipath", title, True, "there is none", where)
