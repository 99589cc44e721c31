"""No test sees the environment of whoever runs it."""

from __future__ import annotations

import os

import pytest

pytest.register_assert_rewrite("tests.golden")  # so that a difference is shown


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No preferences, a terminal that can do nothing."""
    for name in os.environ:
        if name.startswith(("P2PCTL_", "XDG_")) or name in {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "dumb")
