"""Running command lines, in this process and as programs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from p2pctl.cli import app, main
from p2pctl.simulator.door import DemoDoor


class Outcome(NamedTuple):
    """What a command line left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]

PROGRAM = """
import signal
import sys
from p2pctl.cli import app, entry
# Whoever runs the tests in the background of a script has SIGINT ignored, and a child inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
app.MODULES["sample"] = "tests.cli.sample"
entry()
"""


@pytest.fixture
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo host is at its first moment for as long as the test runs."""
    monkeypatch.setattr(DemoDoor, "_elapsed", lambda _self: 0.0)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command line in this process; stdout and stderr are no terminals."""
    monkeypatch.setitem(app.MODULES, "sample", "tests.cli.sample")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def run_it(*argv: str) -> Outcome:
        code = main(argv)
        return Outcome(code, *capsys.readouterr())

    return run_it


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a command line as a program of its own."""

    def start(*argv: str, env: dict[str, str] | None = None, **kwargs: object) -> subprocess.Popen[str]:
        environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "PYTHONWARNINGS": "error", **(env or {})}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **kwargs}
        return subprocess.Popen([sys.executable, "-c", PROGRAM, *argv], env=environment, text=True, **streams)  # type: ignore[call-overload,no-any-return]

    return start
