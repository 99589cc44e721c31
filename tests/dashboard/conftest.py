"""For every test of the screen."""

from __future__ import annotations

import pytest
from textual import _wait, screen

LOOK = 0.005
"""Seconds after which textual looks whether the program is idle; its own 0.02 are most of such a test's time."""
PAINT = 0.001
"""Seconds until something that changed is painted: less than that, so that it is painted when the program is idle."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for the same, but looks more often."""
    monkeypatch.setattr(_wait, "SLEEP_GRANULARITY", LOOK)
    monkeypatch.setattr(screen, "UPDATE_PERIOD", PAINT)
