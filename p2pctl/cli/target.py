"""``p2pctl target``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from p2pctl.cli.change_options import Assignments, ChangeOptions, changing
from p2pctl.cli.framework import command, noun
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from p2pctl.cli.change import Asked
    from p2pctl.model.nvmet import Nvmet

app = noun("""
The NVMe target as a whole: what it answers to discovery.

  $ p2pctl target show
  $ p2pctl target set discovery_nqn=nqn.2026-11.org.example:discovery
""")


@command(app, "show")
def show_target(ctx: typer.Context) -> None:
    """Show the target's own attributes, and how many objects it has.

    $ p2pctl target show
    $ p2pctl target show -o json
    """
    from p2pctl.render.target_root import target_page  # noqa: PLC0415  --help reads nothing

    session = Session.of(ctx)
    session.show(target_page(session.snapshot({"nvmet"})))


@changing(app, "set")
def set_target(ctx: typer.Context, assignments: Assignments = None) -> None:
    """Set attributes of the target as a whole.

    $ p2pctl target set discovery_nqn=nqn.2026-11.org.example:discovery
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.change_values import given, something  # noqa: PLC0415
    from p2pctl.target.wishes import Wishes  # noqa: PLC0415

    wanted = something(given("root", assignments))

    def ask(live: Nvmet) -> Asked:
        return Asked(Wishes(attributes=wanted.values(live.attributes)))

    change(Session.of(ctx), ChangeOptions.of(ctx), "target set", ask)
