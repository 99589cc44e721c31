"""Reads what the machine and its software are: board, firmware, distribution, build options, modules, boot setup."""

from __future__ import annotations

import re

from p2pctl.hardware.boot_setup import read_grub, read_nvmetcli_unit
from p2pctl.hardware.reading import RELEASE, Reader
from p2pctl.hardware.system import kernel_options
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.machine import Board, Machine, Module, Nvidia

_DMI = "/sys/class/dmi/id"
_RELEASE_FILES = ("/usr/lib/os-release", "/etc/os-release")
_NVIDIA = "/proc/driver/nvidia"
_HUGE = "/sys/kernel/mm/hugepages"

OPTIONS = ("PCI_P2PDMA", "ZONE_DEVICE", "HSA_AMD_P2P", "VFIO_PCI_DMABUF", "NVME_TARGET", "NVME_TARGET_RDMA")
"""Build options that uses of P2P memory ask for."""

MODULES: dict[str, tuple[str, ...]] = {
    "amdgpu": ("pcie_p2p",),
    "nvidia": (),
    "nvidia_fs": (),
    "nvmet": (),
    "nvmet_rdma": (),
    "vfio_pci": (),
    "uio_pci_generic": (),
    "igb_uio": (),
}
"""Modules that matter, each with the parameters to read."""

_SETTING = re.compile(r"""^(\w{1,64})=(?:"([^"\n]{0,256})"|'([^'\n]{0,256})'|([^\n]{0,256}))$""", re.MULTILINE)
_REGISTRY = re.compile(r'^RegistryDwords: "?([^"\n]*)"?$', re.MULTILINE)
_HUGE_PAGES = re.compile(r"hugepages-([0-9]{1,12})kB")


def read_machine(reader: Reader, now: float) -> Machine:
    """All of it. A machine without DMI (most Arm boards, containers) has a board of which nothing is known."""
    release = parse_os_release(_os_release(reader))
    # That the build options cannot be read is a gap of the part that is about the kernel.
    other = Reader(reader.files)
    options, file = kernel_options(other, other.text(RELEASE, "kernel release"), OPTIONS)
    return Machine(
        taken=now,
        board=_board(reader),
        distribution=release.get("ID", ABSENT),
        distribution_name=release.get("PRETTY_NAME", release.get("NAME", ABSENT)),
        options=options,
        options_file=file,
        modules={name: found for name in MODULES if (found := _module(reader, name)) is not None},
        nvidia=_nvidia(reader),
        huge_pages=_huge_pages(reader),
        grub=read_grub(reader),
        nvmetcli=read_nvmetcli_unit(reader),
        gaps=tuple(reader.gaps),
    )


def parse_os_release(text: str) -> dict[str, str]:
    """The settings of an os-release file (os-release(5)), the quotes removed; of several the last one counts."""
    return {match[1]: next((one for one in match.groups()[1:] if one), "") for match in _SETTING.finditer(text)}


def parse_registry(text: str) -> str:
    """``NVreg_RegistryDwords`` of /proc/driver/nvidia/params; empty where it was not given."""
    match = _REGISTRY.search(text)
    return match[1] if match else ""


def _os_release(reader: Reader) -> str:
    for path in _RELEASE_FILES:
        text = reader.text(path, "distribution")
        if not isinstance(text, Missing):
            return text
    return ""


def _board(reader: Reader) -> Board:
    def text(name: str) -> Fact[str]:
        return reader.padded(f"{_DMI}/{name}", "board", name)

    return Board(
        vendor=text("sys_vendor"),
        product=text("product_name"),
        board_vendor=text("board_vendor"),
        board=text("board_name"),
        bios_vendor=text("bios_vendor"),
        bios=text("bios_version"),
        bios_date=text("bios_date"),
    )


def _module(reader: Reader, name: str) -> Module | None:
    directory = f"/sys/module/{name}"
    if reader.listing(directory, "module", name) is ABSENT:
        return None
    parameters = {one: reader.text(f"{directory}/parameters/{one}", "module", name) for one in MODULES[name]}
    return Module(reader.text(f"{directory}/version", "module", name), parameters)


def _nvidia(reader: Reader) -> Nvidia | None:
    version = reader.text(f"{_NVIDIA}/version", "nvidia driver")
    if version is ABSENT:
        return None
    params = reader.text(f"{_NVIDIA}/params", "nvidia driver")
    return Nvidia(
        open=version if isinstance(version, Missing) else "Open Kernel Module" in version,
        registry=params if isinstance(params, Missing) else parse_registry(params),
    )


def _huge_pages(reader: Reader) -> Fact[int]:
    names = reader.listing(_HUGE, "huge pages")
    if isinstance(names, Missing):
        return names
    total = 0
    for name in names:
        size = _HUGE_PAGES.fullmatch(name)
        count = reader.number(f"{_HUGE}/{name}/nr_hugepages", "huge pages", name) if size else 0
        if isinstance(count, Missing):
            return count
        total += count * int(size[1]) * 1024 if size else 0
    return total
