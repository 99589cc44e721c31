from __future__ import annotations

import errno
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from p2pctl.kernel import Files
from p2pctl.simulator import export
from p2pctl.simulator.nodes import Attribute, Directory, File, Link, OpenDirectory, nest, refused, relative, text, walk
from p2pctl.simulator.tree import MemoryFiles

ticks = count()


def _tick() -> bytes:
    return f"{next(ticks)}\n".encode()


def _tree() -> Directory:
    device = Directory(
        {
            "vendor": text("0x144d"),
            "config": File(bytes(range(256)) * 16, 0o644, 4096, head=64),
            "level": File(_tick),
            "allocate": File(refused(errno.EIO), 0o660, 1 << 40),
            "remove": File(b"", 0o220),
            "maps": File(b"secret", guarded=True),
            "subsystem": Link("../../../bus/pci"),
            "loop": Link("loop"),
            "up": Link("../.."),
            "dead": Link("nowhere"),
        }
    )
    return nest(
        {
            "sys/devices/pci0000:00/0000:00:01.0": device,
            "sys/bus/pci/devices/0000:00:01.0": Link("../../../devices/pci0000:00/0000:00:01.0"),
            "sys/kernel/debug": Directory({"info": text("x")}, 0o700),
            "sys/kernel/config": Directory(
                {
                    "nvmet": OpenDirectory(
                        {
                            "ports": OpenDirectory(),
                            "subsystems": OpenDirectory({"nqn": OpenDirectory()}),
                            "discovery_nqn": Attribute(b"old\n", 0o644),
                            "revalidate_size": Attribute(b"", 0o200),
                        }
                    )
                }
            ),
        }
    )


FUNCTION = "/sys/bus/pci/devices/0000:00:01.0"
REAL = "/sys/devices/pci0000:00/0000:00:01.0"
NVMET = "/sys/kernel/config/nvmet"


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles(_tree())


@pytest.fixture
def everybody() -> MemoryFiles:
    return MemoryFiles(_tree(), privileged=False)


def _errno(call: Callable[[], object]) -> int | None:
    with pytest.raises(OSError, match=r".") as caught:
        call()
    return caught.value.errno


def test_is_what_the_door_asks_for() -> None:
    """MemoryFiles has every method of the protocol."""
    files: Files = MemoryFiles(_tree())
    assert files.read(f"{FUNCTION}/vendor") == b"0x144d\n"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda f: f.read("/sys/none"), errno.ENOENT),
        (lambda f: f.read("sys/bus"), errno.ENOENT),
        (lambda f: f.read("/sys/" + "x" * 256), errno.ENAMETOOLONG),
        (lambda f: f.read(FUNCTION), errno.EISDIR),
        (lambda f: f.read(f"{FUNCTION}/vendor/x"), errno.ENOTDIR),
        (lambda f: f.read(f"{FUNCTION}/vendor/"), errno.ENOTDIR),
        (lambda f: f.read(f"{FUNCTION}/loop"), errno.ELOOP),
        (lambda f: f.read(f"{FUNCTION}/dead"), errno.ENOENT),
        (lambda f: f.read(f"{FUNCTION}/allocate"), errno.EIO),
        (lambda f: f.read(f"{FUNCTION}/remove"), errno.EACCES),
        (lambda f: f.list(f"{FUNCTION}/vendor"), errno.ENOTDIR),
        (lambda f: f.list("/sys/none"), errno.ENOENT),
        (lambda f: f.readlink(f"{FUNCTION}/vendor"), errno.EINVAL),
        (lambda f: f.readlink(REAL), errno.EINVAL),
        (lambda f: f.realpath(f"{FUNCTION}/dead"), errno.ENOENT),
        (lambda f: f.stat("/sys/none"), errno.ENOENT),
        (lambda f: f.write(f"{FUNCTION}/vendor", b"1"), errno.EACCES),
        (lambda f: f.write(f"{FUNCTION}/config", b"1"), errno.EACCES),
        (lambda f: f.write(FUNCTION, b"1"), errno.EISDIR),
        (lambda f: f.write("/sys/none", b"1"), errno.ENOENT),
        (lambda f: f.mkdir("/sys/bus/new"), errno.EPERM),
        (lambda f: f.mkdir("/sys/kernel/config/new"), errno.EPERM),
        (lambda f: f.mkdir(f"{NVMET}/ports"), errno.EEXIST),
        (lambda f: f.mkdir(f"{NVMET}/none/x"), errno.ENOENT),
        (lambda f: f.mkdir(f"{NVMET}/discovery_nqn/x"), errno.ENOTDIR),
        (lambda f: f.mkdir(f"{NVMET}/" + "x" * 256), errno.ENAMETOOLONG),
        (lambda f: f.rmdir("/sys/bus/pci"), errno.EPERM),
        (lambda f: f.rmdir(f"{NVMET}/subsystems"), errno.ENOTEMPTY),
        (lambda f: f.rmdir(f"{NVMET}/discovery_nqn"), errno.ENOTDIR),
        (lambda f: f.rmdir(f"{NVMET}/none"), errno.ENOENT),
        (lambda f: f.rmdir(f"{NVMET}/ports/."), errno.EINVAL),
        (lambda f: f.symlink(REAL, "/sys/bus/link"), errno.EPERM),
        (lambda f: f.symlink(REAL, f"{NVMET}/ports"), errno.EEXIST),
        (lambda f: f.unlink(f"{FUNCTION}/subsystem"), errno.EPERM),
        (lambda f: f.unlink(f"{NVMET}/discovery_nqn"), errno.EPERM),
        (lambda f: f.unlink(f"{NVMET}/ports"), errno.EISDIR),
        (lambda f: f.unlink(f"{NVMET}/none"), errno.ENOENT),
    ],
)
def test_fails_with_the_kernels_errno(files: MemoryFiles, call: Callable[[MemoryFiles], object], expected: int) -> None:
    """Every failure is an OSError with the errno that a real tree gives."""
    assert _errno(lambda: call(files)) == expected


def test_errors_name_the_path(files: MemoryFiles) -> None:
    """Also when the contents themselves refuse."""
    with pytest.raises(OSError, match="Input/output") as caught:
        files.read(f"{FUNCTION}/allocate")
    assert caught.value.filename == f"{FUNCTION}/allocate"


def test_links_resolve_relative_to_where_they_are(files: MemoryFiles) -> None:
    """A link in the middle or at the end is followed; .. climbs from the real directory."""
    assert files.realpath(FUNCTION) == REAL
    assert files.realpath(f"{FUNCTION}/subsystem") == "/sys/bus/pci"
    assert files.realpath(f"{FUNCTION}/..") == "/sys/devices/pci0000:00"
    assert files.realpath(f"{FUNCTION}/up/../bus//./pci/") == "/sys/bus/pci"
    assert files.realpath("/..") == "/"
    assert files.readlink(FUNCTION) == "../../../devices/pci0000:00/0000:00:01.0"


def test_absolute_links_start_at_the_root() -> None:
    """As links in configfs would if users wrote them so."""
    files = MemoryFiles(nest({"a/link": Link("/b/c"), "b/c/d": text(1)}))
    assert files.realpath("/a/link/d") == "/b/c/d"


def test_a_chain_of_forty_links_is_the_longest() -> None:
    """The kernel follows 40 links in one lookup and refuses the next."""
    links: dict[str, File | Link] = {f"{n}": Link(f"{n + 1}") for n in range(41)}
    files = MemoryFiles(Directory(links | {"41": text("end")}))
    assert files.read("/1") == b"end\n"
    assert _errno(lambda: files.read("/0")) == errno.ELOOP


def test_stat_does_not_follow(files: MemoryFiles) -> None:
    """Kinds, modes and nominal sizes are the kernel's; a slash at the end follows."""
    assert files.stat(FUNCTION).kind == "link"
    assert files.stat(f"{FUNCTION}/").kind == "directory"
    assert (files.stat(f"{REAL}/vendor").kind, files.stat(f"{REAL}/vendor").mode) == ("file", 0o444)
    assert files.stat(f"{REAL}/vendor").size == 4096
    assert files.stat(f"{REAL}/allocate").size == 1 << 40


def test_lists_in_order(files: MemoryFiles) -> None:
    """Names come sorted, whatever order they were made in."""
    names = files.list(REAL)
    assert list(names) == sorted(names)
    assert "vendor" in names


def test_handles_see_what_changes(files: MemoryFiles) -> None:
    """Contents that are made at every read are made again through an open handle; a closed one is a bad descriptor."""
    with files.open(f"{FUNCTION}/level") as handle:
        first, second = handle.pread(0, 64), handle.pread(0, 64)
        assert int(second) == int(first) + 1
    assert _errno(lambda: handle.pread(0, 1)) == errno.EBADF
    handle.close()


def test_reads_pieces(files: MemoryFiles) -> None:
    """Offset and length are honoured, and the end is short."""
    with files.open(f"{FUNCTION}/config") as handle:
        assert handle.pread(0x34, 1) == b"\x34"
        assert len(handle.pread(4090, 100)) == 6
        assert handle.pread(5000, 4) == b""
    assert len(files.read(f"{FUNCTION}/config", limit=16)) == 16


def test_everybody_sees_less(everybody: MemoryFiles) -> None:
    """Without privilege: the head of configuration space, and nothing that the mode keeps from others."""
    assert len(everybody.read(f"{FUNCTION}/config")) == 64
    assert everybody.read(f"{FUNCTION}/vendor") == b"0x144d\n"
    for path in (f"{FUNCTION}/allocate", f"{FUNCTION}/maps", "/sys/kernel/debug/info"):
        assert _errno(lambda path=path: everybody.read(path)) == errno.EACCES  # type: ignore[misc]
    assert _errno(lambda: everybody.list("/sys/kernel/debug")) == errno.EACCES
    assert _errno(lambda: everybody.write(f"{NVMET}/discovery_nqn", b"x")) == errno.EACCES
    assert _errno(lambda: everybody.mkdir(f"{NVMET}/ports/1")) == errno.EACCES


def test_configfs_can_be_changed(files: MemoryFiles) -> None:
    """Directories, attributes and links below configfs are made, kept and removed."""
    files.write(f"{NVMET}/discovery_nqn", b"new")
    assert files.read(f"{NVMET}/discovery_nqn") == b"new"
    files.mkdir(f"{NVMET}/ports/1")
    files.symlink(f"{NVMET}/subsystems/nqn", f"{NVMET}/ports/1/nqn")
    assert files.readlink(f"{NVMET}/ports/1/nqn") == "../../subsystems/nqn"
    assert files.realpath(f"{NVMET}/ports/1/nqn") == f"{NVMET}/subsystems/nqn"
    assert _errno(lambda: files.rmdir(f"{NVMET}/ports/1")) == errno.ENOTEMPTY
    files.unlink(f"{NVMET}/ports/1/nqn")
    files.rmdir(f"{NVMET}/ports/1")
    assert files.list(f"{NVMET}/ports") == ()


def test_a_file_may_refuse_what_is_stored() -> None:
    """The seam for attributes with rules: what store raises reaches the writer, with the path."""

    class Bool(Attribute):
        def store(self, data: bytes) -> None:
            if data not in {b"0", b"1"}:
                raise OSError(errno.EINVAL, "")
            super().store(data)

    files = MemoryFiles(Directory({"enable": Bool(b"0", 0o644)}))
    files.write("/enable", b"1")
    with pytest.raises(OSError, match="Invalid") as caught:
        files.write("/enable", b"2")
    assert (caught.value.filename, files.read("/enable")) == ("/enable", b"1")


@pytest.mark.parametrize(
    ("target", "here", "written"),
    [
        ("/sys/bus/pci", "/sys/devices/pci0000:00/0000:00:03.0", "../../../bus/pci"),
        ("/sys/devices/pci0000:00/0000:00:03.0", "/sys/bus/pci/devices", "../../../devices/pci0000:00/0000:00:03.0"),
        ("/sys/devices/a/0000:03:00.0", "/sys/devices/a/0000:03:00.0/nvme/nvme0", "../../../0000:03:00.0"),
        ("/sys/devices/a/nvme/nvme0", "/sys/devices/a/nvme/nvme0/ng0n1", "../../nvme0"),
    ],
)
def test_links_are_written_as_the_kernel_writes_them(target: str, here: str, written: str) -> None:
    """The cases are links of recorded hosts."""
    assert relative(target, here) == written


def test_directories_are_filled_once() -> None:
    """A directory given as a function is made at the first look, and what changes later stays."""
    calls: list[int] = []

    def fill() -> dict[str, Attribute]:
        calls.append(1)
        return {"a": Attribute(b"1", 0o644)}

    files = MemoryFiles(Directory({"d": OpenDirectory(fill)}))
    assert calls == []
    files.write("/d/a", b"2")
    files.mkdir("/d/b")
    assert (files.read("/d/a"), files.list("/d"), len(calls)) == (b"2", ("a", "b"), 1)


def test_paths_do_not_hide_each_other() -> None:
    """Two nodes at one path, or one below a file, are a mistake of who builds."""
    with pytest.raises(FileExistsError):
        nest({"a/b": Directory(), "a/b/": Directory()})
    with pytest.raises(NotADirectoryError):
        nest({"a": text(1), "a/b": text(2)})


def test_writes_a_real_directory(tmp_path: Path) -> None:
    """Links stay relative; what is only mapped becomes an empty file; what refuses otherwise is left out."""
    tree = _tree()
    tree.entries["odd"] = File(refused(errno.EINVAL))
    tree.entries["unwanted"] = text(1)
    export.write(tree, str(tmp_path), without={"unwanted"})
    assert (tmp_path / "sys/bus/pci/devices/0000:00:01.0/vendor").read_text() == "0x144d\n"
    assert (tmp_path / "sys/bus/pci/devices/0000:00:01.0/allocate").read_bytes() == b""
    written = {f"/{path.relative_to(tmp_path)}" for path in tmp_path.rglob("*")}
    assert written == {path for path, _ in walk(tree)} - {"/odd", "/unwanted"}
