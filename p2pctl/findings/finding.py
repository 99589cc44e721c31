"""What a finding is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One conclusion that a user should know of."""

    code: str
    """Stable name, such as ``link-below-best``."""
    severity: Severity
    """``error``: no P2P at all; ``warning``: less than there could be, or less secure; ``info``: good to know, or of
    no matter to any pair or port of this host."""
    subject: str | None
    """The device it is about; None for the host."""
    text: str
    evidence: str
    """The file or fact it comes from."""
    remedy: str | None
    """What to do, in a sentence."""
    meaning: str | None = None
    """What it means for P2P here; None where the general words of the catalogue say all there is."""
    line: str | None = None
    """What stands in the file, where it is text."""
    commands: tuple[str, ...] = ()
    """To be run, or written where ``remedy`` says, exactly as they stand."""
    risk: str | None = None
    """What the remedy costs."""
    verify: tuple[str, ...] = ()
    """Commands that show whether it has worked."""


def by_gravity(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """The gravest first, otherwise in their order."""
    order = ("error", "warning", "info")
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def some(names: Iterable[object], most: int = 4) -> str:
    """A list for a sentence, cut where it gets long: ``a, b and 7 more``."""
    every = [str(name) for name in names]
    if len(every) <= most + 1:
        return ", ".join(every)
    return f"{', '.join(every[:most])} and {len(every) - most} more"
