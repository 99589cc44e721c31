"""What is read of a host can be read again of its capture, packed and unpacked: the same bytes, the same errno."""

from __future__ import annotations

import errno
import gzip
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pctl.hardware.archive import CaptureDoor
from p2pctl.hardware.capture.build import contained
from p2pctl.hardware.capture.pieces import Pieces, holes
from p2pctl.hardware.capture.take import Taken, take
from p2pctl.hardware.snapshot import ALL_PARTS
from p2pctl.hardware.snapshot import take as take_snapshot
from p2pctl.hardware.sysroot import SysrootDoor
from p2pctl.kernel import Door, Files, Process
from p2pctl.model.facts import UNREADABLE, Missing
from p2pctl.model.snapshot import Snapshot, Source
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.nodes import Contents, Directory, File, Link, refused
from tests.trees import TreeDoor, pci_function, tree

Entries = Mapping[str, Contents | Link | File | None]
Step = tuple[str, str, int, int]
"""What is asked, of which path, and two numbers for it."""

GONE = {errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO}
EMPTY = Snapshot(Source("sysroot", UNREADABLE, UNREADABLE, UNREADABLE), 0.0)

FUNCTION = "/sys/devices/pci0000:00/0000:00:03.0"
NVMET = "/sys/kernel/config/nvmet"
POOL = f"{FUNCTION}/p2pmem"


def replays(taken: Taken, tmp_path: Path) -> tuple[Door, Door]:
    """The capture as a file, and unpacked by tar's strictest rules."""
    path = tmp_path / "capture.tar.gz"
    path.write_bytes(taken.data)
    top = tmp_path / "unpacked"
    top.mkdir(exist_ok=True)
    target = top / str(len(list(top.iterdir())))
    strict: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # since 3.11.4
    with tarfile.open(path) as archive:
        archive.extractall(target, **strict)  # noqa: S202  the capture was made a moment ago
    return CaptureDoor(str(path)), SysrootDoor(str(target))


def ask(files: Files, step: Step) -> object:
    """The answer to one step: a value, or the errno, where all that mean "not there" are one."""
    kind, path, offset, length = step
    calls: dict[str, Callable[[], object]] = {
        "read": lambda: files.read(path),
        "some": lambda: files.read(path, length),
        "piece": lambda: piece(files, path, offset, length),
        "list": lambda: files.list(path),
        "link": lambda: files.readlink(path),
        "place": lambda: files.realpath(path),
        "kind": lambda: files.stat(path).kind,
    }
    try:
        return calls[kind]()
    except OSError as error:
        return "absent" if error.errno in GONE else error.errno


def piece(files: Files, path: str, offset: int, length: int) -> bytes:
    with files.open(path) as handle:
        return handle.pread(offset, length)


TREE: Entries = {
    "/sys/bus/pci/devices/0000:00:03.0": Link("../../../devices/pci0000:00/0000:00:03.0"),
    f"{FUNCTION}/vendor": b"0x1b36\n",
    f"{FUNCTION}/uevent": b"",
    f"{FUNCTION}/numa_node": refused(errno.EIO),
    f"{FUNCTION}/current_link_speed": refused(errno.EINVAL),
    f"{FUNCTION}/class": refused(errno.ENODEV),
    f"{FUNCTION}/resource": File(b"closed", mode=0o600),
    f"{FUNCTION}/config": File(bytes(range(256)) * 16, head=64),
    f"{FUNCTION}/driver": Link("../../../bus/pci/drivers/nvme"),
    f"{FUNCTION}/iommu_group": Link("../../../kernel/iommu_groups/7"),
    f"{FUNCTION}/physfn": Link("../0000:00:99.0"),
    f"{POOL}/size": b"1048576\n",
    f"{POOL}/allocate": File(refused(errno.EIO), mode=0o600),
    "/sys/bus/pci/drivers/nvme": None,
    "/sys/kernel/iommu_groups/7/type": b"DMA\n",
    "/sys/kernel/debug/dma_buf/bufinfo": File(b"Dma-buf Objects:\n", mode=0o400),
    "/sys/class/net/enp1s0": Link("../../devices/virtual/net/loop"),
    "/sys/devices/virtual/net/loop": Link("loop"),
    "/sys/class/iommu": None,
    f"{NVMET}/hosts/not an nqn": None,
    f"{NVMET}/subsystems/caf\xe9 \x1b[31m\n\udcff/attr_serial": b"\xff\xfe\x00",
    f"{NVMET}/subsystems/caf\xe9 \x1b[31m\n\udcff/allowed_hosts/other": Link("../../../hosts/not an nqn"),
    f"{NVMET}/subsystems/caf\xe9 \x1b[31m\n\udcff/namespaces/1/revalidate_size": File(b"", mode=0o200),
    f"{NVMET}/ports": None,
    "/proc/sys/kernel/hostname": b"box\n",
}
LONG = "n" * 255
PATHS = sorted(
    {
        *TREE,
        *("/".join(path.split("/")[:count]) for path in TREE for count in range(2, path.count("/") + 1)),
        "/",
        f"{FUNCTION}/absent",
        f"{FUNCTION}/absent/deeper",
        f"{FUNCTION}/vendor/below",
        f"{FUNCTION}/driver/absent",
        f"{FUNCTION}/../0000:00:03.0/vendor",
        f"{FUNCTION}/",
        "/sys/bus/pci/devices/0000:00:03.0/p2pmem/size",
        "/sys/bus/pci/devices/0000:00:03.0/config",
        "/sys/bus/pci/devices/0000:00:03.0/driver",
        "/sys/bus/pci/devices/0000:00:03.0/iommu_group/type",
        "/sys/class/net/enp1s0/operstate",
        "/sys/kernel/debug/dma_buf/absent/x",
    }
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["read", "some", "piece", "list", "link", "place", "kind"]),
        st.sampled_from(PATHS),
        st.integers(0, 4200),
        st.integers(1, 300),
    ),
    max_size=40,
)
RANDOM = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)


def host(*, privileged: bool, closed: bool = False) -> TreeDoor:
    files = tree(TREE, privileged=privileged)
    if closed:
        # What the kernel does to debugfs: only root passes.
        debug: object = files._root
        for name in ("sys", "kernel", "debug"):
            assert isinstance(debug, Directory)
            debug = debug.entries[name]
        assert isinstance(debug, Directory)
        debug.mode = 0o700
    return TreeDoor(files)


@RANDOM
@given(steps=STEPS, privileged=st.booleans(), closed=st.booleans())
def test_any_reads_can_be_repeated(tmp_path: Path, steps: list[Step], *, privileged: bool, closed: bool) -> None:
    """Any reads in any order, as root and not, with links, holes, errors and directories that are closed."""
    door = host(privileged=privileged, closed=closed)
    answers: list[object] = []

    def read(recording: Door) -> Snapshot:
        answers.extend(ask(recording.files, step) for step in steps)
        return EMPTY

    taken = take(door, read, root=privileged)
    assert answers == [ask(door.files, step) for step in steps], "recording changes no answer"
    # A name in a listing that no reader knows is not kept: the driver below /sys/bus/pci and the like.
    for replay in replays(taken, tmp_path):
        for step, answer in zip(steps, answers, strict=True):
            again = ask(replay.files, step)
            if step[0] == "list" and isinstance(answer, tuple):
                assert isinstance(again, tuple), step
                assert set(again) <= set(answer), step
            else:
                assert again == answer, step


KEPT = (
    FUNCTION, POOL, "/sys/bus/pci/devices", "/sys/kernel/iommu_groups", "/sys/class/net", "/sys/class/iommu",
    f"{NVMET}/hosts", f"{NVMET}/subsystems", f"{NVMET}/ports",
    f"{NVMET}/subsystems/caf\xe9 \x1b[31m\n\udcff", f"{NVMET}/subsystems/caf\xe9 \x1b[31m\n\udcff/allowed_hosts",
    f"{NVMET}/subsystems/caf\xe9 \x1b[31m\n\udcff/namespaces",
    f"{NVMET}/subsystems/caf\xe9 \x1b[31m\n\udcff/namespaces/1",
)  # fmt: skip


def test_listings_are_complete_where_readers_look(tmp_path: Path) -> None:
    """Though nothing else is asked of what is in them; and a name that nobody looked at has no contents."""
    door = host(privileged=True)

    def read(recording: Door) -> Snapshot:
        for path in KEPT:
            recording.files.list(path)
        return EMPTY

    for replay in replays(take(door, read, root=True), tmp_path):
        for path in KEPT:
            assert replay.files.list(path) == door.files.list(path)
        assert ask(replay.files, ("read", f"{FUNCTION}/vendor", 0, 0)) == errno.ENODATA
        assert replay.files.readlink(f"{FUNCTION}/driver") == "../../../bus/pci/drivers/nvme"
        assert replay.files.stat(f"{POOL}/allocate").kind == "file"


def test_a_short_configuration_space_stays_short(tmp_path: Path) -> None:
    """64 bytes, as users other than root get it, and not zeros behind them."""

    def read(recording: Door) -> Snapshot:
        with recording.files.open(f"{FUNCTION}/config") as handle:
            assert len(handle.pread(0, 256)) == 64
        return EMPTY

    for replay in replays(take(host(privileged=False), read, root=False), tmp_path):
        assert len(replay.files.read(f"{FUNCTION}/config")) == 64


def test_registers_that_nobody_read_are_no_zeros(tmp_path: Path) -> None:
    """A later p2pctl that asks for more must not take a hole for a capability that is not there."""

    def read(recording: Door) -> Snapshot:
        with recording.files.open(f"{FUNCTION}/config") as handle:
            handle.pread(0, 64)
            handle.pread(256, 4)
        return EMPTY

    taken = take(host(privileged=True), read, root=True)
    assert taken.manifest.holes == {f"{FUNCTION}/config": ((64, 256),)}
    for replay in replays(taken, tmp_path):
        assert piece(replay.files, f"{FUNCTION}/config", 0, 64) == bytes(range(64))
        assert piece(replay.files, f"{FUNCTION}/config", 256, 4) == bytes(range(4))
        for offset, length in ((64, 4), (60, 8), (0, 4096), (252, 8)):
            assert ask(replay.files, ("piece", f"{FUNCTION}/config", offset, length)) == errno.ENODATA


@pytest.mark.parametrize("source", ["root", "user"])
@pytest.mark.parametrize("form", ["file", "unpacked"])
def test_the_demo_host_reads_the_same(tmp_path: Path, source: str, form: str) -> None:
    """Every part of the Snapshot, gaps included, from all the readers there are."""
    door = DemoDoor(lambda: 7.0, privileged=source == "root")

    def everything(source: Door) -> Snapshot:
        return take_snapshot(source, ALL_PARTS)

    taken = take(door, everything, root=source == "root")
    replay = replays(taken, tmp_path)[form == "unpacked"]
    assert plain(everything(replay)) == plain(everything(door))
    assert taken.manifest.gaps == everything(door).gaps
    assert taken.manifest.withheld == ()


def plain(value: object) -> object:
    """The same without times and the kind of source, comparable with a message that shows where it differs."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.name not in {"taken", "kind"}]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, tuple) and not isinstance(value, Missing):
        return [plain(each) for each in value]
    return value


def test_processes_that_hold_memory(tmp_path: Path) -> None:
    """Only they are in it, with the lines that matter; those that could not be looked into stay known as such."""
    maps = b"7f00-7f10 rw-s 0 00:1 5 " + POOL.encode() + b"/allocate\n7fff-8000 r--p 0 00:1 5 /home/canary/libx.so\n"
    entries: Entries = {
        "/proc/11/maps": maps,
        "/proc/11/status": b"Name:\tfio\nUmask:\t0022\nPPid:\t1\nUid:\t0\t0\t0\t0\nSeccomp:\t0\n",
        "/proc/12/maps": b"7f00-7f10 r--p 0 00:1 5 /home/canary/liby.so\n",
        "/proc/12/status": b"Name:\tcanary\nPPid:\t1\n",
        "/proc/13/maps": File(b"", guarded=True),
        "/proc/14/maps": refused(errno.ESRCH),
    }
    door = TreeDoor(tree(entries, privileged=False), {pid: Process(pid, "user", f"c{pid}") for pid in (11, 12, 13)})

    def read(recording: Door) -> Snapshot:
        for name in recording.files.list("/proc"):
            ask(recording.files, ("read", f"/proc/{name}/maps", 0, 0))
            ask(recording.files, ("read", f"/proc/{name}/status", 0, 0))
        recording.processes.who(11)
        recording.processes.who(12)
        return EMPTY

    taken = take(door, read, root=False)
    assert set(taken.manifest.processes) == {11}
    assert b"canary" not in gzip.decompress(taken.data)
    for replay in replays(taken, tmp_path):
        assert replay.files.list("/proc") == ("11", "13")
        assert replay.files.read("/proc/11/maps") == maps[: maps.index(b"\n") + 1]
        assert replay.files.read("/proc/11/status") == b"Name:\tfio\nPPid:\t1\nUid:\t0\t0\t0\t0\n"
        assert ask(replay.files, ("read", "/proc/13/maps", 0, 0)) == errno.EACCES
        assert ask(replay.files, ("read", "/proc/12/maps", 0, 0)) == "absent"
        assert replay.processes.who(11) == Process(11, "user", "c11")
        assert replay.processes.who(12) is None


def test_a_host_that_changes_meanwhile(tmp_path: Path) -> None:
    """Contents of two times are not mixed, and a device that goes away leaves no member without a place."""
    values = iter([b"1000\n", b"999\n", b"5\n"])
    door = TreeDoor(tree({f"{POOL}/available": lambda: next(values), f"{POOL}/size": b"1"}))

    def read(recording: Door) -> Snapshot:
        first = recording.files.read(f"{POOL}/available")
        assert [first, recording.files.read(f"{POOL}/available")] == [b"1000\n", b"999\n"]
        recording.files.read(f"{POOL}/size")
        recording.files.list(POOL)
        directory = door.files._root
        for name in ("sys", "devices"):
            child = directory.entries[name]
            assert isinstance(child, Directory)
            directory = child
        del directory.entries["pci0000:00"]
        directory.entries["pci0000:00"] = Link("elsewhere")
        assert recording.files.stat("/sys/devices/pci0000:00").kind == "link"
        return EMPTY

    for replay in replays(take(door, read, root=True), tmp_path):
        assert ask(replay.files, ("kind", "/sys/devices/pci0000:00", 0, 0)) == "link"


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 60)), max_size=12), st.integers(0, 100))
def test_pieces_of_a_file(reads: list[tuple[int, int]], size: int) -> None:
    """Whatever was read of it can be read again, the end is where it was, and the rest is known as unknown."""
    data = bytes(range(size))
    pieces = Pieces()
    for offset, length in reads:
        pieces.add(offset, data[offset : offset + length], asked=length)
    whole, unknown = pieces.contents()
    for offset, length in reads:
        assert whole[offset : offset + length] == data[offset : offset + length]
    read = {place for offset, length in reads for place in range(offset, min(offset + length, size))}
    missing = {place for start, end in unknown for place in range(start, end)}
    assert missing.isdisjoint(read)
    assert read | missing >= set(range(len(whole)))


def test_a_read_that_fails_is_where_the_file_ends() -> None:
    """Known bytes stay, what follows the failure does not pass for zeros."""
    pieces = Pieces()
    pieces.add(0, b"0123", asked=4)
    pieces.add(8, b"89", asked=2)
    pieces.add(4, b"", asked=1)
    assert pieces.contents() == (b"0123", ())
    assert holes([(2, 4), (6, 8)], 0, 10) == ((0, 2), (4, 6), (8, 10))


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        ("/sys/a/b", "../c", "../c"),
        ("/sys/a/b", "../../../../c", "../../c"),
        ("/sys/a/b", "/proc/x", "../../proc/x"),
        ("/sys/a/b", "/", "../.."),
        ("/b", "/sys", "sys"),
        ("/b", "..", "."),
        ("/sys/a/b", "c/../../../../d", "../../d"),
    ],
)
def test_links_that_lead_out_are_turned_inwards(path: str, target: str, expected: str) -> None:
    """So that unpacking a capture makes no link that leaves it; the kernel makes none of that sort."""
    assert contained(path, target) == expected


def test_absolute_links_lead_where_they_led(tmp_path: Path) -> None:
    """In the capture and unpacked."""
    entries: Entries = {**pci_function("0000:00:03.0"), "/sys/class/net/x": Link(f"{FUNCTION}")}
    door = TreeDoor(tree(entries))

    def read(recording: Door) -> Snapshot:
        recording.files.read("/sys/class/net/x/uevent")
        return EMPTY

    for replay in replays(take(door, read, root=True), tmp_path):
        assert replay.files.realpath("/sys/class/net/x") == FUNCTION
        assert replay.files.read("/sys/class/net/x/uevent") == door.files.read(f"{FUNCTION}/uevent")
