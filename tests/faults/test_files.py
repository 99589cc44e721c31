"""Files: disks that are full, files that are hostile, and looks that are repeated for days."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2pctl.dashboard.exporting import write_new
from p2pctl.errors import UsageError
from p2pctl.hardware.levels import PoolLevels
from p2pctl.hardware.pci import DEVICES
from p2pctl.hardware.snapshot import take
from p2pctl.hardware.sysroot import SysrootDoor
from tests.cli.conftest import Outcome
from tests.faults.conftest import Fault, Note, Run
from tests.faults.test_changes import room
from tests.fuzz.engine import corpus
from tests.fuzz.mutating import Mutator
from tests.fuzz.sound import check_text

SIZES = (0, 1, 4095, 4096)


def clear(outcome: Outcome, code: int, *words: str) -> bool:
    """One line of what and why, one of what to do, nothing that a terminal obeys, and the exit code for it."""
    check_text(outcome.err)
    sound = outcome.code == code and "hint: " in outcome.err and "bug in p2pctl" not in outcome.err
    return sound and all(word in outcome.err for word in words)


@pytest.mark.parametrize("there", [False, True], ids=["new", "old"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["capture", "textfile"])
def test_no_room_for_a_file(  # noqa: PLR0917  pytest hands them over by name
    tmp_path: Path, note: Note, run: Run, kind: str, size: int, there: bool
) -> None:
    file = tmp_path / "file.prom"
    if there:
        file.write_bytes(b"old")
    words = ("capture", "--force", str(file)) if kind == "capture" else ("metrics", "--textfile", str(file))
    with room(size):
        outcome = run("--demo", *words)
    kept = file.read_bytes() == b"old" if there else None
    whole = [path.name for path in tmp_path.iterdir()] == ["file.prom"] * there
    note(Fault(f"no room for a {kind}", kept, whole, clear(outcome, 1, str(file), "file too large")))


@pytest.mark.parametrize("size", SIZES)
def test_no_room_for_what_the_dashboard_exports(tmp_path: Path, note: Note, size: int) -> None:
    with room(size), pytest.raises(UsageError) as caught:
        write_new(str(tmp_path / "pools.txt"), "x" * 100_000)
    told = "file too large" in caught.value.message and str(tmp_path) in caught.value.message
    note(Fault("no room for an export of the dashboard", None, not list(tmp_path.iterdir()), told))


@pytest.mark.parametrize("words", [("export",), ("capture", "-"), ("metrics",), ("dashboard", "--once")], ids=" ".join)
def test_a_full_disk_under_standard_output(note: Note, words: tuple[str, ...], tmp_path: Path) -> None:
    """/dev/full answers ENOSPC to every write."""
    program = "import sys; from p2pctl.cli import entry; sys.argv[0] = 'p2pctl'; entry()"
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-c", program, "--demo", *words], check=False, stdout=full, stderr=subprocess.PIPE,
            text=True, env=environment, timeout=60,
        )  # fmt: skip
    told = clear(Outcome(ran.returncode, "", ran.stderr), 1, "standard output", "no space left on device")
    note(Fault("a full disk under standard output", None, None, told))


def hostile() -> Iterator[tuple[str, tuple[str, ...], bytes]]:
    """A kind of file, the command that takes it, and its bytes: the corpora of the fuzzers, and a mutation of each."""
    commands = {
        "capture": ("--capture", "{}", "status", "-o", "plain"),
        "document": ("validate", "{}"),
        "nvmetcli": ("--demo", "apply", "{}", "--dry-run"),
    }
    for kind, words in commands.items():
        inputs = [*corpus(kind).values()]
        mutator = Mutator(inputs, seed=2)
        for data in [*inputs, *(mutator.draw() for _ in inputs), b"", b"\0" * 600, b"\xff" * 600, b"[" * 100_000]:
            yield kind, words, data


@pytest.mark.parametrize("kind", ["capture", "document", "nvmetcli"])
def test_a_hostile_file(tmp_path: Path, note: Note, run: Run, kind: str) -> None:
    """It is left as it is, nothing is written beside it, and what is shown is safe whether it is refused or taken."""
    cases = [(words, data) for which, words, data in hostile() if which == kind]
    for number, (words, data) in enumerate(cases):
        directory = tmp_path / str(number)
        directory.mkdir()
        file = directory / "\x1b[31mfile"
        file.write_bytes(data)
        file.chmod(0o600)
        outcome = run(*(word.format(file) for word in words))
        check_text(outcome.out)
        kept = file.read_bytes() == data and len(list(directory.iterdir())) == 1
        told = outcome.code == 0 or clear(outcome, outcome.code)
        note(Fault(f"a hostile file: {kind}", kept, outcome.code in {0, 2, 3, 5, 8, 9}, told))


LOOKS = 100_000


def test_a_level_that_is_read_100_000_times(tmp_path: Path, note: Note) -> None:
    """As a dashboard does in a day: neither memory nor descriptors grow from the 100th look to the last."""
    function = tmp_path / "sys/devices/pci0000:00/0000:00:03.0"
    (function / "p2pmem").mkdir(parents=True)
    for name, data in {"uevent": "PCI_CLASS=10802\n", "p2pmem/size": "65536\n", "p2pmem/published": "1\n"}.items():
        (function / name).write_text(data)
    level = function / "p2pmem/available"
    level.write_text("65536\n")
    devices = tmp_path / DEVICES[1:]
    devices.mkdir(parents=True)
    (devices / "0000:00:03.0").symlink_to("../../../devices/pci0000:00/0000:00:03.0")
    door = SysrootDoor(str(tmp_path))
    pools = take(door, {"pools"}).pools
    assert pools is not None
    assert len(pools.pools) == 1
    seen = set()
    with PoolLevels(door) as levels:
        for number in range(LOOKS + 1):
            if number % 10_000 == 0:
                level.write_text(f"{65536 - number // 10_000:05}\n")
            pools = levels.read(pools)
            assert pools is not None
            if number % 1000 == 0:
                seen |= {pool.available for pool in pools.pools.values()}
            if number == 100:
                before = held()
        after = held()
    assert len(seen) == LOOKS // 10_000 + 1, "it was really read"
    note(Fault("a pool level read 100,000 times: descriptors", after[0] == before[0], None, None))
    note(Fault("a pool level read 100,000 times: memory", after[1] <= before[1] + 50, None, None))


def held() -> tuple[int, int]:
    """Open descriptors, and objects that are alive."""
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), len(gc.get_objects())
