"""``p2pctl bench``: measures transfers through a pool against the same ones through system memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.cli.drives import Drive, find_drive
from p2pctl.cli.measuring import Job, Plan, measure
from p2pctl.cli.trying import Host, told_as
from p2pctl.errors import RefusedError, UnsupportedError, UsageError
from p2pctl.proof.copying import Ends, Memories, check_copy, copy_whole
from p2pctl.proof.data import SHARE
from p2pctl.proof.figures import Setting
from p2pctl.proof.judge import judge
from p2pctl.proof.pairs import Piece, Pool, piece_of, too_small
from p2pctl.proof.reading import close_bench, find_place, open_bench, read_through
from p2pctl.proof.stored import check_stored
from p2pctl.proof.writing import put_back
from p2pctl.render.bench import Measured, Told, bench_page
from p2pctl.resolver.bandwidth import Bandwidth, bandwidth
from p2pctl.resolver.explain import resolve
from p2pctl.target.interruption import Interruption, deferred
from p2pctl.units import format_bytes

if TYPE_CHECKING:
    from p2pctl.cli.holding import Held
    from p2pctl.cli.session import Session
    from p2pctl.kernel import Disk


class Parties(NamedTuple):
    """Who takes part."""

    pool: Pool
    source: Drive
    destination: Drive | None


def bench(session: Session, names: tuple[str, str, str | None], plan: Plan, *, wake: bool) -> None:
    """Measures, and shows what came of it. Raises P2pctlError."""
    host = Host(session, wake=wake)
    who = _who(host, names)
    if plan.fio and who.destination is not None:
        raise UsageError("fio has no job that copies", hint="leave the destination out: --fio checks reads")
    if plan.fio and session.door.kind == "demo":
        raise UnsupportedError("fio cannot reach the demo host's memory", hint="leave --fio out")
    with told_as(f"transfer between {who.source.disk} and the pool of {who.pool.address}"):
        measured = _measured(host, who, plan)
    ceilings = tuple(_ceilings(host, who))
    told = Told(
        provider=who.pool.address,
        client=who.source.client,
        source=who.source.disk,
        destination=who.destination.disk if who.destination else None,
        ceiling=min((one.high for one in ceilings if one.high is not None), default=None),
        ceiling_kind=ceilings[0].kind if ceilings else None,
        simulated=session.door.kind == "demo",
    )
    page = bench_page(host.snapshot, host.selection, host.names, told, measured)
    session.show(page if session.format in {"table", "plain"} else page.report)


def _who(host: Host, names: tuple[str, str, str | None]) -> Parties:
    provider, source, destination = names
    pool = host.provider(provider)
    here = find_drive(host.session, host.snapshot, pool.address, source, host.resolver)
    if destination is None:
        return Parties(pool, here, None)
    there = find_drive(host.session, host.snapshot, pool.address, destination, host.resolver)
    if there.disk == here.disk:
        raise UsageError(f"{here.disk} is source and destination", hint="name two disks, or leave the destination out")
    return Parties(pool, here, there)


def _ceilings(host: Host, who: Parties) -> Iterator[Bandwidth]:
    for drive in (who.source, who.destination):
        if drive is not None:
            found = bandwidth(host.snapshot, resolve(host.resolver, who.pool.address, drive.client))
            if found is not None:
                yield found


def _measured(host: Host, who: Parties, plan: Plan) -> list[Measured]:
    memory = host.session.door.memory
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(contextlib.closing(memory.open(who.source.disk)))
        unit = max(who.source.unit, who.destination.unit if who.destination else 0)
        wanted = max(plan.blocks) * max(plan.depths)
        _check_blocks(plan, unit)
        span = _span(plan, source)
        check_stored(source, who.source.disk, 0, span)
        taken = stack.enter_context(_held(host, who.destination, plan, (span, unit))) if who.destination else None
        share = 2 * SHARE if plan.fio else SHARE  # fio maps as much beside it
        piece = stack.enter_context(piece_of(memory, who.pool, wanted, unit, share))
        ordinary = stack.enter_context(contextlib.closing(memory.ordinary(piece.region.size)))
        ends = _ends(source, who, taken, span)
        _check_carried(host, who, piece, source, unit)
        settings = _settings(plan, piece, who, unit)
        job = Job(host.session, who.source.disk, who.pool, ends, Memories(piece.region, ordinary), plan)
        stop = Interruption()
        if taken is not None:
            stop = stack.enter_context(deferred())
            stack.enter_context(put_back(taken.disk, taken.plain, taken.blank, taken.rescue))
            _check_copied(host, ends, piece, unit)
            # Before anything is measured: the first write to a place in a file, or on a thin disk, is to make room.
            copy_whole(ends, ordinary, stop)
            if not stop():
                check_stored(taken.disk, *taken.blank.place)
        return measure(job, settings, stop)


def _held(host: Host, destination: Drive, plan: Plan, sizes: tuple[int, int]) -> AbstractContextManager[Held]:
    from p2pctl.cli.holding import Writing, held  # noqa: PLC0415  only writing takes it

    span, unit = sizes
    writing = Writing("bench", span, unit, plan.confirm, whole=True)
    return held(host.session, host.snapshot, destination, writing)


def _check_copied(host: Host, ends: Ends, piece: Piece, unit: int) -> None:
    """Raises RefusedError where a copy through the pool does not arrive, or arrives wrong."""
    try:
        difference = check_copy(host.session.door.memory, ends, piece.region, unit)
    except OSError as error:
        raise RefusedError(
            f"there is nothing to measure: {ends.destination_path} takes nothing from the pool: "
            f"{(error.strerror or str(error)).lower()}",
            hint="p2pctl verify says more",
            errno=error.errno,
        ) from None
    if difference is not None:
        raise RefusedError(
            f"a copy to {ends.destination_path} through the pool arrives wrong",
            hint="p2pctl verify says more: a benchmark of wrong data proves nothing",
        )


def _check_blocks(plan: Plan, unit: int) -> None:
    """Raises UsageError for blocks that no disk takes, and where none has halves that all do."""
    wrong = [block for block in plan.blocks if block % unit]
    if wrong:
        raise UsageError(f"blocks of {wrong[0]} bytes are no multiple of {unit}", hint=f"--block-size {unit}")
    if plan.mixed and all(block % (2 * unit) for block in plan.blocks):
        raise UsageError(
            f"half of a mixed transfer has to be a multiple of {unit} bytes, too", hint=f"--block-size {2 * unit}"
        )


def _span(plan: Plan, source: Disk) -> int:
    """Bytes that transfers stay within, in whole blocks. Raises UsageError where none fits."""
    block = max(plan.blocks)
    span = min(plan.span, source.size) // block * block
    if span < block:
        raise UsageError(
            f"no transfer of {format_bytes(block)} fits: the span is {format_bytes(min(plan.span, source.size))}",
            hint="choose smaller blocks, or a larger --span",
        )
    return span


def _ends(source: Disk, who: Parties, taken: Held | None, span: int) -> Ends:
    if taken is None:
        return Ends(source, who.source.disk, None, "", span)
    path, start, length = taken.blank.place
    return Ends(source, who.source.disk, taken.disk, path, length, start)


def _check_carried(host: Host, who: Parties, piece: Piece, source: Disk, unit: int) -> None:
    """Raises RefusedError where the kernel does not carry the source's data into the pool, and rightly."""
    memory = host.session.door.memory
    place = find_place(memory, source, who.source.disk, unit, unit)
    tools = open_bench(memory, source, piece.region)
    try:
        seen = read_through(tools, place, "pool")
    finally:
        close_bench(tools)
    told = judge(host.resolver.verdict(who.pool.address, who.source.client), seen, host.release)
    if told.result != "works":
        meaning = f" ({told.meaning})" if told.meaning else ""
        raise RefusedError(
            f"there is nothing to measure: {told.text}{meaning}",
            hint=f"p2pctl verify {who.pool.address} {who.source.client} says more",
        )


def _settings(plan: Plan, piece: Piece, who: Parties, unit: int) -> tuple[Setting, ...]:
    """Those that fit into the piece, and whose halves the disks take. Raises BusyError where none fits."""
    pairs = [(block, depth) for block in plan.blocks for depth in plan.depths]
    fitting = [(block, depth) for block, depth in pairs if block * depth <= piece.region.size]
    if not fitting:
        raise too_small(who.pool.address, piece.levels.before or 0, min(plan.blocks) * min(plan.depths))
    return tuple(
        Setting(block, depth, way)
        for block, depth in fitting
        for way in plan.ways
        if way != "mixed" or block % (2 * unit) == 0
    )
