"""stdout is data, stderr is narration; what a terminal gets, and what a pipe gets."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from p2pctl.cli.terminal import wants_color
from p2pctl.model.facts import Gap
from tests.cli.conftest import Run
from tests.unit.render_samples import EMPTY, ITEMS

Program = Callable[..., "subprocess.Popen[str]"]


def test_a_pipe_gets_plain_lines(run: Run) -> None:
    """And the remarks that have no place in them go to stderr."""
    outcome = run("sample", "list")
    assert len(outcome.out.splitlines()) == 1 + len(ITEMS)
    assert outcome.err.splitlines() == [
        "a note",
        "10000:e1:00.0 is private",
        "? available of 10000:e1:00.0: needs root",
        "? holders: not asked (--holders)",
    ]


@pytest.mark.parametrize("form", ["plain", "csv"])
def test_a_list_that_cannot_be_read_is_not_empty(run: Run, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """Beside the bare header stands why, and not that there is nothing."""
    gap = Gap("pci functions", None, "/sys/bus/pci/devices", 13, "root")
    monkeypatch.setattr("tests.cli.sample.REPORT", EMPTY._replace(gaps=(gap,)))
    assert run("sample", "list", "-o", form).err.splitlines() == [
        "a note",
        "Not known: /sys/bus/pci/devices needs root.",
        "? pci functions of /sys/bus/pci/devices: needs root",
    ]


def test_quiet_and_verbose(run: Run) -> None:
    assert run("sample", "list", "-q").err == ""
    assert "a detail" not in run("sample", "list").err
    assert "a detail" in run("sample", "list", "-v").err
    assert run("sample", "fail", "BusyError", "-q").err.startswith("p2pctl: ")


def test_machine_formats_come_without_remarks(run: Run) -> None:
    """The document has the gaps."""
    outcome = run("sample", "list", "-o", "json")
    assert outcome.err == "a note\n"
    assert len(json.loads(outcome.out)["gaps"]) == 2


@pytest.mark.parametrize(
    ("choice", "environ", "terminal", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
        ("auto", {"FORCE_COLOR": ""}, False, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_who_decides_about_colour(choice: str, environ: dict[str, str], terminal: bool, wanted: bool) -> None:
    assert wants_color(choice, environ, terminal=terminal) is wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argv", "variable", "coloured"),
    [
        ([], "COLORTERM", False),
        (["--color", "always"], "NO_COLOR", True),
        (["--color", "never"], "FORCE_COLOR", False),
        ([], "FORCE_COLOR", True),
        ([], "NO_COLOR", False),
    ],
)
def test_colour_in_tables_and_errors(
    run: Run, monkeypatch: pytest.MonkeyPatch, argv: list[str], variable: str, coloured: bool
) -> None:
    """The same rule for both streams; plain lists never have any."""
    monkeypatch.setenv(variable, "1")
    assert ("\x1b[" in run("sample", "list", "-o", "table", *argv).out) is coloured
    assert ("\x1b[" in run("sample", "fail", "BusyError", *argv).err) is coloured
    assert ("\x1b[" in run("sample", "--bogus", *argv).err) is coloured
    assert "\x1b" not in run("sample", "list", "-o", "plain", *argv).out


def test_eighty_columns(run: Run) -> None:
    """Without a terminal to ask; what is hidden is named."""
    lines = run("sample", "list", "-o", "table").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("Hidden at this width: ") for line in lines)


def test_columns_says_how_wide(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "Hidden" not in run("sample", "list", "-o", "table").out
    monkeypatch.setenv("COLUMNS", "zero")
    assert "Hidden" in run("sample", "list", "-o", "table").out


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The two ends of a terminal: where it can be read, and what a program writes to, for the test to close."""
    reader, writer = pty.openpty()
    yield reader, writer
    os.close(reader)


def _all(reader: int) -> str:
    """Everything, up to the error with which a terminal ends."""
    data = b""
    with contextlib.suppress(OSError):
        while piece := os.read(reader, 65536):
            data += piece
    return data.decode()


def test_a_terminal_gets_a_table(program: Program, terminal: tuple[int, int]) -> None:
    """Coloured, as wide as the terminal is."""
    reader, writer = terminal
    running = program("sample", "list", stdout=writer, env={"TERM": "xterm"})
    os.close(writer)
    shown = _all(reader)
    assert running.wait() == 0
    assert "─" in shown
    assert "\x1b[32mpublished" in shown
    running.communicate()


def test_a_reader_that_has_had_enough(program: Program) -> None:
    """No message, no traceback: it is what ``head`` does."""
    reader, writer = os.pipe()
    os.close(reader)
    running = program("-h", stdout=writer)
    os.close(writer)
    _, err = running.communicate()
    assert err == ""
    assert running.returncode == 0


@pytest.mark.parametrize("argv", [["sample", "list", "-o", "plain", "-q"], ["-h"], ["--version"]])
def test_a_full_disk(program: Program, argv: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        running = program(*argv, stdout=full)
        _, err = running.communicate()
    assert running.returncode == 1
    assert err == (
        "p2pctl: cannot write to standard output: no space left on device\n"
        "hint: make room there, or send it elsewhere\n"
    )


def test_a_full_disk_for_programs(program: Program) -> None:
    with Path("/dev/full").open("w") as full:
        running = program("sample", "list", "-o", "json", "-q", stdout=full)
        _, err = running.communicate()
    assert running.returncode == 1
    assert json.loads(err)["errno"] == errno.ENOSPC


def test_a_closed_stdout(program: Program) -> None:
    """Told on stderr, with what to do."""
    running = program("sample", "list", "-q", preexec_fn=lambda: os.close(1))
    _, err = running.communicate()
    assert running.returncode == 1
    assert err.startswith("p2pctl: cannot write to standard output: bad file descriptor\nhint: ")


def test_closed_streams(program: Program) -> None:
    """Started with neither stdout nor stderr: a failure, and nobody to tell."""
    running = program("sample", "list", preexec_fn=lambda: os.closerange(1, 3))
    running.communicate()
    assert running.returncode == 1


def test_a_terminal_without_the_letters(program: Program) -> None:
    """What its encoding lacks is spelled out; the rules of the table are ASCII."""
    running = program("sample", "list", "-o", "table", env={"PYTHONIOENCODING": "ascii", "COLUMNS": "200"})
    out, _ = running.communicate()
    assert running.returncode == 0
    assert out.isascii()
    assert "\\u65e5\\u672c\\u8a9e" in out
    assert "\n----" in out


def test_interrupted_from_outside(program: Program) -> None:
    """As a program: 130, and no traceback."""
    running = program("--demo", "pool", "watch", "-o", "jsonl")
    assert running.stdout is not None
    assert running.stdout.readline().startswith('{"schema"')
    time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate()
    assert running.returncode == 130
    assert "Traceback" not in err
