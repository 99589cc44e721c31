"""What a disk holds, told by blkid of real bytes."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from p2pctl.hardware.signatures import signatures

SWAP_MAGIC = 4096 - 10


def test_a_file_system_is_named_and_nothing_is_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(4 << 20))
    assert signatures(str(disk)) == ()
    with disk.open("r+b") as file:
        file.seek(1024)
        file.write(b"\x01\0\0\0\xff\x03\0\0")  # a swap header: version and last page
        file.seek(SWAP_MAGIC)
        file.write(b"SWAPSPACE2")
    assert signatures(str(disk)) == ("swap",)


def test_without_blkid_it_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2pctl.hardware.programs.find", lambda _name: None)
    with pytest.raises(OSError, match="blkid") as caught:
        signatures(str(tmp_path))
    assert caught.value.errno == errno.ENOENT
