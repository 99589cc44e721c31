"""``p2pctl recover``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from p2pctl.cli.change_options import LockTimeout
from p2pctl.cli.framework import command, single
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from p2pctl.target.recover import Waiting
    from p2pctl.target.workplace import Workplace

app = single()


@command(app, "recover")
def recover(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    transaction: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", show_default=False, help="Which change; without it, the one that is unfinished."
        ),
    ] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Undo what it did.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Do the rest of it.")] = False,
    lock_timeout: LockTimeout = 0.0,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask: undo the change, and put back a disk where nobody can lose data.")
    ] = False,
    confirm: Annotated[
        str | None,
        typer.Option(
            "--confirm",
            metavar="NAME",
            show_default=False,
            help="Name of the disk that is put back, whatever is there now, instead of typing it.",
        ),
    ] = None,
) -> None:
    """Undo or finish a change that was interrupted, so that the next one can begin.

        $ p2pctl recover
        $ p2pctl recover --rollback
        $ p2pctl recover --resume
        $ p2pctl recover --yes
        $ p2pctl recover --confirm nvme1n1p3

    Until then, changes are refused (exit 10). Without an option the change is undone, after a question; p2pctl status
    names it. One that waits for confirmation is undone in the same way. Without any there is nothing to do.

    First, unless an ID is named, it puts back what verify --write or bench has written over and was killed before it
    could. What verify has written is told from all else: --yes suffices then. What bench has copied is not: the disk's
    name has to be typed, or given with --confirm, since data that somebody has written there since would be lost.
    """
    from p2pctl.cli.change import check_ready, report_outcome  # noqa: PLC0415
    from p2pctl.cli.putting_back import Said, put_back_left  # noqa: PLC0415
    from p2pctl.cli.workplace import workplace  # noqa: PLC0415
    from p2pctl.errors import UsageError  # noqa: PLC0415
    from p2pctl.target.outcome import Outcome  # noqa: PLC0415
    from p2pctl.target.recover import Way  # noqa: PLC0415
    from p2pctl.target.recover import recover as carry_out  # noqa: PLC0415

    session = Session.of(ctx)
    if rollback and resume:
        raise UsageError("--rollback and --resume exclude each other", hint="choose one of them")
    if transaction is not None and confirm is not None:
        raise UsageError(
            "--confirm is about a disk, and a change that is named leaves disks alone", hint="leave out one of them"
        )
    if transaction is None:
        with _disks_can_wait(session):
            # Neither --rollback nor --resume is a yes to it: they are about the target.
            done = put_back_left(session, Said(yes, confirm), timeout=lock_timeout)
        if done and _waiting(session) is None:
            return
    check_ready(session)
    place = workplace(session)
    if not (rollback or resume or yes) and not _agreed(session, place, transaction):
        report_outcome(session, "recover", Outcome("nothing", transaction=transaction))
        return
    way: Way = "resume" if resume else "rollback"
    outcome = carry_out(place, way, transaction=transaction, timeout=lock_timeout, command=f"recover --{way}")
    report_outcome(session, f"recover --{way}", outcome)


@contextlib.contextmanager
def _disks_can_wait(session: Session) -> Iterator[None]:
    """For a block about a disk: where it fails, whoever came for a change of the target is told how to go on."""
    from p2pctl.cli.unfinished import under_way, workplace_of  # noqa: PLC0415
    from p2pctl.errors import P2pctlError  # noqa: PLC0415

    try:
        yield
    except P2pctlError as error:
        found = None
        with contextlib.suppress(P2pctlError):  # of another fault, which is not to hide this one
            found = None if under_way(workplace_of(session)) else _waiting(session)
        if found is not None:
            way = f"p2pctl recover {found.transaction} --rollback leaves the disk alone"
            error.hint = f"{error.hint}; {way}" if error.hint else way
        raise


def _waiting(session: Session) -> Waiting | None:
    """The change of the target that is unfinished."""
    from p2pctl.cli.workplace import workplace  # noqa: PLC0415
    from p2pctl.target.recover import waiting  # noqa: PLC0415

    return waiting(workplace(session))


def _agreed(session: Session, place: Workplace, transaction: str | None) -> bool:
    """Whether a change is to be undone; False: there is none.

    Raises UsageError where nobody can say so, P2pctlError for a no.
    """
    from p2pctl.cli.agreeing import can_answer  # noqa: PLC0415
    from p2pctl.errors import P2pctlError, UsageError  # noqa: PLC0415
    from p2pctl.target.recover import waiting  # noqa: PLC0415

    found = waiting(place)
    if found is None and transaction is None:
        return False
    if found is None or transaction not in {None, found.transaction}:
        called = f"the change {transaction}"
    else:
        called = f"the change {found.transaction} ({found.command})"
    ways = "--rollback undoes what it did, --resume does the rest of it"
    if not can_answer():
        raise UsageError(f"{called} is to be undone, and there is no terminal to ask at", hint=ways)
    if not session.narrator.ask(f"undo {called}?"):
        raise P2pctlError("not confirmed: nothing was changed", hint=ways)
    return True
