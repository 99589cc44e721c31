"""``python -m p2pctl``."""

from p2pctl.cli import entry

entry()
