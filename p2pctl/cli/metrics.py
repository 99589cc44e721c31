"""``p2pctl metrics``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.options import Wake
from p2pctl.cli.session import Session
from p2pctl.errors import UsageError

app = single()

_READABLE = 0o644

Textfile = Annotated[
    str | None,
    typer.Option("--textfile", metavar="FILE", help="Write a file for node_exporter's textfile collector (*.prom)."),
]
Listen = Annotated[
    str | None,
    typer.Option(
        "--listen", metavar="[HOST:]PORT", help="Serve /metrics until ended; without HOST, to this host only."
    ),
]


@command(app, "metrics")
def show_metrics(ctx: typer.Context, textfile: Textfile = None, listen: Listen = None, wake: Wake = False) -> None:
    """Print what Prometheus wants to know of this host: pools, holders, links, P2P states, findings.

    $ p2pctl metrics
    $ p2pctl metrics --textfile /var/lib/prometheus/node-exporter/p2pctl.prom
    $ p2pctl metrics --listen 9190

    What listens has no password and no encryption: let others reach it through a proxy that has. It reads the host
    when it is asked, and shows what it read last, marked as stale, while a read hangs.
    """
    session = Session.of(ctx)
    session.only("table", "plain")
    if textfile is not None and listen is not None:
        raise UsageError("--textfile and --listen exclude each other", hint="choose one of them")
    if textfile == "":
        raise UsageError("--textfile is empty", hint="name a file, or leave the option out")
    if listen is not None:
        _serve(session, listen, wake=wake)
    elif textfile is not None:
        _save(session, textfile, wake=wake)
    else:
        from p2pctl.cli import output  # noqa: PLC0415  --help writes elsewhere

        output.write_lines(_exposed(session, wake=wake).decode().splitlines())


def _exposed(session: Session, *, wake: bool) -> bytes:
    """One look at the host as text. What could not be read at all is told on stderr, and by its own metric."""
    from p2pctl.cli.metrics_reading import expose  # noqa: PLC0415  --help reads nothing

    return expose(session, session.narrator.note, wake=wake)


def _save(session: Session, path: str, *, wake: bool) -> None:
    from p2pctl.saving import check, save  # noqa: PLC0415  --help writes nothing

    check(path, force=True)
    if not path.endswith(".prom"):
        session.narrator.note(f"{path} does not end in .prom: node_exporter reads only files that do")
    save(_exposed(session, wake=wake), path, force=True, mode=_READABLE)


def _serve(session: Session, where: str, *, wake: bool) -> None:
    from p2pctl.cli.metrics_reading import Once, expose  # noqa: PLC0415  --help reads nothing
    from p2pctl.cli.metrics_serving import serve  # noqa: PLC0415
    from p2pctl.metrics.exposition import CONTENT_TYPE, OwnExposition  # noqa: PLC0415
    from p2pctl.metrics.keeper import Keeper  # noqa: PLC0415
    from p2pctl.metrics.listening import parse  # noqa: PLC0415

    place = parse(where)
    session.door  # noqa: B018  a capture that cannot be read is told before anybody is answered
    note = Once(session.narrator.note)

    def read() -> bytes:
        note.begin()
        return expose(session, note, wake=wake)

    def told(error: BaseException) -> None:
        note(f"the metrics could not be made: {type(error).__name__}: {error}")

    keeper, own = Keeper(read, told), OwnExposition()

    def answer() -> tuple[bytes, str]:
        standing = keeper.standing()
        return standing.body + own(standing.own), CONTENT_TYPE

    serve(place, answer, told, session.narrator)
