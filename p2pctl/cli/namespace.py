"""``p2pctl namespace``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from p2pctl.cli.change_options import (
    Assignments,
    Cascade,
    ChangeOptions,
    Enable,
    IfExists,
    Nqn,
    Nsid,
    OrUpdate,
    changing,
)
from p2pctl.cli.framework import command, noun
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from p2pctl.cli.change import Asked
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.target.plan import Disruption
    from p2pctl.target.wishes import NamespaceWish, Wishes

app = noun("""
Namespaces of the NVMe target: the disks that hosts see.

  $ p2pctl namespace list
  $ p2pctl namespace create NQN --device /dev/nvme4n1 --p2pmem auto --enable
  $ p2pctl namespace set nqn.2026-11.org.example:pool0 4 --p2pmem nvme0
""")

DevicePath = Annotated[
    str | None, typer.Option("--device", metavar="PATH", help="A block device, or a file, that it is served from.")
]
P2pmem = Annotated[
    str | None,
    typer.Option(
        "--p2pmem", metavar="PROVIDER", help="auto: the kernel's choice; off; or the device whose memory is used."
    ),
]


@command(app, "list")
def list_namespaces(
    ctx: typer.Context,
    nqn: Annotated[
        str | None, typer.Argument(metavar="[NQN]", show_default=False, help="Of this subsystem only.")
    ] = None,
) -> None:
    """List the namespaces of the target.

    $ p2pctl namespace list
    $ p2pctl namespace list nqn.2026-11.org.example:pool0 -o json
    """
    from p2pctl.cli.objects import find_subsystem, target_of  # noqa: PLC0415
    from p2pctl.render.namespaces import namespace_report  # noqa: PLC0415  --help reads nothing

    session = Session.of(ctx)
    snapshot = session.snapshot({"nvmet"})
    if nqn is not None:
        find_subsystem(target_of(snapshot), nqn)
    session.show(namespace_report(snapshot, nqn))


@command(app, "show")
def show_namespace(ctx: typer.Context, nqn: Nqn, nsid: Nsid) -> None:
    """Show one namespace in full.

    $ p2pctl namespace show nqn.2026-11.org.example:pool0 1
    """
    from p2pctl.cli.objects import find_namespace, find_subsystem, target_of  # noqa: PLC0415
    from p2pctl.render.namespaces import namespace_page  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = session.snapshot({"nvmet"})
    nvmet = target_of(snapshot)
    namespace = find_namespace(find_subsystem(nvmet, nqn), nsid)
    session.show(namespace_page(snapshot, nvmet, nqn, namespace))


@changing(app, "create")
def create_namespace(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    nqn: Nqn,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NSID] [KEY=VALUE]...",
            show_default=False,
            help="Its number (the next free one without it), and attributes by the kernel's names.",
        ),
    ] = None,
    device: DevicePath = None,
    p2pmem: P2pmem = None,
    enable: Enable = False,
    or_update: OrUpdate = False,
) -> None:
    """Create a namespace. Hosts see it once it is enabled.

        $ p2pctl namespace create NQN --device /dev/nvme4n1 --enable
        $ p2pctl namespace create NQN 7 --device /srv/images/b.img buffered_io=1
        $ p2pctl namespace create NQN --device /dev/nvme4n1 --p2pmem nvme0 --dry-run

    With P2P memory asked for, it is said beforehand what the kernel will answer, and what each port will do.
    """
    from p2pctl.cli.change import change  # noqa: PLC0415
    from p2pctl.cli.change_values import given  # noqa: PLC0415
    from p2pctl.cli.objects import exists, find_subsystem, free_nsid, listed, nsid_and_rest  # noqa: PLC0415
    from p2pctl.cli.providing import provider  # noqa: PLC0415
    from p2pctl.target.wishes import NamespaceWish  # noqa: PLC0415

    session = Session.of(ctx)
    number, rest = nsid_and_rest(words or [])
    flags = {"device": device, "p2pmem": p2pmem, "enable": enable}
    wanted = given("namespace", *provider(session, rest, flags))

    def ask(live: Nvmet) -> Asked:
        subsystem = find_subsystem(live, nqn)
        nsid = free_nsid(subsystem) if number is None else number
        if nsid in subsystem.namespaces and not or_update:
            raise exists(f"namespace {nsid} of {nqn}")
        wish = NamespaceWish(attributes=wanted.values(listed("namespace", live)))
        return _asked(nqn, nsid, wish)

    change(session, ChangeOptions.of(ctx), "namespace create", ask)


@changing(app, "set")
def set_namespace(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    nqn: Nqn,
    nsid: Nsid,
    assignments: Assignments = None,
    device: DevicePath = None,
    p2pmem: P2pmem = None,
) -> None:
    """Set attributes of a namespace.

        $ p2pctl namespace set nqn.2026-11.org.example:pool0 3 ana_grpid=1
        $ p2pctl namespace set NQN 1 --p2pmem nvme0 --disruption namespace
        $ p2pctl namespace set nqn.2026-11.org.example:pool0 4 --p2pmem off --dry-run

    Most of them take that it is disabled for a moment: hosts see it go and come back, which --disruption namespace
    allows. With P2P memory asked for, it is said beforehand what the kernel will answer, and what each port will do.
    """
    from p2pctl.cli.change import change  # noqa: PLC0415
    from p2pctl.cli.change_values import given, something  # noqa: PLC0415
    from p2pctl.cli.objects import find_namespace, find_subsystem  # noqa: PLC0415
    from p2pctl.cli.providing import provider  # noqa: PLC0415
    from p2pctl.target.wishes import NamespaceWish  # noqa: PLC0415

    session = Session.of(ctx)
    flags = {"device": device, "p2pmem": p2pmem}
    wanted = something(given("namespace", *provider(session, assignments or [], flags)))

    def ask(live: Nvmet) -> Asked:
        found = find_namespace(find_subsystem(live, nqn), nsid)
        return _asked(nqn, nsid, NamespaceWish(attributes=wanted.values(found.attributes)))

    change(session, ChangeOptions.of(ctx), "namespace set", ask)


@changing(app, "enable")
def enable_namespace(ctx: typer.Context, nqn: Nqn, nsid: Nsid) -> None:
    """Enable a namespace: hosts see it.

    $ p2pctl namespace enable nqn.2026-11.org.example:pool0 4
    """
    _switch(ctx, "namespace enable", nqn, nsid, {"enable": "1"})


@changing(app, "disable")
def disable_namespace(ctx: typer.Context, nqn: Nqn, nsid: Nsid) -> None:
    """Disable a namespace: hosts see it no more, and its device is closed.

    $ p2pctl namespace disable nqn.2026-11.org.example:pool0 1
    """
    from p2pctl.target.plan import Disruption  # noqa: PLC0415

    _switch(ctx, "namespace disable", nqn, nsid, {"enable": "0"}, Disruption.NAMESPACE)


@changing(app, "revalidate")
def revalidate_namespace(ctx: typer.Context, nqn: Nqn, nsid: Nsid) -> None:
    """Have the kernel look again at the size of a namespace's device, and tell the hosts.

        $ p2pctl namespace revalidate nqn.2026-11.org.example:pool0 1

    Only an enabled namespace can be looked at. Each call is a change: nothing tells whether the size was another.
    """
    _switch(ctx, "namespace revalidate", nqn, nsid, {"revalidate_size": "1"})


def _switch(  # noqa: PLR0917  each is a word of the command line
    ctx: typer.Context, name: str, nqn: str, nsid: int, values: dict[str, str], implied: Disruption | None = None
) -> None:
    from p2pctl.cli.change import change  # noqa: PLC0415
    from p2pctl.cli.objects import check_enabled, find_namespace, find_subsystem  # noqa: PLC0415
    from p2pctl.target.wishes import NamespaceWish  # noqa: PLC0415

    def ask(live: Nvmet) -> Asked:
        found = find_namespace(find_subsystem(live, nqn), nsid)
        if "enable" not in values:
            check_enabled(nqn, found)
        return _asked(nqn, nsid, NamespaceWish(attributes=values), implied)

    change(Session.of(ctx), ChangeOptions.of(ctx), name, ask)


@changing(app, "delete")
def delete_namespace(
    ctx: typer.Context, nqn: Nqn, nsid: Nsid, cascade: Cascade = False, if_exists: IfExists = False
) -> None:
    """Delete a namespace. What is on its device stays.

        $ p2pctl namespace delete nqn.2026-11.org.example:pool0 5
        $ p2pctl namespace delete nqn.2026-11.org.example:pool0 5 --if-exists --yes

    Hosts that use it lose it at once. Nothing else hangs on a namespace, so that --cascade changes nothing here.
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.objects import find_namespace, find_subsystem  # noqa: PLC0415
    from p2pctl.target.plan import Disruption  # noqa: PLC0415
    from p2pctl.target.wishes import NamespaceWish, Wishes  # noqa: PLC0415

    def ask(live: Nvmet) -> Asked:
        there = live.subsystems.get(nqn)
        if if_exists and (there is None or nsid not in there.namespaces):
            return Asked(Wishes())
        find_namespace(find_subsystem(live, nqn), nsid)
        return _asked(nqn, nsid, NamespaceWish(absent=True), Disruption.NAMESPACE)._replace(cascade=cascade)

    change(Session.of(ctx), ChangeOptions.of(ctx), "namespace delete", ask)


def _asked(nqn: str, nsid: int, wish: NamespaceWish, implied: Disruption | None = None) -> Asked:
    from p2pctl.cli.change import Asked  # noqa: PLC0415
    from p2pctl.target.plan import Disruption  # noqa: PLC0415

    explain = ((nqn, nsid),) if "p2pmem" in wish.attributes else ()
    return Asked(_wishes(nqn, nsid, wish), implied=implied or Disruption.NONE, explain=explain)


def _wishes(nqn: str, nsid: int, wish: NamespaceWish) -> Wishes:
    from p2pctl.target.wishes import SubsystemWish, Wishes  # noqa: PLC0415

    return Wishes(subsystems={nqn: SubsystemWish(namespaces={nsid: wish})})
