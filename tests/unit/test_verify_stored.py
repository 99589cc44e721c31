"""Only what the drive is asked for proves anything: not holes, not room that is reserved, not what is in memory."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.errors import UnsupportedError
from p2pctl.kernel import Identity, Part, Stretch
from p2pctl.model.address import Address
from p2pctl.proof.blank import Blank
from p2pctl.proof.model import LAYOUTS, Layout, Levels
from p2pctl.proof.pairs import Pair, Piece, Proof, prove_reads
from p2pctl.proof.reading import Place, find_place
from p2pctl.proof.stored import check_stored, rooms
from p2pctl.proof.writing import put_back, write_through
from p2pctl.resolver.verdict import Outcome
from tests.unit.test_verify_transfers import BLANK, LENGTH, PLACE, SIZE, Disk, Kept, Memory, bench

UNIT = 4096
PAGES = SIZE // UNIT
HOLE = "it is a hole"
FILE = "/srv/file"


class File(Disk):
    """A file whose pages lie on the drive, or do not."""

    def __init__(self, on_drive: Sequence[bool] = (False,) * PAGES, *, fills: bool = False) -> None:
        super().__init__()
        self.identity = Identity(None, 7)
        self.on_drive = list(on_drive)
        self.fills = fills
        self.transfers = 0

    def read(self, offset: int, parts: Sequence[Part]) -> int:
        self.transfers += 1
        return super().read(offset, parts)

    def write(self, offset: int, parts: Sequence[Part], *, back: bool = False) -> int:
        if self.fills:
            length = sum(part.length for part in parts)
            self.on_drive[offset // UNIT : (offset + length) // UNIT] = [True] * (length // UNIT)
        return super().write(offset, parts, back=back)

    def stretches(self, offset: int, length: int) -> Iterator[Stretch]:
        for page in range(offset // UNIT, -(-(offset + length) // UNIT)):
            yield Stretch(page * UNIT, UNIT, None if self.on_drive[page] else HOLE)


class Silent(Disk):
    """A file whose file system tells nothing."""

    def stretches(self, offset: int, length: int) -> Iterator[Stretch]:
        del offset, length
        raise OSError(errno.EOPNOTSUPP, "its file system does not say")


@given(st.lists(st.booleans(), min_size=PAGES, max_size=PAGES), st.integers(1, PAGES), st.sampled_from([1, 2]))
def test_a_place_is_whole_on_the_drive_and_none_that_is_longer_was_left(
    on_drive: list[bool], wanted: int, unit: int
) -> None:
    disk = File(on_drive)
    units = [all(on_drive[page : page + unit]) for page in range(0, PAGES, unit)]
    runs = "".join("x" if one else " " for one in units).split()
    if not runs:
        with pytest.raises(UnsupportedError):
            find_place(Memory(disk), disk, FILE, wanted * UNIT * unit, UNIT * unit)
        return
    found = find_place(Memory(disk), disk, FILE, wanted * UNIT * unit, UNIT * unit)
    check_stored(disk, *found)
    assert found.offset % (UNIT * unit) == 0
    assert found.length == min(wanted, max(map(len, runs))) * UNIT * unit


def proofs(disk: Disk, *layouts: Layout) -> list[Proof]:
    memory = Memory(disk)
    pair = Pair(Address(0, 3, 0, 0), Address(0, 4, 0, 0), FILE)
    with closing(memory.map("", LENGTH)) as region:
        pairs = [(pair, Outcome("allowed", "bus-address", 0))]
        return list(prove_reads(memory, Piece(region, Levels(1, 1)), pairs, lambda _: layouts or ("pool",), "7.3"))


@pytest.mark.parametrize(
    ("disk", "why"), [(File(), "offset 0 of /srv/file: it is a hole"), (Silent(), "its file system does not say")]
)
def test_what_the_drive_is_not_asked_for_is_not_tested(disk: Disk, why: str) -> None:
    (proof,) = proofs(disk)
    judged = proof.judgement
    assert (judged.result, judged.agrees, proof.seen) == ("not-tested", None, None)
    assert why in judged.text
    assert "write the file with data" in str(judged.meaning)
    assert not isinstance(disk, File) or disk.transfers == 0


def test_a_transfer_is_made_where_the_file_is_on_the_drive() -> None:
    """Two pages in the middle of holes: the transfer is as short as they are."""
    (proof,) = proofs(File([page in {9, 10} for page in range(PAGES)]))
    assert proof.judgement.result == "works"
    assert proof.seen is not None
    assert (proof.seen.offset, proof.seen.length) == (9 * UNIT, 2 * UNIT)


def test_a_mixed_transfer_takes_two_pages() -> None:
    """Half a page each would be refused by a drive of 4 KiB blocks, whatever the pair."""
    for pages, results in (({5}, {"not-tested"}), ({6, 7}, {"works"})):
        disk = File([page in pages for page in range(PAGES)])
        assert {proof.judgement.result for proof in proofs(disk, *LAYOUTS)} == results


def test_a_disk_that_is_too_small_is_not_tested() -> None:
    disk = Disk()
    disk.size = UNIT - 512
    (proof,) = proofs(disk)
    assert (proof.judgement.result, proof.judgement.meaning) == ("not-tested", "name a larger disk or file")


def test_a_write_counts_only_where_the_ordinary_one_before_it_came_to_lie_on_the_drive() -> None:
    disk = File()
    before = bytes(disk.data)
    with (
        pytest.raises(UnsupportedError, match="no drive is asked"),
        put_back(disk, bench(disk).plain, Blank(PLACE, 0), Kept()),
    ):
        write_through(bench(disk), PLACE, "pool", bool)
    assert bytes(disk.data) == before


def test_a_write_makes_its_own_room() -> None:
    disk = File(fills=True)
    with put_back(disk, bench(disk).plain, BLANK, Kept()):
        read, write = write_through(bench(disk), PLACE, "pool", bool)
    assert (read.difference, write.difference, read.moved, write.moved) == (None, None, LENGTH, LENGTH)


def test_no_more_rooms_are_looked_for_than_it_takes() -> None:
    """A file in very many pieces is not looked through to its end."""
    asked: list[int] = []

    class Scattered(File):
        def stretches(self, offset: int, length: int) -> Iterator[Stretch]:
            for number in range(length):
                asked.append(number)
                yield Stretch(offset + number * UNIT, UNIT, None if number % 2 else HOLE)

    assert len(rooms(Scattered(), FILE, UNIT)) == 64
    assert len(asked) < 200
    assert find_place(Memory(Disk()), Disk(), FILE, UNIT, UNIT) == Place(FILE, 0, UNIT)
