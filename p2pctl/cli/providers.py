"""``p2pctl providers``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake
from p2pctl.cli.rules import Rules
from p2pctl.cli.session import Session

app = single()


@command(app, "providers")
def show_providers(
    ctx: typer.Context,
    clients: Annotated[
        list[str],
        typer.Argument(metavar="CLIENT...", show_default=False, help="The devices that shall use the memory."),
    ],
    rules: Rules = None,
    wake: Wake = False,
) -> None:
    """Show which P2P memory the kernel would choose for some clients.

        $ p2pctl providers mlx5_0
        $ p2pctl providers nvme0 mlx5_0 -o json

    The NVMe target asks the kernel so when a namespace has p2pmem set to 1: its clients are the drive and the network
    card. The closest published pool that all clients may use is taken; among equals the kernel takes any.
    """
    from p2pctl.render.verdicts import PARTS, choose, find_client, providers_page  # noqa: PLC0415  --help reads nothing
    from p2pctl.resolver.resolver import Resolver  # noqa: PLC0415
    from p2pctl.resolver.topology import Topology  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = session.snapshot(PARTS, wake=wake)
    selection = choose(snapshot, rules)
    found = [find_client(snapshot, session.followed(client)) for client in clients]
    page = providers_page(snapshot, selection, Resolver(Topology.of(snapshot), selection.rules), found)
    session.show(page if session.format == "table" else page.report)
