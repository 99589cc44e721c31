"""Reads what else could lend memory to peers, and the dma-bufs that exist."""

from __future__ import annotations

import re
from collections.abc import Iterable

from p2pctl.hardware.reading import RELEASE, SENSE, Reader
from p2pctl.hardware.system import kernel_option
from p2pctl.model.address import Address
from p2pctl.model.exporters import DmaBuffer, Exporter, ExporterKind, Exporters
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.pci import Function

_KFD = "/sys/class/kfd/kfd/topology/nodes"
_BUFINFO = "/sys/kernel/debug/dma_buf/bufinfo"

_KINDS: dict[str, ExporterKind] = {
    "amdgpu": "memory",
    "xe": "memory",
    "habanalabs": "memory",
    "nvidia": "memory",
    "mlx5_core": "registers",
}
"""Drivers that can export a BAR as a dma-buf: amdgpu (5.10 or earlier), habanalabs (5.16 to 5.19), xe (6.8 or earlier),
mlx5 for the doorbells that user space maps (7.0), and NVIDIA's own."""

_VFIO = re.compile(r"vfio[-_]pci|\w+_vfio_pci")
"""vfio-pci and the drivers made of it: they export BARs since 6.19, where CONFIG_VFIO_PCI_DMABUF is set."""

_BUFFER = re.compile(r"\s*(\d{1,18})\s+[0-9a-f]+\s+[0-9a-f]+\s+\d+\s+(\S+)\s+\d+")


def read_exporters(reader: Reader, now: float, functions: Iterable[Function]) -> Exporters:
    """Possible exporters among ``functions``."""
    peers = _kfd_peers(reader)
    found: dict[Address, Exporter] = {}
    vfio: bool | None = None
    for function in functions:
        driver = function.driver
        if isinstance(driver, Missing):
            continue
        kind = _KINDS.get(driver)
        if kind is None and _VFIO.fullmatch(driver):
            vfio = _vfio_exports(reader) if vfio is None else vfio
            kind = "memory" if vfio else None
        if kind is None:
            continue
        found[function.address] = Exporter(
            address=function.address,
            driver=driver,
            kind=kind,
            bar_size=_largest(function),
            memory_total=reader.number(f"{function.path}/mem_info_vram_total", "device memory", function.address),
            memory_visible=reader.number(f"{function.path}/mem_info_vis_vram_total", "device memory", function.address),
            peers=tuple(sorted(peers.get(function.address, ()))),
        )
    return Exporters(now, found, _buffers(reader), tuple(reader.gaps))


def _vfio_exports(reader: Reader) -> bool:
    """Whether this kernel's vfio-pci can export; taken for possible where the configuration is not known."""
    release = reader.text(RELEASE, "kernel release")
    option = kernel_option(reader, release, "VFIO_PCI_DMABUF")
    return option is None or option[0] is not False


def _largest(function: Function) -> Fact[int]:
    if isinstance(function.bars, Missing):
        return function.bars
    return max((bar.size for bar in function.bars if bar.memory and bar.prefetchable), default=0)


def _kfd_peers(reader: Reader) -> dict[Address, set[Address]]:
    """Pairs that amdgpu approved for P2P over PCIe: node numbers, turned into addresses."""
    nodes = [name for name in reader.names(_KFD, "kfd topology") if name.isascii() and name.isdigit()]
    addresses: dict[int, Address] = {}
    for name in nodes:
        values = _properties(reader, f"{_KFD}/{name}/properties")
        location = values.get("location_id", 0)
        if location:
            addresses[int(name)] = Address(
                values.get("domain", 0), location >> 8 & 0xFF, location >> 3 & 0x1F, location & 0x7
            )
    peers: dict[Address, set[Address]] = {}
    for name in nodes:
        for link in reader.names(f"{_KFD}/{name}/p2p_links", "kfd p2p links"):
            values = _properties(reader, f"{_KFD}/{name}/p2p_links/{link}/properties")
            source, target = addresses.get(values.get("node_from", -1)), addresses.get(values.get("node_to", -1))
            if source and target:
                peers.setdefault(source, set()).add(target)
    return peers


def _properties(reader: Reader, path: str) -> dict[str, int]:
    """A KFD properties file: a name and a number on each line."""
    text = reader.text(path, "kfd topology")
    if isinstance(text, Missing):
        return {}
    return {key: int(value) for key, value in re.findall(r"^(\w{1,64}) (\d{1,20})$", text, re.MULTILINE)}


def _buffers(reader: Reader) -> Fact[tuple[DmaBuffer, ...]]:
    """The table of dma-bufs (drivers/dma-buf/dma-buf.c, ``dma_buf_debug_show``)."""
    text = reader.text(_BUFINFO, "dma-bufs")
    if text is ABSENT:
        reader.gap("dma-bufs", None, _BUFINFO, "debugfs mounted")
        return UNREADABLE
    if isinstance(text, Missing):
        return text
    found: list[tuple[str, int, list[str]]] = []
    attached: list[str] | None = None
    for line in text.split("\n"):
        match = _BUFFER.match(line)
        if match:
            found.append((match[2], int(match[1]), []))
            attached = None
        elif line.strip() == "Attached Devices:":
            attached = found[-1][2] if found else None
        elif line.startswith("Total"):
            attached = None
        elif attached is not None and line.startswith("\t"):
            # Fences stand before the heading; only what follows it is a device.
            attached.append(line.strip())
    if not found and "Dma-buf" not in text:
        reader.gap("dma-bufs", None, _BUFINFO, SENSE)
        return UNREADABLE
    return tuple(DmaBuffer(exporter, size, tuple(devices)) for exporter, size, devices in found)
