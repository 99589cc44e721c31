"""``p2pctl top``: the dashboard under a shorter name."""

from __future__ import annotations

from p2pctl.cli.dashboard import show_dashboard
from p2pctl.cli.framework import command, single

app = single()

_HELP = """
The dashboard by a shorter name.

  $ p2pctl top
  $ p2pctl --demo top --view matrix

p2pctl dashboard -h says more.
"""

command(app, "top", _HELP)(show_dashboard)
