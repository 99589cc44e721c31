"""Where the bytes of real files come from, as this host's file system tells, and what the kernel could say else."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from p2pctl.hardware import extents
from p2pctl.hardware.extents import read_stretches
from p2pctl.hardware.memory import LiveMemory
from p2pctl.kernel import Part, Stretch
from p2pctl.model.address import Address
from p2pctl.proof.model import Levels
from p2pctl.proof.pairs import Pair, Piece, prove_reads
from p2pctl.resolver.verdict import Outcome

PAGE = 4096
KEEP_SIZE, PUNCH_HOLE = 1, 2


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """One whose file system says where its files lie, as ext4 and XFS do."""
    path = tmp_path / "one"
    path.write_bytes(os.urandom(PAGE))
    if reasons(path) != {None}:
        pytest.fail(f"{tmp_path}: {reasons(path)}: set TMPDIR to a directory on ext4 or XFS")
    return tmp_path


def look(path: Path) -> list[Stretch]:
    with LiveMemory().open(str(path)) as disk:
        found = list(disk.stretches(0, disk.size))
    end = 0
    for one in found:
        assert (one.offset, one.length > 0) == (end, True), "in order and without gaps"
        end += one.length
    assert end == path.stat().st_size
    return found


def reasons(path: Path) -> set[str | None]:
    return {one.reason for one in look(path)}


def test_what_was_written_is_on_the_drive(directory: Path) -> None:
    """Also what waits in memory until then."""
    path = directory / "file"
    for size in (PAGE, 100, 1 << 20):
        path.write_bytes(os.urandom(size))
        assert reasons(path) == {None}


def test_what_was_never_written_is_not(directory: Path) -> None:
    hole, reserved = directory / "hole", directory / "reserved"
    hole.touch()
    os.truncate(hole, 1 << 20)
    assert reasons(hole) == {"nothing has been written there, it is a hole"}
    with reserved.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 64 << 20)
    assert reasons(reserved) == {"nothing has been written there, the room is only reserved"}


def test_a_write_past_the_page_cache_puts_its_place_on_the_drive_and_nothing_else(directory: Path) -> None:
    """What is reserved in pieces, a file system may fill with zeros of its own; here all is one piece."""
    path = directory / "file"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 64 << 20)
    memory = LiveMemory()
    with memory.ordinary(PAGE) as region, memory.open(str(path), write=True) as disk:
        assert disk.write(32 << 20, [Part(region, 0, PAGE)]) == PAGE
        (one,) = disk.stretches(32 << 20, PAGE)
        assert one == Stretch(32 << 20, PAGE, None)
        assert {found.reason is None for found in disk.stretches(0, 16 << 20)} == {False}


@pytest.mark.parametrize("seed", range(2))
def test_every_page_is_told_of_whatever_was_done_to_the_file(directory: Path, seed: int) -> None:
    """In more pieces than the kernel tells of at a time."""
    pages, path, dice = 3000, directory / "file", random.Random(seed)  # noqa: S311  nobody is to be surprised
    written = [False] * pages
    path.touch()
    os.truncate(path, pages * PAGE)
    with path.open("r+b") as file:
        for _ in range(2000):
            page, hole = dice.randrange(pages), dice.random() < 0.3
            if hole:
                punch(file.fileno(), page * PAGE)
            else:
                os.pwrite(file.fileno(), os.urandom(PAGE), page * PAGE)
            written[page] = not hole
    found = look(path)
    assert len(found) > 512
    told = [one.reason is None for one in found for _ in range(one.length // PAGE)]
    assert told == written


def punch(descriptor: int, offset: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    size = ctypes.c_int64
    assert libc.fallocate(descriptor, KEEP_SIZE | PUNCH_HOLE, size(offset), size(PAGE)) == 0


def test_a_file_system_in_memory_says_nothing() -> None:
    descriptor = os.memfd_create("test")
    try:
        os.truncate(descriptor, PAGE)
        (one,) = read_stretches(descriptor, 0, PAGE)
    finally:
        os.close(descriptor)
    assert one.reason == "its file system does not say whether it can be read past the page cache"


@pytest.mark.parametrize("flag", [0x2, 0x4, 0x8, 0x80, 0x100, 0x200, 0x400, 0x800])
def test_an_extent_with_any_such_flag_is_not_plainly_on_the_drive(
    directory: Path, flag: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel answers on file systems that compress, encrypt or pack (include/uapi/linux/fiemap.h)."""

    def told(_descriptor: int, _request: int, buffer: bytearray) -> int:
        struct.pack_into("=L", buffer, 20, 2)
        struct.pack_into("=QQQ16xL", buffer, 32, 0, 1 << 30, PAGE, 0x1000)
        struct.pack_into("=QQQ16xL", buffer, 32 + 56, PAGE, 2 << 30, PAGE, flag | 1)
        return 0

    path = directory / "file"
    path.write_bytes(bytes(2 * PAGE))
    monkeypatch.setattr(fcntl, "ioctl", told)
    first, second = look(path)
    assert first == Stretch(0, PAGE, None)
    assert second.reason is not None


@pytest.mark.parametrize(
    ("mask", "attributes", "align", "why"),
    [
        (0x2000, 0, 4, None),
        (0x2000, 0, 0, "through the page cache"),
        (0, 0, 0, "does not say"),
        (0x2000, 0x800, 4, "encrypted"),
        (0x2000, 0x4, 4, "compressed"),
        (0x2000, 0x200000, 4, "DAX"),
    ],
)
def test_a_file_that_is_not_read_directly_is_told(
    mask: int, attributes: int, align: int, why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel answers for a journal of data, encryption and the like (include/uapi/linux/stat.h)."""

    class Libc:
        def statx(self, *arguments: Any) -> int:
            struct.pack_into("=L", arguments[-1], 0, mask)
            struct.pack_into("=Q", arguments[-1], 8, attributes)
            struct.pack_into("=L", arguments[-1], 152, align)
            return 0

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Libc())
    found = extents._not_direct(0)
    assert found is None if why is None else why in str(found)


def test_a_file_system_that_tells_nothing_of_its_files_is_an_error(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    path = directory / "file"
    path.write_bytes(bytes(PAGE))
    monkeypatch.setattr(fcntl, "ioctl", refuse)
    with pytest.raises(OSError, match="does not say where") as caught:
        look(path)
    assert caught.value.errno == errno.EOPNOTSUPP


@pytest.mark.parametrize(("data", "result"), [(False, "not-tested"), (True, "works")])
def test_a_transfer_proves_something_only_where_the_file_has_data(directory: Path, data: bool, result: str) -> None:
    """Ordinary memory stands for the pool: what is looked at is the file."""
    path = directory / "file"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 64 << 20)
        if data:
            os.pwrite(file.fileno(), os.urandom(16 * PAGE), 48 << 20)
    memory = LiveMemory()
    pair = Pair(Address(0, 3, 0, 0), Address(0, 4, 0, 0), str(path))
    with memory.ordinary(1 << 20) as region:
        pairs = [(pair, Outcome("allowed", "bus-address", 0))]
        (proof,) = prove_reads(memory, Piece(region, Levels(1, 1)), pairs, lambda _: ("pool",), "7.3")
    assert proof.judgement.result == result
    assert proof.seen is None or (proof.seen.offset, proof.seen.length) == (48 << 20, 16 * PAGE)
