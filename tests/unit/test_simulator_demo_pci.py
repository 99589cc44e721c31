from __future__ import annotations

import re
import struct
from itertools import pairwise

import pytest

from p2pctl.model.address import Address
from p2pctl.simulator.door import DemoDoor

PCI = "/sys/bus/pci/devices"


@pytest.fixture(scope="module")
def still() -> DemoDoor:
    return DemoDoor(lambda: 0.0)


def _text(door: DemoDoor, path: str) -> str:
    return door.files.read(path).decode().removesuffix("\n")


def _functions(door: DemoDoor) -> list[Address]:
    found = [Address.from_sysfs(name) for name in door.files.list(PCI)]
    return sorted(address for address in found if address is not None)


def test_every_function_is_where_its_address_says(still: DemoDoor) -> None:
    """Directory, bridge's bus numbers, uevent and driver's list agree."""
    for address in _functions(still):
        path = f"{PCI}/{address}"
        real = still.files.realpath(path)
        assert real.endswith(f"/{address}")
        names = still.files.list(path)
        above = Address.from_sysfs(real.split("/")[-2])
        if above is not None:
            bridge = f"{PCI}/{above}"
            assert int(_text(still, f"{bridge}/secondary_bus_number")) == address.bus
            assert int(_text(still, f"{bridge}/subordinate_bus_number")) >= address.bus
        uevent = dict(line.split("=", 1) for line in _text(still, f"{path}/uevent").splitlines())
        assert uevent["PCI_SLOT_NAME"] == str(address)
        if "driver" in names:
            driver = still.files.realpath(f"{path}/driver")
            assert uevent["DRIVER"] == driver.rpartition("/")[2]
            assert still.files.realpath(f"{driver}/{address}") == real
        group = still.files.realpath(f"{path}/iommu_group")
        assert still.files.realpath(f"{group}/devices/{address}") == real


def test_every_bus_range_holds_its_children(still: DemoDoor) -> None:
    """From the registers themselves, and ranges of siblings are apart."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    for address in _functions(still):
        path = f"{PCI}/{address}"
        raw = still.files.read(f"{path}/config")
        if raw[0x0E] & 0x7F != 1:
            continue
        primary, secondary, subordinate = struct.unpack_from("<BBB", raw, 0x18)
        assert primary == address.bus < secondary <= subordinate
        real = still.files.realpath(path)
        ranges.setdefault(real.rpartition("/")[0], []).append((secondary, subordinate))
        for name in still.files.list(path):
            below = Address.from_sysfs(name)
            assert below is None or below.bus == secondary
    for siblings in ranges.values():
        assert all(one[1] < other[0] for one, other in pairwise(sorted(siblings)))


def test_groups_hold_every_function_once(still: DemoDoor) -> None:
    """And each group exists, with a type that the kernel knows."""
    members: list[str] = []
    for group in still.files.list("/sys/kernel/iommu_groups"):
        assert _text(still, f"/sys/kernel/iommu_groups/{group}/type") == "identity"
        members += still.files.list(f"/sys/kernel/iommu_groups/{group}/devices")
    assert sorted(members) == list(still.files.list(PCI))


def test_no_two_functions_share_memory(still: DemoDoor) -> None:
    """BARs that ``resource`` shows do not overlap, virtual functions' aside."""
    taken: list[tuple[int, int]] = []
    for address in _functions(still):
        if "physfn" in still.files.list(f"{PCI}/{address}"):
            continue
        for line in _text(still, f"{PCI}/{address}/resource").splitlines()[:13]:
            start, end, flags = (int(number, 16) for number in line.split())
            if flags & 0x200:
                taken.append((start, end))
    taken.sort()
    assert all(one[1] < other[0] for one, other in pairwise(taken))


def test_links_in_sysfs_and_in_registers_agree(still: DemoDoor) -> None:
    """Speed and width of every port and endpoint that has a link."""
    codes = {0: "Unknown", 1: "2.5", 2: "5.0", 3: "8.0", 4: "16.0", 5: "32.0"}
    seen = 0
    for address in _functions(still):
        path = f"{PCI}/{address}"
        raw = still.files.read(f"{path}/config")
        if len(raw) < 4096:
            continue
        status = struct.unpack_from("<H", raw, 0x60 + 0x12)[0]
        assert _text(still, f"{path}/current_link_speed").split()[0] == codes[status & 0xF]
        assert int(_text(still, f"{path}/current_link_width")) == status >> 4 & 0x3F
        seen += 1
    assert seen > 60


def test_some_redirect_and_some_do_not(still: DemoDoor) -> None:
    """ACS control of the switches' ports: off where the kernel's command line says so, on elsewhere."""
    control: dict[str, int] = {}
    for address in _functions(still):
        raw = still.files.read(f"{PCI}/{address}/config")
        at = 0x100 if len(raw) == 4096 else 0
        while at:
            header = struct.unpack_from("<I", raw, at)[0]
            if header & 0xFFFF == 0x0D:
                control[str(address)] = struct.unpack_from("<H", raw, at + 6)[0]
            at = header >> 20
    assert {control[f"0000:17:0{n}.0"] for n in range(4)} == {0x11}
    assert {control[f"0000:17:0{n}.0"] for n in range(4, 8)} == {0x1D}
    assert {control[f"0000:b9:0{n}.0"] for n in range(5)} == {0x1D}
    assert control["0000:1c:00.0"] == 0x1D
    assert control["0000:1a:00.0"] == 0
    for path in re.findall(r"15:01\.0/00\.0/(0\d\.0)", _text(still, "/proc/cmdline")):
        assert control[f"0000:17:{path}"] == 0x11


def test_host_bridges_are_listed_or_not(still: DemoDoor) -> None:
    """What the kernel compares with its list: the first device of a root bus."""
    first: dict[str, tuple[str, str]] = {}
    for address in _functions(still):
        root = still.files.realpath(f"{PCI}/{address}").split("/")[3]
        first.setdefault(root, (str(address), _text(still, f"{PCI}/{address}/device")))
    assert first["pci0000:15"] == ("0000:15:00.0", "0x09a2")
    assert first["pci0000:b7"] == ("0000:b7:01.0", "0x352a")
    assert first["pci0000:6a"][0] == "0000:6a:01.0"
