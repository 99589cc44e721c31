"""What is written over and put back, on real files: deaths and drives that go at every operation, and full disks."""

from __future__ import annotations

import errno
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from p2pctl.cli.rescue import KeptFile, left_in, refuse_left
from p2pctl.errors import ExitCode, P2pctlError, PartialError, RecoverError
from p2pctl.hardware.memory import LiveMemory
from p2pctl.kernel import Part, Stretch
from p2pctl.proof import copying
from p2pctl.proof.blank import PIECE, Blank
from p2pctl.proof.copying import Ends, Limits, Memories, check_copy, copy_whole
from p2pctl.proof.figures import Setting, Way
from p2pctl.proof.histogram import Histogram
from p2pctl.proof.reading import Bench, Place
from p2pctl.proof.writing import first_foreign, put_back, restore, write_through
from p2pctl.simulator.memory import DemoMemory, MemoryDisk
from tests.faults.conftest import Fault, Note, Run
from tests.faults.test_changes import room
from tests.faults.test_files import clear

MEMORY = LiveMemory()
LENGTH = 64 << 10
OFFSET = 256 << 10
SIZE = 4 << 20
WAYS: tuple[Way, ...] = ("pool", "ordinary")


class Watched:
    """A disk, with something that may happen before each operation, and in the middle of each write."""

    def __init__(self, path: Path, happens: Callable[[], None]) -> None:
        self._disk = MEMORY.open(str(path), write=True)
        self._happens = happens
        self.size = self._disk.size
        self.identity = self._disk.identity

    def read(self, offset: int, parts: Sequence[Part]) -> int:
        self._happens()
        return self._disk.read(offset, parts)

    def write(self, offset: int, parts: Sequence[Part], *, back: bool = False) -> int:
        self._happens()
        ((region, start, length),) = parts
        self._disk.write(offset, (Part(region, start, length // 2),), back=back)
        self._happens()
        return self._disk.write(offset, parts, back=back)

    def flush(self) -> None:
        self._happens()
        self._disk.flush()

    def stretches(self, offset: int, length: int) -> Iterator[Stretch]:
        yield Stretch(offset, length, None)

    def close(self) -> None:
        self._disk.close()


class WatchedFile(KeptFile):
    """The record of what is written over, with something that may happen before and after it is made, or removed."""

    def __init__(self, directory: Path, happens: Callable[[], None]) -> None:
        super().__init__(str(directory), SIZE, "a file")
        self._happens = happens

    def save(self, blank: Blank) -> None:
        self._happens()
        super().save(blank)
        self._happens()

    def discard(self) -> None:
        self._happens()
        super().discard()
        self._happens()


class Shop:
    """A file with a blank place in it, one to copy from, and the directory for what is told of them."""

    def __init__(self, directory: Path) -> None:
        self.file, self.other, self.state = directory / "file", directory / "other", directory / "state"
        self.before = os.urandom(OFFSET) + bytes(LENGTH) + os.urandom(SIZE - OFFSET - LENGTH)
        directory.mkdir()
        self.file.write_bytes(self.before)
        self.other.write_bytes(os.urandom(LENGTH))
        self.blank = Blank(Place(str(self.file), OFFSET, LENGTH), 0)

    @property
    def kept(self) -> bool:
        return self.file.read_bytes() == self.before

    def verify(self, happens: Callable[[], None]) -> None:
        """What `verify --write` does; the pool is ordinary memory."""
        disk, plain = Watched(self.file, happens), MEMORY.ordinary(PIECE)
        pool, beside = MEMORY.ordinary(LENGTH), MEMORY.ordinary(LENGTH)
        with put_back(disk, plain, self.blank, WatchedFile(self.state, happens)):
            read, write = write_through(Bench(disk, pool, plain, beside), self.blank.place, "pool", bool)
        assert (read.moved, read.difference, write.moved, write.difference) == (LENGTH, None, LENGTH, None)

    def bench(self, happens: Callable[[], None]) -> None:
        """What `bench` with a destination does."""
        source, disk, plain = MEMORY.open(str(self.other)), Watched(self.file, happens), MEMORY.ordinary(PIECE)
        pool, ordinary = MEMORY.ordinary(LENGTH), MEMORY.ordinary(LENGTH)
        ends = Ends(source, str(self.other), disk, str(self.file), LENGTH, OFFSET)
        with put_back(disk, plain, self.blank, WatchedFile(self.state, happens)):
            assert check_copy(MEMORY, ends, pool, 4096) is None
            copy_whole(ends, ordinary, bool)
            for way in WAYS:
                copying.run(ends, Memories(pool, ordinary), Setting(LENGTH, 1, way), Limits(0), Histogram())

    def ours(self) -> bool:
        """Whether every sector that was written over is one of `verify --write`, so that recover asks for no name."""
        with MEMORY.open(str(self.file)) as disk, MEMORY.ordinary(PIECE) as plain:
            return first_foreign(disk, plain, self.blank) is None

    def recover(self) -> bool:
        """Puts back what is told of; whether nothing is told of any more."""
        left = left_in(str(self.state))
        if left:
            with MEMORY.open(left.blank.place.path, write=True) as disk, MEMORY.ordinary(PIECE) as plain:
                restore(disk, plain, left.blank, left.file)
            Path(left.file).unlink()
        return left_in(str(self.state)) is None

    def refused(self) -> P2pctlError | None:
        """What the next one that wants to write is told."""
        try:
            refuse_left(left_in(str(self.state)))
        except RecoverError as error:
            return error
        return None


COMMANDS = {"verify --write": Shop.verify, "bench": Shop.bench}


def operations(shop: Shop, command: str) -> int:
    count = 0

    def happens() -> None:
        nonlocal count
        count += 1

    COMMANDS[command](shop, happens)
    assert shop.kept
    assert shop.refused() is None
    return count


def at(number: int, act: Callable[[], object]) -> Callable[[], None]:
    """Lets something happen at an operation, and at every one after it."""
    left = number

    def happens() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            act()

    return happens


@pytest.mark.parametrize("command", COMMANDS)
def test_a_death_at_an_operation_of_a_transfer(tmp_path: Path, note: Note, command: str) -> None:
    """A real SIGKILL; what was being written is half there."""
    for number in range(operations(Shop(tmp_path / "shop"), command)):
        shop = Shop(tmp_path / str(number))
        assert forked(partial(killed, shop, command, number)) == -signal.SIGKILL
        kept, refused = shop.kept, shop.refused()
        told = kept or (refused is not None and "p2pctl recover" in str(refused.hint))
        assert shop.ours() or command == "bench"
        whole = shop.recover()
        note(Fault(f"p2pctl dies at an operation of {command}, then recover", shop.kept, whole, told))


def killed(shop: Shop, command: str, number: int) -> None:
    COMMANDS[command](shop, at(number, lambda: os.kill(os.getpid(), signal.SIGKILL)))


CALLS = ("mkdir", "open", "write", "fsync", "link", "unlink", "close")
"""What the record is made with."""


def test_a_death_while_it_is_told_what_will_be_written_over(tmp_path: Path, note: Note) -> None:
    """A real SIGKILL, in the middle of a write as well: the record is there whole or not at all."""
    codes: list[int] = []
    while not codes or codes[-1] == -signal.SIGKILL:
        shop = Shop(tmp_path / str(len(codes)))
        codes.append(forked(partial(dying, shop, len(codes))))
        left = left_in(str(shop.state))
        assert left is None or left.blank == shop.blank
        again = KeptFile(str(shop.state), SIZE, "a file")
        if left is None:
            again.save(shop.blank)
        again.discard()
        note(Fault("p2pctl dies while it tells what will be written over", shop.kept, shop.refused() is None, None))
    assert codes[-1] == 0
    assert len(codes) > len(CALLS)


def forked(act: Callable[[], object]) -> int:
    """The exit code of a child that does this: less than 0 for a signal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child needs none of this process's threads
        child = os.fork()
    if not child:
        try:
            act()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dying(shop: Shop, number: int) -> None:
    """Makes the record, and dies at that call of the kernel."""
    happens = at(number, lambda: os.kill(os.getpid(), signal.SIGKILL))

    def watched(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*words: Any, **more: Any) -> object:
            happens()
            if name == "write":
                descriptor, data = words
                os.pwrite(descriptor, bytes(data[: len(data) // 2]), 0)
                happens()
            return real(*words, **more)

        return call

    for name in CALLS:
        setattr(os, name, watched(name, getattr(os, name)))
    KeptFile(str(shop.state), SIZE, "a file").save(shop.blank)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_drive_that_goes_at_an_operation_of_a_transfer(tmp_path: Path, note: Note, command: str) -> None:
    """And comes back. What was being written is half there; the record is on another disk, which stays."""

    def gone() -> NoReturn:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    with drive_alone():
        count = operations(Shop(tmp_path / "shop"), command)
    for number in range(count):
        shop = Shop(tmp_path / str(number))
        with drive_alone(), pytest.raises((OSError, PartialError)) as caught:
            COMMANDS[command](shop, at(number, gone))
        error = caught.value
        told = isinstance(error, PartialError) and "p2pctl recover" in str(error.hint)
        told = told or (isinstance(error, OSError) and error.errno == errno.ENODEV and shop.kept)
        assert isinstance(error, PartialError) is (shop.refused() is not None)
        whole = shop.recover()
        note(Fault(f"a drive goes away during {command}, comes back, then recover", shop.kept, whole, told))


@contextmanager
def drive_alone() -> Iterator[None]:
    """Nothing happens to the record."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WatchedFile, "save", KeptFile.save)
        patch.setattr(WatchedFile, "discard", KeptFile.discard)
        yield


WRITING = {
    "verify --write": ("verify", "nvme0", "nvme6n1", "--write", "--confirm", "nvme6n1", "--size", "64K"),
    "bench": ("bench", "nvme0", "nvme1", "nvme6n1", "--confirm", "nvme6n1", "--span", "1M", "--runs", "1",
              "--seconds", "0.001", "--warm-up", "0"),
}  # fmt: skip


@pytest.mark.parametrize("share", [0, LENGTH // 2])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_room_for_what_is_written(tmp_path: Path, note: Note, command: str, share: int) -> None:
    """As in a hole of a file whose file system is full: what cannot be written is blank all the same."""
    shop = Shop(tmp_path / "shop")
    with room(OFFSET + share), pytest.raises(OSError, match=f"{os.strerror(errno.EFBIG)}|only {share} of"):
        COMMANDS[command](shop, lambda: None)
    note(Fault(f"no room for what {command} writes", shop.kept, shop.refused() is None, None))


@pytest.mark.parametrize("size", [0, 1, 60])
@pytest.mark.parametrize("command", WRITING)
def test_no_room_to_tell_of_what_is_written_over(
    note: Note, run: Run, command: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[int] = []
    real = DemoMemory.store

    def store(memory: DemoMemory, path: str, offset: int, data: bytes) -> None:
        stored.append(offset)
        real(memory, path, offset, data)

    monkeypatch.setattr(DemoMemory, "store", store)
    with room(size):
        outcome = run("--demo", *WRITING[command])
    told = clear(outcome, outcome.code, "file too large")
    assert outcome.code not in {ExitCode.OK, ExitCode.PARTIAL}
    kept = not stored
    whole = run("--demo", *WRITING[command]).code == 0 and bool(stored)
    note(Fault(f"no room to tell what {command} writes over", kept, whole, told))


@pytest.mark.parametrize("words", [("verify", "nvme0", "nvme1"), WRITING["verify --write"], WRITING["bench"]], ids=str)
def test_what_is_said_when_a_drive_goes_away(
    note: Note, run: Run, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first operation, when nothing has been written: the exit code is that of what is not there."""

    def gone(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    monkeypatch.setattr(MemoryDisk, "read", gone)
    outcome = run("--demo", *words)
    note(Fault("a drive goes away: what is said", None, None, clear(outcome, 3, "no such device")))
