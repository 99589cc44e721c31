"""The sysfs directory of a PCI function, file by file as drivers/pci/pci-sysfs.c writes it.

Left out are wake-up sources, firmware nodes and interrupt lists, which nothing here depends on.
"""

from __future__ import annotations

import errno
from typing import NamedTuple

from p2pctl.model.facts import Missing
from p2pctl.model.pci import PortType
from p2pctl.simulator import config
from p2pctl.simulator.layout import IO, MEMORY, PREFETCHABLE, Place
from p2pctl.simulator.nodes import Directory, File, Link, Node, refused, relative, text

_IO_FLAG, _MEMORY_FLAG, _PREFETCH_FLAG, _ALIGNED, _WIDE_FLAG = 0x100, 0x200, 0x2000, 0x40000, 0x100000
"""include/linux/ioport.h: IORESOURCE_IO, _MEM, _PREFETCH, _SIZEALIGN, _MEM_64."""

_WINDOW_FLAGS = {IO: _IO_FLAG, MEMORY: _MEMORY_FLAG, PREFETCHABLE: _WIDE_FLAG | _PREFETCH_FLAG | _MEMORY_FLAG | 1}

_NONE = "0x0000000000000000 0x0000000000000000 0x0000000000000000"

CONFIG_HEAD = 64
"""Bytes of configuration space that a reader without CAP_SYS_ADMIN gets (drivers/pci/pci-sysfs.c)."""

_AER_CORRECTABLE = "RxErr BadTLP BadDLLP Rollover Timeout NonFatalErr CorrIntErr HeaderOF"
_AER_UNCORRECTABLE = (
    "Undefined DLP SDES TLP FCP CmpltTO CmpltAbrt UnxCmplt RxOF MalfTLP ECRC UnsupReq ACSViol UncorrIntErr BlockedTLP"
    " AtomicOpBlocked TLPBlockedErr PoisonTLPBlocked DMWrReqBlocked IDECheck MisIDETLP PCRC_CHECK TLPXlatBlocked"
)


def _counters(names: str, total: str) -> bytes:
    return "".join(f"{name} 0\n" for name in [*names.split(), f"TOTAL_ERR_{total}"]).encode()


_AER = {
    "aer_dev_correctable": _counters(_AER_CORRECTABLE, "COR"),
    "aer_dev_fatal": _counters(_AER_UNCORRECTABLE, "FATAL"),
    "aer_dev_nonfatal": _counters(_AER_UNCORRECTABLE, "NONFATAL"),
}


class Processors(NamedTuple):
    """Which logical processors a NUMA node has."""

    nodes: tuple[tuple[tuple[int, int], ...], ...]
    """For each node its ranges, first and last."""

    def listed(self, node: int) -> str:
        """``0-15,32-47``; all of them for a node that the host does not have."""
        return ",".join(f"{first}-{last}" for first, last in sorted(self._ranges(node)))

    def mask(self, node: int) -> str:
        """The same as the kernel's bitmap: groups of 32 bits, highest first."""
        bits = sum((1 << last + 1) - (1 << first) for first, last in self._ranges(node))
        count = 1 + max(last for ranges in self.nodes for _, last in ranges)
        groups = [f"{bits >> shift & 0xFFFFFFFF:08x}" for shift in range(0, count, 32)]
        digits = -(-(count % 32 or 32) // 4)
        groups[-1] = groups[-1][-digits:]
        return ",".join(reversed(groups))

    def _ranges(self, node: int) -> tuple[tuple[int, int], ...]:
        if 0 <= node < len(self.nodes):
            return self.nodes[node]
        return tuple(one for ranges in self.nodes for one in ranges)


def function(place: Place, processors: Processors, iommu: str | None) -> dict[str, Node]:
    """The files and links of one function, without what its driver adds."""
    device, path = place.device, place.path
    node = place.root.bus.node
    vendor, number = device.ids
    code = device.class_code
    alias = (
        f"pci:v{vendor:08X}d{number:08X}sv{device.subsystem[0]:08X}sd{device.subsystem[1]:08X}"
        f"bc{code >> 16:02X}sc{code >> 8 & 0xFF:02X}i{code & 0xFF:02X}"
    )
    bits = 64 if device.driver and not device.is_bridge else 32
    express = device.port is not None
    files: dict[str, Node] = {
        "ari_enabled": text(int(bool(place.parent and place.parent.device.ari_forwarding))),
        "broken_parity_status": text(0, 0o644),
        "class": text(f"0x{code:06x}"),
        "config": File(
            lambda: config.build(place),
            0o644,
            config.EXTENDED_SIZE if express else config.CONVENTIONAL_SIZE,
            head=CONFIG_HEAD,
        ),
        "consistent_dma_mask_bits": text(bits),
        "d3cold_allowed": text(int(not device.is_bridge), 0o644),
        "device": text(f"0x{number:04x}"),
        "dma_mask_bits": text(bits),
        "driver_override": text("(null)", 0o644),
        "enable": text(int(device.driver is not None and not device.sleeps), 0o644),
        "irq": text(0 if device.driver is None else 16 + place.address.bus),
        "link": Directory(),
        "local_cpulist": text(processors.listed(node)),
        "local_cpus": text(processors.mask(node)),
        "modalias": text(alias),
        "msi_bus": text(1, 0o644),
        "numa_node": text(node, 0o644),
        "power": Directory(lambda: _power(place)),
        "power_state": text("D3hot" if device.sleeps else "D0"),
        "remove": File(b"", 0o220),
        "rescan": File(b"", 0o200),
        "resource": File(lambda: _resource(place)),
        "revision": text(f"0x{device.revision:02x}"),
        "subsystem": Link(relative("/sys/bus/pci", path)),
        "subsystem_device": text(f"0x{device.subsystem[1]:04x}"),
        "subsystem_vendor": text(f"0x{device.subsystem[0]:04x}"),
        "uevent": File(_uevent(place, alias), 0o644),
        "vendor": text(f"0x{vendor:04x}"),
    }
    for bar in place.bars:
        if bar.number <= 5:
            files[f"resource{bar.number}"] = File(refused(errno.EIO), 0o600, bar.size)
            if bar.prefetchable:
                files[f"resource{bar.number}_wc"] = File(refused(errno.EIO), 0o600, bar.size)
    if express:
        files |= _express(place)
    if device.driver is not None:
        files["driver"] = Link(relative(f"/sys/bus/pci/drivers/{device.driver}", path))
    if iommu is not None:
        files["iommu"] = Link(relative(f"/sys/devices/virtual/iommu/{iommu}", path))
        files["iommu_group"] = Link(relative(f"/sys/kernel/iommu_groups/{place.group}", path))
    if device.is_bridge:
        bus = f"{place.address.domain:04x}:{place.secondary:02x}"
        files["secondary_bus_number"] = text(place.secondary)
        files["subordinate_bus_number"] = text(place.subordinate)
        files["pci_bus"] = Directory(lambda: {bus: bus_directory(f"{path}/pci_bus/{bus}", path, processors, node)})
    if place.physical is not None:
        files["physfn"] = Link(relative(place.physical.path, path))
    if device.virtual is not None:
        files |= _virtual(place)
    return files


def _uevent(place: Place, alias: str) -> bytes:
    device = place.device
    driver = f"DRIVER={device.driver}\n" if device.driver is not None else ""
    vendor, number = device.ids
    return (
        f"{driver}PCI_CLASS={device.class_code:04X}\nPCI_ID={vendor:04X}:{number:04X}\n"
        f"PCI_SUBSYS_ID={device.subsystem[0]:04X}:{device.subsystem[1]:04X}\n"
        f"PCI_SLOT_NAME={place.address}\nMODALIAS={alias}\n"
    ).encode()


def _express(place: Place) -> dict[str, Node]:
    """The files that only functions with a PCI Express capability have."""
    link, port = place.device.link, place.device.port
    # A function without a link reads zeros, which the kernel shows as an unknown speed and its own word for no width.
    files: dict[str, Node] = {
        "current_link_speed": text("Unknown" if link is None else _speed(link.speed)),
        "current_link_width": text(0 if link is None or isinstance(link.width, Missing) else link.width),
        "max_link_speed": text("Unknown" if link is None else _speed(link.max_speed)),
        "max_link_width": text(255 if link is None or isinstance(link.max_width, Missing) else link.max_width),
    }
    if place.physical is None:
        files |= {name: File(counters) for name, counters in _AER.items()}
        if port is PortType.ROOT_PORT:
            files |= {f"aer_rootport_total_err_{kind}": text(0) for kind in ("cor", "fatal", "nonfatal")}
    return files


def _speed(speed: float | Missing) -> str:
    return "Unknown" if isinstance(speed, Missing) else f"{speed:.1f} GT/s PCIe"


def _resource(place: Place) -> bytes:
    """The ``resource`` file: 13 lines, and the windows of a bridge in 4 more."""
    lines = [_NONE] * (17 if place.device.is_bridge else 13)
    for bar in place.bars:
        kind = _MEMORY_FLAG if bar.memory else _IO_FLAG | 1
        if bar.memory:
            kind |= (_WIDE_FLAG | 4 if bar.wide else 0) | (_PREFETCH_FLAG | 8 if bar.prefetchable else 0)
        lines[bar.number] = f"0x{bar.start:016x} 0x{bar.start + bar.size - 1:016x} 0x{kind | _ALIGNED:016x}"
    if place.device.is_bridge:
        for space, window in enumerate(place.windows):
            if window is not None:
                lines[13 + space] = f"0x{window[0]:016x} 0x{window[1]:016x} 0x{_WINDOW_FLAGS[space]:016x}"
    return ("\n".join(lines) + "\n").encode()


def _power(place: Place) -> dict[str, Node]:
    sleeps = place.device.sleeps
    return {
        "autosuspend_delay_ms": File(refused(errno.EIO), 0o644),
        "control": text("auto" if sleeps else "on", 0o644),
        "runtime_active_time": text(5120 if sleeps else 0),
        "runtime_status": text("suspended" if sleeps else "active"),
        "runtime_suspended_time": text(86_394_880 if sleeps else 0),
    }


def _virtual(place: Place) -> dict[str, Node]:
    """What a function with virtual ones shows of them."""
    virtual = place.device.virtual
    if virtual is None:
        return {}
    files: dict[str, Node] = {
        "sriov_drivers_autoprobe": text(1, 0o644),
        "sriov_numvfs": text(virtual.enabled, 0o644),
        "sriov_offset": text(virtual.offset),
        "sriov_stride": text(1),
        "sriov_totalvfs": text(virtual.total),
        "sriov_vf_device": text(f"{virtual.device:x}"),
    }
    above = place.path.rpartition("/")[0]
    first = place.address.device << 3 | place.address.function
    for nth in range(virtual.enabled):
        routing = first + virtual.offset + nth
        address = place.address._replace(device=routing >> 3, function=routing & 7)
        files[f"virtfn{nth}"] = Link(relative(f"{above}/{address}", place.path))
    return files


def bus_directory(path: str, owner: str, processors: Processors, node: int) -> Directory:
    """A ``pci_bus/DDDD:BB`` directory; ``owner`` is the function or the root bus that it belongs to."""
    return Directory(
        {
            "cpuaffinity": text(processors.mask(node)),
            "cpulistaffinity": text(processors.listed(node)),
            "device": Link(relative(owner, path)),
            "subsystem": Link(relative("/sys/class/pci_bus", path)),
            "uevent": File(b"", 0o644),
        }
    )
