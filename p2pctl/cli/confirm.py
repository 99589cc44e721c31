"""``p2pctl confirm``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.change_options import LockTimeout
from p2pctl.cli.framework import command, single
from p2pctl.cli.session import Session

app = single()


@command(app, "confirm")
def confirm(
    ctx: typer.Context,
    transaction: Annotated[
        str, typer.Argument(metavar="ID", show_default=False, help="The change, as apply --confirm-within named it.")
    ],
    lock_timeout: LockTimeout = 0.0,
) -> None:
    """Keep a change that would otherwise undo itself.

    $ p2pctl confirm 20261102T090000Z-77ea08
    """
    from p2pctl.cli.change import check_ready, report_outcome  # noqa: PLC0415
    from p2pctl.cli.workplace import workplace  # noqa: PLC0415
    from p2pctl.target.recover import confirm as keep  # noqa: PLC0415

    session = Session.of(ctx)
    check_ready(session)
    report_outcome(session, "confirm", keep(workplace(session), transaction, timeout=lock_timeout))
