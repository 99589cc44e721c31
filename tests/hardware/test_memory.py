"""The live host's memory and disks, as far as they need no drive: files, and what goes wrong."""

from __future__ import annotations

import errno
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from p2pctl.errors import BusyError
from p2pctl.hardware import lease
from p2pctl.hardware.memory import LiveMemory
from p2pctl.kernel import Identity, Part
from p2pctl.simulator.memory import MemoryRegion

PAGE = 4096


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.write_bytes(os.urandom(8 * PAGE))
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECT))
    except OSError:
        pytest.fail("the temporary directory takes no direct I/O: set TMPDIR to one on a disk")
    return path


def test_a_vector_is_read_and_written_past_the_page_cache(file: Path) -> None:
    memory = LiveMemory()
    data = file.read_bytes()
    with (
        memory.ordinary(4 * PAGE) as one,
        memory.ordinary(4 * PAGE) as other,
        memory.open(str(file), write=True) as disk,
    ):
        assert disk.size == len(data)
        parts = (Part(one, PAGE, PAGE), Part(other, 0, 2 * PAGE))
        assert disk.read(PAGE, parts) == 3 * PAGE
        assert one.get(PAGE, PAGE) + other.get(0, 2 * PAGE) == data[PAGE : 4 * PAGE]
        one.put(0, b"x" * PAGE)
        assert disk.write(0, (Part(one, 0, PAGE), Part(other, 0, PAGE))) == 2 * PAGE
    assert file.read_bytes() == b"x" * PAGE + data[2 * PAGE : 3 * PAGE] + data[2 * PAGE :]


def test_half_a_block_is_refused_as_the_kernel_does(file: Path) -> None:
    memory = LiveMemory()
    with memory.ordinary(PAGE) as one, memory.open(str(file)) as disk:
        with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
            disk.read(0, (Part(one, 0, 100),))
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            disk.write(0, (Part(one, 0, PAGE),))


def test_no_link_is_followed_to_what_nobody_has_looked_at(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        LiveMemory().open(str(link))


def test_what_is_no_pool_cannot_be_mapped(file: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LiveMemory().map(str(tmp_path / "none"), PAGE)
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        LiveMemory().map(str(file), 100 * PAGE)


def test_memory_of_another_host_is_no_memory_of_this_one(file: Path) -> None:
    with LiveMemory().open(str(file)) as disk, pytest.raises(TypeError):
        disk.read(0, (Part(MemoryRegion(PAGE, None, lambda: None), 0, PAGE),))


def test_descriptors_and_mappings_are_given_back(file: Path) -> None:
    """A thousand of each, and closing twice does no harm."""
    memory = LiveMemory()

    def held() -> tuple[int, int]:
        return len(tuple(Path("/proc/self/fd").iterdir())), len(Path("/proc/self/maps").read_text().splitlines())

    before = held()
    for _ in range(1000):
        region, disk = memory.map(str(file), PAGE), memory.open(str(file))
        disk.close()
        disk.close()
        region.close()
        region.close()
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            disk.read(0, ())
    descriptors, maps = held()
    assert descriptors == before[0]
    assert maps <= before[1] + 8


def test_a_pool_that_goes_away_is_an_error_and_no_death(tmp_path: Path) -> None:
    """As a file that is cut short, whose mapping kills whoever touches it: a drive was pulled out during verify."""
    path = tmp_path / "allocate"
    data = os.urandom(4 * PAGE)
    path.write_bytes(data)
    with LiveMemory().map(str(path), 4 * PAGE) as region:
        assert region.get(0, 4 * PAGE) == data
        region.put(PAGE + 1, b"x" * 100)
        region.put(0, b"y")
        assert region.get(0, PAGE + 102) == b"y" + data[1 : PAGE + 1] + b"x" * 100 + data[PAGE + 101 : PAGE + 102]
        os.truncate(path, PAGE)
        for touch in (lambda: region.get(0, 2 * PAGE), lambda: region.get(PAGE, 1), lambda: region.put(PAGE, b"z" * 9)):
            with pytest.raises(OSError, match=os.strerror(errno.ENODEV)) as caught:
                touch()
            assert (caught.value.errno, caught.value.filename) == (errno.ENODEV, str(path))
        assert region.get(0, 1) == b"y"
    region.close()


def test_no_link_is_followed_in_the_middle_of_a_path_either(file: Path, tmp_path: Path) -> None:
    """Somebody else may have put it there since the path was looked at."""
    (tmp_path / "way").symlink_to(tmp_path)
    with pytest.raises(OSError, match="a link leads there") as caught:
        LiveMemory().open(str(tmp_path / "way" / file.name), write=True)
    assert caught.value.errno == errno.ELOOP


def test_what_is_no_disk_and_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/null"):
        with pytest.raises(OSError, match=r"\w"):
            LiveMemory().open(path)


def test_a_file_that_somebody_has_open_is_not_written_to(file: Path) -> None:
    """As a virtual machine has its image, or the target the file of a namespace."""
    memory = LiveMemory()
    for mode in ("rb", "r+b"):
        with file.open(mode), pytest.raises(OSError, match="has the file open") as caught:
            memory.open(str(file), write=True, exclusive=True)
        assert caught.value.errno == errno.EBUSY
    with memory.open(str(file), write=True, exclusive=True) as disk:
        assert disk.identity == Identity(None, file.stat().st_ino)
        # Who comes meanwhile has to wait, and the signal that tells of it ends nobody.
        with pytest.raises(BlockingIOError):
            os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        disk.flush()
    os.close(os.open(file, os.O_RDONLY | os.O_NONBLOCK))


OPENS = """
import os, sys
try:
    os.open(sys.argv[1], int(sys.argv[2]) | os.O_NONBLOCK)
except BlockingIOError:
    sys.exit(11)
"""


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC], ids=["read", "write", "empty"])
def test_nothing_is_written_once_another_process_opens_the_file_but_what_was_there(
    file: Path, monkeypatch: pytest.MonkeyPatch, flags: int
) -> None:
    """While it waits what was there can be put back; once the kernel may have let it in, not even that."""
    memory = LiveMemory()
    data = file.read_bytes()
    with memory.ordinary(PAGE) as one, memory.open(str(file), write=True, exclusive=True) as disk:
        disk.read(0, (Part(one, 0, PAGE),))
        assert disk.write(PAGE, (Part(one, 0, PAGE),)) == PAGE
        other = subprocess.run([sys.executable, "-c", OPENS, str(file), str(flags)], check=False)
        assert other.returncode == 11, "the premise: it is kept waiting"
        with pytest.raises(BusyError, match="somebody else opens the file"):
            disk.write(0, (Part(one, 0, PAGE),))
        one.put(0, data[PAGE : 2 * PAGE])
        assert disk.write(PAGE, (Part(one, 0, PAGE),), back=True) == PAGE
        monkeypatch.setattr(lease, "time", SimpleNamespace(monotonic=lambda: math.inf))
        with pytest.raises(OSError, match="has opened the file since") as caught:
            disk.write(PAGE, (Part(one, 0, PAGE),), back=True)
        assert caught.value.errno == errno.EBUSY
    assert file.read_bytes() == data


def test_a_file_that_nobody_else_wants_is_written_to_however_long_it_takes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opens it a day later is kept waiting from then on."""
    with LiveMemory().ordinary(PAGE) as one, LiveMemory().open(str(file), write=True, exclusive=True) as disk:
        for later in (1e6, 2e6):
            monkeypatch.setattr(lease, "time", SimpleNamespace(monotonic=lambda now=later: now))
            for back in (False, True):
                assert disk.write(0, (Part(one, 0, PAGE),), back=back) == PAGE
        with pytest.raises(BlockingIOError):
            os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        assert disk.write(0, (Part(one, 0, PAGE),), back=True) == PAGE
