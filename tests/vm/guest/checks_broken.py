"""Checks that go wrong in every way there is, to see that the harness tells each of them."""

from __future__ import annotations

import time
from pathlib import Path

from tests.vm.guest.api import Context

SECONDS = 2


def after_each(context: Context) -> None:
    """Counts the checks it ran after, failed ones included."""
    with (context.out / "after").open("a") as handle:
        handle.write("x")


def check_that_passes() -> None:
    """Nothing to see."""


def check_that_fails() -> None:
    """Fails as an assertion does."""
    assert Path("/nowhere").exists(), "nowhere is not there"


def check_that_exits() -> None:
    """Ends the process, or tries to."""
    raise SystemExit(0)


def check_that_takes_too_long() -> None:
    """Outlasts the limit of this module."""
    time.sleep(60)


def check_that_asks_for_the_impossible(context: Context) -> None:
    """Gets the host's reason for not doing it."""
    context.host_action("unplug", "p1-that-never-was")


def check_that_panics() -> None:
    """Takes the kernel down."""
    Path("/proc/sysrq-trigger").write_text("c")


def check_that_never_runs() -> None:
    """Comes after the end."""
