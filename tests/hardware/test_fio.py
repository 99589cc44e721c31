"""fio as a program: bounded, and gone with whoever started it. The programs here are stand-ins that misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
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


START = "from p2pctl.hardware import fio; import sys; fio.run(sys.argv[1], 100)"


def test_it_and_its_jobs_end_with_a_process_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping would keep the pool's memory. Like fio's own, the jobs are processes in sessions of their own."""
    (tmp_path / "job").touch()
    stand_in(tmp_path, monkeypatch, f"for one in 1 2 3; do setsid tail -f {tmp_path}/job & done; wait")
    with subprocess.Popen([sys.executable, "-c", START, "[job]"]) as process:
        assert wait(lambda: len(alive(f"{tmp_path}/job")) == 3)
        process.send_signal(signal.SIGKILL)
    assert wait(lambda: not alive(f"{tmp_path}/job"))
    assert wait(lambda: not alive(str(tmp_path)))


def alive(word: str) -> list[int]:
    """Processes with this in their command line; one that has ended has none."""
    return [number for number in processes() if word.encode() in content(f"/proc/{number}/cmdline")]


def processes() -> list[int]:
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]


def content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def wait(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
