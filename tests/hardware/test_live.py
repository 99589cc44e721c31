"""The running host's files, through system calls that do what they say and nothing else."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from p2pctl.hardware.live import LiveDoor, LiveFiles, LiveProcesses
from p2pctl.kernel import Door, Files

FILES = LiveFiles()


def failure(call: Callable[[], object]) -> int | None:
    with pytest.raises(OSError) as caught:  # noqa: PT011  the errno is what is asked
        call()
    return caught.value.errno


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 8192, 70_000, 300_000])
@pytest.mark.parametrize("limit", [1, 4096, 8191, 8192, 65_536, 1 << 20])
def test_reads_to_the_end_or_the_limit(tmp_path: Path, size: int, limit: int) -> None:
    """Neither a page boundary nor a file longer than one read loses or adds a byte."""
    data = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "file").write_bytes(data[:size])
    assert FILES.read(str(tmp_path / "file"), limit) == data[: min(size, limit)]


def test_reads_what_comes_in_pieces() -> None:
    """/proc gives long files piece by piece; all of them are read."""
    assert FILES.read("/proc/self/maps").endswith(b"\n")
    assert len(FILES.read("/proc/self/smaps")) > 4096


def test_pool_memory_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``p2pmem/allocate`` is refused before it is opened."""
    (tmp_path / "p2pmem").mkdir()
    path = tmp_path / "p2pmem" / "allocate"
    path.write_bytes(b"x")
    opened: list[str] = []
    monkeypatch.setattr(os, "open", lambda path, *_rest, **_more: opened.append(path))
    assert failure(lambda: FILES.read(str(path))) == errno.EINVAL
    assert failure(lambda: FILES.open(str(path))) == errno.EINVAL
    assert opened == []


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    """A read of a fifo without a writer ends at once."""
    os.mkfifo(tmp_path / "fifo")
    assert FILES.read(str(tmp_path / "fifo")) == b""


def test_descriptors_are_given_back(tmp_path: Path) -> None:
    """Reads that fail and handles that are closed twice leave no descriptor open."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    (tmp_path / "file").write_bytes(b"0123456789")
    for _ in range(50):
        assert failure(lambda: FILES.read(str(tmp_path))) == errno.EISDIR
        with FILES.open(str(tmp_path / "file")) as handle:
            assert handle.pread(8, 8) == b"89"
        handle.close()
        handle.close()
    assert failure(lambda: handle.pread(0, 1)) == errno.EBADF
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_handle_reads_again(tmp_path: Path) -> None:
    """A level that moves is read anew at each look."""
    path = tmp_path / "available"
    path.write_bytes(b"100\n")
    with FILES.open(str(path)) as handle:
        assert handle.pread(0, 32) == b"100\n"
        path.write_bytes(b"7\n")
        assert handle.pread(0, 32) == b"7\n"


def test_one_write_is_one_system_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the length: a second write(2) would be a second store of the rest. No file is made or cut."""
    path = tmp_path / "attribute"
    path.write_bytes(b"longer than what is written")
    written: list[bytes] = []
    real = os.write

    def count(descriptor: int, data: bytes) -> int:
        written.append(data)
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", count)
    FILES.write(str(path), b"1\n")
    FILES.write(str(path), b"")
    assert written == [b"1\n", b""]
    assert path.read_bytes() == b"1\nnger than what is written"
    assert failure(lambda: FILES.write(str(tmp_path / "absent"), b"1")) == errno.ENOENT
    assert not (tmp_path / "absent").exists()


def test_a_short_write_fails_and_is_not_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel took a part: that is an error, and the rest is not stored on top."""
    path = tmp_path / "attribute"
    path.touch()
    calls: list[bytes] = []

    def short(_descriptor: int, data: bytes) -> int:
        calls.append(data)
        return len(data) - 1

    monkeypatch.setattr(os, "write", short)
    assert failure(lambda: FILES.write(str(path), b"nqn\n")) == errno.EIO
    assert calls == [b"nqn\n"]


def test_a_failing_write_tells(tmp_path: Path) -> None:
    """/dev/full is the device that refuses every write."""
    assert failure(lambda: FILES.write("/dev/full", b"1")) == errno.ENOSPC
    assert failure(lambda: FILES.write(str(tmp_path), b"1")) == errno.EISDIR


def test_directories_and_links(tmp_path: Path) -> None:
    """The rest of the protocol is the system call of the same name."""
    top = str(tmp_path)
    FILES.mkdir(f"{top}/b")
    FILES.mkdir(f"{top}/a")
    FILES.symlink(f"{top}/a", f"{top}/link")
    assert FILES.list(top) == ("a", "b", "link")
    assert FILES.readlink(f"{top}/link") == f"{top}/a"
    assert FILES.realpath(f"{top}/link") == os.path.realpath(f"{top}/a")
    assert FILES.stat(f"{top}/link").kind == "link"
    assert FILES.stat(f"{top}/a").kind == "directory"
    assert FILES.stat("/dev/null").kind == "other"
    assert failure(lambda: FILES.realpath(f"{top}/nothing")) == errno.ENOENT
    assert failure(lambda: FILES.rmdir(top)) == errno.ENOTEMPTY
    FILES.unlink(f"{top}/link")
    FILES.rmdir(f"{top}/a")
    assert FILES.list(top) == ("b",)


def test_who_processes_are() -> None:
    """The user's name and the kernel's 15 characters; None for what is gone."""
    me = LiveProcesses().who(os.getpid())
    assert me is not None
    assert me.pid == os.getpid()
    assert me.command == Path("/proc/self/comm").read_text().rstrip("\n")
    assert LiveProcesses().who(1 << 22) is None
    assert LiveProcesses().who(-1) is None


def test_the_door_is_one() -> None:
    """It is what the protocol asks for."""
    door: Door = LiveDoor()
    files: Files = door.files
    assert door.kind == "live"
    assert door.now() > 1_700_000_000
    assert files.read("/proc/sys/kernel/ostype") == b"Linux\n"
