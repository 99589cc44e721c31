"""``p2pctl verify``: tries pairs with real transfers, and says whether the kernel does what was predicted."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.cli.drives import Drive, disks_of, find_drive, unit_of
from p2pctl.cli.trying import Host, refusal, told_as
from p2pctl.errors import ExitCode, NotFoundError, P2pctlError, UnsupportedError, UsageError
from p2pctl.proof.judge import judge
from p2pctl.proof.model import Judgement, Layout, Levels
from p2pctl.proof.pairs import Pair, Pool, Proof, check_mappable, piece_of, prove_reads, share_of, untested
from p2pctl.proof.reading import Place, close_bench, open_bench
from p2pctl.proof.writing import put_back, write_through
from p2pctl.render.proof import matrix_page, pair_page, proof_report
from p2pctl.resolver.verdict import Outcome
from p2pctl.target.interruption import deferred

if TYPE_CHECKING:
    from p2pctl.cli.session import Session

_PLAIN: tuple[Layout, ...] = ("pool",)
_MIXED: tuple[Layout, ...] = ("pool-first", "ordinary-first")
_SETTLED = frozenset({"works", "refused", "failed", "wrong"})


class Wish(NamedTuple):
    """What is to be tried, and how."""

    size: int
    """Bytes of a transfer at most."""
    mixed: bool = False
    write: bool = False
    confirm: str | None = None
    """The disk's name, said beforehand."""
    even_denied: bool = False
    """Whether transfers are tried that no check of the kernel's stops, though it denies the pair."""

    def layouts(self, predicted: Outcome) -> tuple[Layout, ...]:
        """What transfers of a pair point to.

        The kernel looks at the first page alone: with ordinary memory first, it lets through what it would refuse.
        """
        safe = self.even_denied or predicted.verdict == "allowed"
        return tuple(one for one in (*_PLAIN, *(_MIXED if self.mixed else ())) if safe or one != "ordinary-first")


def verify_pair(session: Session, provider: str, client: str, wish: Wish, *, wake: bool) -> tuple[Host, list[Proof]]:
    """Tries one pair. Raises P2pctlError where it cannot be tried."""
    host = Host(session, wake=wake)
    pool = host.provider(provider)
    drive = find_drive(session, host.snapshot, pool.address, client, host.resolver)
    pair = host.pair(pool.address, drive.client, drive.disk, drive.unit)
    proofs = _written(host, pool, drive, (pair, wish)) if wish.write else _read(host, pool, pair, wish)
    for proof in proofs:
        if proof.error is not None:
            raise refusal(proof.error, f"transfer between {pair.disk} and the pool of {pair.provider}")
        if proof.judgement.result == "not-tested":
            raise UnsupportedError(proof.judgement.text, hint=proof.judgement.meaning)
    return host, proofs


def _read(host: Host, pool: Pool, pair: Pair, wish: Wish) -> list[Proof]:
    memory = host.session.door.memory
    predicted = host.resolver.verdict(pair.provider, pair.client)
    with contextlib.ExitStack() as stack:
        with told_as(f"map the pool of {pair.provider}"):
            piece = stack.enter_context(piece_of(memory, pool, wish.size, least(pair.unit, wish)))
        return list(prove_reads(memory, piece, [(pair, predicted)], wish.layouts, host.release))


def least(unit: int, wish: Wish) -> int:
    """Bytes that the smallest transfer takes: two pages where half of it is to be ordinary memory."""
    return 2 * unit if wish.mixed else unit


def _written(host: Host, pool: Pool, drive: Drive, tried: tuple[Pair, Wish]) -> list[Proof]:
    """Both directions, at a blank place that is blank again afterwards. Raises P2pctlError."""
    from p2pctl.cli.holding import Writing, held  # noqa: PLC0415  only writing takes it

    pair, wish = tried
    memory = host.session.door.memory
    predicted = host.resolver.verdict(pair.provider, pair.client)
    # The pool itself is mapped later: whoever is asked may take an hour, and it is not to be held that long.
    unit = least(pair.unit, wish)
    size = share_of(pool, wish.size, unit)
    writing = Writing("verify --write", size, unit, wish.confirm)
    proofs: list[Proof] = []
    with contextlib.ExitStack() as stack:
        with told_as(f"write to {pair.disk}"):
            taken = stack.enter_context(held(host.session, host.snapshot, drive, writing))
        with told_as(f"map the pool of {pair.provider}"):
            piece = stack.enter_context(piece_of(memory, pool, size, unit))
        with told_as(f"write to {pair.disk}"):
            bench = open_bench(memory, taken.disk, piece.region)
            stack.callback(close_bench, bench)
            path, offset, length = taken.blank.place
            place = Place(path, offset, min(length, piece.region.size))
            blank = taken.blank._replace(place=place)
            # One for all of them: a signal between two transfers finds the disk written over, too.
            with deferred() as stop, put_back(taken.disk, taken.plain, blank, taken.rescue):
                for layout in wish.layouts(predicted):
                    for one in write_through(bench, place, layout, stop):
                        judged = judge(predicted, one, host.release, pair.excuse)
                        proofs.append(Proof(pair, predicted, judged, piece.levels, one))
    return proofs


def verify_all(session: Session, wish: Wish, *, wake: bool) -> tuple[Host, list[Proof]]:
    """Tries every pool with every NVMe drive. Raises P2pctlError where nothing can be tried."""
    host = Host(session, wake=wake)
    pools = host.snapshot.pools.pools if host.snapshot.pools else {}
    if not pools:
        raise NotFoundError("no device here has P2P memory", hint="p2pctl doctor says what stands in the way")
    drives = [(one, disks[0]) for one in sorted(host.names.devices) if (disks := disks_of(host.snapshot, one))]
    proofs: list[Proof] = []
    for address, found in pools.items():
        pairs = [
            (host.pair(address, client, disk, unit_of(session, disk)), host.resolver.verdict(address, client))
            for client, disk in drives
        ]
        session.narrator.detail(f"trying {len(pairs)} drives with the pool of {host.names.label(address)}")
        try:
            check_mappable(address, found.mappable)
            largest = max((pair.unit for pair, _ in pairs), default=0)
            with piece_of(session.door.memory, host.pool(address), wish.size, least(largest, wish)) as piece:
                proofs += prove_reads(session.door.memory, piece, pairs, wish.layouts, host.release)
        except OSError as error:
            if isinstance(error, PermissionError):
                raise refusal(error, f"map the pool of {address}") from None
            proofs += (untested(pair, predicted, Levels(None, None), error) for pair, predicted in pairs)
        except UsageError:  # about what was asked for, not about this pool
            raise
        except P2pctlError as error:
            untried = Judgement("not-tested", None, error.message)
            proofs += (Proof(pair, predicted, untried, Levels(None, None)) for pair, predicted in pairs)
    denied = [proof.error for proof in proofs if isinstance(proof.error, PermissionError)]
    if denied and len(denied) == len(proofs):
        raise refusal(denied[0], "read the drives")
    return host, proofs


def shown(host: Host, proofs: list[Proof], *, walk: bool) -> None:
    """Writes what was found."""
    notes = _untried(host) if walk else ()
    report = proof_report(host.snapshot, host.selection, host.names, proofs, notes)
    session = host.session
    page = matrix_page(report, host.names, proofs) if walk else pair_page(report, host.names, proofs)
    session.show(page if session.format == "table" or (session.format == "plain" and not walk) else report)


def _untried(host: Host) -> tuple[str, ...]:
    """Clients of the matrix that are no drives."""
    others = [
        device
        for address, device in host.names.devices.items()
        if device.matters and device.kind in {"nvme", "rdma", "gpu"} and not disks_of(host.snapshot, address)
    ]
    if not others:
        return ()
    clients = "1 client is no drive with a namespace" if len(others) == 1 else f"{len(others)} clients are no drives"
    return (f"{clients}: p2pctl explain says what is predicted of such, and only their own drivers can try it.",)


def exit_code(proofs: list[Proof], *, walk: bool) -> ExitCode:
    """With --exit-code. Of a pair: whether its data arrive; of all of them: whether each does what was predicted."""
    if any(proof.judgement.agrees is False or proof.judgement.result == "wrong" for proof in proofs):
        return ExitCode.ANSWER_NO
    results = {proof.judgement.result for proof in proofs}
    if not walk and results & {"refused", "failed"}:
        return ExitCode.ANSWER_NO
    told = all(proof.judgement.agrees is not None or proof.judgement.result == "works" for proof in proofs)
    if not results <= _SETTLED or (walk and not told):
        return ExitCode.ANSWER_UNKNOWN
    return ExitCode.OK


def check_report(file: str | None) -> None:
    """Raises UsageError, P2pctlError for a file that cannot be made: before transfers that may take long."""
    if file is not None and file != "-":
        from p2pctl.saving import check  # noqa: PLC0415  hardly ever needed

        check(file, force=False)


def save_report(session: Session, proofs: list[Proof], file: str | None) -> None:
    """Records the host where anything disagrees, and somebody asked for that."""
    if file is None or not any(proof.judgement.agrees is False for proof in proofs):
        return
    from p2pctl.cli.recording import record  # noqa: PLC0415  hardly ever needed

    record(session, file, redacted=True, force=False, wake=False)
