"""A capture on disk: private, whole or not there, and never through somebody's link."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from p2pctl.errors import DeniedError, NotFoundError, P2pctlError, UsageError
from p2pctl.hardware.archive import CaptureDoor
from p2pctl.hardware.capture.manifest import Manifest
from p2pctl.hardware.capture.pack import pack
from p2pctl.hardware.capture.untar import Member
from p2pctl.saving import save

DATA = pack(
    Manifest(version="0.1.0", time=1_700_000_000.9),
    {"/sys/x": Member("/sys/x", "file", 0o400, b"1"), "/sys/a": Member("/sys/a", "directory", 0o700)},
)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("mask", [0, 0o022, 0o777])
def test_the_file_is_private(tmp_path: Path, mask: int) -> None:
    """Mode 0600 under every umask, and nothing else is left."""
    before = os.umask(mask)
    try:
        save(DATA, str(tmp_path / "host.tar.gz"))
    finally:
        os.umask(before)
    assert names(tmp_path) == ["host.tar.gz"]
    assert stat.S_IMODE((tmp_path / "host.tar.gz").stat().st_mode) == 0o600
    assert CaptureDoor(str(tmp_path / "host.tar.gz")).files.read("/sys/x") == b"1"


def test_a_name_without_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goes into the working directory."""
    monkeypatch.chdir(tmp_path)
    save(DATA, "host.tar.gz")
    save(DATA, "./-")
    assert names(tmp_path) == ["-", "host.tar.gz"]


def test_packing_is_the_same_each_time() -> None:
    """Time, owner and order are those of the capture."""
    again = pack(
        Manifest(version="0.1.0", time=1_700_000_000.9),
        {"/sys/a": Member("/sys/a", "directory", 0o700), "/sys/x": Member("/sys/x", "file", 0o400, b"1")},
    )
    assert again == DATA


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    """Unless it is to be replaced, and then it is replaced whole."""
    path = tmp_path / "host.tar.gz"
    path.write_bytes(b"mine")
    path.chmod(0o644)
    with pytest.raises(UsageError, match="there already") as caught:
        save(DATA, str(path))
    assert caught.value.hint
    assert path.read_bytes() == b"mine"
    save(DATA, str(path), force=True)
    assert path.read_bytes() == DATA
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["host.tar.gz"]


@pytest.mark.parametrize("force", [False, True])
def test_no_link_is_followed(tmp_path: Path, *, force: bool) -> None:
    """Neither to a file, nor to nothing; nor is a link, a directory or a device replaced."""
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("victim")
    (tmp_path / "dangling").symlink_to("elsewhere")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "fifo")
    before = names(tmp_path)
    for name in ("link", "dangling", "directory", "fifo"):
        with pytest.raises(UsageError, match="no regular file"):
            save(DATA, str(tmp_path / name), force=force)
    with pytest.raises(UsageError):
        save(DATA, "/dev/null", force=force)
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert names(tmp_path) == before


def test_a_link_that_comes_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes the name while the file is being written wins, and loses nothing."""
    path = tmp_path / "host.tar.gz"
    (tmp_path / "victim").write_bytes(b"mine")
    real = os.fsync

    def intrude(descriptor: int) -> None:
        real(descriptor)
        if not path.is_symlink():
            path.symlink_to("victim")

    monkeypatch.setattr(os, "fsync", intrude)
    with pytest.raises(UsageError, match="there already"):
        save(DATA, str(path))
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert names(tmp_path) == ["host.tar.gz", "victim"]


@pytest.mark.parametrize("step", ["write", "fsync", "link", "fchmod"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int) -> None:
    """A full disk is an error in one line, not half a file."""

    def fail(*_positional: object, **_named: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(P2pctlError, match="cannot write") as caught:
        save(DATA, str(tmp_path / "host.tar.gz"))
    assert caught.value.errno == number
    assert names(tmp_path) == []


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control-C while it is written."""

    def interrupt(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(DATA, str(tmp_path / "host.tar.gz"))
    assert names(tmp_path) == []


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file takes as many write(2) as it needs."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data[:100])))
    save(DATA, str(tmp_path / "host.tar.gz"))
    assert (tmp_path / "host.tar.gz").read_bytes() == DATA


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Such as that of a USB stick."""

    def fail(*_positional: object, **_named: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", fail)
    save(DATA, str(tmp_path / "host.tar.gz"))
    assert names(tmp_path) == ["host.tar.gz"]


def test_a_name_that_is_taken_in_between_where_no_file_has_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not replaced there either."""
    path = tmp_path / "host.tar.gz"

    def intrude(*_positional: object, **_named: object) -> None:
        path.write_bytes(b"mine")
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", intrude)
    with pytest.raises(UsageError, match="there already"):
        save(DATA, str(path))
    assert path.read_bytes() == b"mine"
    assert names(tmp_path) == ["host.tar.gz"]


def test_places_that_take_no_file(tmp_path: Path) -> None:
    """Told with the exit code that fits."""
    with pytest.raises(NotFoundError):
        save(DATA, str(tmp_path / "absent" / "host.tar.gz"))
    (tmp_path / "file").touch()
    with pytest.raises(P2pctlError):
        save(DATA, str(tmp_path / "file" / "host.tar.gz"))
    for name in ("", f"{tmp_path}/", f"{tmp_path}/..", "."):
        with pytest.raises(UsageError):
            save(DATA, name)
    with pytest.raises(P2pctlError):
        save(DATA, str(tmp_path / ("n" * 300)))
    with pytest.raises(UsageError):
        save(DATA, f"{tmp_path}/a\0b")
    assert names(tmp_path) == ["file"]


def test_a_directory_that_takes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permission denied is exit code 4."""
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DeniedError):
        save(DATA, str(tmp_path / "host.tar.gz"))
