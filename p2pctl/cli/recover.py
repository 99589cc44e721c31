"""``p2pctl recover``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.change_options import LockTimeout
from p2pctl.cli.framework import command, single
from p2pctl.cli.session import Session

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
    yes: Annotated[bool, typer.Option("--yes", help="Taken for the sake of scripts: nothing is asked here.")] = False,
) -> None:
    """Undo or finish a change that was interrupted, so that the next one can begin.

        $ p2pctl recover --rollback
        $ p2pctl recover --resume

    Until then, changes are refused (exit 10). A change that waits for confirmation is undone in the same way. Without
    anything to recover there is nothing to do.
    """
    from p2pctl.cli.change import check_ready, report_outcome  # noqa: PLC0415
    from p2pctl.cli.workplace import workplace  # noqa: PLC0415
    from p2pctl.errors import UsageError  # noqa: PLC0415
    from p2pctl.target.recover import Way, waiting  # noqa: PLC0415
    from p2pctl.target.recover import recover as carry_out  # noqa: PLC0415

    del yes
    session = Session.of(ctx)
    if rollback and resume:
        raise UsageError("--rollback and --resume exclude each other", hint="choose one of them")
    check_ready(session)
    place = workplace(session)
    if not rollback and not resume:
        found = waiting(place)
        what = f"the change {found.transaction} ({found.command}) is unfinished" if found else "nothing is unfinished"
        raise UsageError(f"say how: {what}", hint="--rollback undoes what it did, --resume does the rest of it")
    way: Way = "rollback" if rollback else "resume"
    outcome = carry_out(place, way, transaction=transaction, timeout=lock_timeout, command=f"recover --{way}")
    report_outcome(session, f"recover --{way}", outcome)
