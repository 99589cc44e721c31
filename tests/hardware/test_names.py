"""Names of PCI identifiers, from lists of any quality."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.hardware.names import PciNames, find

LIST = (
    b"#\n#\tList of PCI ID's\n#\n\n"
    b"1b36  Red Hat, Inc.\n"
    b"\t000c  QEMU PCIe Root port\n"
    b"\t0010  QEMU NVM Express Controller\n"
    b"\t\t1af4 1100  A subsystem\n"
    b"# between\n"
    b"\t0011  QEMU PVPanic device\n"
    b"8086  Intel Corporation\n"
    b"\t0953  PCIe Data Center SSD\n"
    b"\t\t8086 0010  DC P3600 [\xff\xfe]\n"
    b"c0de  Caf\xc3\xa9 \xff devices\n"
    b"C 01  Mass storage controller\n"
    b"\t08  Non-Volatile memory controller\n"
)


def names(tmp_path: Path, data: bytes = LIST) -> PciNames:
    path = tmp_path / "pci.ids"
    path.write_bytes(data)
    return PciNames((str(tmp_path / "absent"), str(path)), hwdb=False)


@pytest.mark.parametrize(
    ("vendor", "device", "expected"),
    [
        (0x1B36, 0x10, ("Red Hat, Inc.", "QEMU NVM Express Controller")),
        (0x1B36, 0x11, ("Red Hat, Inc.", "QEMU PVPanic device")),
        (0x1B36, 0x0953, ("Red Hat, Inc.", None)),
        (0x8086, 0x0953, ("Intel Corporation", "PCIe Data Center SSD")),
        (0x8086, 0x0010, ("Intel Corporation", None)),
        (0xC0DE, 0x08, ("Café \N{REPLACEMENT CHARACTER} devices", None)),
        (0x0001, 0x1, (None, None)),
    ],
)
def test_a_device_is_found_in_its_vendors_block(
    tmp_path: Path, vendor: int, device: int, expected: tuple[str | None, str | None]
) -> None:
    """Not in another vendor's, not among the subsystems, not among the classes at the end."""
    assert names(tmp_path).device(vendor, device) == expected


def test_the_first_line_counts(tmp_path: Path) -> None:
    """A list needs no header before its first vendor."""
    assert names(tmp_path, b"8086  Intel\n\t0953  SSD").device(0x8086, 0x0953) == ("Intel", "SSD")


def test_the_list_is_read_once(tmp_path: Path) -> None:
    """Not before the first question, and not again for the next ones."""
    database = names(tmp_path)
    assert database.device(0x8086, 0x0953)[0] == "Intel Corporation"
    (tmp_path / "pci.ids").unlink()
    assert database.device(0x1B36, 0x0010)[0] == "Red Hat, Inc."


def test_no_database_means_no_names(tmp_path: Path) -> None:
    """Nor does one that is no file, too large, or full of zeros."""
    os.mkfifo(tmp_path / "fifo")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    paths = (str(tmp_path), str(tmp_path / "fifo"), str(tmp_path / "huge"), "/dev/zero", "/nonexistent")
    assert PciNames(paths, hwdb=False).device(0x8086, 0x0953) == (None, None)


def test_the_hardware_database_is_the_second_choice() -> None:
    """Whatever libudev does on this machine, the answer is names or none."""
    vendor, device = PciNames(()).device(0x8086, 0x0953)
    assert vendor in {None, "Intel Corporation"}
    assert device is None or "SSD" in device


def test_a_library_that_is_missing_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyudev raises ImportError where it finds no libudev."""
    import pyudev

    def fail() -> None:
        raise ImportError("No library named udev")

    monkeypatch.setattr(pyudev, "Context", fail)
    assert PciNames(()).device(0x8086, 0x0953) == (None, None)


def test_names_are_bounded(tmp_path: Path) -> None:
    """A line without end is cut."""
    vendor, _ = names(tmp_path, b"8086  " + b"x" * 1_000_000).device(0x8086, 1)
    assert vendor is not None
    assert len(vendor) == 256


@given(st.binary(max_size=400), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_list_gives_an_answer(data: bytes, vendor: int, device: int) -> None:
    """Damage never raises."""
    for text in (data, b"\n" + LIST + data, b"\n%04x  " % vendor + data + b"\n\t%04x  " % device + data):
        pair = find(text, vendor, device)
        assert all(name is None or 0 < len(name) <= 256 for name in pair)
