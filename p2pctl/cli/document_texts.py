"""Documents of the target as text: exported, and the schema of what may be written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
    lines = json.dumps(document, indent=2).splitlines() if as_json else _yaml(document).splitlines()
    return lines, export_notes(nvmet)


def _yaml(document: dict[str, Any]) -> str:
    """YAML by libyaml where it is there and the text allows: ten times as fast."""
    import yaml  # noqa: PLC0415  no other format needs it

    def dump(dumper: Any) -> str:
        text: str = yaml.dump(document, Dumper=dumper, sort_keys=False, width=1 << 30, allow_unicode=False)
        return text

    try:
        return dump(getattr(yaml, "CSafeDumper", yaml.SafeDumper))
    except UnicodeEncodeError:
        # libyaml has no way to write the surrogate of an undecodable byte.
        return dump(yaml.SafeDumper)


def schema_lines() -> list[str]:
    """The JSON Schema of documents."""
    from p2pctl.target.json_schema import schema_text  # noqa: PLC0415

    return schema_text().splitlines()
