"""``p2pctl host``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from p2pctl.cli.change_options import Assignments, Cascade, ChangeOptions, HostNqn, IfExists, OrUpdate, changing
from p2pctl.cli.framework import command, noun
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from p2pctl.cli.change import Asked
    from p2pctl.cli.change_values import Given
    from p2pctl.model.nvmet import Nvmet

app = noun("""
Hosts that may use the NVMe target, and their keys (DH-HMAC-CHAP).

  $ p2pctl host list
  $ p2pctl host create HOSTNQN --key-file /etc/p2pctl/keys/db1
""")

KeyFile = Annotated[
    str | None,
    typer.Option(
        "--key-file", metavar="FILE", help="The key by which the host proves itself (DHHC-1:...); - is standard input."
    ),
]
ControllerKeyFile = Annotated[
    str | None,
    typer.Option("--ctrl-key-file", metavar="FILE", help="The key by which this target proves itself to the host."),
]


@command(app, "list")
def list_hosts(ctx: typer.Context) -> None:
    """List the hosts that are known to the target. Of keys, only whether they are set.

    $ p2pctl host list
    $ p2pctl host list -o json
    """
    from p2pctl.cli.sessions import with_keys  # noqa: PLC0415  --help reads nothing
    from p2pctl.render.hosts import host_report  # noqa: PLC0415

    session = Session.of(ctx)
    session.show(host_report(with_keys(session)))


@command(app, "show")
def show_host(ctx: typer.Context, host: HostNqn) -> None:
    """Show one host in full.

    $ p2pctl host show HOSTNQN
    """
    from p2pctl.cli.objects import find_host, target_of  # noqa: PLC0415
    from p2pctl.cli.sessions import with_keys  # noqa: PLC0415
    from p2pctl.render.hosts import host_page  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = with_keys(session)
    nvmet = target_of(snapshot)
    session.show(host_page(snapshot, nvmet, find_host(nvmet, host)))


@changing(app, "create")
def create_host(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    host: Annotated[
        str,
        typer.Argument(
            metavar="HOSTNQN", show_default=False, help="Its name, as the host says it (nvme show-hostnqn)."
        ),
    ],
    assignments: Assignments = None,
    key_file: KeyFile = None,
    ctrl_key_file: ControllerKeyFile = None,
    or_update: OrUpdate = False,
) -> None:
    """Create a host, with its keys if it is to prove who it is.

        $ p2pctl host create HOSTNQN
        $ p2pctl host create HOSTNQN --key-file db1.key dhchap_hash=hmac(sha384)

    Keys come from files: what stands on a command line can be read by every user. A subsystem that allows any host
    asks nobody for a key.
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.objects import exists, listed, name_notes, nqn_argument  # noqa: PLC0415
    from p2pctl.target.wishes import HostWish, Wishes  # noqa: PLC0415

    session = Session.of(ctx)
    wanted = _given(session, assignments, key_file, ctrl_key_file)
    name = nqn_argument(host, subsystem=False)

    def ask(live: Nvmet) -> Asked:
        if name in live.hosts and not or_update:
            raise exists(f"host {name}")
        wish = HostWish(attributes=wanted.values(listed("host", live)))
        return Asked(Wishes(hosts={name: wish}, notes=name_notes(live, hosts=(name,))))

    change(session, ChangeOptions.of(ctx), "host create", ask)


@changing(app, "set")
def set_host(
    ctx: typer.Context,
    host: HostNqn,
    assignments: Assignments = None,
    key_file: KeyFile = None,
    ctrl_key_file: ControllerKeyFile = None,
) -> None:
    """Set the keys of a host, and how they are used.

    $ p2pctl host set HOSTNQN --key-file /etc/p2pctl/keys/db1
    $ p2pctl host set HOSTNQN dhchap_dhgroup=ffdhe4096
    $ p2pctl host set HOSTNQN dhchap_key=
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.change_values import something  # noqa: PLC0415
    from p2pctl.cli.objects import find_host  # noqa: PLC0415
    from p2pctl.target.wishes import HostWish, Wishes  # noqa: PLC0415

    session = Session.of(ctx)
    wanted = something(_given(session, assignments, key_file, ctrl_key_file))

    def ask(live: Nvmet) -> Asked:
        found = find_host(live, host)
        return Asked(Wishes(hosts={host: HostWish(attributes=wanted.values(found.attributes))}))

    change(session, ChangeOptions.of(ctx), "host set", ask)


@changing(app, "delete")
def delete_host(ctx: typer.Context, host: HostNqn, cascade: Cascade = False, if_exists: IfExists = False) -> None:
    """Delete a host, and with it its keys.

        $ p2pctl host delete HOSTNQN --cascade

    One that a subsystem allows is deleted with --cascade only. Its sessions go on until they end by themselves.
    """
    from p2pctl.cli.change import Asked, change  # noqa: PLC0415
    from p2pctl.cli.objects import find_host  # noqa: PLC0415
    from p2pctl.target.wishes import HostWish, Wishes  # noqa: PLC0415

    def ask(live: Nvmet) -> Asked:
        if if_exists and host not in live.hosts:
            return Asked(Wishes())
        find_host(live, host)
        return Asked(Wishes(hosts={host: HostWish(absent=True)}), cascade=cascade)

    change(Session.of(ctx), ChangeOptions.of(ctx), "host delete", ask)


def _given(session: Session, texts: list[str] | None, key_file: str | None, ctrl_key_file: str | None) -> Given:
    """The arguments with the keys from files. Raises UsageError where a key is given twice."""
    from p2pctl.cli.change_values import given, key_from  # noqa: PLC0415
    from p2pctl.errors import UsageError  # noqa: PLC0415

    if key_file == "-" == ctrl_key_file:
        raise UsageError("both keys are to come from standard input", hint="name a file for one of them")
    wanted = given("host", texts)
    values = dict(wanted.known)
    for name, file in (("dhchap_key", key_file), ("dhchap_ctrl_key", ctrl_key_file)):
        if file is None:
            continue
        if name in values:
            raise UsageError(f"{name} is given twice", hint="leave one of them out")
        values[name], warning = key_from(file, name)
        if warning:
            session.narrator.note(warning)
    return wanted._replace(known=values)
