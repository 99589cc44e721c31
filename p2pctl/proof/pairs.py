"""Pairs of a pool and a disk, each tried through one small piece of the pool."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from p2pctl.errors import BusyError, UnsupportedError, UsageError
from p2pctl.kernel import Disk, Memory, Region
from p2pctl.model.address import Address
from p2pctl.proof.data import PAGE, SHARE, borrow
from p2pctl.proof.judge import judge
from p2pctl.proof.model import Judgement, Layout, Levels, Observed
from p2pctl.proof.reading import close_bench, find_place, open_bench, read_through
from p2pctl.resolver.verdict import Outcome
from p2pctl.units import format_bytes


class Pair(NamedTuple):
    """Whose memory is used, and by which disk of which drive."""

    provider: Address
    client: Address
    disk: str
    """Path of the device node, or of a file on it."""
    unit: int = PAGE
    """Bytes that a transfer must be a multiple of: at least a page, and a block of the disk."""
    excuse: str | None = None
    """Why the disk takes no P2P memory at all, where that is known."""


class Proof(NamedTuple):
    """What became of a pair in one layout."""

    pair: Pair
    predicted: Outcome
    judgement: Judgement
    levels: Levels
    seen: Observed | None = None
    """None where nothing was transferred."""
    error: OSError | None = None
    """Why nothing was."""


class Piece(NamedTuple):
    """A piece of a pool."""

    region: Region
    levels: Levels


class Pool(NamedTuple):
    """Where a pool is mapped, and where its level is read."""

    address: Address
    path: str
    """``p2pmem/allocate``, or a character device."""
    level: Callable[[], int | None]
    """Bytes that nobody holds; None where that cannot be read."""


@contextlib.contextmanager
def piece_of(memory: Memory, pool: Pool, wanted: int, least: int, share: int = SHARE) -> Iterator[Piece]:
    """Maps at most ``wanted`` bytes of a pool, and no more than one in ``share`` of what is available.

    Where its level cannot be read it is ``least``. Raises BusyError with the numbers where that is less than ``least``,
    UsageError where less than ``least`` is wanted, OSError where the kernel refuses.
    """
    before = pool.level()
    size = _share(pool.address, before, (wanted, least, share))
    with contextlib.closing(memory.map(pool.path, size)) as region:
        yield Piece(region, Levels(before, pool.level()))


def share_of(pool: Pool, wanted: int, least: int) -> int:
    """Bytes that `piece_of` would map just now. Raises BusyError, UsageError."""
    return _share(pool.address, pool.level(), (wanted, least, SHARE))


def _share(address: Address, available: int | None, sizes: tuple[int, int, int]) -> int:
    wanted, least, share = sizes
    if wanted < least:
        raise UsageError(f"{wanted} bytes are less than one transfer takes: {least}", hint=f"--size {least} or more")
    # Without a level nobody can tell what an eighth is: then no more than it takes at all.
    size = min(wanted, least) if available is None else borrow(available, wanted, least, share)
    if size < least:
        raise too_small(address, available or 0, least)
    return size


def too_small(address: Address, available: int, least: int) -> BusyError:
    """The error for a pool of which there is not enough to take a share."""
    return BusyError(
        f"of the pool of {address} {format_bytes(available)} are available, and no more than one in {SHARE} of them, "
        f"{format_bytes(available // SHARE)}, may be taken: a transfer needs {format_bytes(least)}",
        hint=f"p2pctl pool show {address} --holders says who holds the rest",
    )


def prove_reads(
    memory: Memory,
    piece: Piece,
    pairs: Iterable[tuple[Pair, Outcome]],
    layouts: Callable[[Outcome], Sequence[Layout]],
    release: str | None,
) -> Iterator[Proof]:
    """Every pair through one piece of its pool, in the layouts that its prediction leaves.

    Never raises for a disk: the proof holds its error.
    """
    for pair, predicted in pairs:
        try:
            disk = memory.open(pair.disk)
        except OSError as error:
            yield untested(pair, predicted, piece.levels, error)
            continue
        with contextlib.closing(disk):
            for one in _one(memory, piece, disk, pair, layouts(predicted)):
                if isinstance(one, OSError):
                    yield untested(pair, predicted, piece.levels, one)
                elif isinstance(one, UnsupportedError):
                    untried = Judgement("not-tested", None, f"no transfer was tried: {one.message}", one.hint)
                    yield Proof(pair, predicted, untried, piece.levels)
                else:
                    yield Proof(pair, predicted, judge(predicted, one, release, pair.excuse), piece.levels, one)


def _one(
    memory: Memory, piece: Piece, disk: Disk, pair: Pair, layouts: Sequence[Layout]
) -> Iterator[Observed | OSError | UnsupportedError]:
    """What was seen of a disk in each layout, or why nothing was."""
    least = pair.unit if set(layouts) <= {"pool"} else 2 * pair.unit  # a half each
    try:
        place = find_place(memory, disk, pair.disk, piece.region.size // least * least, least)
    except (OSError, UnsupportedError) as error:
        yield error
        return
    bench = open_bench(memory, disk, piece.region)
    try:
        for layout in layouts:
            try:
                yield read_through(bench, place, layout)
            except OSError as error:
                yield error
    finally:
        close_bench(bench)


def untested(pair: Pair, predicted: Outcome, levels: Levels, error: OSError) -> Proof:
    """The proof of a pair whose disk fails even in the ordinary way, or whose pool cannot be mapped."""
    reason = (error.strerror or str(error)).lower()
    text = f"no transfer was tried: {error.filename or pair.disk}: {reason}"
    return Proof(pair, predicted, Judgement("not-tested", None, text), levels, None, error)


def check_mappable(address: Address, mappable: object) -> None:
    """Raises UnsupportedError for a pool that user space cannot map."""
    if mappable is not True:
        raise UnsupportedError(
            f"this kernel lets nobody map the pool of {address} (p2pmem/allocate, since 6.2)",
            hint=f"p2pctl explain {address} CLIENT says what its rules predict; --ask-kernel asks the NVMe target",
        )
