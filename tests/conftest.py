"""No test sees the environment of whoever runs it; a clock, and the demo host by it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from p2pctl.simulator.door import DemoDoor
from tests.clock import Clock

pytest.register_assert_rewrite("tests.golden")  # so that a difference is shown


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No preferences, a terminal that can do nothing."""
    for name in os.environ:
        if name.startswith(("P2PCTL_", "XDG_")) or name in {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "dumb")


@pytest.fixture(scope="session", autouse=True)
def tolerant() -> Iterator[None]:
    """Garbage is looked for seldom: a host, or a screen, is many objects, and to go through them takes a third more."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    yield
    gc.set_threshold(*usual)


@pytest.fixture
def clock() -> Clock:
    """It moves when a test says so."""
    return Clock()


@pytest.fixture
def door(clock: Clock) -> DemoDoor:
    """The demo host, whose time is that of ``clock``."""
    return DemoDoor(clock)
