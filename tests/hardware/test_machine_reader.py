"""Board, distribution, build options, modules, huge pages; BARs that can be resized."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.hardware.archive import CaptureDoor
from p2pctl.hardware.capture.take import take as take_capture
from p2pctl.hardware.config_space import read_config
from p2pctl.hardware.machine import parse_os_release, parse_registry
from p2pctl.hardware.nvmet import look_for_keys
from p2pctl.hardware.reading import Reader
from p2pctl.hardware.snapshot import take
from p2pctl.kernel import READ_LIMIT
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE
from p2pctl.model.machine import Board, Machine
from p2pctl.model.nvmet import ROOT
from p2pctl.model.pci import ResizableBar
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.nodes import Contents, File, Link
from p2pctl.simulator.tree import MemoryFiles
from tests.trees import TreeDoor, tree

DMI = "/sys/devices/virtual/dmi/id"
FILES: dict[str, Contents | Link | File | None] = {
    "/sys/class/dmi/id": Link("../../devices/virtual/dmi/id"),
    f"{DMI}/sys_vendor": b"Example Inc.\n",
    f"{DMI}/product_name": b"Server 1\n",
    f"{DMI}/board_vendor": b"Example Inc.   \n",
    f"{DMI}/board_name": b"X1\n",
    f"{DMI}/bios_version": b"2.1\n",
    f"{DMI}/bios_date": b"03/14/2025\n",
    f"{DMI}/product_serial": File(b"canary\n", 0o400),
    "/usr/lib/os-release": b'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\n',
    "/proc/sys/kernel/osrelease": b"6.12.1\n",
    "/boot/config-6.12.1": b"CONFIG_PCI=y\nCONFIG_ZONE_DEVICE=y\nCONFIG_NVME_TARGET=y\n",
    "/sys/module/nvidia/version": b"570.86.15\n",
    "/sys/module/amdgpu/parameters/pcie_p2p": b"N\n",
    "/proc/driver/nvidia/version": b"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15\nGCC\n",
    "/proc/driver/nvidia/params": b'ResmanDebugLevel: 4294967295\nRegistryDwords: "RMForceStaticBar1=1;"\nOther: 1\n',
    "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": b"512\n",
    "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages": b"2\n",
}


def machine(files: dict[str, Contents | Link | File | None], *, privileged: bool = True) -> Machine:
    found = take(TreeDoor(tree(files, privileged=privileged)), {"machine"}).machine
    assert found is not None
    return found


@pytest.mark.parametrize("privileged", [True, False])
def test_the_machine_is_read(privileged: bool) -> None:
    """By every user alike."""
    found = machine(FILES, privileged=privileged)
    assert found.board.name == "Example Inc. X1 (BIOS 2.1 of 03/14/2025)"
    assert (found.distribution, found.distribution_name) == ("debian", "Debian GNU/Linux 13 (trixie)")
    assert found.options_file == "/boot/config-6.12.1"
    assert {name for name, built in found.options.items() if built} == {"ZONE_DEVICE", "NVME_TARGET"}
    assert found.option("PCI_P2PDMA") is False
    assert found.option("NEVER_ASKED") is NOT_READ
    assert set(found.modules) == {"nvidia", "amdgpu"}
    assert found.modules["amdgpu"].parameters["pcie_p2p"] == "N"
    assert found.modules["nvidia"].version == "570.86.15"
    assert found.nvidia is not None
    assert (found.nvidia.open, found.nvidia.registry) == (True, "RMForceStaticBar1=1;")
    assert found.huge_pages == 512 * 2 * 1024**2 + 2 * 1024**3
    assert found.gaps == ()


def test_a_machine_of_which_nothing_is_known() -> None:
    """No DMI, no distribution, no modules: nothing of it is a gap."""
    found = machine({"/sys": None})
    assert found.board == Board(*(ABSENT,) * 7)
    assert found.board.name is None
    assert (found.distribution, found.nvidia, found.huge_pages) == (ABSENT, None, ABSENT)
    assert (dict(found.options), found.options_file, found.gaps) == ({}, None, ())


def test_serial_numbers_of_the_board_are_never_read(tmp_path: Path) -> None:
    """Only what every user may read is asked for, and kept in a capture."""
    data = take_capture(TreeDoor(tree(FILES)), lambda door: take(door, {"machine"}), root=True).data
    assert b"canary" not in data
    (tmp_path / "host.tar.gz").write_bytes(data)
    door = CaptureDoor(str(tmp_path / "host.tar.gz"))
    assert take(door, {"machine"}).machine == machine(FILES)._replace(taken=door.now())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=ubuntu\nNAME="Ubuntu"\n', {"ID": "ubuntu", "NAME": "Ubuntu"}),
        ("ID='alpine'\n# ID=other\nID_LIKE=\n", {"ID": "alpine", "ID_LIKE": ""}),
        ("ID=one\nID=two\n", {"ID": "two"}),
        ("", {}),
    ],
)
def test_os_release(text: str, expected: dict[str, str]) -> None:
    """Quotes of both kinds; the last of several counts."""
    assert parse_os_release(text) == expected


@given(st.text(max_size=400))
def test_any_text_is_parsed(text: str) -> None:
    """Whatever it is, the result is short lines of text."""
    assert all("\n" not in value for value in parse_os_release(text).values())
    assert "\n" not in parse_registry(text)


def space(*bars: tuple[int, int, int], count: int | None = None) -> bytes:
    """A function whose only extended capability is that of resizable BARs: index, exponent of its size, sizes."""
    data = bytearray(4096)
    data[0x06], data[0x34], data[0x40] = 0x10, 0x40, 0x10
    struct.pack_into("<I", data, 0x100, 0x0015 | 1 << 16)
    for nth, (index, size, sizes) in enumerate(bars):
        control = index | (len(bars) if count is None else count) << 5 | size << 8
        struct.pack_into("<II", data, 0x104 + 8 * nth, sizes << 4, control)
    return bytes(data)


def resizable(data: bytes) -> object:
    return read_config(lambda offset, length: data[offset : offset + length]).config.resizable


def test_resizable_bars() -> None:
    """Sizes are powers of two from 1 MiB; the largest that is offered counts."""
    assert resizable(space((0, 8, 0b1111 << 8), (2, 1, 0b10))) == (
        ResizableBar(0, 256 << 20, 2 << 30),
        ResizableBar(2, 2 << 20, 2 << 20),
    )
    assert resizable(bytes(4096)) is ABSENT
    assert resizable(space((0, 8, 1), count=7)[:0x110]) is UNREADABLE


@given(st.binary(min_size=64, max_size=64))
def test_any_registers_end(data: bytes) -> None:
    """Never more than six of them, and no size below 1 MiB."""
    whole = bytearray(space((0, 0, 1)))
    whole[0x104 : 0x104 + 64] = data
    found = resizable(bytes(whole))
    assert isinstance(found, tuple)
    assert len(found) <= 6
    assert all(bar.size >= 1 << 20 and bar.largest >= 1 << 20 for bar in found)


def test_the_demo_host_has_a_board() -> None:
    """And a distribution that has the kernel that it runs."""
    found = take(DemoDoor(lambda: 0.0), {"machine"}).machine
    assert found is not None
    assert found.board.name == "Supermicro X13DEI (BIOS 2.1 of 03/14/2025)"
    assert found.option("PCI_P2PDMA") is True


def test_of_a_key_one_byte_is_read() -> None:
    """And only by who was asked; the other readers look at the mode of the file."""
    asked: list[tuple[str, int]] = []

    class Files(MemoryFiles):
        def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
            asked.append((path, limit))
            return super().read(path, limit)

    keys = {"dhchap_key": b"DHHC-1:00:canary:\n", "dhchap_ctrl_key": b"\n"}
    files = tree({f"{ROOT}/hosts/nqn.h/{name}": data for name, data in keys.items()})
    files.__class__ = Files
    nvmet = take(TreeDoor(files), {"nvmet"}).nvmet
    assert nvmet is not None
    assert {name: key.mode for name, key in nvmet.hosts["nqn.h"].keys.items()} == dict.fromkeys(keys, 0o444)
    assert not [path for path, _ in asked if "dhchap" in path]
    known = look_for_keys(Reader(files), nvmet).hosts["nqn.h"].keys
    assert {name: key.filled for name, key in known.items()} == {"dhchap_key": True, "dhchap_ctrl_key": False}
    assert [limit for path, limit in asked if "dhchap" in path] == [1, 1]
