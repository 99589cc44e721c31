"""``p2pctl apply``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from p2pctl.cli.change_options import ChangeOptions, changing
from p2pctl.cli.documents import File, Prune
from p2pctl.cli.framework import single
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from p2pctl.cli.change import Asked
    from p2pctl.model.nvmet import Nvmet

app = single()


@changing(app, "apply")
def apply(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    file: File,
    prune: Prune = None,
    wait: Annotated[
        float,
        typer.Option(
            "--wait", metavar="SECONDS", min=0, max=86400, help="How long to wait for devices and addresses to appear."
        ),
    ] = 0.0,
    drop: Annotated[
        bool, typer.Option("--drop", help="End the sessions of hosts that lose their right, where the kernel can.")
    ] = False,
    confirm_within: Annotated[
        int | None,
        typer.Option(
            "--confirm-within",
            metavar="SECONDS",
            min=1,
            max=86400,
            show_default=False,
            help="Undo it unless p2pctl confirm is called in time. It takes systemd.",
        ),
    ] = None,
) -> None:
    """Make the NVMe target what a document says.

        $ p2pctl apply target.yaml --dry-run
        $ p2pctl apply target.yaml
        $ p2pctl apply target.yaml --prune owned --yes -o json
        $ p2pctl apply target.yaml --confirm-within 60 --disruption port

    Only what differs is written; what the document does not mention stays. It is checked whole before the first write
    (exit 8 where something stands against it), and undone if a step fails. What hosts would notice is refused unless
    --disruption allows it.
    """
    from p2pctl.cli.change import Asked, Extra, change  # noqa: PLC0415
    from p2pctl.cli.documents import read_document  # noqa: PLC0415
    from p2pctl.cli.sessions import Dropping  # noqa: PLC0415
    from p2pctl.cli.workplace import check_changeable  # noqa: PLC0415

    session = Session.of(ctx)
    options = ChangeOptions.of(ctx)
    check_changeable(session, dry_run=options.dry_run)
    wishes = read_document(session, file)

    def ask(live: Nvmet) -> Asked:
        del live
        return Asked(wishes, prune=prune or "none")

    extra = Extra(confirm_within=confirm_within, wait=wait, dropping=Dropping(session, wanted=drop, offered=True))
    change(session, options, f"apply {file}", ask, extra)
