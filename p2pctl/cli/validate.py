"""``p2pctl validate``."""

from __future__ import annotations

from typing import Annotated

import typer

from p2pctl.cli.framework import command, single
from p2pctl.cli.session import Session

app = single()


@command(app, "validate")
def validate(
    ctx: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", show_default=False, help="The document, YAML or JSON; - is standard input."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Look at the document alone: not at this host, nor at files with keys.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of documents, for editors, and end.")
    ] = False,
) -> None:
    """Check a document: syntax, names, values, and that it does not contradict itself.

        $ p2pctl validate target.yaml
        $ p2pctl validate --offline target.yaml
        $ p2pctl validate --schema > p2pctl.schema.json

    Everything that is wrong is told with line and column, and the exit code is 2. Whether devices and addresses exist
    is for p2pctl apply --dry-run.
    """
    from p2pctl.errors import UsageError  # noqa: PLC0415

    session = Session.of(ctx)
    if schema:
        if file is not None or offline:
            raise UsageError("--schema takes nothing else", hint="leave the other arguments out")
        from p2pctl.cli import output  # noqa: PLC0415
        from p2pctl.cli.document_texts import schema_lines  # noqa: PLC0415

        session.only("table", "plain", "json")
        output.write_lines(schema_lines())
        return
    if file is None:
        raise UsageError("missing argument 'FILE'", hint="name a document, or - for standard input")
    from p2pctl.cli.documents import read_document  # noqa: PLC0415
    from p2pctl.render.diff import validity_page  # noqa: PLC0415

    wishes = read_document(session, file, offline=offline)
    session.show(validity_page(session.snapshot(set()), wishes))
    for note in wishes.notes:
        session.narrator.note(note)
