"""Reads and writes through a pool, on disks that do what they should, and on ones that lie, fail or are written to."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from p2pctl.errors import BusyError, P2pctlError, PartialError
from p2pctl.kernel import Identity, Part, Stretch
from p2pctl.model.address import Address
from p2pctl.proof.blank import Blank, edge, find_blank
from p2pctl.proof.data import inverse, pattern
from p2pctl.proof.model import LAYOUTS, Layout, Levels
from p2pctl.proof.pairs import Pair, Piece, Pool, piece_of, prove_reads
from p2pctl.proof.reading import ATTEMPTS, Bench, Place, find_place, read_through
from p2pctl.proof.writing import first_foreign, put_back, write_through
from p2pctl.resolver.verdict import Outcome
from p2pctl.simulator.memory import MemoryRegion

SIZE = 64 << 10
LENGTH = 16 << 10
PLACE = Place("/dev/x", 8192, LENGTH)
BLANK = Blank(PLACE, 0)
ADDRESS = Address(0, 3, 0, 0)


def is_pool(parts: Sequence[Part]) -> bool:
    return any(isinstance(part.region, MemoryRegion) and part.region.pool for part in parts)


class Disk:
    """A disk in memory; ``wrong`` is what becomes of a transfer through a pool."""

    def __init__(self, wrong: Callable[[Disk, bytes], bytes | int] | None = None) -> None:
        self.data = bytearray(pattern("disk", SIZE))
        self.size = SIZE
        self.identity = Identity("259:1", 0)
        self.wrong = wrong
        self.data[PLACE.offset : PLACE.offset + LENGTH] = bytes(LENGTH)
        self.flushed = b""
        self.writes = 0
        self.wanted = False
        self.fail: Callable[[str, bool], None] = lambda _kind, _pool: None

    def read(self, offset: int, parts: Sequence[Part]) -> int:
        self.fail("read", is_pool(parts))
        length = sum(part.length for part in parts)
        data = bytes(self.data[offset : offset + length])
        if is_pool(parts) and self.wrong is not None:
            answer = self.wrong(self, data)
            if isinstance(answer, int):
                return answer
            data = answer
        for region, place, count in parts:
            region.put(place, data[:count])
            data = data[count:]
        return length

    def write(self, offset: int, parts: Sequence[Part], *, back: bool = False) -> int:
        if self.wanted and not back:
            raise BusyError("somebody else opens it")
        self.fail("write", is_pool(parts))
        self.writes += 1
        data = b"".join(region.get(place, count) for region, place, count in parts)
        self.data[offset : offset + len(data)] = data
        return len(data)

    def flush(self) -> None:
        self.fail("flush", False)
        self.flushed = bytes(self.data)

    def stretches(self, offset: int, length: int) -> Iterator[Stretch]:
        yield Stretch(offset, length, None)

    def close(self) -> None:
        pass


class Memory:
    """Ordinary memory, and pools that can be short."""

    def __init__(self, disk: Disk, available: int = 1 << 20) -> None:
        self.disk = disk
        self.available = available
        self.mapped: list[int] = []

    def map(self, path: str, size: int) -> MemoryRegion:
        del path
        self.mapped.append(size)
        self.available -= size
        return MemoryRegion(size, str(ADDRESS), lambda: setattr(self, "available", self.available + size))

    def ordinary(self, size: int) -> MemoryRegion:
        return MemoryRegion(size, None, lambda: None)

    def open(self, path: str, *, write: bool = False, exclusive: bool = False) -> Disk:
        del path, write, exclusive
        return self.disk


class Kept:
    """A rescue that remembers."""

    path = "/var/lib/p2pctl/overwritten.json"

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk
        self.saved: list[Blank] = []
        self.discarded = 0

    def save(self, blank: Blank) -> None:
        self.saved.append(blank)

    def discard(self) -> None:
        self.discarded += 1
        assert self.disk is None or self.disk.flushed == bytes(self.disk.data), (
            "the disk keeps it before it is forgotten"
        )


def bench(disk: Disk) -> Bench:
    memory = Memory(disk)
    return Bench(disk, memory.map("", LENGTH), memory.ordinary(LENGTH), memory.ordinary(LENGTH))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_disk_that_tells_the_truth_works_in_every_layout(layout: Layout) -> None:
    seen = read_through(bench(Disk()), PLACE, layout)
    assert (seen.errno, seen.moved, seen.settled, seen.difference, seen.attempts) == (None, LENGTH, True, None, 1)


def test_a_transfer_that_is_reported_and_never_happens_is_seen() -> None:
    seen = read_through(bench(Disk(lambda _disk, data: len(data))), PLACE, "pool")
    assert seen.difference is not None
    assert seen.difference.nothing_arrived
    assert seen.difference.different == LENGTH


def test_data_of_another_place_are_seen() -> None:
    """As with an address that is off by a page."""
    seen = read_through(bench(Disk(lambda disk, _data: bytes(disk.data[4096 : 4096 + LENGTH]))), PLACE, "pool")
    assert seen.difference is not None
    assert not seen.difference.nothing_arrived


def test_a_single_wrong_bit_is_seen() -> None:
    def flip(_disk: Disk, data: bytes) -> bytes:
        return data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]

    seen = read_through(bench(Disk(flip)), PLACE, "pool")
    assert seen.difference is not None
    assert (seen.difference.different, seen.difference.first) == (1, 5000)


def test_a_mixed_transfer_whose_ordinary_half_is_wrong_is_seen() -> None:
    half = LENGTH // 2
    seen = read_through(bench(Disk(lambda _disk, data: data[:half] + b"x" * half)), PLACE, "pool-first")
    assert seen.difference is not None
    assert seen.difference.first >= half


def test_a_drive_that_is_written_to_once_is_tried_again() -> None:
    def once(disk: Disk, data: bytes) -> bytes:
        if disk.writes == 0:
            disk.writes = 1
            disk.data[PLACE.offset] ^= 0xFF
        return data

    seen = read_through(bench(Disk(once)), PLACE, "pool")
    assert (seen.settled, seen.attempts, seen.difference) == (True, 2, None)


def test_a_drive_that_never_rests_is_not_judged() -> None:
    def always(disk: Disk, data: bytes) -> bytes:
        disk.data[PLACE.offset] = (disk.data[PLACE.offset] + 1) % 256
        return data

    seen = read_through(bench(Disk(always)), PLACE, "pool")
    assert (seen.settled, seen.attempts, seen.difference) == (False, ATTEMPTS, None)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EREMOTEIO, errno.EIO])
def test_the_kernels_errno_is_kept(number: int) -> None:
    disk = Disk()

    def fail(_kind: str, pool: bool) -> None:
        if pool:
            raise OSError(number, os.strerror(number))

    disk.fail = fail
    seen = read_through(bench(disk), PLACE, "pool")
    assert (seen.errno, seen.moved) == (number, 0)


def test_a_drive_that_fails_in_the_ordinary_way_is_no_answer_about_the_pool() -> None:
    disk = Disk()

    def fail(_kind: str, _pool: bool) -> None:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    disk.fail = fail
    pair = Pair(ADDRESS, ADDRESS, "/dev/x")
    memory = Memory(disk)
    with closing(memory.map("", LENGTH)) as region:
        (proof,) = prove_reads(
            memory,
            Piece(region, Levels(1, 1)),
            [(pair, Outcome("allowed", "bus-address", 0))],
            lambda _: ("pool",),
            "7.3",
        )
    assert (proof.judgement.result, proof.judgement.agrees, proof.seen) == ("not-tested", None, None)
    assert proof.error is not None
    assert proof.error.errno == errno.ENODEV


def test_a_place_is_looked_for_whose_bytes_are_not_all_alike() -> None:
    disk = Disk()
    disk.data[: SIZE // 2] = bytes(SIZE // 2)
    place = find_place(Memory(disk), disk, "/dev/x", LENGTH, 4096)
    assert len(set(disk.data[place.offset : place.offset + LENGTH])) > 1
    disk.data[:] = bytes(SIZE)
    assert find_place(Memory(disk), disk, "/dev/x", LENGTH, 4096) == Place("/dev/x", 0, LENGTH)
    assert find_place(Memory(disk), disk, "/dev/x", SIZE + 4096, 4096) == Place("/dev/x", 0, SIZE)


def pool_of(memory: Memory) -> Pool:
    return Pool(ADDRESS, "", lambda: memory.available)


def test_at_most_an_eighth_of_the_pool_is_taken_and_given_back() -> None:
    memory = Memory(Disk(), available=800 << 10)
    with piece_of(memory, pool_of(memory), 1 << 20, 4096) as piece:
        assert memory.mapped == [100 << 10]
        assert piece.levels == Levels(800 << 10, 700 << 10)
    assert memory.available == 800 << 10


def test_a_pool_that_is_too_small_is_said_with_its_numbers() -> None:
    memory = Memory(Disk(), available=30 << 10)
    with pytest.raises(BusyError) as caught, piece_of(memory, pool_of(memory), 1 << 20, 4096):
        pass
    assert "30.0 KiB" in caught.value.message
    assert "3.8 KiB" in caught.value.message
    assert "4.0 KiB" in caught.value.message
    assert memory.mapped == []


def test_a_write_proves_both_directions_and_leaves_what_was_there() -> None:
    disk = Disk()
    kept = Kept(disk)
    before = bytes(disk.data)
    tools = bench(disk)
    with put_back(disk, tools.plain, BLANK, kept):
        read, write = write_through(tools, PLACE, "pool", lambda: False)
    assert (read.direction, read.difference, write.direction, write.difference) == ("read", None, "write", None)
    assert bytes(disk.data) == before
    assert (kept.saved, kept.discarded) == ([BLANK], 1)


def test_a_write_that_is_reported_and_never_happens_is_seen() -> None:
    disk = Disk()
    real = disk.write

    def lies(offset: int, parts: Sequence[Part], *, back: bool = False) -> int:
        return sum(part.length for part in parts) if is_pool(parts) else real(offset, parts, back=back)

    disk.write = lies  # type: ignore[method-assign]
    tools = bench(disk)
    with put_back(disk, tools.plain, BLANK, Kept(disk)):
        _, write = write_through(tools, PLACE, "pool", lambda: False)
    assert write.difference is not None
    assert write.difference.nothing_arrived


def operations(disk: Disk) -> int:
    """How many transfers a whole run makes."""
    count = 0

    def fail(_kind: str, _pool: bool) -> None:
        nonlocal count
        count += 1

    disk.fail = fail
    tools = bench(disk)
    with put_back(disk, tools.plain, BLANK, Kept(disk)):
        write_through(tools, PLACE, "pool", lambda: False)
    return count


@pytest.mark.parametrize("at", range(operations(Disk())))
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EINVAL])
def test_whichever_transfer_fails_the_disk_is_as_it_was(at: int, number: int) -> None:
    disk = Disk()
    before, kept = bytes(disk.data), Kept(disk)
    left = at

    def fail(_kind: str, _pool: bool) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise OSError(number, os.strerror(number))

    disk.fail = fail
    tools = bench(disk)
    try:
        with put_back(disk, tools.plain, BLANK, kept):
            write_through(tools, PLACE, "pool", lambda: False)
    except OSError as error:
        assert error.errno == number  # noqa: PT017  not every transfer's failure is an error
    assert bytes(disk.data) == before


@contextmanager
def stopping_after(steps: int) -> Iterator[Callable[[], bool]]:
    left = steps

    def stop() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    yield stop


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_signal_at_any_step_leaves_what_was_there(steps: int) -> None:
    disk = Disk()
    kept = Kept(disk)
    before = bytes(disk.data)
    tools = bench(disk)
    with (
        stopping_after(steps) as stop,
        pytest.raises(P2pctlError, match="interrupted"),
        put_back(disk, tools.plain, BLANK, kept),
    ):
        write_through(tools, PLACE, "pool", stop)
    assert bytes(disk.data) == before
    assert kept.discarded == 1


@pytest.mark.parametrize("at", [1, 2, 3])
def test_once_somebody_opens_the_file_nothing_is_written_but_what_was_there(at: int) -> None:
    """Before the first write, before that through the pool, and after it: none of them is taken for a drive's fault."""
    disk = Disk()
    kept, before = Kept(disk), bytes(disk.data)
    written: list[bool] = []

    def opens(kind: str, pool: bool) -> None:
        written.extend([pool] if kind == "write" else [])
        disk.wanted = disk.wanted or (kind == "read" and len(written) == at - 1)

    tools = bench(disk)

    def run() -> None:
        with put_back(disk, tools.plain, BLANK, kept):
            disk.fail, disk.wanted = opens, at == 1
            for layout in LAYOUTS:
                write_through(tools, PLACE, layout, lambda: False)

    with pytest.raises(BusyError, match="somebody else opens"):
        run()
    assert written == [False, True, False][: at - 1] + [False] * (at > 1)
    assert bytes(disk.data) == before
    assert kept.discarded == 1


def test_in_a_hole_of_a_full_file_system_there_is_nothing_to_put_back() -> None:
    """No write succeeds there, and the place is blank all the same."""
    disk = Disk()
    kept = Kept(disk)

    def full(kind: str, _pool: bool) -> None:
        if kind == "write":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    disk.fail = full
    tools = bench(disk)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)), put_back(disk, tools.plain, BLANK, kept):
        write_through(tools, PLACE, "pool", lambda: False)
    assert (kept.discarded, disk.writes) == (1, 0)


def test_what_cannot_be_put_back_is_said_with_the_command_that_does_it() -> None:
    disk, kept = Disk(), Kept()
    tools = bench(disk)

    def never(kind: str, _pool: bool) -> None:
        if kind == "write":
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def broken() -> None:
        with put_back(disk, tools.plain, BLANK, kept):
            write_through(tools, PLACE, "pool", lambda: False)
            disk.fail = never

    with pytest.raises(PartialError) as caught:
        broken()
    assert caught.value.hint is not None
    assert "p2pctl recover" in caught.value.hint
    assert kept.path in caught.value.hint
    assert kept.discarded == 0
    assert kept.saved
    assert bytes(disk.data[PLACE.offset : PLACE.offset + LENGTH]) == inverse(pattern("/dev/x 8192 pool", LENGTH))


def test_nothing_is_written_to_a_disk_that_somebody_else_writes_to() -> None:
    disk, kept = Disk(), Kept()

    def moves(_kind: str, _pool: bool) -> None:
        disk.data[PLACE.offset] = (disk.data[PLACE.offset] + 1) % 256

    disk.fail = moves
    with pytest.raises(BusyError, match="somebody else writes"), put_back(disk, bench(disk).plain, BLANK, kept):
        pytest.fail("nothing may be written")
    assert (disk.writes, kept.saved) == (0, [])


def test_whatever_is_written_to_is_blank_and_away_from_both_ends() -> None:
    """A superblock, a partition table and a label are at the ends; data are put back byte by byte, or not touched."""
    disk = Disk()
    disk.data = bytearray(pattern("data", 12 << 20))
    disk.size = len(disk.data)
    blank = 7 << 20
    disk.data[blank : blank + (1 << 20)] = b"\xff" * (1 << 20)
    disk.data[: 1 << 20] = disk.data[-(1 << 20) :] = bytes(1 << 20)
    found = find_blank(Memory(disk), disk, "/dev/x", LENGTH, 4096)
    assert found.byte == 0xFF
    assert blank <= found.place.offset <= blank + (1 << 20) - LENGTH
    assert edge(disk.size) <= found.place.offset <= disk.size - edge(disk.size) - LENGTH
    disk.data[blank : blank + (1 << 20)] = pattern("more", 1 << 20)
    with pytest.raises(BusyError, match="holds data wherever"):
        find_blank(Memory(disk), disk, "/dev/x", LENGTH, 4096)
    with pytest.raises(BusyError, match="too small"):
        find_blank(Memory(disk), disk, "/dev/x", 11 << 20, 4096)


def test_a_place_of_many_pieces_is_blank_only_where_all_of_them_are_alike() -> None:
    disk = Disk()
    disk.data, disk.size = bytearray(8 << 20), 8 << 20
    assert find_blank(Memory(disk), disk, "/dev/x", 5 << 20, 4096).place.length == 5 << 20
    disk.data[3 << 20] = 1
    with pytest.raises(BusyError, match="holds data"):
        find_blank(Memory(disk), disk, "/dev/x", 5 << 20, 4096)


def test_of_a_place_of_many_pieces_every_sector_is_looked_at() -> None:
    """It is nobody's where each is blank or verify's own, in whichever layout; the first that is not is told."""
    disk = Disk()
    start, length = 8192, (3 << 20) + 4096
    disk.data, disk.size = bytearray(8 << 20), 8 << 20
    blank = Blank(Place("/dev/x", start, length), 0)
    memory = Memory(disk)
    tools = Bench(disk, memory.map("", length), memory.ordinary(length), memory.ordinary(length))
    for layout in LAYOUTS:
        write_through(tools, blank.place, layout, lambda: False)
        assert first_foreign(disk, tools.plain, blank) is None
    assert disk.data[start : start + length].count(0) < length // 100, "the premise: it is not blank"
    disk.data[start + 512 : start + 1024] = bytes(512)
    assert first_foreign(disk, tools.plain, blank) is None
    disk.data[start + length] ^= 1  # beyond its end
    assert first_foreign(disk, tools.plain, blank) is None
    for offset in (start + length - 1, start + (1 << 20), start + 600, start):
        disk.data[offset] ^= 1
        assert first_foreign(disk, tools.plain, blank) == (offset - start) // 512 * 512 + start
    # A pattern of another place is somebody's copy of it.
    disk.data[start : start + 4096] = pattern("/dev/x 4096 pool", 4096)
    assert first_foreign(disk, tools.plain, blank) == start


def test_a_disk_that_does_not_keep_what_it_took_is_not_forgotten() -> None:
    """A flush that fails: power may be lost before the drive has written it."""
    disk, kept = Disk(), Kept()

    def no_flush(kind: str, _pool: bool) -> None:
        if kind == "flush":
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    disk.fail = no_flush
    tools = bench(disk)
    with pytest.raises(PartialError, match="could not be put back"), put_back(disk, tools.plain, BLANK, kept):
        pass
    assert kept.discarded == 0


def test_no_more_than_a_transfer_takes_is_mapped_of_a_pool_whose_level_is_unknown() -> None:
    memory = Memory(Disk())
    with piece_of(memory, Pool(ADDRESS, "", lambda: None), 1 << 20, 4096):
        assert memory.mapped == [4096]
