from __future__ import annotations

import re
import struct
from itertools import pairwise

import pytest

from p2pctl.model.pci import Acs, Link, PortType
from p2pctl.simulator import config
from p2pctl.simulator.attributes import Processors
from p2pctl.simulator.host import Host
from p2pctl.simulator.layout import Place
from p2pctl.simulator.pci import BRIDGE_CLASS, GIB, KIB, MIB, Device, Region, RootBus, Slot, Virtual
from p2pctl.simulator.tree import MemoryFiles

PROCESSORS = Processors((((0, 1),),))

LINK = Link(16.0, 4, 32.0, 8)


def _port(at: int, kind: PortType, *below: Device, acs: Acs | None = None, slot: Slot | None = None) -> Device:
    return Device(
        at=(at, 0), ids=(0x1B36, 0x000C), class_code=BRIDGE_CLASS, subsystem=(0x1B36, 0), port=kind, driver="pcieport",
        link=LINK, acs=acs, slot=slot, below=below, ari_forwarding=True,
    )  # fmt: skip


DRIVE = Device(
    ids=(0x1B36, 0x0010), class_code=0x010802, subsystem=(0x1AF4, 0x1100), revision=2, port=PortType.ENDPOINT,
    driver="nvme", link=LINK, vectors=65, payload=256, payload_supported=512,
    regions=(Region(0, 16 * KIB), Region(2, 16 * MIB, prefetchable=True)),
)  # fmt: skip

NIC = (
    Device(at=(0, 0), ids=(0x15B3, 0x1021), class_code=0x020000, port=PortType.ENDPOINT, acs=Acs(0, 0), ats=True,
           ari=True, virtual=Virtual(8, 2, 2, 0x101E, MIB), regions=(Region(0, 32 * MIB, prefetchable=True),)),
    Device(at=(0, 1), ids=(0x15B3, 0x1021), class_code=0x020000, port=PortType.ENDPOINT, acs=Acs(0, 0), ari=True),
    Device(at=(0, 2), ids=(0x15B3, 0x101E), class_code=0x020000, port=PortType.ENDPOINT, virtual_of=(0, 0)),
    Device(at=(0, 3), ids=(0x15B3, 0x101E), class_code=0x020000, port=PortType.ENDPOINT, virtual_of=(0, 0)),
)  # fmt: skip


def _host() -> Host:
    redirecting, direct = Acs(0x5F, 0x1D), Acs(0x5F, 0x11)
    sleeper = Device(at=(0, 1), ids=(1, 3), class_code=0x040300, port=PortType.ENDPOINT, driver="snd", sleeps=True)
    big = Device(ids=(1, 2), class_code=0x030000, port=PortType.LEGACY_ENDPOINT,
                 regions=(Region(0, 64 * GIB, prefetchable=True), Region(4, 256, memory=False, wide=False),
                          Region(5, MIB, wide=False)))  # fmt: skip
    switch = _port(
        0,
        PortType.UPSTREAM,
        _port(0, PortType.DOWNSTREAM, DRIVE, acs=direct, slot=Slot("7", 7)),
        _port(1, PortType.DOWNSTREAM, *NIC, acs=redirecting),
        _port(2, PortType.DOWNSTREAM, big, sleeper, acs=redirecting),
        _port(3, PortType.DOWNSTREAM, acs=redirecting),
    )
    bridge = Device(ids=(0x8086, 0x29C0), class_code=0x060000)
    integrated = Device(at=(4, 0), ids=(0x8086, 0x4940), class_code=0x0B4000, port=PortType.INTEGRATED)
    legacy = Device(ids=(0x1A03, 0x2000), class_code=0x030000)
    to_pci = Device(ids=(0x1A03, 0x1150), class_code=BRIDGE_CLASS, port=PortType.PCIE_TO_PCI, below=(legacy,))
    volumes = RootBus(0xE0, 0, (_port(1, PortType.ROOT_PORT, DRIVE, acs=redirecting),), 0x10000)
    vmd = Device(at=(5, 0), ids=(0x8086, 0x28C0), class_code=0x010400, port=PortType.INTEGRATED, domain=volumes)
    return Host(
        (
            RootBus(
                0,
                0,
                (
                    bridge,
                    _port(1, PortType.ROOT_PORT, switch, acs=redirecting),
                    _port(2, PortType.ROOT_PORT, to_pci, acs=redirecting),
                    integrated,
                    vmd,
                ),
            ),
        ),
        PROCESSORS,
        iommu=True,
    )


@pytest.fixture(scope="module")
def host() -> Host:
    return _host()


@pytest.fixture(scope="module")
def files(host: Host) -> MemoryFiles:
    return MemoryFiles(host.root())


class Decoded:
    """A reader of configuration space that shares nothing with the writer."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.vendor, self.device = self.word(0), self.word(2)
        self.header = raw[0x0E] & 0x7F
        self.multifunction = bool(raw[0x0E] & 0x80)
        self.classic = self._classic() if self.word(6) & 0x10 else {}
        self.extended = self._extended() if len(raw) == 4096 else {}

    def word(self, at: int) -> int:
        value: int = struct.unpack_from("<H", self.raw, at)[0]
        return value

    def double(self, at: int) -> int:
        value: int = struct.unpack_from("<I", self.raw, at)[0]
        return value

    def _classic(self) -> dict[int, int]:
        found: dict[int, int] = {}
        at = self.raw[0x34]
        while at:
            assert 0x40 <= at < 0x100
            assert at % 4 == 0
            assert self.raw[at] not in found
            found[self.raw[at]] = at
            at = self.raw[at + 1]
        return found

    def _extended(self) -> dict[int, int]:
        found: dict[int, int] = {}
        at = 0x100
        while at and self.double(at):
            assert self.double(at) & 0xFFFF not in found
            found[self.double(at) & 0xFFFF] = at
            at = self.double(at) >> 20
        return found


def _decoded(place: Place) -> Decoded:
    return Decoded(config.build(place))


def test_an_endpoint_reads_back(host: Host) -> None:
    """Header, BARs, link, payload and MSI-X of an NVMe drive are where the specification has them."""
    place = host["03:00.0"]
    space = _decoded(place)
    assert (space.vendor, space.device, space.header, space.multifunction) == (0x1B36, 0x0010, 0, False)
    assert space.double(8) == 0x01080202
    assert (space.word(0x2C), space.word(0x2E)) == (0x1AF4, 0x1100)
    assert (space.double(0x10) & 0xF, space.double(0x18) & 0xF) == (0x4, 0xC)
    assert space.double(0x18) & ~0xF | space.double(0x1C) << 32 == place.bars[1].start
    express = space.classic[0x10]
    assert space.word(express + 2) >> 4 & 0xF == PortType.ENDPOINT
    assert 128 << (space.double(express + 4) & 7) == 512
    assert 128 << (space.word(express + 8) >> 5 & 7) == 256
    assert (space.double(express + 0xC) & 0xF, space.double(express + 0xC) >> 4 & 0x3F) == (5, 8)
    assert (space.word(express + 0x12) & 0xF, space.word(express + 0x12) >> 4 & 0x3F) == (4, 4)
    assert space.word(space.classic[0x11] + 2) & 0x7FF == 64
    assert {0x01, 0x10, 0x11} == set(space.classic)
    assert set(space.extended) == {0x0001}


def test_a_port_reads_back(host: Host) -> None:
    """Bus numbers, windows, slot, subsystem and ACS of a downstream port."""
    place = host["02:00.0"]
    space = _decoded(place)
    assert (space.header, space.raw[0x18], space.raw[0x19], space.raw[0x1A]) == (1, 2, 3, 3)
    first = (space.word(0x24) & 0xFFF0) << 16 | space.double(0x28) << 32
    last = (space.word(0x26) & 0xFFF0) << 16 | 0xFFFFF | space.double(0x2C) << 32
    assert place.windows[2] == (first, last)
    express = space.classic[0x10]
    assert space.word(express + 2) & 0x1F0 == 0x160
    assert space.double(express + 0x14) >> 19 == 7
    assert space.word(express + 0x28) & 0x20
    assert (space.word(space.classic[0x0D] + 4), space.word(space.classic[0x0D] + 6)) == (0x1B36, 0)
    acs = space.extended[0x000D]
    assert (space.word(acs + 4), space.word(acs + 6)) == (0x5F, 0x11)


def test_a_closed_window_is_empty(host: Host) -> None:
    """A port with nothing below has bases above limits, which the specification calls closed."""
    space = _decoded(host["02:03.0"])
    assert space.word(0x20) > space.word(0x22)
    assert space.word(0x24) > space.word(0x26)
    assert space.raw[0x1C] & 0xF0 > space.raw[0x1D] & 0xF0


def test_an_adapter_reads_back(host: Host) -> None:
    """Multifunction bit, ARI, ATS and SR-IOV of a physical function; a virtual one has no ids of its own."""
    space = _decoded(host["04:00.0"])
    assert space.multifunction
    assert set(space.extended) == {0x0001, 0x000D, 0x000E, 0x000F, 0x0010}
    assert space.word(space.extended[0x000F] + 6) & 0x8000
    virtual = space.extended[0x0010]
    assert (space.word(virtual + 0x0E), space.word(virtual + 0x10), space.word(virtual + 0x14)) == (8, 2, 2)
    assert space.word(virtual + 0x1A) == 0x101E
    other = _decoded(host["04:00.2"])
    assert (other.vendor, other.device, other.multifunction) == (0xFFFF, 0xFFFF, False)
    assert all(other.double(at) == 0 for at in range(0x10, 0x28, 4))


def test_conventional_functions_end_at_256_bytes(host: Host) -> None:
    """Without a PCI Express capability there is no extended space, and a host bridge has no capability at all."""
    space = _decoded(host["00:00.0"])
    assert (len(space.raw), space.classic) == (256, {})


def test_a_sleeping_function_says_so(host: Host, files: MemoryFiles) -> None:
    """Its power state register and its sysfs files agree."""
    space = _decoded(host["05:00.1"])
    assert space.word(space.classic[0x01] + 4) & 3 == 3
    path = "/sys/bus/pci/devices/0000:05:00.1"
    assert files.read(f"{path}/power/runtime_status") == b"suspended\n"
    assert files.read(f"{path}/power_state") == b"D3hot\n"


def test_groups_follow_acs(host: Host) -> None:
    """As recorded of a real host with redirection cleared on one port: that port's device joins the port's group."""
    group = {str(place.address): place.group for place in host.layout}
    assert group["0000:03:00.0"] == group["0000:02:00.0"]
    assert group["0000:04:00.0"] not in {group["0000:02:01.0"], group["0000:04:00.1"]}
    # Two functions without ACS cannot be told apart, and neither can what is behind a bridge to conventional PCI.
    assert group["0000:05:00.0"] == group["0000:05:00.1"] != group["0000:02:02.0"]
    assert group["0000:08:00.0"] == group["0000:07:00.0"]
    # Everything behind VMD carries its id.
    assert group["10000:e1:00.0"] == group["10000:e0:01.0"] == group["0000:00:05.0"]


def test_what_is_below_fits_into_what_is_above(host: Host) -> None:
    """Bus ranges and windows nest, BARs are aligned and do not overlap."""
    taken: list[tuple[int, int]] = []
    for place in host.layout:
        for bar in place.bars:
            assert bar.start % min(bar.size, bar.size & -bar.size) == 0
            if bar.memory and place.physical is None:
                taken.append((bar.start, bar.start + bar.size))
            if place.parent is not None and bar.number <= 5:
                window = place.parent.windows[2 if bar.prefetchable else 1 if bar.memory else 0]
                assert window is not None
                assert window[0] <= bar.start <= bar.start + bar.size - 1 <= window[1]
        if place.parent is not None:
            assert place.parent.secondary <= place.address.bus <= place.parent.subordinate
    taken.sort()
    assert all(end <= start for (_, end), (start, _) in pairwise(taken))


RECORDED_NAMES = """
aer_dev_correctable aer_dev_fatal aer_dev_nonfatal aer_rootport_total_err_cor aer_rootport_total_err_fatal
aer_rootport_total_err_nonfatal ari_enabled broken_parity_status class config consistent_dma_mask_bits
current_link_speed current_link_width d3cold_allowed device dma_mask_bits driver driver_override enable iommu
iommu_group irq link local_cpulist local_cpus max_link_speed max_link_width modalias msi_bus numa_node pci_bus
power_state resource revision secondary_bus_number subordinate_bus_number subsystem subsystem_device subsystem_vendor
uevent vendor
"""
"""The root port of a recorded host (Linux 7.3.4), less error injection, wake-up sources, interrupts, firmware nodes
and port services."""

RECORDED_NVME = {
    "class": "0x010802\n",
    "current_link_speed": "16.0 GT/s PCIe\n",
    "device": "0x0010\n",
    "driver_override": "(null)\n",
    "enable": "1\n",
    "local_cpulist": "0-1\n",
    "local_cpus": "3\n",
    "modalias": "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n",
    "power_state": "D0\n",
    "revision": "0x02\n",
    "subsystem_device": "0x1100\n",
    "subsystem_vendor": "0x1af4\n",
    "uevent": "DRIVER=nvme\nPCI_CLASS=10802\nPCI_ID=1B36:0010\nPCI_SUBSYS_ID=1AF4:1100\nPCI_SLOT_NAME=0000:03:00.0\n"
    "MODALIAS=pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n",
    "vendor": "0x1b36\n",
}
"""An NVMe drive of the same host, its link aside."""


def test_has_the_files_of_a_recorded_port(files: MemoryFiles) -> None:
    """The names are the kernel's; ours adds what that recording left out (power, remove, rescan, BARs, children)."""
    names = set(files.list("/sys/bus/pci/devices/0000:00:01.0"))
    assert names - set(RECORDED_NAMES.split()) == {"power", "remove", "rescan", "0000:01:00.0"}
    assert set(RECORDED_NAMES.split()) <= names


def test_writes_attributes_as_recorded(files: MemoryFiles) -> None:
    """Byte for byte."""
    path = "/sys/bus/pci/devices/0000:03:00.0"
    assert {name: files.read(f"{path}/{name}").decode() for name in RECORDED_NVME} == RECORDED_NVME


def test_resource_files_as_recorded(files: MemoryFiles) -> None:
    """13 lines, 17 for a bridge, with the flags that the recorded host has for the same registers."""
    drive = files.read("/sys/bus/pci/devices/0000:03:00.0/resource").decode().splitlines()
    assert [line.split()[2] for line in drive] == [
        "0x0000000000140204", "0x0000000000000000", "0x000000000014220c", *["0x0000000000000000"] * 10,
    ]  # fmt: skip
    port = files.read("/sys/bus/pci/devices/0000:02:02.0/resource").decode().splitlines()
    assert [line.split()[2] for line in port[13:]] == [
        "0x0000000000000100", "0x0000000000000200", "0x0000000000102201", "0x0000000000000000",
    ]  # fmt: skip
    assert len(port) == 17
    assert all(re.fullmatch(r"0x[0-9a-f]{16} 0x[0-9a-f]{16} 0x[0-9a-f]{16}", line) for line in drive + port)


def test_links_as_recorded(files: MemoryFiles) -> None:
    """Relative, as long as the kernel writes them."""
    path = "/sys/bus/pci/devices/0000:03:00.0"
    assert files.readlink(f"{path}/driver") == "../../../../../../bus/pci/drivers/nvme"
    assert re.fullmatch(r"(\.\./){6}kernel/iommu_groups/\d+", files.readlink(f"{path}/iommu_group"))
    assert files.readlink(f"{path}/iommu") == "../../../../../virtual/iommu/dmar0"
    assert files.readlink("/sys/bus/pci/devices/0000:04:00.2/physfn") == "../0000:04:00.0"
    assert files.readlink("/sys/bus/pci/devices/0000:04:00.0/virtfn1") == "../0000:04:00.3"


def test_functions_without_a_link_say_unknown(files: MemoryFiles) -> None:
    """Recorded of an integrated endpoint: unknown speeds, widths 0 and 255; conventional PCI has no files."""
    path = "/sys/bus/pci/devices/0000:00:04.0"
    names = ("current_link_speed", "current_link_width", "max_link_speed", "max_link_width")
    assert [files.read(f"{path}/{name}").decode().strip() for name in names] == ["Unknown", "0", "Unknown", "255"]
    assert not set(names) & set(files.list("/sys/bus/pci/devices/0000:00:00.0"))


def test_a_domain_of_its_own_hangs_below_its_maker(files: MemoryFiles) -> None:
    """VMD's root bus is a directory in the function's, and its domain has five digits."""
    assert files.realpath("/sys/bus/pci/devices/10000:e1:00.0") == (
        "/sys/devices/pci0000:00/0000:00:05.0/pci10000:e0/10000:e0:01.0/10000:e1:00.0"
    )
    assert files.realpath("/sys/bus/pci/devices/0000:00:05.0/domain").endswith("/pci10000:e0/pci_bus/10000:e0")


def test_slots_name_the_bus_behind_the_port(files: MemoryFiles) -> None:
    """An address without function, as the kernel writes it."""
    assert files.read("/sys/bus/pci/slots/7/address") == b"0000:03:00\n"


def test_without_iommu_there_is_no_trace_of_one() -> None:
    """No groups, no links to any."""
    files = MemoryFiles(Host((RootBus(0, 0, (DRIVE,)),), PROCESSORS, iommu=False).root())
    assert "iommu_group" not in files.list("/sys/bus/pci/devices/0000:00:00.0")
    assert "kernel" not in files.list("/sys")


def test_masks_of_processors() -> None:
    """The kernel's lists and bitmaps, on hosts of two and of 64 processors."""
    two = Processors((((0, 15), (32, 47)), ((16, 31), (48, 63))))
    assert (two.listed(0), two.mask(0)) == ("0-15,32-47", "0000ffff,0000ffff")
    assert (two.listed(1), two.mask(1)) == ("16-31,48-63", "ffff0000,ffff0000")
    assert two.mask(-1) == "ffffffff,ffffffff"
