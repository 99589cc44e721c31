"""``p2pctl export``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.session import Session

app = single()


@command(app, "export")
def export(
    ctx: typer.Context,
    nvmetcli: Annotated[
        bool, typer.Option("--nvmetcli", help="In nvmetcli's format (JSON). What it cannot hold is told.")
    ] = False,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="With the keys of hosts. Without it, apply keeps those it finds.")
    ] = False,
) -> None:
    """Print the NVMe target as a document that apply takes (YAML, or -o json).

        $ p2pctl export > target.yaml
        $ p2pctl export -o json
        $ p2pctl export --nvmetcli > config.json

    Applying it to the same target changes nothing. Of keys it says only that there are some.
    """
    from p2pctl.cli import output  # noqa: PLC0415
    from p2pctl.cli.document_texts import export_lines  # noqa: PLC0415
    from p2pctl.cli.objects import check_target  # noqa: PLC0415
    from p2pctl.cli.workplace import read_target  # noqa: PLC0415

    session = Session.of(ctx)
    form = session.only("table", "plain", "yaml", "json")
    if nvmetcli and session.options.output == "yaml":
        from p2pctl.errors import UsageError  # noqa: PLC0415

        raise UsageError("nvmetcli's format is JSON", hint="leave -o yaml out")
    live = check_target(read_target(session))
    lines, notes = export_lines(live, nvmetcli=nvmetcli, show_secrets=show_secrets, as_json=form == "json")
    output.write_lines(lines)
    for note in notes:
        session.narrator.note(note)
