"""The whole program in a terminal: a real process, real keys, real signals, and the screen that somebody would see."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.dashboard.terminal import Terminal

WIDE, SMALL = (120, 40), (80, 24)
COLOURS = {"256": {"TERM": "xterm-256color"}, "16": {"TERM": "screen"}, "none": {"TERM": "xterm", "NO_COLOR": "1"}}

HANGS = """
import sys, threading
from p2pctl.simulator import door
def now(self): threading.Event().wait()
from p2pctl.cli import dashboard_source
dashboard_source.DoorSource.take = now
from p2pctl.cli import main
sys.exit(main(["--demo", "dashboard"]))
"""
"""The dashboard over a host of which no read ever comes back."""


PLAIN = {*range(10), *range(21, 30), 39, 49}
"""Parameters of a style that are no colour: emphasis, and the terminal's own (ECMA-48, SGR)."""


def styles(screen: Terminal) -> set[tuple[int, ...]]:
    """The parameters of every style that was written."""
    found = re.findall(rb"\x1b\[([0-9;]*)m", screen.output)
    return {tuple(int(number or 0) for number in one.split(b";")) for one in found}


def started(home: Path, size: tuple[int, int], *options: str, colours: str = "256", code: str = "") -> Terminal:
    """The dashboard on the demo host, in a home of its own."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **COLOURS[colours]}
    argv = [sys.executable, "-c", code] if code else [sys.executable, "-m", "p2pctl", "--demo", "dashboard", *options]
    return Terminal(argv, size, environment)


@pytest.mark.parametrize(
    ("size", "colours"),
    [(SMALL, "16"), (WIDE, "none"), *(pytest.param(*one, marks=pytest.mark.full) for one in (
        (SMALL, "256"), (SMALL, "none"), (WIDE, "16"), (WIDE, "256"),
    ))],
)  # fmt: skip
def test_a_walk_through_the_screen(tmp_path: Path, size: tuple[int, int], colours: str) -> None:
    """Open, all views, filter, explain a pair, resize, quit: exit 0, the terminal as before, the view kept."""
    with started(tmp_path, size, colours=colours) as screen:
        screen.see("0000:18:00.0")
        assert "READ-ONLY" in screen.lines[0]
        for number, title in enumerate(("Overview", "Pools", "Topology", "Matrix", "Target", "Log"), 1):
            screen.type(str(number))
            screen.see(f"[{number} {title}]")
        screen.type("4")
        screen.see("[4 Matrix]")
        screen.type("\r")
        screen.see("lends, nvme")
        screen.see("What to do")
        screen.type("\x1b")
        screen.until(lambda: "lends, nvme" not in screen.text, "the end of the page")
        screen.type("2")
        screen.see("[2 Pools]")
        screen.type("/")
        screen.see("/text")
        screen.type("nvme2")
        screen.until(lambda: "nvme2" in screen.text and "0000:18:00.0" not in "\n".join(screen.lines[2:8]), "a filter")
        screen.type("\r")
        for columns, lines in ((20, 5), (200, 50), size):
            screen.resize(columns, lines)
            screen.see("p2pctl" if columns > 40 else "DEMO")
        screen.see("[2 Pools]")
        screen.type("q")
        assert screen.end() == 0
        assert screen.restored
        if colours == "none":
            assert not [one for one in styles(screen) if set(one) - PLAIN]
        if colours == "16":
            assert not [one for one in styles(screen) if 38 in one or 48 in one]
    kept = tmp_path / ".local/state/p2pctl/dashboard.json"
    assert json.loads(kept.read_text())["view"] == "pools"
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_restores_the_terminal(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with started(tmp_path, SMALL) as screen:
        screen.see("0000:18:00.0")
        screen.process.send_signal(number)
        assert screen.end() == code
        assert screen.restored


def test_a_terminal_that_goes_away_without_a_signal_ends_it(tmp_path: Path) -> None:
    """Its end would otherwise read nothing for ever, as fast as it can."""
    with started(tmp_path, SMALL) as screen:
        screen.see("0000:18:00.0")
        screen.hang_up()
        assert screen.process.wait(screen.patience) == 128 + signal.SIGHUP


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_quitting_does_not_wait_for_a_read_that_hangs(tmp_path: Path, key: str) -> None:
    with started(tmp_path, SMALL, code=HANGS) as screen:
        screen.see("Reading the host, 2 s")
        screen.type(key)
        assert screen.end() == 0
        assert screen.restored


@pytest.mark.parametrize("way", ["ctrl+l", "a size that went and came back"])
def test_what_was_wiped_from_the_terminal_is_drawn_again(tmp_path: Path, way: str) -> None:
    """A terminal that was made small and large again faster than the program looks has lost what stood there."""
    with started(tmp_path, SMALL, "--interval", "60") as screen:
        screen.see("0000:18:00.0")
        screen.see("q Quit")
        before = screen.wipe()[1:]
        assert not screen.text.strip()
        if way == "ctrl+l":
            screen.type("\x0c")
        else:
            screen.resize(*SMALL)
        screen.until(lambda: screen.lines[1:] == before, "the screen of before")


def test_ctrl_z_gives_the_shell_back_its_terminal(tmp_path: Path) -> None:
    with started(tmp_path, SMALL) as screen:
        screen.see("0000:18:00.0")
        screen.type("\x1a")
        screen.until(lambda: screen.restored and screen.stopped, "a suspended screen")
        screen.process.send_signal(signal.SIGCONT)
        screen.until(lambda: screen.raw, "the screen again")
        screen.type("5")
        screen.see("[5 Target]")
        screen.type("q")
        assert screen.end() == 0
        assert screen.restored
