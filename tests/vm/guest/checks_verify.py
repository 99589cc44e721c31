"""`p2pctl verify` against the running kernel: every pair, with drives that hold patterns, through memory of pools."""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from p2pctl.hardware.memory import LiveMemory
from p2pctl.kernel import Part
from p2pctl.proof.data import pattern
from tests.vm.guest.api import ENTRY, NVMET, Context, modprobe, reset_nvmet, wait
from tests.vm.guest.kernel_files import ask, pools

MIB = 1 << 20
LENGTH = 2 * MIB
"""Bytes of every drive that hold a pattern."""
MOUNT = Path("/tmp/p2pctl-mount")
SECONDS = 300


def check_every_pair_does_what_verify_says(context: Context) -> None:
    """Result and data of every pool and drive are those of a transfer that this test makes itself."""
    patterns = {address: fill(disk) for address, disk in first_disks().items()}
    assert len(set(patterns.values())) == len(patterns)
    assert not any(pattern.count(pattern[:1]) == len(pattern) for pattern in patterns.values())
    document = ask(context, "verify", "--all")
    items = document["items"]
    expected = {
        (provider, client): transfer(path, disk, patterns[client])
        for provider, path in pools().items()
        for client, disk in first_disks().items()
    }
    found = {(item["provider"], item["client"]): item for item in items}
    assert found.keys() == expected.keys()
    assert expected, "the premise: there are pairs"
    for pair, answer in expected.items():
        item = found[pair]
        assert (item["errno"] or item["data"]["right"]) == answer, (pair, item, answer)
        assert item["result"] == ("works" if answer is True else "refused"), item
        assert item["agrees"] is True, item
        assert item["data"] is None or item["data"]["uniform"] is False, item
        before, during = item["pool"]["available_before"], item["pool"]["available_during"]
        assert before == int((pools()[pair[0]] / "available").read_text()), item
        assert before - during == item["bytes"] == min(MIB, before // 8 // 4096 * 4096), item
    assert document["summary"]["disagreements"] == 0
    assert context.p2pctl("verify", "--all", "--exit-code", "-q").code == 0
    (context.out / "verify.json").write_text(json.dumps(document))


def check_one_pair_has_its_exit_code(context: Context) -> None:
    """0 where the data arrive, 8 where the kernel refuses, and the page says which."""
    seen = set()
    for item in ask(context, "verify", "--all")["items"]:
        if item["result"] in seen:
            continue
        seen.add(item["result"])
        works = item["result"] == "works"
        ran = context.p2pctl("verify", item["provider"], item["client"], "--exit-code", "-o", "table")
        assert ran.code == (0 if works else 8), ran
        assert ("It works" if works else "It does not work, as was predicted") in ran.out, ran
    assert "works" in seen, "a drive with a pool reaches its own"


def check_a_pattern_goes_from_drive_to_drive_through_the_pool(context: Context) -> None:
    """What is read into the pool from one drive is written from it to another, and the level falls meanwhile."""
    allowed = [item for item in ask(context, "verify", "--all")["items"] if item["result"] == "works"]
    disks = first_disks()
    ways = [
        (one["provider"], one["client"], other["client"])
        for one in allowed
        for other in allowed
        if one["provider"] == other["provider"] and one["client"] != other["client"]
    ]
    (context.out / "ways").write_text(json.dumps(ways))
    alone = context.topology == "switch-acs-iommu"  # there a drive reaches its own memory alone
    assert bool(ways) is not alone, ways
    for provider, source, destination in ways[:4]:
        data = fill(disks[source])
        fill(disks[destination])
        memory = LiveMemory()
        level = pools()[provider] / "available"
        before = int(level.read_text())
        with (
            contextlib.closing(memory.map(str(pools()[provider] / "allocate"), MIB)) as region,
            contextlib.closing(memory.open(disks[source])) as here,
            contextlib.closing(memory.open(disks[destination], write=True)) as there,
        ):
            region.put(0, bytes(MIB))
            assert int(level.read_text()) == before - MIB
            assert here.read(MIB, [Part(region, 0, MIB)]) == MIB
            assert there.write(0, [Part(region, 0, MIB)]) == MIB
        assert int(level.read_text()) == before
        assert ordinary(disks[destination], 0) == data[MIB:]


def check_mixed_transfers_are_judged_by_their_data(context: Context) -> None:
    """Half pool, half ordinary: what the kernel makes of both orders, data compared; nothing arrives wrong."""
    for disk in first_disks().values():
        fill(disk)
    document = ask(context, "verify", "--all", "--mixed", "--even-denied")
    items = document["items"]
    by_layout = {
        layout: [i for i in items if i["layout"] == layout] for layout in ("pool", "pool-first", "ordinary-first")
    }
    assert len({len(found) for found in by_layout.values()}) == 1
    lines = {
        f"{i['layout']} predicted {i['verdict']} ({i['map_type']}): {i['result']} {i['error']} {i['text']}"
        for i in items
    }
    (context.out / "mixed").write_text("\n".join(sorted(lines)))
    for item in by_layout["pool-first"]:
        alone = next(i for i in by_layout["pool"] if (i["provider"], i["client"]) == (item["provider"], item["client"]))
        assert (item["result"], item["errno"]) == (alone["result"], alone["errno"]), item


def check_writing_leaves_the_drive_as_it_was(context: Context) -> None:
    """Patterns go both ways through the pool, and afterwards every byte is what it was before."""
    allowed = [item for item in ask(context, "verify", "--all")["items"] if item["result"] == "works"]
    item = allowed[0]
    disk = first_disks()[item["client"]]
    fill(disk)
    before = digest(disk)
    document = ask(context, "verify", item["provider"], disk, "--write", "--confirm", disk.rpartition("/")[2])
    assert [(one["direction"], one["result"]) for one in document["items"]] == [("read", "works"), ("write", "works")]
    assert digest(disk) == before
    assert not list(Path("/var/lib/p2pctl").glob("overwritten*"))


def check_nothing_is_written_to_what_is_in_use(context: Context) -> None:
    """A disk that is swapped to, one that is exported, and one whose name nobody says."""
    provider, disk = next(iter(pools())), next(iter(first_disks().values()))
    name = disk.rpartition("/")[2]
    fill(disk)
    before = digest(disk)

    def refused(word: str, code: int, *words: str) -> None:
        ran = context.p2pctl("verify", provider, disk, "--write", *words)
        assert (ran.code, word in ran.err) == (code, True), ran

    refused("--confirm", 2)
    refused("--confirm", 2, "--confirm", "nvme77n1")
    namespace = NVMET / "subsystems/nqn.2026-01.io.example:verify/namespaces/1"
    namespace.parent.parent.mkdir()
    namespace.mkdir()
    try:
        (namespace / "device_path").write_text(disk)
        refused("exported", 6, "--confirm", name)
    finally:
        reset_nvmet()
    with _held(disk):
        refused("busy", 6, "--confirm", name)
    assert digest(disk) == before
    subprocess.run(["mkswap", disk], check=True, capture_output=True)
    subprocess.run(["swapon", disk], check=True)
    try:
        refused("swap", 6, "--confirm", name)
    finally:
        subprocess.run(["swapoff", disk], check=True)
    refused("it holds swap", 6, "--confirm", name)


def check_no_use_of_a_disk_is_overlooked(context: Context) -> None:
    """Those that O_EXCL tells, and those that it does not: a loop device, a reader, one by a node of its own."""
    provider, disk = next(iter(pools())), next(iter(first_disks().values()))
    first, number = f"{disk}p1", Path(disk).stat().st_rdev
    generic = disk.replace("nvme", "ng", 1)
    uses: list[tuple[str, str, Callable[[], AbstractContextManager[None]]]] = [
        (disk, f"mounted on {MOUNT}", lambda: _mounted(disk)),
        (disk, "part of md", lambda: _member(disk)),
        (disk, "has partitions (nvme", lambda: _partition(disk)),
        (first, "its whole disk is part of md", lambda: _both(_partition(disk), lambda: _member(disk))),
        (first, "its whole disk is used: loop", lambda: _both(_partition(disk), lambda: _looped(disk))),
        (disk, "is on it", lambda: _looped(disk)),
        (disk, f"has {disk} open", lambda: _reader(disk)),
        (disk, f"has {generic} open", lambda: _reader(generic)),
        (disk, f"has {disk} open", lambda: _reader("/dev/volume", number)),
    ]
    for named, why, use in uses:
        fill(disk)
        with use():
            ran = context.p2pctl("verify", provider, named, "--write", "--confirm", named.rpartition("/")[2])
        assert (ran.code, why in ran.err) == (6, True), (why, ran)
    assert context.p2pctl("verify", provider, disk, "--write", "--confirm", disk.rpartition("/")[2]).code == 0


def check_the_pool_is_whole_again_after_a_kill(_context: Context) -> None:
    """SIGKILL while a piece is mapped: the kernel takes it back."""
    (path,) = list(pools().values())[:1]
    level = path / "available"
    before = int(level.read_text())
    with subprocess.Popen(
        [sys.executable, "-c", ENTRY, "verify", path.parent.name, _own(path.parent.name), "--size", "2M", "--mixed"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        assert wait(lambda: int(level.read_text()) < before or process.poll() is not None, 120)
        assert process.poll() is None, "it was caught while it had the piece"
        process.send_signal(signal.SIGKILL)
    assert wait(lambda: int(level.read_text()) == before)


def check_what_a_signal_interrupts_is_put_back(context: Context) -> None:
    """SIGTERM leaves the drive as it was; after SIGKILL the next run refuses, and recover puts back.

    Whenever the kill came: a pattern of verify's is put back, and somebody's data only where the disk is named.
    """
    works = [item for item in ask(context, "verify", "--all")["items"] if item["result"] == "works"]
    provider, disk = works[0]["provider"], first_disks()[works[0]["client"]]
    name = disk.rpartition("/")[2]
    words = ["verify", provider, disk, "--write", "--confirm", name, "--size", "2M", "--mixed"]
    fill(disk)
    before = digest(disk)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with subprocess.Popen(
            [sys.executable, "-c", ENTRY, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            assert wait(lambda: _kept() or process.poll() is not None, 120)
            assert process.poll() is None, "it was caught in the middle"
            process.send_signal(number)
        assert process.returncode != 0
        assert bool(_kept()) is (number == signal.SIGKILL), number
        if not _kept():
            assert digest(disk) == before
    told = context.p2pctl(*words, "-o", "json")
    assert told.code == 10, told
    assert "recover" in json.loads(told.err)["hint"], told
    (kept,) = _kept()
    record = kept.read_text()
    offset = json.loads(record)["offset"]
    for data, ways in (
        (b"", [("--yes", 0)]),
        (pattern(f"{disk} {offset} pool", MIB), [("--rollback", 2), ("--yes", 0)]),
        (os.urandom(MIB), [("--yes", 2), (f"--confirm={name}", 0)]),
    ):
        kept.write_text(record)
        spoil(disk, offset, data)
        for word, code in ways:
            ran = context.p2pctl("recover", word)
            assert (ran.code, bool(_kept())) == (code, bool(code)), ran
            assert ordinary(disk, offset) == data or not code, ran
        assert digest(disk) == before
    assert context.p2pctl(*words).code == 0
    assert digest(disk) == before


def _kept() -> list[Path]:
    return list(Path("/var/lib/p2pctl").glob("overwritten.json"))


def check_the_kernel_answers_as_user_space_found(context: Context) -> None:
    """The target's own check of every pair says what the transfers said, and nothing is left."""
    for item in ask(context, "verify", "--all")["items"]:
        (told,) = ask(context, "explain", item["provider"], item["client"], "--ask-kernel")["items"]
        assert told["kernel"]["answer"] == ("allowed" if item["result"] == "works" else "denied"), (
            item,
            told["kernel"],
        )
        assert told["kernel"]["agrees"] is True, told["kernel"]
        assert told["kernel"]["errno"] == item["errno"], told["kernel"]
        lines = " ".join(told["kernel"]["log"])
        assert item["result"] == "works" or item["provider"] in lines, told["kernel"]
        assert not list(NVMET.glob("subsystems/*"))


def check_a_killed_question_is_taken_away_by_the_next(context: Context) -> None:
    """SIGKILL once the scratch subsystem is there."""
    (provider,) = list(pools())[:1]
    words = ["explain", provider, provider, "--ask-kernel"]
    with subprocess.Popen(
        [sys.executable, "-c", ENTRY, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        assert wait(lambda: list(NVMET.glob("subsystems/*scratch*")) or process.poll() is not None, 120)
        process.send_signal(signal.SIGKILL)
    assert list(NVMET.glob("subsystems/*scratch*")), "it was caught in the middle"
    (told,) = ask(context, *words)["items"]
    assert told["kernel"]["answer"] == "allowed"
    assert not list(NVMET.glob("subsystems/*"))
    recovered = context.p2pctl("recover", "--yes")
    assert recovered.code == 0, recovered


# Everything below is the test's own: nothing of it is p2pctl's.


def ask_pairs(context: Context) -> dict[str, Any]:
    """What verify says of all pairs."""
    return ask(context, "verify", "--all")


def first_disks() -> dict[str, str]:
    """The device node of each drive's first namespace, by address."""
    found = {}
    for path in sorted(Path("/sys/block").glob("nvme*n*")):
        found[(path / "device/device").resolve().name] = f"/dev/{path.name}"
    return found


def _own(address: str) -> str:
    return first_disks()[address]


def fill(disk: str) -> bytes:
    """Writes a pattern to the start of a drive, past the page cache."""
    data = os.urandom(LENGTH)
    with _opened(disk, os.O_RDWR) as descriptor, mmap.mmap(-1, LENGTH) as memory:
        memory[:] = data
        assert os.pwritev(descriptor, [memory], 0) == LENGTH
    return data


def spoil(disk: str, offset: int, data: bytes) -> None:
    """Writes a MiB, if it is one, to a place, past the page cache."""
    if not data:
        return
    with _opened(disk, os.O_RDWR) as descriptor, mmap.mmap(-1, MIB) as memory:
        memory[:] = data
        assert os.pwritev(descriptor, [memory], offset) == MIB


def digest(disk: str) -> str:
    """Of every byte of a drive, read past the page cache."""
    found = hashlib.blake2b()  # the fastest where a machine is emulated
    with _opened(disk, os.O_RDONLY) as descriptor, mmap.mmap(-1, MIB) as memory:
        for offset in range(0, os.lseek(descriptor, 0, os.SEEK_END), MIB):
            assert os.preadv(descriptor, [memory], offset) == MIB
            found.update(memory)
    return found.hexdigest()


def ordinary(disk: str, offset: int) -> bytes:
    with _opened(disk, os.O_RDONLY) as descriptor, mmap.mmap(-1, MIB) as memory:
        assert os.preadv(descriptor, [memory], offset) == MIB
        return memory[:]


def transfer(pool: Path, disk: str, pattern: bytes) -> Any:
    """Whether a read into the pool gives the drive's pattern, or the kernel's errno."""
    with (
        _opened(disk, os.O_RDONLY) as descriptor,
        (pool / "allocate").open("r+b") as file,
        mmap.mmap(file.fileno(), MIB, mmap.MAP_SHARED) as memory,
    ):
        memory[:] = bytes(MIB)
        try:
            os.preadv(descriptor, [memory], 0)
        except OSError as error:
            return error.errno
        return memory[:] == pattern[:MIB]


@contextlib.contextmanager
def _opened(disk: str, flags: int) -> Iterator[int]:
    descriptor = os.open(disk, flags | os.O_DIRECT)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _held(disk: str) -> Iterator[None]:
    """Somebody claims the disk, as a mount does."""
    with _opened(disk, os.O_RDONLY | os.O_EXCL):
        yield


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@contextlib.contextmanager
def _mounted(disk: str) -> Iterator[None]:
    modprobe("minix")
    _run("mkfs.minix", disk)
    MOUNT.mkdir(exist_ok=True)
    _run("mount", "-t", "minix", disk, str(MOUNT))
    try:
        yield
    finally:
        _run("umount", str(MOUNT))


@contextlib.contextmanager
def _member(disk: str) -> Iterator[None]:
    """Part of an array that is being put together (Documentation/admin-guide/md.rst)."""
    modprobe("md-mod")
    array = Path("/sys/block/md_vm/md")
    if not array.exists():
        Path("/sys/module/md_mod/parameters/new_array").write_text("md_vm")
    try:
        (array / "metadata_version").write_text("none")
        number = Path(disk).stat().st_rdev
        (array / "new_dev").write_text(f"{os.major(number)}:{os.minor(number)}")
        yield
    finally:
        (array / "array_state").write_text("clear")
        assert wait(lambda: not list(Path(f"/sys/class/block/{Path(disk).name}/holders").iterdir()), 20)


@contextlib.contextmanager
def _partition(disk: str) -> Iterator[None]:
    _run("addpart", disk, "1", "32768", "32768")
    try:
        assert wait(Path(f"{disk}p1").exists, 20)
        yield
    finally:
        _run("delpart", disk, "1")


@contextlib.contextmanager
def _looped(disk: str) -> Iterator[None]:
    modprobe("loop")
    loop = _run("losetup", "--find", "--show", disk)
    try:
        yield
    finally:
        _run("losetup", "--detach", loop)
        assert wait(lambda: not Path(f"/sys/block/{loop.rpartition('/')[2]}/loop").exists(), 20)


@contextlib.contextmanager
def _reader(path: str, number: int | None = None) -> Iterator[None]:
    """Another process has it open and claims nothing; by a node that is made for it where its number is given."""
    if number is not None:
        os.mknod(path, 0o600 | stat.S_IFBLK, number)
    program = "import sys; f = open(sys.argv[1], 'rb', 0); print('open', flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", program, path]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield
        process.communicate(b"")
    if number is not None:
        Path(path).unlink()


@contextlib.contextmanager
def _both(outer: AbstractContextManager[None], inner: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    with outer, inner():
        yield
