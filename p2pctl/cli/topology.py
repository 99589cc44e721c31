"""``p2pctl topology``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake
from p2pctl.cli.session import Session

app = single()


@command(app, "topology")
def show_topology(
    ctx: typer.Context,
    everything: Annotated[
        bool, typer.Option("-a", "--all", help="Every PCI function, not only those that matter for P2P.")
    ] = False,
    wake: Wake = False,
) -> None:
    """Show the PCI tree: host bridges, switches, and the devices that take part in P2P.

        $ p2pctl topology
        $ p2pctl topology --all
        $ p2pctl topology -o json

    Two devices below the same switch reach each other without the host, unless ACS sends their traffic up.
    """
    from p2pctl.findings.devices import PARTS  # noqa: PLC0415  --help reads nothing
    from p2pctl.render.topology import topology_page  # noqa: PLC0415

    session = Session.of(ctx)
    session.show(topology_page(session.snapshot(PARTS, wake=wake), everything=everything))
