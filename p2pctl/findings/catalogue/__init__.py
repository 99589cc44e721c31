"""Every code that a finding may have, each explained in full."""

from __future__ import annotations

from p2pctl.findings.catalogue.command_line import COMMAND_LINE
from p2pctl.findings.catalogue.entry import Entry
from p2pctl.findings.catalogue.memory import MEMORY
from p2pctl.findings.catalogue.paths import PATHS
from p2pctl.findings.catalogue.target import TARGET

__all__ = ["ENTRIES", "Entry"]

ENTRIES: dict[str, Entry] = {entry.code: entry for entry in (*PATHS, *COMMAND_LINE, *MEMORY, *TARGET)}
"""By code, in the order in which they are listed."""
