"""``p2pctl port``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from p2pctl.cli.change_options import (
    Assignments,
    Cascade,
    ChangeOptions,
    IfExists,
    NewPort,
    Nqn,
    OrUpdate,
    PortName,
    changing,
)
from p2pctl.cli.framework import command, noun
from p2pctl.cli.options import Wake
from p2pctl.cli.rules import Rules
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from p2pctl.cli.change import Asked
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.target.plan import Disruption
    from p2pctl.target.wishes import PortWish, Wishes

app = noun("""
Ports of the NVMe target: where hosts reach it, and whether P2P memory is used there.

  $ p2pctl port list
  $ p2pctl port state
  $ p2pctl port create 4 trtype=tcp traddr=192.0.2.10 trsvcid=4422 --link NQN
""")


@command(app, "list")
def list_ports(ctx: typer.Context) -> None:
    """List the ports: transport, address, and what they export.

    $ p2pctl port list
    $ p2pctl port list -o json
    """
    from p2pctl.render.target_ports import port_report  # noqa: PLC0415  --help reads nothing

    session = Session.of(ctx)
    session.show(port_report(session.snapshot({"nvmet"})))


@command(app, "show")
def show_port(ctx: typer.Context, port: PortName, rules: Rules = None, wake: Wake = False) -> None:
    """Show one port in full, with what becomes of P2P on it.

    $ p2pctl port show 1
    $ p2pctl port show 1 -o json
    """
    from p2pctl.cli.objects import find_port, target_of  # noqa: PLC0415
    from p2pctl.render.port_page import port_page  # noqa: PLC0415
    from p2pctl.render.port_states import PARTS  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = session.snapshot(PARTS, wake=wake)
    session.show(
        port_page(snapshot, find_port(target_of(snapshot), port), rules=rules, followed=session.device_links(snapshot))
    )


@command(app, "state")
def show_states(
    ctx: typer.Context,
    port: Annotated[str | None, typer.Argument(metavar="[PORT]", show_default=False, help="This port only.")] = None,
    rules: Rules = None,
    wake: Wake = False,
) -> None:
    """Show whether the I/O of each namespace goes through P2P memory, port by port, and how that is known.

        $ p2pctl port state
        $ p2pctl port state 1 -o json

    A state is what the kernel has said, where its log still has it; else what its rules predict.
    """
    from p2pctl.render.port_states import PARTS, port_state_report  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = session.snapshot(PARTS, wake=wake)
    session.show(port_state_report(snapshot, port, rules=rules, followed=session.device_links(snapshot)))


@changing(app, "create")
def create_port(
    ctx: typer.Context,
    port: NewPort,
    assignments: Assignments = None,
    link: Annotated[
        list[str] | None, typer.Option("--link", metavar="NQN", help="A subsystem to export; may be repeated.")
    ] = None,
    or_update: OrUpdate = False,
) -> None:
    """Create a port. It serves hosts once it exports a subsystem.

        $ p2pctl port create 4 trtype=rdma traddr=192.0.2.10 trsvcid=4420
        $ p2pctl port create 4 trtype=tcp traddr=192.0.2.10 trsvcid=4422 --link NQN
        $ p2pctl port create 5 trtype=loop --link nqn.2026-11.org.example:pool0

    adrfam is taken from the address where it is not given. inline_data_size=0 lets small writes use P2P memory, too.
    """
    from p2pctl.cli.change import change  # noqa: PLC0415
    from p2pctl.cli.change_values import given, with_family  # noqa: PLC0415
    from p2pctl.cli.objects import changeable_port, exists, find_subsystem, listed, new_port_number  # noqa: PLC0415
    from p2pctl.target.wishes import PortWish  # noqa: PLC0415

    wanted = with_family(given("port", assignments))
    number = new_port_number(port)

    def ask(live: Nvmet) -> Asked:
        there = any(one.number == number for one in live.ports.values())
        if there and not or_update:
            raise exists(f"port {number}")
        if there:
            changeable_port(live, str(number))
        for nqn in link or ():
            find_subsystem(live, nqn)
        return _asked(number, PortWish(attributes=wanted.values(listed("port", live)), link=tuple(link or ())))

    change(Session.of(ctx), ChangeOptions.of(ctx), "port create", ask)


@changing(app, "set")
def set_port(ctx: typer.Context, port: PortName, assignments: Assignments = None) -> None:
    """Set attributes of a port.

        $ p2pctl port set 2 trsvcid=4425 --disruption port
        $ p2pctl port set 1 inline_data_size=0 --disruption port

    A port that exports something is taken down for a moment: its hosts lose their connection, and may come back.
    """
    from p2pctl.cli.change import change  # noqa: PLC0415
    from p2pctl.cli.change_values import given, something  # noqa: PLC0415
    from p2pctl.cli.objects import changeable_port  # noqa: PLC0415
    from p2pctl.target.wishes import PortWish  # noqa: PLC0415

    wanted = something(given("port", assignments))

    def ask(live: Nvmet) -> Asked:
        found, number = changeable_port(live, port)
        return _asked(number, PortWish(attributes=wanted.values(found.attributes)))

    change(Session.of(ctx), ChangeOptions.of(ctx), "port set", ask)


@changing(app, "link")
def link_subsystem(ctx: typer.Context, port: PortName, nqn: Nqn) -> None:
    """Export a subsystem by a port.

    $ p2pctl port link 1 nqn.2026-11.org.example:pool0
    """
    from p2pctl.cli.change import change  # noqa: PLC0415
    from p2pctl.cli.objects import changeable_port, find_subsystem  # noqa: PLC0415
    from p2pctl.target.wishes import PortWish  # noqa: PLC0415

    def ask(live: Nvmet) -> Asked:
        number = changeable_port(live, port)[1]
        find_subsystem(live, nqn)
        return _asked(number, PortWish(link=(nqn,)))

    change(Session.of(ctx), ChangeOptions.of(ctx), "port link", ask)


@changing(app, "unlink")
def unlink_subsystem(ctx: typer.Context, port: PortName, nqn: Nqn) -> None:
    """Export a subsystem by a port no more. Hosts that use it there lose it at once.

    $ p2pctl port unlink 2 nqn.2026-11.org.example:archive
    """
    from p2pctl.cli.change import change  # noqa: PLC0415
    from p2pctl.cli.objects import changeable_port, find_subsystem  # noqa: PLC0415
    from p2pctl.target.plan import Disruption  # noqa: PLC0415
    from p2pctl.target.wishes import PortWish  # noqa: PLC0415

    def ask(live: Nvmet) -> Asked:
        found, number = changeable_port(live, port)
        if nqn not in found.subsystems:
            find_subsystem(live, nqn)
        return _asked(number, PortWish(unlink=(nqn,)), Disruption.PORT)

    change(Session.of(ctx), ChangeOptions.of(ctx), "port unlink", ask)


@changing(app, "ana")
def set_ana_state(
    ctx: typer.Context,
    port: PortName,
    group: Annotated[
        int, typer.Argument(metavar="GROUP", min=1, max=127, show_default=False, help="The ANA group, 1..127.")
    ],
    state: Annotated[
        str,
        typer.Argument(
            metavar="STATE",
            show_default=False,
            help="optimized, non-optimized, inaccessible, persistent-loss or change; absent deletes the group.",
        ),
    ],
) -> None:
    """Set how the namespaces of an ANA group are reached by a port. The group is made where there is none.

    $ p2pctl port ana 1 2 optimized
    $ p2pctl port ana 1 2 absent --disruption namespace
    """
    from p2pctl.cli.change import change  # noqa: PLC0415
    from p2pctl.cli.change_values import given  # noqa: PLC0415
    from p2pctl.cli.objects import changeable_port, check_group_goes  # noqa: PLC0415
    from p2pctl.target.wishes import GroupWish, PortWish  # noqa: PLC0415

    gone = state == "absent"
    values = {} if gone else given("ana-group", [f"ana_state={state}"]).known

    def ask(live: Nvmet) -> Asked:
        found, number = changeable_port(live, port)
        if gone:
            check_group_goes(found, group)
        wish = GroupWish(absent=True) if gone else GroupWish(state=values["ana_state"])
        return _asked(number, PortWish(ana_groups={group: wish}))

    change(Session.of(ctx), ChangeOptions.of(ctx), "port ana", ask)


@changing(app, "delete")
def delete_port(ctx: typer.Context, port: PortName, cascade: Cascade = False, if_exists: IfExists = False) -> None:
    """Delete a port.

        $ p2pctl port delete 3 --cascade

    One that exports subsystems, or has referrals, is deleted with --cascade only: its hosts lose their connections.
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.objects import changeable_port, has_port  # noqa: PLC0415
    from p2pctl.target.plan import Disruption  # noqa: PLC0415
    from p2pctl.target.wishes import PortWish, Wishes  # noqa: PLC0415

    def ask(live: Nvmet) -> Asked:
        if if_exists and not has_port(live, port):
            return Asked(Wishes())
        number = changeable_port(live, port)[1]
        return _asked(number, PortWish(absent=True), Disruption.PORT)._replace(cascade=cascade)

    change(Session.of(ctx), ChangeOptions.of(ctx), "port delete", ask)


def _asked(number: int, wish: PortWish, implied: Disruption | None = None) -> Asked:
    from p2pctl.cli.change import Asked  # noqa: PLC0415
    from p2pctl.target.plan import Disruption  # noqa: PLC0415

    return Asked(_wishes(number, wish), implied=implied or Disruption.NONE)


def _wishes(number: int, wish: PortWish) -> Wishes:
    from p2pctl.target.wishes import Wishes  # noqa: PLC0415

    return Wishes(ports={number: wish})
