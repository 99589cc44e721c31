"""The PCI tree: places, identifiers, host bridges, and devices that go away."""

from __future__ import annotations

import errno

import pytest

from p2pctl.hardware.pci import read_surroundings
from p2pctl.hardware.pci_values import parse_link, parse_place, parse_resource, parse_uevent
from p2pctl.hardware.reading import Reader
from p2pctl.hardware.tree import read_pci
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE
from p2pctl.model.pci import Bar
from p2pctl.model.tree import Pci
from p2pctl.simulator.nodes import Contents, Directory, File, Link, refused
from p2pctl.simulator.tree import MemoryFiles
from tests.hardware.test_config_space import express, header
from tests.trees import TreeDoor, pci_function, tree

A = Address(0, 1, 0, 0)

Entries = dict[str, Contents | Link | File | None]


def read(entries: Entries, *, privileged: bool = True, wake: bool = False) -> Pci:
    door = TreeDoor(tree(entries, privileged=privileged))
    reader = Reader(door.files)
    return read_pci(reader, door.names, read_surroundings(reader), 0.0, wake=wake)


def test_place_of_a_function() -> None:
    """The bridge above and the root bus come from the path; a VMD domain is a root bus of its own."""
    assert parse_place("/sys/devices/pci0000:00") == (None, "pci0000:00")
    assert parse_place("/sys/devices/pci0000:00/0000:00:03.0") == (Address(0, 0, 3, 0), "pci0000:00")
    assert parse_place("/sys/devices/pci0000:00/0000:00:0e.0/pci10000:e0") == (None, "pci10000:e0")
    assert parse_place("/sys/devices/platform/x/pci0001:80/0001:80:00.0")[1] == "pci0001:80"


def test_uevent_names_the_function() -> None:
    """Identifiers are hexadecimal, a missing driver is none."""
    identity = parse_uevent(b"PCI_CLASS=10802\nPCI_ID=1B36:0010\nPCI_SUBSYS_ID=1AF4:1100\n")
    assert identity is not None
    assert (identity.vendor, identity.device, identity.class_code, identity.driver) == (0x1B36, 0x10, 0x10802, ABSENT)
    assert parse_uevent(b"PCI_ID=zz:1\n") is None
    assert parse_uevent(b"") is None


def test_resource_lines_become_bars() -> None:
    """Six lines of start, end and flags; the expansion ROM behind them is none."""
    zero = b"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
    data = (
        b"0x00000000fe400000 0x00000000fe403fff 0x0000000000140204\n" + zero
        + b"0x00000000fa000000 0x00000000faffffff 0x000000000014220c\n" + zero * 3
        + b"0x00000000c0000000 0x00000000c000ffff 0x0000000000000200\n"
    )  # fmt: skip
    bars = parse_resource(data)
    assert bars == (
        Bar(0, 0xFE400000, 0x4000, memory=True, prefetchable=False, wide=True),
        Bar(2, 0xFA000000, 1 << 24, memory=True, prefetchable=True, wide=True),
    )
    assert parse_resource(b"nonsense\n") is None


@pytest.mark.parametrize(
    ("speed", "width", "expected"),
    [
        (b"8.0 GT/s PCIe\n", b"4\n", (8.0, 4)),
        (b"64.0 GT/s PCIe\n", b"16\n", (64.0, 16)),
        (b"Unknown\n", b"255\n", (ABSENT, ABSENT)),
        (b"Unknown speed\n", b"0\n", (ABSENT, ABSENT)),
        (b"nan GT/s PCIe\n", b"4\n", (ABSENT, 4)),
        (b"inf\n", b"4\n", (ABSENT, 4)),
        (b"1e300 GT/s PCIe\n", b"4\n", (ABSENT, 4)),
        (b"8.0 GT/s PCIe\n", b"x4\n", (8.0, UNREADABLE)),
    ],
)
def test_links(speed: bytes, width: bytes, expected: tuple[object, object]) -> None:
    """Speeds in GT/s, widths in lanes, and the kernel's words for not knowing."""
    link = parse_link((speed, width), (ABSENT, ABSENT), (ABSENT, ABSENT))
    assert (link.speed, link.width) == expected


def test_host_bridges_have_a_representative() -> None:
    """00.0 stands for its root bus, and so does a root port at any place; anything else does not."""
    port = bytearray(header(1))
    express(port, port_type=4)
    plain = bytes(header())
    pci = read(
        {
            **pci_function("0000:00:00.0", config=plain, class_code="60000"),
            **pci_function("0000:40:01.1", "pci0000:40", config=bytes(port), class_code="60400"),
            **pci_function("0000:80:02.0", "pci0000:80", config=plain),
            **pci_function("0000:c0:02.0", "pci0000:c0", config=plain[:64]),
        }
    )
    found = {name: bridge.representative for name, bridge in pci.host_bridges.items()}
    assert found == {
        "pci0000:00": Address(0, 0, 0, 0),
        "pci0000:40": Address(0, 0x40, 1, 1),
        "pci0000:80": ABSENT,
        "pci0000:c0": UNREADABLE,
    }


def test_domains_beyond_ffff() -> None:
    """A VMD domain keeps its five digits."""
    pci = read(pci_function("10000:e0:06.0", "pci0000:00/0000:00:0e.0/pci10000:e0"))
    assert [str(address) for address in pci.functions] == ["10000:e0:06.0"]
    assert next(iter(pci.functions.values())).root == "pci10000:e0"


def test_a_function_that_vanishes_in_the_middle_is_left_out() -> None:
    """Its link is still listed, its files answer ENODEV."""
    entries = {**pci_function("0000:01:00.0"), **pci_function("0000:02:00.0")}
    entries["/sys/devices/pci0000:00/0000:02:00.0/uevent"] = refused(errno.ENODEV)
    assert list(read(entries).functions) == [A]


def test_configuration_space_that_vanishes_is_a_gap() -> None:
    """The function was there, its registers are not known."""
    entries = pci_function("0000:01:00.0")
    entries["/sys/devices/pci0000:00/0000:01:00.0/config"] = File(refused(errno.ENODEV))
    pci = read(entries)
    assert pci.functions[A].config.acs is UNREADABLE
    assert [(gap.fact, gap.errno) for gap in pci.gaps] == [("configuration space", errno.ENODEV)]


def test_a_sleeping_function_is_left_asleep() -> None:
    """Its configuration space is not opened unless asked."""
    entries = pci_function("0000:01:00.0", config=bytes(header()), power__runtime_status=b"suspended\n")
    pci = read(entries)
    assert pci.functions[A].config.acs is NOT_READ
    assert [gap.needs for gap in pci.gaps] == ["--wake (the function is suspended)"]
    assert read(entries, wake=True).functions[A].config.acs is ABSENT


def test_without_privilege_acs_is_unreadable() -> None:
    """64 bytes for the user, a gap for the record."""
    pci = read(pci_function("0000:01:00.0", config=bytes(header())), privileged=False)
    assert pci.functions[A].config.acs is UNREADABLE
    assert [gap.fact for gap in pci.gaps] == ["configuration space"]


def test_virtual_functions_know_their_physical_one() -> None:
    """And the other way round."""
    entries = {**pci_function("0000:01:00.0"), **pci_function("0000:01:00.4")}
    entries["/sys/devices/pci0000:00/0000:01:00.4/physfn"] = Link("../0000:01:00.0")
    functions = read(entries).functions
    assert functions[Address(0, 1, 0, 4)].physfn == A
    assert functions[A].virtfns == (Address(0, 1, 0, 4),)


def test_slots_and_groups() -> None:
    """A slot belongs to all functions of its device; a group has a number and a type."""
    entries = pci_function("0000:01:00.0")
    entries |= {
        "/sys/bus/pci/slots/12-1/address": b"0000:01:00\n",
        "/sys/kernel/iommu_groups/7/type": b"DMA-FQ\n",
        "/sys/devices/pci0000:00/0000:01:00.0/iommu_group": Link("../../../kernel/iommu_groups/7"),
    }
    pci = read(entries)
    assert (pci.functions[A].slot, pci.functions[A].iommu_group) == ("12-1", 7)
    assert pci.iommu_groups[7].type == "DMA-FQ"


def test_nonsense_becomes_a_gap() -> None:
    """Values that are none are unreadable, and say where they were found."""
    entries = pci_function("0000:01:00.0", resource=b"???\n", numa_node=b"many\n")
    entries["/sys/devices/pci0000:00/0000:01:00.0/uevent"] = b"PCI_ID=x\n"
    pci = read(entries)
    function = pci.functions[A]
    assert (function.vendor, function.bars, function.numa_node) == (UNREADABLE, UNREADABLE, UNREADABLE)
    assert {gap.path for gap in pci.gaps} >= {
        f"/sys/devices/pci0000:00/0000:01:00.0/{n}" for n in ("uevent", "resource", "numa_node")
    }


def port(address: str, above: str, port_type: int, links: tuple[str, int, str, int]) -> Entries:
    """A port of a switch or of the root, with its link: GT/s and lanes now and at best."""
    space = bytearray(header(1))
    express(space, port_type=port_type)
    return {
        **pci_function(address, above, class_code="60400", driver="pcieport", config=bytes(space)),
        **linked(f"{above}/{address}", *links),
    }


def linked(function: str, speed: str, width: int, max_speed: str, max_width: int) -> Entries:
    """The four attributes of a link."""
    path = f"/sys/devices/{function}"
    return {
        f"{path}/current_link_speed": f"{speed} GT/s PCIe\n".encode(),
        f"{path}/current_link_width": f"{width}\n".encode(),
        f"{path}/max_link_speed": f"{max_speed} GT/s PCIe\n".encode(),
        f"{path}/max_link_width": f"{max_width}\n".encode(),
    }


@pytest.mark.parametrize("privileged", [True, False])
def test_a_link_is_below_its_best_where_both_ends_could_do_more(*, privileged: bool) -> None:
    """A fast drive in a slow slot is at its best, a switch at half its lanes is not, a waiting port is no finding."""
    root = "pci0000:00/0000:00:01.0"
    down = f"{root}/0000:01:00.0/0000:02:00.0"
    entries = {
        **port("0000:00:01.0", "pci0000:00", 4, ("16.0", 8, "32.0", 16)),
        **port("0000:01:00.0", root, 5, ("16.0", 8, "16.0", 16)),
        **port("0000:02:00.0", f"{root}/0000:01:00.0", 6, ("16.0", 4, "16.0", 4)),
        **pci_function("0000:03:00.0", down, config=bytes(header())),
        **linked(f"{down}/0000:03:00.0", "16.0", 4, "32.0", 4),
    }
    pci = read(entries, privileged=privileged)
    assert {str(address): function.below_best for address, function in pci.functions.items()} == {
        "0000:00:01.0": False,
        "0000:01:00.0": True,
        "0000:02:00.0": False,
        "0000:03:00.0": False,
    }
    uplink = pci.functions[A].link
    assert (uplink.best_speed, uplink.best_width) == (16.0, 16)


def test_what_cannot_be_listed_is_not_absent() -> None:
    """Groups and slots behind a closed directory are unknown, not none."""
    entries = pci_function("0000:01:00.0")
    entries["/sys/kernel/iommu_groups/7/type"] = b"DMA\n"
    entries["/sys/bus/pci/slots/1/address"] = refused(errno.EACCES)
    files = tree(entries)
    closed = files._find("/sys/kernel/iommu_groups")[0]
    assert isinstance(closed, Directory)
    closed.mode = 0o700
    door = TreeDoor(MemoryFiles(files._root, privileged=False))
    reader = Reader(door.files)
    function = read_pci(reader, door.names, read_surroundings(reader), 0.0).functions[A]
    assert (function.iommu_group, function.slot) == (UNREADABLE, UNREADABLE)
