"""``p2pctl status``."""

from __future__ import annotations

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake
from p2pctl.cli.session import Session

app = single()


@command(app, "status")
def show_status(ctx: typer.Context, wake: Wake = False) -> None:
    """Show one page about this host: kernel, pools, NVMe target, and what stands out.

    $ p2pctl status
    $ p2pctl status -o json
    $ p2pctl --capture host.tar.gz status
    """
    from p2pctl.cli.unfinished import change_findings  # noqa: PLC0415  --help reads nothing
    from p2pctl.findings.devices import PARTS  # noqa: PLC0415
    from p2pctl.findings.pools import also_needed  # noqa: PLC0415
    from p2pctl.render.status import status_page  # noqa: PLC0415
    from p2pctl.target.port_state import evidence_needed  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = session.snapshot({*PARTS, "kernel", "nvmet", "rnbd", "machine", "connections"}, wake=wake)
    snapshot = session.extended(snapshot, also_needed(snapshot) | evidence_needed(snapshot))
    session.show(status_page(snapshot, session.device_links(snapshot), change_findings(session)))
