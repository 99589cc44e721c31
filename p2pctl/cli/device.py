"""``p2pctl device``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, noun
from p2pctl.cli.options import Device, Wake
from p2pctl.cli.session import Session

app = noun("""
PCI functions that take part in P2P: where they sit, and what they can lend.

  $ p2pctl device list
  $ p2pctl device show nvme0
""")

All = Annotated[bool, typer.Option("-a", "--all", help="Every PCI function, not only those that matter for P2P.")]


@command(app, "list")
def list_devices(ctx: typer.Context, everything: All = False, wake: Wake = False) -> None:
    """List the PCI functions that matter for P2P.

        $ p2pctl device list
        $ p2pctl device list --all -o json

    Reading ACS and other configuration registers takes root. A function that sleeps is left asleep unless --wake.
    """
    from p2pctl.findings.devices import PARTS  # noqa: PLC0415  --help reads nothing
    from p2pctl.render.devices import device_report  # noqa: PLC0415

    session = Session.of(ctx)
    session.show(device_report(session.snapshot(PARTS, wake=wake), everything=everything))


@command(app, "show")
def show_device(ctx: typer.Context, device: Device, wake: Wake = False) -> None:
    """Show one PCI function in full.

    $ p2pctl device show 0000:03:00.0
    $ p2pctl device show mlx5_0 --wake
    """
    from p2pctl.findings.devices import PARTS  # noqa: PLC0415
    from p2pctl.render.devices import device_page  # noqa: PLC0415
    from p2pctl.resolver.selectors import not_found  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot, address = session.device(PARTS, device, wake=wake)
    page = device_page(snapshot, address)
    if page is None:
        raise not_found(snapshot, f"no PCI function {address}", "p2pctl device list --all shows what is there")
    session.show(page)
