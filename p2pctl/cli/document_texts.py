"""Documents of the target as text: exported, and the schema of what may be written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p2pctl.model.nvmet import Nvmet


def export_lines(
    nvmet: Nvmet, *, nvmetcli: bool, show_secrets: bool, as_json: bool
) -> tuple[list[str], tuple[str, ...]]:
    """The target as a document, and what the document cannot hold."""
    if nvmetcli:
        from p2pctl.target.nvmetcli import to_nvmetcli  # noqa: PLC0415

        document, notes = to_nvmetcli(nvmet, secrets="shown" if show_secrets else "redacted")
        return json.dumps(document, indent=2, sort_keys=True).splitlines(), notes
    from p2pctl.target.export import export, export_notes  # noqa: PLC0415

    document = export(nvmet, secrets="shown" if show_secrets else "redacted")
    if as_json:
        return json.dumps(document, indent=2).splitlines(), export_notes(nvmet)
    from p2pctl.render.yaml_text import yaml_text  # noqa: PLC0415

    return yaml_text(document).splitlines(), export_notes(nvmet)


def schema_lines() -> list[str]:
    """The JSON Schema of documents."""
    from p2pctl.target.json_schema import schema_text  # noqa: PLC0415

    return schema_text().splitlines()
