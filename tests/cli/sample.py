"""Commands that need no host: what the framework does for every command shows on them."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, noun
from p2pctl.cli.session import Session
from p2pctl.errors import BusyError, DeniedError, NotFoundError, P2pctlError, UnsupportedError, UsageError
from tests.unit.render_samples import PAGE, REPORT

app = noun("""
Samples.

  $ p2pctl sample list
""")

ERRORS = {
    kind.__name__: kind for kind in (BusyError, DeniedError, NotFoundError, P2pctlError, UnsupportedError, UsageError)
}


@command(app, "list")
def list_samples(ctx: typer.Context) -> None:
    """List samples.

    $ p2pctl sample list
    """
    session = Session.of(ctx)
    session.narrator.note("a note")
    session.narrator.detail("a detail")
    session.show(REPORT)


@command(app, "nested")
def nested(ctx: typer.Context) -> None:
    """Show what has no CSV form.

    $ p2pctl sample nested
    """
    Session.of(ctx).show(PAGE._replace(report=REPORT._replace(flat=False)))


@command(app, "stream")
def stream(ctx: typer.Context) -> None:
    """Have few formats.

    $ p2pctl sample stream
    """
    Session.of(ctx).only("table", "plain", "jsonl")


@command(app, "options")
def options(ctx: typer.Context, number: Annotated[int, typer.Option("--number")] = 0) -> None:
    """Say which options arrived.

    $ p2pctl sample options
    """
    Session.of(ctx).narrator.error(f"{Session.of(ctx).options} {number}", None)


@command(app, "fail")
def fail(kind: str, message: str = "it\x1b[31m failed") -> None:
    """Fail.

    $ p2pctl sample fail BusyError
    """
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "bug":
        raise KeyError("some\nthing")
    raise ERRORS[kind](message, hint="do \u202ethis", errno=16, path="/sys/x")
