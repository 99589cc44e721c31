"""``p2pctl pool``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, noun
from p2pctl.cli.options import Device, Holders
from p2pctl.cli.session import Session

app = noun("""
P2P memory: how much there is, how much is free, and who holds it.

  $ p2pctl pool list
  $ p2pctl pool show nvme0 --holders
  $ p2pctl pool watch
""")


@command(app, "list")
def list_pools(ctx: typer.Context, holders: Holders = False) -> None:
    """List P2P memory: size, what is available, state and holders.

        $ p2pctl pool list
        $ p2pctl pool list --holders -o json

    A pool is memory of a device that its driver registered with the kernel. Published pools are offered to others,
    such as the NVMe target. A memory buffer that should be a pool and is none is listed as unregistered.
    """
    from p2pctl.findings.pools import also_needed  # noqa: PLC0415  --help reads nothing
    from p2pctl.render.pools import pool_report  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = session.snapshot({"pools"})
    snapshot = session.extended(snapshot, also_needed(snapshot, ask_holders=holders))
    session.show(pool_report(snapshot))


@command(app, "show")
def show_pool(ctx: typer.Context, device: Device, holders: Holders = False) -> None:
    """Show one pool in full.

    $ p2pctl pool show 0000:03:00.0
    $ p2pctl pool show nvme0 --holders
    """
    from p2pctl.findings.pools import also_needed, why_no_pool  # noqa: PLC0415
    from p2pctl.render.pool_page import pool_page  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot, address = session.device({"pools", "nvme", "rdma", "block"}, device)
    snapshot = session.extended(snapshot, also_needed(snapshot, ask_holders=holders))
    page = pool_page(snapshot, address)
    if page is None:
        raise why_no_pool(snapshot, address)
    session.show(page)


@command(app, "watch")
def watch_pools(
    ctx: typer.Context,
    interval: Annotated[
        float, typer.Option("-i", "--interval", metavar="SECONDS", min=0.1, max=86400, help="Time between two looks.")
    ] = 1.0,
    count: Annotated[
        int | None, typer.Option("-n", "--count", metavar="N", min=1, help="Stop after so many looks.")
    ] = None,
) -> None:
    """Watch the levels of all pools, until interrupted.

    $ p2pctl pool watch
    $ p2pctl pool watch --interval 5
    $ p2pctl pool watch -o jsonl --count 60
    """
    from p2pctl.cli.watch import watch  # noqa: PLC0415  a terminal's table needs what no other command does

    watch(Session.of(ctx), interval, count)
