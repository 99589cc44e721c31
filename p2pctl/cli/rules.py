"""``p2pctl rules``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, noun
from p2pctl.cli.session import Session

app = noun("""
The rules by which kernels decide whether two devices may do P2P.

  $ p2pctl rules list
  $ p2pctl rules show linux-5.19
""")

Rules = Annotated[
    str | None,
    typer.Option(
        "--rules",
        metavar="NAME",
        show_default=False,
        help="Rules to go by instead of the kernel's own: a name of p2pctl rules list, or a release such as 6.12.",
    ),
]


@command(app, "list")
def list_rules(ctx: typer.Context) -> None:
    """List the rule sets: one for each kernel release that changed an answer.

        $ p2pctl rules list
        $ p2pctl rules list -o json

    Proposals from the mailing lists that never became a kernel's rules are listed, too.
    """
    from p2pctl.render.rules import rules_report  # noqa: PLC0415  --help reads nothing

    session = Session.of(ctx)
    session.show(rules_report(session.snapshot({"kernel"})))


@command(app, "show")
def show_rules(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A rule set, or a kernel release such as 6.12.")],
) -> None:
    """Show one rule set in full, with its list of host bridges.

    $ p2pctl rules show linux-7.3
    $ p2pctl rules show 6.12
    """
    from p2pctl.render.rules import rules_page  # noqa: PLC0415  --help reads nothing
    from p2pctl.resolver.selection import find_rules  # noqa: PLC0415

    session = Session.of(ctx)
    rules = find_rules(name)
    session.show(rules_page(session.snapshot({"kernel"}), rules))
