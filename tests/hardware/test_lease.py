"""Transfers to a file that another process begins to open in the middle of them."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from p2pctl.errors import BusyError
from p2pctl.hardware import lease
from p2pctl.hardware.memory import LiveMemory
from p2pctl.proof.blank import Blank
from p2pctl.proof.copying import Ends, Limits, Memories, run
from p2pctl.proof.figures import Setting
from p2pctl.proof.histogram import Histogram
from p2pctl.proof.model import LAYOUTS
from p2pctl.proof.reading import Place, close_bench, open_bench
from p2pctl.proof.writing import put_back, write_through

BLOCK = 4096
LENGTH = 16 * BLOCK
PROGRAM = """
import os, sys
try:
    os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)
except BlockingIOError:
    sys.exit(11)
"""


class Opener:
    """Opens the file as another process, once, when it is asked whether to stop for the so manieth time."""

    def __init__(self, file: Path, turns: int) -> None:
        self._file = file
        self._left = turns
        self._lock = threading.Lock()
        self.code: int | None = None

    def __call__(self) -> bool:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                words = [sys.executable, "-c", PROGRAM, str(self._file)]
                self.code = subprocess.run(words, check=False).returncode
        return False


class Kept:
    """A rescue that is not needed."""

    path = ""

    def __init__(self) -> None:
        self.held = 0

    def save(self, blank: Blank) -> None:
        del blank
        self.held += 1

    def discard(self) -> None:
        self.held -= 1


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """One with data, and one that is blank."""
    source, destination = tmp_path / "source", tmp_path / "destination"
    source.write_bytes(os.urandom(LENGTH))
    destination.write_bytes(bytes(2 * LENGTH))
    return source, destination


def place(file: Path) -> Place:
    return Place(str(file), LENGTH, LENGTH)


@pytest.mark.parametrize(("waited", "begins"), [(13, True), (16, False), (46, False)])
def test_what_is_put_back_begins_only_while_a_drive_has_time_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waited: int, begins: bool
) -> None:
    """30 of the 45 seconds after which the lease may be gone: a command may take that long."""
    break_time = tmp_path / "lease-break-time"
    break_time.write_text("45\n")
    now = [100.0]
    monkeypatch.setattr(lease, "_BREAK_TIME", break_time)
    monkeypatch.setattr(lease, "time", SimpleNamespace(monotonic=lambda: now[0]))
    told = SimpleNamespace(**{name: value for name, value in vars(fcntl).items() if name.startswith("F_")})
    told.fcntl = lambda _, what, *__: fcntl.F_RDLCK if what == fcntl.F_GETLEASE else 0
    monkeypatch.setattr(lease, "fcntl", told)
    held = lease.Lease(0)
    now[0] += waited
    if begins:
        held.check(back=True)
    else:
        with pytest.raises(OSError, match="has opened the file since"):
            held.check(back=True)


@pytest.mark.parametrize("depth", [1, 4])
def test_a_benchmark_ends_and_the_file_is_as_it_was(files: tuple[Path, Path], depth: int) -> None:
    source, destination = files
    memory, kept, opener = LiveMemory(), Kept(), Opener(destination, 10)
    with (
        closing(memory.open(str(source))) as here,
        closing(memory.open(str(destination), write=True, exclusive=True)) as there,
        closing(memory.ordinary(LENGTH)) as one,
        closing(memory.ordinary(LENGTH)) as plain,
    ):
        ends = Ends(here, str(source), there, str(destination), LENGTH, LENGTH)

        def copy() -> None:
            with put_back(there, plain, Blank(place(destination), 0), kept):
                run(ends, Memories(one, one), Setting(BLOCK, depth, "ordinary"), Limits(20, opener), Histogram())

        with pytest.raises(BusyError, match="somebody else opens the file"):
            copy()
    assert (opener.code, kept.held) == (11, 0)
    assert destination.read_bytes() == bytes(2 * LENGTH)
    assert destination.stat().st_size == 2 * LENGTH


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_proof_ends_and_the_file_is_as_it_was(files: tuple[Path, Path], turn: int) -> None:
    """Whichever the step; a write that was not tried is no failure of the drive's."""
    _, destination = files
    memory, kept, opener = LiveMemory(), Kept(), Opener(destination, turn)
    with (
        closing(memory.open(str(destination), write=True, exclusive=True)) as there,
        closing(memory.ordinary(LENGTH)) as pool,
        closing(memory.ordinary(LENGTH)) as plain,
    ):
        bench = open_bench(memory, there, pool)

        def prove() -> None:
            with put_back(there, plain, Blank(place(destination), 0), kept):
                for layout in LAYOUTS:
                    write_through(bench, place(destination), layout, opener)

        with pytest.raises(BusyError, match="somebody else opens the file"):
            prove()
        close_bench(bench)
    assert (opener.code, kept.held) == (11, 0)
    assert destination.read_bytes() == bytes(2 * LENGTH)
