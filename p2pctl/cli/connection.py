"""``p2pctl connection``."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from p2pctl.cli.framework import command, noun
from p2pctl.cli.session import Session

if TYPE_CHECKING:
    from p2pctl.model.connections import Controller
    from p2pctl.model.snapshot import Snapshot
    from p2pctl.render.report import Item

app = noun("""
Connections: which hosts use the NVMe target, and RNBD.

  $ p2pctl connection list
  $ p2pctl connection list --port 1
  $ p2pctl connection drop nqn.2026-11.org.example:pool0 1
""")

_OTHERWISE = (
    "p2pctl port unlink PORT NQN ends all sessions that a subsystem has by a port, nvme disconnect on the host its own"
)


@command(app, "list")
def list_connections(
    ctx: typer.Context,
    port: Annotated[
        str | None, typer.Option("--port", metavar="PORT", help="Only those that came in by this port.")
    ] = None,
    subsystem: Annotated[
        str | None, typer.Option("--subsystem", metavar="NQN", help="Only those to this subsystem.")
    ] = None,
) -> None:
    """List who is connected, and what that is known from.

        $ p2pctl connection list
        $ p2pctl connection list --subsystem nqn.2026-11.org.example:pool0 -o json

    Only a kernel with nvmet's debugfs shows its connections. On others they are told from the kernel's log, which
    hardly says when a host leaves, and from the sockets on the addresses of TCP ports: BASIS says which it is.
    """
    from p2pctl.errors import NotFoundError  # noqa: PLC0415  --help reads nothing
    from p2pctl.model.nvmet import kernel_number  # noqa: PLC0415
    from p2pctl.render.connections import PARTS, connection_report  # noqa: PLC0415

    session = Session.of(ctx)
    snapshot = session.snapshot(PARTS)
    ports = snapshot.nvmet.ports if snapshot.nvmet else {}
    if port is not None and port not in ports:
        number = kernel_number(port)
        same = [name for name, one in ports.items() if number is not None and one.number == number]
        if not same:
            raise NotFoundError(f"there is no port {port}", hint="p2pctl port list shows the ports that there are")
        port = same[0]
    if subsystem is not None and (snapshot.nvmet is None or subsystem not in snapshot.nvmet.subsystems):
        raise NotFoundError(f"there is no subsystem {subsystem}", hint="p2pctl subsystem list shows them")
    session.show(connection_report(snapshot, port, subsystem))


@command(app, "drop", instead="--host")
def drop_connection(  # noqa: PLR0917  typer reads parameters, nobody passes them
    ctx: typer.Context,
    subsystem: Annotated[str | None, typer.Argument(metavar="NQN", show_default=False, help="The subsystem.")] = None,
    cntlid: Annotated[
        int | None, typer.Argument(metavar="CNTLID", min=0, max=65535, show_default=False, help="The controller.")
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOSTNQN", help="Every connection of this host, by its exact name.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing: print what would be done as shell lines.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """End connections of hosts: their I/O fails, and most hosts connect again by themselves.

        $ p2pctl connection drop nqn.2026-11.org.example:pool0 1
        $ p2pctl connection drop --host nqn.2026-11.org.example:host1

    It needs a kernel with nvmet's debugfs (since 6.11, where it was built with it); others have no way to end a single
    connection. To keep a host out, take its right away first: p2pctl subsystem disallow.
    """
    from p2pctl.cli.workplace import check_changeable  # noqa: PLC0415  --help reads nothing
    from p2pctl.errors import UsageError  # noqa: PLC0415

    if (host is None) == (subsystem is None and cntlid is None) or (host is None and (not subsystem or cntlid is None)):
        raise UsageError(
            "name one connection, or one host", hint="p2pctl connection drop NQN CNTLID, or --host HOSTNQN"
        )
    session = Session.of(ctx)
    check_changeable(session, dry_run=dry_run)
    snapshot = session.snapshot({"connections"})
    chosen = _chosen(snapshot, subsystem, cntlid, host)
    paths = [f"{one.path}/state" for one in chosen]
    if dry_run:
        _show_plan(session, snapshot, chosen, paths)
        return
    _ask([f"controller {one.cntlid} of {one.subsystem} ({one.host})" for one in chosen], yes=yes)
    for one, path in zip(chosen, paths, strict=True):
        _end(session, one, path)
    after = session.snapshot({"connections", "nvmet"})
    _report(session, after, chosen, dropped=True)


def _show_plan(session: Session, snapshot: Snapshot, chosen: list[Controller], paths: list[str]) -> None:
    """The steps: shell lines for people, a document for machines."""
    from p2pctl.cli import output  # noqa: PLC0415

    if session.format in {"table", "plain"}:
        output.write_lines(f"printf %s fatal > {shlex.quote(path)}" for path in paths)
    else:
        _report(session, snapshot, chosen, dropped=False)


def _chosen(snapshot: Snapshot, subsystem: str | None, cntlid: int | None, host: str | None) -> list[Controller]:
    """The controllers that are meant. Raises UnsupportedError, DeniedError, NotFoundError."""
    from p2pctl.errors import DeniedError, NotFoundError, UnsupportedError  # noqa: PLC0415
    from p2pctl.model.connections import DEBUGFS  # noqa: PLC0415

    shown = snapshot.connections
    if shown is None or shown.debugfs is False:
        raise UnsupportedError(
            "this kernel has no way to end a single connection: it was built without CONFIG_NVME_TARGET_DEBUGFS",
            hint=_OTHERWISE,
        )
    if shown.debugfs is not True:
        gap = next(iter(shown.gaps), None)
        raise DeniedError(
            "the target's debugfs cannot be read",
            hint="run p2pctl as root, with debugfs mounted: mount -t debugfs none /sys/kernel/debug",
            errno=gap.errno if gap else None,
            path=DEBUGFS,
        )
    if host is not None:
        found = [one for one in shown.controllers if one.host == host]
        missing = f"no host called {host} is connected"
    else:
        found = [one for one in shown.controllers if one.subsystem == subsystem and one.cntlid == cntlid]
        missing = f"{subsystem} has no controller {cntlid}"
    if not found:
        raise NotFoundError(missing, hint="p2pctl connection list shows who is connected")
    return found


def _ask(what: list[str], *, yes: bool) -> None:
    """Asks a person at a terminal. Raises typer.Abort where the answer is no, UsageError where nobody can answer."""
    from p2pctl.cli.terminal import is_terminal  # noqa: PLC0415
    from p2pctl.errors import UsageError  # noqa: PLC0415
    from p2pctl.render.text import clean  # noqa: PLC0415

    if yes:
        return
    if not is_terminal(sys.stdin):
        raise UsageError("this ends connections, and nobody is there to confirm it", hint="say --yes")
    sys.stderr.write(f"This ends {clean(', '.join(what))}. Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise typer.Exit(1)


def _end(session: Session, controller: Controller, path: str) -> None:
    from p2pctl.errors import from_os_error  # noqa: PLC0415

    try:
        session.door.files.write(path, b"fatal")
    except FileNotFoundError:
        session.narrator.note(f"controller {controller.cntlid} of {controller.subsystem} had gone already")
    except OSError as error:
        hint = "only root may write to debugfs, and not while the kernel is locked down"
        raise from_os_error(
            error, f"end controller {controller.cntlid} of {controller.subsystem}", hint=hint
        ) from error


def _report(session: Session, after: Snapshot, chosen: list[Controller], *, dropped: bool) -> None:
    """What became of them: a host that is still allowed may be back already, with another number or the same."""
    from p2pctl.cli.reporting import after_a_change  # noqa: PLC0415
    from p2pctl.render.report import Column, Report  # noqa: PLC0415

    left = {(one.subsystem, one.cntlid): one for one in after.connections.controllers} if after.connections else {}
    items: list[Item] = []
    for one in chosen:
        now = left.get((one.subsystem, one.cntlid))
        items.append(
            {
                "subsystem": one.subsystem,
                "cntlid": one.cntlid,
                "host": one.host,
                "dropped": dropped,
                "state": "gone" if now is None else now.state,
            }
        )
    columns = (
        Column("subsystem", "subsystem", style="name"),
        Column("cntlid", "cntlid", style="number"),
        Column("host", "host"),
        Column("state", "state now", style="name"),
    )
    notes = ("Most hosts connect again by themselves: p2pctl subsystem disallow NQN HOSTNQN keeps one out.",)
    with after_a_change(session, made=dropped):
        session.show(Report.of(after, "connection-drop", items, columns, notes=notes))
