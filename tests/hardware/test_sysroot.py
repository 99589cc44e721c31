"""``--sysroot``: a directory that is read as if it were the root, and never left."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from p2pctl.errors import DeniedError, NotFoundError, P2pctlError, UsageError
from p2pctl.hardware.confine import resolve
from p2pctl.hardware.sysroot import SysrootDoor, SysrootFiles
from p2pctl.kernel import Door


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree beside a secret that must not be reached."""
    (tmp_path / "secret").write_bytes(b"canary")
    top = tmp_path / "root"
    function = top / "sys/devices/pci0000:00/0000:00:03.0"
    function.mkdir(parents=True)
    (function / "vendor").write_bytes(b"0x1b36\n")
    devices = top / "sys/bus/pci/devices"
    devices.mkdir(parents=True)
    (devices / "0000:00:03.0").symlink_to("../../../devices/pci0000:00/0000:00:03.0")
    (top / "proc/sys/kernel").mkdir(parents=True)
    (top / "proc/sys/kernel/hostname").write_bytes(b"other\n")
    return top


def failure(call: Callable[[str], object], path: str) -> int | None:
    with pytest.raises(OSError) as caught:  # noqa: PT011  the errno is what is asked
        call(path)
    return caught.value.errno


def test_paths_are_the_kernels(root: Path) -> None:
    """Reads, listings and links work as on the host."""
    files = SysrootFiles(str(root))
    path = "/sys/bus/pci/devices/0000:00:03.0"
    assert files.read(f"{path}/vendor") == b"0x1b36\n"
    assert files.read(f"{path}/vendor", 2) == b"0x"
    assert files.realpath(path) == "/sys/devices/pci0000:00/0000:00:03.0"
    assert files.readlink(path) == "../../../devices/pci0000:00/0000:00:03.0"
    assert files.list("/sys/bus/pci/devices") == ("0000:00:03.0",)
    assert files.list("/") == ("proc", "sys")
    assert files.stat(path).kind == "link"
    assert files.stat(f"{path}/").kind == "link"
    assert files.stat(f"{path}/vendor").kind == "file"
    with files.open(f"{path}/vendor") as handle:
        assert handle.pread(2, 4) == b"1b36"


def test_errors_are_the_kernels(root: Path) -> None:
    """With the path that was asked for, not the place below the root."""
    files = SysrootFiles(str(root))
    assert failure(files.read, "/sys/absent") == errno.ENOENT
    assert failure(files.read, "/sys/absent/vendor") == errno.ENOENT
    assert failure(files.read, "/sys/bus") == errno.EISDIR
    assert failure(files.read, "/proc/sys/kernel/hostname/x") == errno.ENOTDIR
    assert failure(files.list, "/proc/sys/kernel/hostname") == errno.ENOTDIR
    assert failure(files.readlink, "/sys/bus") == errno.EINVAL
    assert failure(files.stat, "/sys/absent") == errno.ENOENT
    assert failure(files.realpath, "/sys/absent") == errno.ENOENT
    with pytest.raises(FileNotFoundError) as caught:
        files.read("/sys/absent")
    assert caught.value.filename == "/sys/absent"


@pytest.mark.parametrize("bad", ["/sys/a\0b", "/sys/a\0b/c", "/sys/\0", "/sys/\ud800"])
def test_a_path_that_can_be_none(root: Path, bad: str) -> None:
    """Contents may lead a reader to a path that no file system has."""
    files = SysrootFiles(str(root))
    assert failure(files.read, bad) == errno.ENOENT
    assert failure(files.stat, bad) == errno.ENOENT
    assert failure(files.readlink, bad) == errno.ENOENT
    assert failure(files.realpath, bad) == errno.ENOENT
    assert failure(files.list, bad) == errno.ENOENT


@pytest.mark.parametrize(
    "target",
    ["/secret", "../../secret", "../../../../../../../../secret", "/../secret", "{outside}", "../../root/../secret"],
)
def test_no_link_leads_out(root: Path, target: str) -> None:
    """Absolute links and ``..`` stay below the root, in the last place and in the middle."""
    outside = root.parent / "secret"
    (root / "sys/file").symlink_to(target.format(outside=outside))
    (root / "sys/up").symlink_to("../" * 30)
    (root / "sys/absolute").symlink_to(str(outside.parent))
    files = SysrootFiles(str(root))
    for path in ("/sys/file", "/sys/up/secret", "/sys/absolute/secret", "/sys/up/../../secret", "/../secret"):
        assert failure(files.read, path) == errno.ENOENT
        assert failure(files.open, path) == errno.ENOENT
        assert failure(files.realpath, path) == errno.ENOENT
    (root / "secret").write_bytes(b"inside")
    files = SysrootFiles(str(root))
    assert files.read("/sys/up/secret") == b"inside"
    assert files.realpath("/sys/up/..") == "/"


@pytest.mark.parametrize("path", ["/..", "/sys/..", "/sys/bus/../..", "/sys/../../secret", "/sys/bus/.."])
def test_dots_stay_inside(root: Path, path: str) -> None:
    """A path with ``..`` is resolved, not passed on."""
    files = SysrootFiles(str(root))
    assert failure(files.read, path) in {errno.ENOENT, errno.EISDIR}
    if not path.endswith("secret"):
        assert "secret" not in files.list(path)


def test_loops_end(root: Path) -> None:
    """After 40 links, as in the kernel."""
    (root / "sys/loop").symlink_to("loop")
    (root / "sys/one").symlink_to("two/x")
    (root / "sys/two").symlink_to("one/x")
    for number in range(42):
        (root / f"sys/chain{number}").symlink_to(f"chain{number + 1}" if number < 41 else "bus")
    files = SysrootFiles(str(root))
    for path in ("/sys/loop", "/sys/one/file", "/sys/chain0/pci"):
        assert failure(files.read, path) == errno.ELOOP
    assert files.list("/sys/chain2") == ("pci",)


def test_a_fifo_or_a_device_gives_nothing(root: Path) -> None:
    """What is no regular file is not read, and cannot hang."""
    os.mkfifo(root / "sys/fifo")
    (root / "sys/null").symlink_to("/dev/null")
    files = SysrootFiles(str(root))
    with contextlib.suppress(PermissionError):  # not everybody can make a device
        os.mknod(root / "sys/zero", 0o20600, os.makedev(1, 5))
        assert failure(files.read, "/sys/zero") in {errno.EINVAL, errno.EACCES}
    assert failure(files.read, "/sys/fifo") == errno.EINVAL
    assert failure(files.read, "/sys/null") == errno.ENOENT
    assert files.stat("/sys/fifo").kind == "other"


def test_pool_memory_is_never_read(root: Path) -> None:
    """Not under its own name, and not through a link."""
    pool = root / "sys/devices/pci0000:00/0000:00:03.0/p2pmem"
    pool.mkdir()
    (pool / "allocate").write_bytes(b"x")
    (root / "sys/other").symlink_to("devices/pci0000:00/0000:00:03.0/p2pmem/allocate")
    files = SysrootFiles(str(root))
    assert failure(files.read, "/sys/bus/pci/devices/0000:00:03.0/p2pmem/allocate") == errno.EINVAL
    assert failure(files.read, "/sys/other") == errno.EINVAL
    assert files.stat("/sys/bus/pci/devices/0000:00:03.0/p2pmem/allocate").kind == "file"


def test_devices_that_come_and_go(root: Path) -> None:
    """Where a live host is mounted, a device that came back elsewhere is found there."""
    files = SysrootFiles(str(root))
    path = "/sys/bus/pci/devices/0000:00:03.0"
    assert files.read(f"{path}/vendor") == b"0x1b36\n"
    shutil.move(root / "sys/devices/pci0000:00/0000:00:03.0", root / "sys/devices/0000:00:03.0")
    assert failure(files.read, f"{path}/vendor") == errno.ENOENT
    (root / "sys/bus/pci/devices/0000:00:03.0").unlink()
    (root / "sys/bus/pci/devices/0000:00:03.0").symlink_to("../../../devices/0000:00:03.0")
    assert files.read(f"{path}/vendor") == b"0x1b36\n"
    assert files.stat(f"{path}/vendor").size == 7
    assert files.realpath(path) == "/sys/devices/0000:00:03.0"


def test_files_of_any_size(root: Path) -> None:
    """Sizes that the file system tells wrongly do not matter."""
    data = os.urandom(200_000)
    (root / "sys/large").write_bytes(data)
    (root / "sys/empty").write_bytes(b"")
    with (root / "sys/sparse").open("wb") as sparse:
        sparse.truncate(10 << 30)
    files = SysrootFiles(str(root))
    assert files.read("/sys/large") == data
    assert files.read("/sys/large", 100_000) == data[:100_000]
    assert files.read("/sys/empty") == b""
    assert len(files.read("/sys/sparse")) == 1 << 20


def test_the_running_host_as_a_sysroot() -> None:
    """The kernel's own file systems give no sizes, and long files in pieces."""
    door = SysrootDoor("/")
    assert door.files.read("/proc/sys/kernel/ostype") == b"Linux\n"
    assert len(door.files.read("/proc/self/smaps")) > 4096
    who = door.processes.who(os.getpid())
    assert who is not None
    assert who.user == str(os.getuid())
    assert who.command == Path("/proc/self/comm").read_text().rstrip("\n")


def test_nothing_is_changed(root: Path) -> None:
    """Every change is a usage error that says why."""
    files = SysrootFiles(str(root))
    changes: list[Callable[[], None]] = [
        lambda: files.write("/sys/x", b"1"),
        lambda: files.mkdir("/sys/x"),
        lambda: files.rmdir("/sys/bus"),
        lambda: files.symlink("/sys/bus", "/sys/x"),
        lambda: files.unlink("/sys/bus/pci/devices/0000:00:03.0"),
    ]
    for change in changes:
        with pytest.raises(UsageError, match="--sysroot is read-only") as caught:
            change()
        assert caught.value.hint
    assert files.list("/sys") == ("bus", "devices")


def test_a_directory_that_cannot_serve(tmp_path: Path) -> None:
    """One line each, with the exit code that fits and a hint."""
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat/sys").touch()
    cases: list[tuple[str, type[P2pctlError]]] = [
        ("absent", NotFoundError),
        ("file", UsageError),
        ("empty", UsageError),
        ("flat", UsageError),
        ("with\0nul", UsageError),
    ]
    for name, kind in cases:
        with pytest.raises(kind) as caught:
            SysrootDoor(f"{tmp_path}/{name}")
        assert caught.value.hint
        assert "\n" not in caught.value.message


def test_a_directory_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permission denied is told as such."""

    def refuse(path: str) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(DeniedError):
        SysrootDoor(str(tmp_path))


def test_processes_of_a_plain_tree(root: Path) -> None:
    """From status and comm; the user is a number, for the names are those of another host."""
    (root / "proc/7").mkdir()
    (root / "proc/7/status").write_bytes(b"Name:\tfio\nPPid:\t1\nUid:\t1000\t1000\t1000\t1000\n")
    (root / "proc/8").mkdir()
    (root / "proc/8/status").write_bytes(b"garbage\xff\n")
    (root / "proc/8/comm").write_bytes(b"a b\n")
    door: Door = SysrootDoor(str(root))
    seven, eight = door.processes.who(7), door.processes.who(8)
    assert seven is not None
    assert eight is not None
    assert (seven.user, seven.command) == ("1000", "fio")
    assert (eight.user, eight.command) == ("?", "a b")
    assert door.processes.who(9) is None
    assert door.kind == "sysroot"
    assert door.now() > 1_700_000_000


def test_a_manifest_that_is_none(root: Path) -> None:
    """A directory that claims to be a capture has to be one."""
    (root / "p2pctl-capture.json").write_bytes(b"[" * 100_000)
    with pytest.raises(UsageError, match="not a p2pctl capture"):
        SysrootDoor(str(root))


def test_resolving_names_the_place() -> None:
    """The error of a place that cannot be reached has the same name, whichever way it was asked for."""
    links = {"/a/link": "../b"}
    there = {"/a", "/b"}

    def look(place: str) -> str | None:
        if place in links or place in there:
            return links.get(place)
        raise FileNotFoundError(errno.ENOENT, "", place)

    for path in ("/a/link/x/y", "/b/x/y", "a//link/./x/y/", "/a/../b/x/y"):
        with pytest.raises(FileNotFoundError) as caught:
            resolve(path, look)
        assert caught.value.filename == "/b/x/y"
    assert resolve("/a/link", look, last=False) == "/a/link"
    assert resolve("/a/link/", look) == "/b"
    assert resolve("/", look) == "/"
