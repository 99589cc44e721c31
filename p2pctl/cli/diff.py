"""``p2pctl diff``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.documents import File, Prune
from p2pctl.cli.framework import command, single
from p2pctl.cli.session import Session

app = single()


@command(app, "diff")
def diff(
    ctx: typer.Context,
    file: File,
    prune: Prune = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 8 if something differs, with 9 if that cannot be told.")
    ] = False,
) -> None:
    """Show what apply would change: + comes, - goes, ~ becomes another.

        $ p2pctl diff target.yaml
        $ p2pctl diff target.yaml --prune all
        $ p2pctl diff target.yaml --exit-code -q > /dev/null

    Nothing is changed, and no device is looked at: p2pctl apply --dry-run does that, too.
    """
    from p2pctl.cli.documents import read_document  # noqa: PLC0415
    from p2pctl.cli.objects import check_target  # noqa: PLC0415
    from p2pctl.cli.workplace import owned_now, read_target  # noqa: PLC0415
    from p2pctl.errors import ExitCode  # noqa: PLC0415
    from p2pctl.render.diff import diff_page  # noqa: PLC0415
    from p2pctl.render.object_changes import object_changes  # noqa: PLC0415
    from p2pctl.target.merge import merge  # noqa: PLC0415
    from p2pctl.target.unknowns import assumed_alike, unknowns  # noqa: PLC0415

    session = Session.of(ctx)
    wishes = read_document(session, file)
    live = check_target(read_target(session))
    merged = merge(live, wishes, prune=prune or "none", owned=owned_now(session, live) if prune == "owned" else ())
    changes = object_changes(live, merged.wanted)
    for note in (*wishes.notes, *merged.notes):
        session.narrator.note(note)
    session.show(diff_page(session.snapshot(set()), changes, live.gaps))
    if not exit_code:
        return
    unknown = unknowns(live, merged.wanted, wishes)
    if object_changes(assumed_alike(live, merged.wanted, unknown), merged.wanted):
        raise typer.Exit(ExitCode.ANSWER_NO)
    if unknown:
        more = f", and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        session.narrator.note(f"whether something differs cannot be told: {unknown[0]} could not be read{more}")
        raise typer.Exit(ExitCode.ANSWER_UNKNOWN)
