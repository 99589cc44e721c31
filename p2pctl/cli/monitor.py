"""``p2pctl monitor``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.session import Session

app = single()


@command(app, "monitor")
def follow_events(
    ctx: typer.Context,
    interval: Annotated[
        float,
        typer.Option(
            "-i", "--interval", metavar="SECONDS", min=0.1, max=86400, help="Time between two looks at levels."
        ),
    ] = 1.0,
    count: Annotated[
        int | None, typer.Option("-n", "--count", metavar="N", min=1, help="Stop after so many lines.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", min=0, max=1e9, help="Stop after so long.")
    ] = None,
) -> None:
    """Print what happens, a line an event, until interrupted.

        $ p2pctl monitor
        $ p2pctl monitor -o jsonl --for 3600
        $ p2pctl --demo monitor --count 5

    Devices and pools that come and go, levels of pools that move, changes of the NVMe target whoever makes them, and
    what the kernel says of P2P. Nothing is told of what was there before.
    """
    from p2pctl.cli.monitoring import monitor  # noqa: PLC0415  --help reads nothing

    monitor(Session.of(ctx), interval, count, seconds)
