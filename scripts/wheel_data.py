"""A build hook of hatchling: gives the wheel what belongs elsewhere than among Python's packages.

Paths are below the prefix that the wheel is installed to, as shells, man and systemd look for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPLETIONS = {
    "p2pctl.bash": "share/bash-completion/completions/p2pctl",
    "_p2pctl": "share/zsh/site-functions/_p2pctl",
    "p2pctl.fish": "share/fish/vendor_completions.d/p2pctl.fish",
}
DIRECTORIES = {
    "contrib/systemd": "lib/systemd/system",
    "contrib/grafana": "share/p2pctl/grafana",
    "contrib/prometheus": "share/p2pctl/prometheus",
}


class WheelData(BuildHookInterface[Any]):
    """Found by looking, so that a new man page or unit cannot be forgotten."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the files. Raises FileNotFoundError where a completion is missing."""
        del version
        root = Path(self.root)
        data = build_data["shared_data"]
        for name, place in COMPLETIONS.items():
            data[str((root / "completions" / name).resolve(strict=True))] = place
        for page in sorted((root / "man").glob("*.[1-9]")):
            data[str(page)] = f"share/man/man{page.suffix[1]}/{page.name}"
        for directory, place in DIRECTORIES.items():
            for file in sorted((root / directory).iterdir()):
                data[str(file)] = f"{place}/{file.name}"
