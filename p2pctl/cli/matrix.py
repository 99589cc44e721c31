"""``p2pctl matrix``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake
from p2pctl.cli.rules import Rules
from p2pctl.cli.session import Session

app = single()


@command(app, "matrix")
def show_matrix(
    ctx: typer.Context,
    devices: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DEVICE]...",
            show_default=False,
            help="One device: the pairs that it takes part in. Several: the pairs between them.",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("-a", "--all", help="Also memory that is no pool: dma-buf exporters and raw BARs.")
    ] = False,
    rules: Rules = None,
    wake: Wake = False,
) -> None:
    """Show which devices may use whose P2P memory: verdict and distance of every pair.

        $ p2pctl matrix
        $ p2pctl matrix nvme0 mlx5_0
        $ p2pctl matrix --all --rules 6.12
        $ p2pctl matrix -o csv

    Rows are providers, columns are clients: NVMe, RDMA and GPU functions. Reading ACS takes root; without it a pair
    may be unknown. p2pctl explain says why a pair is what it is.
    """
    import sys  # noqa: PLC0415

    from p2pctl.cli.terminal import look  # noqa: PLC0415  --help reads nothing
    from p2pctl.render.matrix import matrix_page, scope  # noqa: PLC0415
    from p2pctl.render.verdicts import PARTS, Names, choose, find_client  # noqa: PLC0415
    from p2pctl.resolver.resolver import Resolver  # noqa: PLC0415
    from p2pctl.resolver.topology import Topology  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = session.snapshot(PARTS, wake=wake)
    selection = choose(snapshot, rules)
    names = Names(snapshot)
    pairs = scope(
        names, [find_client(snapshot, session.followed(device)) for device in devices or ()], everything=everything
    )
    resolver = Resolver(Topology.of(snapshot), selection.rules)
    page = matrix_page(snapshot, selection, resolver, names, pairs, width=look(sys.stdout, "never").width)
    session.show(page if session.format == "table" else page.report)
