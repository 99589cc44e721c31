"""fio as a program: bounded, and gone with whoever started it. The programs here are stand-ins that misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from p2pctl.errors import P2pctlError
from p2pctl.hardware import fio


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    path = tmp_path / "fio"
    path.write_text(f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def test_what_it_reports_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, 'echo "$1"; cat "$4"')
    assert fio.run("[job]", 1) == b"--readonly\n[job]"


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("echo it broke >&2; exit 3", r"fio failed \(3\): it broke"),
        ("yes", "said more than"),
        ("sleep 60", "did not end"),
    ],
)
def test_a_failure_a_flood_and_a_hang_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, says: str
) -> None:
    monkeypatch.setattr(fio, "_PATIENCE", 0.2 if "sleep" in program else 60)
    stand_in(tmp_path, monkeypatch, program)
    with pytest.raises(P2pctlError, match=says):
        fio.run("[job]", 0)


def test_it_ends_with_a_process_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mapping would keep the pool's memory."""
    pid = tmp_path / "pid"
    stand_in(tmp_path, monkeypatch, f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 100")
    program = "from p2pctl.hardware import fio; fio.run('[job]', 100)"
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        assert wait(pid.exists)
        process.send_signal(signal.SIGKILL)
    number = int(pid.read_text())
    assert wait(lambda: not Path(f"/proc/{number}").exists() or state(number) == "Z")


def state(number: int) -> str:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def wait(condition: object) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False
