"""``p2pctl capture``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake
from p2pctl.cli.session import Session

app = single()


@command(app, "capture")
def capture(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where the recording goes; - is standard output.")],
    *,
    redact: Annotated[
        bool, typer.Option("--redact", help="Replace serial numbers, NQNs and other identities.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    wake: Wake = False,
) -> None:
    """Record this host in one file.

    $ p2pctl capture host.tar.gz
    $ p2pctl --capture host.tar.gz topology
    $ ssh root@host p2pctl capture - > host.tar.gz

    The file holds what p2pctl reads and nothing else: PCI, NVMe, RDMA and target attributes, from a list of names.
    Secrets are never read. Root sees more: configuration space needs CAP_SYS_ADMIN.
    """
    from p2pctl.cli.recording import record  # noqa: PLC0415  --help records nothing

    record(Session.of(ctx), file, redacted=redact, force=force, wake=wake)
