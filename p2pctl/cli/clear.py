"""``p2pctl clear``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from p2pctl.cli.change_options import ChangeOptions, changing
from p2pctl.cli.framework import single
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from p2pctl.cli.change import Asked
    from p2pctl.model.nvmet import Nvmet

app = single()


@changing(app, "clear")
def clear(
    ctx: typer.Context,
    owned: Annotated[
        bool, typer.Option("--owned", help="Delete only what p2pctl itself has made in this boot.")
    ] = False,
) -> None:
    """Delete everything that the NVMe target has: ports, subsystems with their namespaces, hosts.

        $ p2pctl clear --dry-run
        $ p2pctl clear --owned --yes
        $ p2pctl export > before.yaml && p2pctl clear

    What will vanish is listed, and asked for. Every host loses what it uses; what is on the devices stays.
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.target.plan import Disruption  # noqa: PLC0415
    from p2pctl.target.wishes import Wishes  # noqa: PLC0415

    def ask(live: Nvmet) -> Asked:
        del live
        return Asked(Wishes(), implied=Disruption.ALL, prune="owned" if owned else "all")

    change(Session.of(ctx), ChangeOptions.of(ctx), "clear", ask)
