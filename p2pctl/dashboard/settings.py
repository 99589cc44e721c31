"""How the screen is to look and behave: what the command line and the last run say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """What is decided before the screen opens."""

    interval: float = 1.0
    """Seconds between two looks."""
    write: bool = False
    """Whether changes may be made."""
    ascii: bool = False
    color: bool = True
    theme: str | None = None
    view: str = "overview"
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys, separated by commas, by the id of the binding that they replace."""
    lists: Mapping[str, object] = field(default_factory=dict)
    """What `RecordList.state` gave at the end of the last run, by the id of the list."""
    notes: tuple[str, ...] = ()
    """What is to be told once the screen is open."""
