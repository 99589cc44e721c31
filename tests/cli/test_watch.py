"""Watching pools: a line a change through a pipe, in place on a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from p2pctl.cli.watch import fitted
from p2pctl.hardware.snapshot import take
from p2pctl.model.facts import Gap
from p2pctl.model.pools import Pools
from p2pctl.model.snapshot import Snapshot, Source
from p2pctl.render.layout import Look
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


@pytest.mark.parametrize(
    "words", [["--interval", "0"], ["--interval", "x"], ["--interval", "nan"], ["--interval", "inf"], ["--count", "0"]]
)
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


def _watched(
    program: Callable[..., subprocess.Popen[str]], *argv: str, env: dict[str, str], size: tuple[int, int]
) -> str:
    """What two looks leave on a terminal of so many lines and columns."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    running = program("--demo", "pool", "watch", "-i", "0.1", "-n", "2", *argv, stdout=writer, env=env)
    os.close(writer)
    data = b""
    with contextlib.suppress(OSError):
        while piece := os.read(reader, 65536):
            data += piece
    os.close(reader)
    _, err = running.communicate(timeout=30)
    assert (running.returncode, err) == (0, "")
    return data.decode()


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_terminal_gets_its_letters(program: Callable[..., subprocess.Popen[str]], term: str) -> None:
    """Rules as every other table has them on a terminal that knows UTF-8, and ASCII on one that does not."""
    for encoding, rule, other in (("utf-8", "────", "----"), ("ascii", "----", "────")):
        shown = _watched(program, env={"TERM": term, "PYTHONIOENCODING": encoding}, size=(40, 100))
        assert shown.count(rule) >= 2
        assert other not in shown


@pytest.mark.parametrize(
    ("argv", "env", "coloured"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        (["--color", "never"], {}, False),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "always"], {"TERM": "dumb"}, True),
    ],
)
def test_colour_is_as_asked(
    program: Callable[..., subprocess.Popen[str]], argv: list[str], env: dict[str, str], *, coloured: bool
) -> None:
    """The words of the states, and nothing else that a terminal takes for colour or weight."""
    shown = _watched(program, *argv, env={"TERM": "xterm", **env}, size=(40, 100))
    assert ("\x1b[32mpublished" in shown) is coloured
    assert (re.search(r"\x1b\[[0-9;]*m", shown) is not None) is coloured


@pytest.mark.parametrize(("room", "more"), [(8, 6), (12, 2), (16, 0)])
def test_a_small_terminal_is_told_what_it_lacks(
    program: Callable[..., subprocess.Popen[str]], room: int, more: int
) -> None:
    """Nine pools take thirteen lines and a remark; the last line counts those that are not shown."""
    shown = _watched(program, env={"TERM": "xterm", "COLUMNS": "160"}, size=(room, 160))
    frame = re.split(r"\x1b\[1A\x1b\[2K", shown)[-1].replace("\r", "").split("\x1b[?25h")[0].strip("\n").split("\n")
    assert len(frame) <= room
    assert sum(re.match("[0-9a-f]{4,}:", line) is not None for line in frame) == 9 - more
    note = f"{more} more: the terminal has {room} lines (-o plain tells of all)"
    assert (frame[-1].rstrip() == note) is bool(more)


@pytest.mark.parametrize("room", range(1, 20))
@pytest.mark.parametrize("width", [40, 80, 200])
def test_frames_fit(room: int, width: int) -> None:
    """On any terminal, and none is wider than it for the sake of the note."""
    snapshot = take(DemoDoor(), {"pools"})
    drawn = fitted(snapshot, Look(width=width), room)
    assert len(drawn) <= room
    assert len(drawn[-1]) <= max(width, 60)


@pytest.mark.usefixtures("half_seconds")
def test_a_table_in_a_pipe_is_drawn_again(run: Run) -> None:
    """Nothing is drawn over where nothing can be: a table a look."""
    outcome = run("--demo", "pool", "watch", "--count", "3", "-o", "table")
    assert outcome.out.count("ADDRESS") == 3
    assert "\x1b" not in outcome.out


def test_levels_that_cannot_be_listed_are_not_none() -> None:
    """No pool is one thing, a directory that cannot be read another."""
    snapshot = Snapshot(
        Source("sysroot", "h", "k", "b"),
        0.0,
        pools=Pools(0.0, {}, {}, (Gap("pci functions", None, "/sys/x", 13, "root"),)),
    )
    assert "Not known: /sys/x needs root." in fitted(snapshot, Look(), 24)
