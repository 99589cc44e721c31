"""A module whose import fails in the guest, to see that its checks fail with the reason."""

from __future__ import annotations

raise RuntimeError("no such luck")


def check_that_cannot_run() -> None:
    """Is never reached."""
