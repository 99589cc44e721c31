"""``p2pctl acs``."""

from __future__ import annotations

import typer

from p2pctl.cli.framework import command, noun
from p2pctl.cli.options import Wake
from p2pctl.cli.rules import Rules
from p2pctl.cli.session import Session

app = noun("""
Ports that may send traffic between devices up to the host: PCIe Access Control Services.

  $ p2pctl acs list
""")


@command(app, "list")
def list_acs(ctx: typer.Context, rules: Rules = None, wake: Wake = False) -> None:
    """List the ports with ACS: what each can do, what is on, and the pairs that it concerns.

        $ p2pctl acs list
        $ p2pctl acs list -o json
        $ p2pctl acs list --rules 6.12

    A port with request redirection (RR), completion redirection (CR) or egress control (EC) on does not pass traffic
    on to its neighbour but sends it up to the host bridge. PAIRS counts the pairs of p2pctl matrix whose way leads
    through it; DENIED those of them that the kernel refuses. p2pctl explain says what to do about a pair. Reading ACS
    takes root.
    """
    from p2pctl.render.acs import acs_report  # noqa: PLC0415  --help reads nothing
    from p2pctl.render.verdicts import PARTS, Names, choose  # noqa: PLC0415
    from p2pctl.resolver.resolver import Resolver  # noqa: PLC0415
    from p2pctl.resolver.topology import Topology  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = session.snapshot(PARTS, wake=wake)
    selection = choose(snapshot, rules)
    session.show(acs_report(snapshot, selection, Resolver(Topology.of(snapshot), selection.rules), Names(snapshot)))
