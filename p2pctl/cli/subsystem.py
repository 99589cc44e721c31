"""``p2pctl subsystem``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from p2pctl.cli.change_options import (
    Assignments,
    Cascade,
    ChangeOptions,
    Enable,
    HostNqn,
    IfExists,
    Nqn,
    OrUpdate,
    changing,
)
from p2pctl.cli.framework import command, noun
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from p2pctl.cli.change import Asked
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.target.wishes import SubsystemWish, Wishes

app = noun("""
Subsystems: what hosts connect to, and who may.

  $ p2pctl subsystem list
  $ p2pctl subsystem create nqn.2026-11.org.example:pool1 serial=P2P0002
  $ p2pctl subsystem allow nqn.2026-11.org.example:pool1 HOSTNQN
""")

Serial = Annotated[str | None, typer.Option("--serial", metavar="TEXT", help="Serial number: 1 to 20 characters.")]
Model = Annotated[str | None, typer.Option("--model", metavar="TEXT", help="Model name: 1 to 40 characters.")]
Drop = Annotated[
    bool, typer.Option("--drop", help="End the sessions of hosts that lose their right, where the kernel has a way.")
]
AnyHost = Annotated[bool, typer.Option("--allow-any-host", help="Let every host connect, without authentication.")]


@command(app, "list")
def list_subsystems(ctx: typer.Context) -> None:
    """List the subsystems: namespaces, ports and who may connect.

    $ p2pctl subsystem list
    $ p2pctl subsystem list -o json
    """
    from p2pctl.render.subsystems import subsystem_report  # noqa: PLC0415  --help reads nothing

    session = Session.of(ctx)
    session.show(subsystem_report(session.snapshot({"nvmet"})))


@command(app, "show")
def show_subsystem(ctx: typer.Context, nqn: Nqn) -> None:
    """Show one subsystem in full.

    $ p2pctl subsystem show nqn.2026-11.org.example:pool0
    """
    from p2pctl.cli.objects import find_subsystem, target_of  # noqa: PLC0415
    from p2pctl.render.subsystems import subsystem_page  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = session.snapshot({"nvmet"})
    nvmet = target_of(snapshot)
    session.show(subsystem_page(snapshot, nvmet, find_subsystem(nvmet, nqn)))


@changing(app, "create")
def create_subsystem(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    nqn: Annotated[str, typer.Argument(metavar="NQN", show_default=False, help="Its name: up to 223 bytes.")],
    assignments: Assignments = None,
    serial: Serial = None,
    model: Model = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="HOSTNQN", help="A host that may connect; may be repeated. Made if missing."),
    ] = None,
    any_host: AnyHost = False,
    or_update: OrUpdate = False,
) -> None:
    """Create a subsystem. Nobody can connect to it until a port exports it, and a host is allowed.

    $ p2pctl subsystem create nqn.2026-11.org.example:pool1
    $ p2pctl subsystem create NQN --serial P2P0002 qid_max=16
    $ p2pctl subsystem create nqn.2026-11.org.example:pool1 --allow HOSTNQN
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.change_values import given  # noqa: PLC0415
    from p2pctl.cli.objects import exists, listed, name_notes, nqn_argument  # noqa: PLC0415
    from p2pctl.target.wishes import SubsystemWish  # noqa: PLC0415

    flags = {"serial": serial, "model": model, "allow_any_host": any_host}
    wanted = given("subsystem", assignments, flags)
    name = nqn_argument(nqn, subsystem=True)
    hosts = tuple(nqn_argument(host, subsystem=False) for host in allow or ())

    def ask(live: Nvmet) -> Asked:
        if name in live.subsystems and not or_update:
            raise exists(f"subsystem {name}")
        wish = SubsystemWish(attributes=wanted.values(listed("subsystem", live)), allow=hosts)
        return Asked(_wishes(name, wish)._replace(notes=name_notes(live, subsystem=name, hosts=hosts)))

    change(Session.of(ctx), ChangeOptions.of(ctx), "subsystem create", ask)


@changing(app, "set")
def set_subsystem(ctx: typer.Context, nqn: Nqn, assignments: Assignments = None, drop: Drop = False) -> None:
    """Set attributes of a subsystem.

        $ p2pctl subsystem set nqn.2026-11.org.example:pool0 model="Example pool"
        $ p2pctl subsystem set NQN qid_max=32 --disruption port
        $ p2pctl subsystem set NQN serial=P2P0009 --disruption all
        $ p2pctl subsystem set NQN allow_any_host=0 --drop

    Once a host has seen it, serial, model, version, firmware and ieee_oui are locked: the subsystem is made anew, and
    every host loses it for a moment. A new qid_max makes every host connect again. With allow_any_host=0, hosts that
    are connected stay so, unless --drop ends their sessions.
    """
    from p2pctl.cli.change import Asked, Extra, change  # noqa: PLC0415
    from p2pctl.cli.change_values import given, something  # noqa: PLC0415
    from p2pctl.cli.objects import find_subsystem  # noqa: PLC0415
    from p2pctl.cli.sessions import Dropping  # noqa: PLC0415
    from p2pctl.target.wishes import SubsystemWish  # noqa: PLC0415

    session = Session.of(ctx)
    wanted = something(given("subsystem", assignments))

    def ask(live: Nvmet) -> Asked:
        found = find_subsystem(live, nqn)
        return Asked(_wishes(nqn, SubsystemWish(attributes=wanted.values(found.attributes))))

    extra = Extra(dropping=Dropping(session, wanted=drop, offered=True))
    change(session, ChangeOptions.of(ctx), "subsystem set", ask, extra)


@changing(app, "delete")
def delete_subsystem(ctx: typer.Context, nqn: Nqn, cascade: Cascade = False, if_exists: IfExists = False) -> None:
    """Delete a subsystem.

        $ p2pctl subsystem delete nqn.2026-11.org.example:pool1
        $ p2pctl subsystem delete nqn.2026-11.org.example:pool0 --cascade --yes

    One that has namespaces, or that a port exports, is deleted with --cascade only: its hosts lose it at once.
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.objects import find_subsystem  # noqa: PLC0415
    from p2pctl.target.plan import Disruption  # noqa: PLC0415
    from p2pctl.target.wishes import SubsystemWish, Wishes  # noqa: PLC0415

    def ask(live: Nvmet) -> Asked:
        if if_exists and nqn not in live.subsystems:
            return Asked(Wishes())
        find_subsystem(live, nqn)
        return Asked(_wishes(nqn, SubsystemWish(absent=True)), implied=Disruption.ALL, cascade=cascade)

    change(Session.of(ctx), ChangeOptions.of(ctx), "subsystem delete", ask)


@changing(app, "allow")
def allow_host(ctx: typer.Context, nqn: Nqn, host: HostNqn) -> None:
    """Let a host connect to a subsystem. The host is made where there is none.

    $ p2pctl subsystem allow nqn.2026-11.org.example:pool0 HOSTNQN
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.objects import find_subsystem, name_notes, nqn_argument  # noqa: PLC0415
    from p2pctl.target.wishes import SubsystemWish  # noqa: PLC0415

    name = nqn_argument(host, subsystem=False)

    def ask(live: Nvmet) -> Asked:
        find_subsystem(live, nqn)
        return Asked(_wishes(nqn, SubsystemWish(allow=(name,)))._replace(notes=name_notes(live, hosts=(name,))))

    change(Session.of(ctx), ChangeOptions.of(ctx), "subsystem allow", ask)


@changing(app, "disallow")
def disallow_host(
    ctx: typer.Context,
    nqn: Nqn,
    host: HostNqn,
    drop: Annotated[
        bool, typer.Option("--drop", help="End the host's sessions with it, too, where the kernel has a way.")
    ] = False,
) -> None:
    """Take from a host the right to connect to a subsystem.

        $ p2pctl subsystem disallow nqn.2026-11.org.example:pool0 HOSTNQN
        $ p2pctl subsystem disallow nqn.2026-11.org.example:pool0 HOSTNQN --drop

    The kernel does not end a session for it: a host that is connected stays so. With --drop its sessions are ended;
    where the kernel has no way to do that, nothing is changed and the exit code is 5.
    """
    from p2pctl.cli.change import Asked, Extra, change  # noqa: PLC0415
    from p2pctl.cli.objects import check_host, find_subsystem  # noqa: PLC0415
    from p2pctl.cli.sessions import Dropping  # noqa: PLC0415
    from p2pctl.target.wishes import SubsystemWish  # noqa: PLC0415

    session = Session.of(ctx)

    def ask(live: Nvmet) -> Asked:
        check_host(find_subsystem(live, nqn), live, host)
        return Asked(_wishes(nqn, SubsystemWish(disallow=(host,))))

    dropping = Dropping(session, wanted=drop, offered=True, always=(nqn, host))
    change(session, ChangeOptions.of(ctx), "subsystem disallow", ask, Extra(dropping=dropping))


@changing(app, "passthru")
def set_passthru(
    ctx: typer.Context,
    nqn: Nqn,
    assignments: Assignments = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="PATH", help="The NVMe controller, such as /dev/nvme3.")
    ] = None,
    enable: Enable = False,
) -> None:
    """Hand a whole NVMe controller through as a subsystem, instead of namespaces.

    $ p2pctl subsystem passthru NQN --device /dev/nvme3 --enable
    $ p2pctl subsystem passthru nqn.2026-11.org.example:raw enable=0
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.change_values import given, something  # noqa: PLC0415
    from p2pctl.cli.objects import find_subsystem  # noqa: PLC0415
    from p2pctl.target.plan import Disruption  # noqa: PLC0415
    from p2pctl.target.wishes import SubsystemWish  # noqa: PLC0415

    wanted = something(given("passthru", assignments, {"device": device, "enable": enable}))
    off = wanted.known.get("enable") == "0"

    def ask(live: Nvmet) -> Asked:
        found = find_subsystem(live, nqn)
        wish = SubsystemWish(passthru=wanted.values(found.passthru))
        return Asked(_wishes(nqn, wish), implied=Disruption.NAMESPACE if off else Disruption.NONE)

    change(Session.of(ctx), ChangeOptions.of(ctx), "subsystem passthru", ask)


def _wishes(nqn: str, wish: SubsystemWish) -> Wishes:
    from p2pctl.target.wishes import Wishes  # noqa: PLC0415

    return Wishes(subsystems={nqn: wish})
