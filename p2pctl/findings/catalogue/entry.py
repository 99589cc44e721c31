"""What is known of a finding before there is one."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One code, explained for somebody who has never met it."""

    code: str
    title: str
    """A few words."""
    what: str
    """What is the matter."""
    why: str
    """What it means for P2P."""
    known_by: str
    """How p2pctl knows."""
    remedy: str
    """What to do."""
    source: str
    """Where the rule behind it is known from."""
