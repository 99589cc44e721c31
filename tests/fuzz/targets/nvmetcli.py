"""nvmetcli's JSON: inputs of its own, the same that has to hold as for any document."""

from __future__ import annotations

from tests.fuzz.targets import document


def check(data: bytes) -> None:
    """As for documents."""
    document.check(data)
