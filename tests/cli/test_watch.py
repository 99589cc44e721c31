"""Watching pools: a line a change through a pipe, in place on a terminal."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from p2pctl.simulator.door import DemoDoor
from tests.cli.conftest import Run


@pytest.fixture
def half_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that passes in steps of half a second, one for each look, without anybody waiting."""
    steps: Iterator[int] = iter(range(10_000))
    monkeypatch.setattr(DemoDoor, "_elapsed", lambda _self: next(steps) / 8)
    monkeypatch.setattr("p2pctl.cli.watch.time.sleep", lambda _seconds: None)


@pytest.mark.usefixtures("half_seconds")
def test_a_pipe_gets_a_line_a_change(run: Run) -> None:
    """First what is there, then only what moved, each with what it moved by."""
    lines = run("--demo", "pool", "watch", "--count", "20").out.splitlines()
    events = [line.split()[1] for line in lines]
    assert events[0] == "EVENT"
    assert events[1:10] == ["present"] * 9
    assert set(events[10:]) == {"level"}
    assert len(lines) > 12
    assert len({len(line) for line in lines[1:]}) < 4, "they align as far as their last column goes"


@pytest.mark.usefixtures("half_seconds")
def test_json_lines_add_up(run: Run) -> None:
    """The changes of a pool lead from its first level to its last."""
    first, *items = map(json.loads, run("--demo", "pool", "watch", "-n", "20", "-o", "jsonl").out.splitlines())
    assert first["schema"] == "p2pctl.pool-change/1"
    ours = [item for item in items if item["address"] == "0000:18:00.0"]
    assert ours[0]["event"] == "present"
    assert len(ours) > 3
    for before, after in itertools.pairwise(ours):
        assert after["available"] - before["available"] == after["delta"] != 0
    assert [item["time"] for item in items] == sorted(item["time"] for item in items)


def test_a_capture_does_not_change(run: Run, tmp_path: Path) -> None:
    """Waiting for it to would be waiting for ever: exit 5, and what to do instead."""
    file = str(tmp_path / "host.tar.gz")
    assert run("--demo", "capture", file).code == 0
    outcome = run("--capture", file, "pool", "watch")
    assert (outcome.code, outcome.out) == (5, "")
    assert "pool list" in outcome.err


@pytest.mark.parametrize("words", [["--interval", "0"], ["--interval", "x"], ["--count", "0"]])
def test_intervals_that_make_no_sense(run: Run, words: list[str]) -> None:
    """Exit 2, and a line that says which."""
    outcome = run("--demo", "pool", "watch", *words)
    assert outcome.code == 2
    assert words[0].lstrip("-") in outcome.err


def test_a_terminal_is_redrawn_in_place(program: Callable[..., subprocess.Popen[str]]) -> None:
    """The table is written once a look, and the cursor goes back up in between; Ctrl-C ends it with 130."""
    reader, writer = pty.openpty()
    running = program("--demo", "pool", "watch", "-i", "0.1", stdout=writer, env={"TERM": "xterm", "COLUMNS": "80"})
    os.close(writer)
    data = b""
    while data.count(b"0000:18:00.0") < 3:
        data += os.read(reader, 65536)
    running.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):
        while piece := os.read(reader, 65536):
            data += piece
    os.close(reader)
    assert running.wait(30) == 130
    assert b"\x1b[1A" in data
    assert b"Traceback" not in data
    assert b"\x1b[?25h" in data, "the cursor is shown again"
    assert running.communicate()[1] == ""
