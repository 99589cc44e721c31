"""Pools that go away under transfers: the reason is told, and what was written over is put back."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from p2pctl.proof.copying import Ends, Limits, Memories, run
from p2pctl.proof.figures import Setting
from p2pctl.proof.histogram import Histogram
from p2pctl.proof.reading import Bench, read_through
from p2pctl.proof.writing import put_back, write_through
from p2pctl.simulator.memory import MemoryRegion
from tests.faults.conftest import Fault, Note
from tests.unit.test_verify_transfers import BLANK, LENGTH, PLACE, Disk, Kept


class Going(MemoryRegion):
    """A piece of a pool that goes away at one of the times that it is touched."""

    def __init__(self, last: int) -> None:
        super().__init__(LENGTH, "0000:03:00.0", lambda: None)
        self.touches = 0
        self.last = last

    @property
    def gone(self) -> bool:
        return self.touches > self.last

    def _touch(self) -> None:
        self.touches += 1
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), "/sys/pool/allocate")

    def get(self, offset: int, length: int) -> bytes:
        self._touch()
        return super().get(offset, length)

    def put(self, offset: int, data: bytes) -> None:
        self._touch()
        super().put(offset, data)


def on(pool: Going) -> Disk:
    """A disk whose transfers through the pool fail as the kernel's do when the pool is no more: EFAULT."""

    def answer(disk: Disk, data: bytes) -> bytes:
        del disk
        if pool.touches >= pool.last:
            pool.last = -1
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
        return data

    return Disk(answer)


def told(call: Callable[[], object]) -> bool:
    """Whether the reason is the pool, not the bad address that the drive's transfer met."""
    with pytest.raises(OSError, match=os.strerror(errno.ENODEV)) as caught:
        call()
    return caught.value.errno == errno.ENODEV and caught.value.filename == "/sys/pool/allocate"


@pytest.mark.parametrize("last", range(1, 3))
def test_a_pool_that_goes_away_during_verify(note: Note, last: int) -> None:
    pool = Going(last)
    disk = on(pool)
    plain = MemoryRegion(LENGTH, None, lambda: None)
    clear = told(lambda: read_through(Bench(disk, pool, plain, plain), PLACE, "pool"))
    note(Fault("a pool goes away during verify", disk.writes == 0, None, clear))


@pytest.mark.parametrize("last", range(4))
def test_a_pool_that_goes_away_during_verify_write(note: Note, last: int) -> None:
    pool = Going(last)
    disk = on(pool)
    before = bytes(disk.data)
    bench = Bench(disk, pool, MemoryRegion(LENGTH, None, lambda: None), MemoryRegion(LENGTH, None, lambda: None))
    rescue = Kept(disk)

    def write() -> None:
        with put_back(disk, bench.plain, BLANK, rescue):
            write_through(bench, PLACE, "pool", lambda: False)

    clear = told(write)
    note(Fault("a pool goes away during verify --write", bytes(disk.data) == before, rescue.discarded == 1, clear))


def test_a_pool_that_goes_away_during_bench(note: Note) -> None:
    pool = Going(3)
    memories = Memories(pool, MemoryRegion(LENGTH, None, lambda: None))
    ends = Ends(on(pool), "/dev/x", None, "", LENGTH)
    clear = told(lambda: run(ends, memories, Setting(4096, 1, "pool"), Limits(5.0), Histogram()))
    note(Fault("a pool goes away during bench", None, None, clear))
