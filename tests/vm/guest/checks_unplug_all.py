"""Drives that are taken away during every command: each ends with an answer or an error, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.vm.guest.api import ENTRY, NVMET, PCI, Context, Ran, reset_nvmet, wait
from tests.vm.guest.checks_trace import mount_tracing
from tests.vm.guest.checks_unplug import WAYS, settled, way
from tests.vm.guest.checks_verify import first_disks, ordinary

SECONDS = 900
PARTS = (0.2, 0.5, 0.8)
"""How much of a command has passed when the drive goes, one for each way."""

KEPT = Path("/var/lib/p2pctl/overwritten.json")

UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
QUICK = ("--seconds", "0.5", "--warm-up", "0.1", "--runs", "1", "--block-size", "4K", "--depth", "1")


def commands(stays: str, goes: str, other: str, out: Path) -> dict[str, tuple[str, ...]]:
    """Every command that looks at devices, aimed at the drive that goes as well as at those that stay."""
    disk, another = first_disks()[goes], first_disks()[other]
    write = ("--confirm", disk.rpartition("/")[2])
    words = [
        ("status",), ("pool", "list", "--holders"), ("pool", "show", goes), ("device", "list", "--all"),
        ("device", "show", goes), ("topology", "--all"), ("matrix", "--all"), ("explain", goes, other),
        ("explain", stays, goes), ("explain", goes, other, "--ask-kernel"), ("providers", goes, other),
        ("explain", goes, goes, "--trace", "1"),
        ("rules", "list"), ("place",), ("acs", "list"), ("monitor", "--for", "2"),
        ("doctor",), ("doctor", "--for", "nvmet"), ("target", "show"),
        ("subsystem", "list"), ("namespace", "list"), ("port", "list"), ("host", "list"), ("referral", "list", "1"),
        ("connection", "list"), ("export",), ("validate", str(out / "export.yaml")), ("diff", str(out / "export.yaml")),
        ("apply", str(out / "export.yaml"), "--dry-run"), ("recover",), ("dashboard", "--once"), ("metrics",),
        ("metrics", "--textfile", str(out / "shaken.prom")), ("verify", goes, other), ("verify", stays, goes),
        ("verify", "--all"), ("bench", goes, other, *QUICK), ("bench", stays, goes, *QUICK),
        ("verify", stays, disk, "--write", "--mixed", *write), ("bench", stays, another, disk, *QUICK, *write),
        ("capture", "--force", str(out / "all.tar.gz")),
    ]  # fmt: skip
    return {" ".join(word for word in line if "/" not in word and word != write[1]): line for line in words}


class Taking(threading.Thread):
    """Takes a drive away a moment from now, in the middle of what another thread does."""

    def __init__(self, take: Callable[[], object], delay: float) -> None:
        super().__init__(daemon=True)
        self._take = take
        self._delay = delay
        self.began = 0.0
        self.error: BaseException | None = None

    def run(self) -> None:
        """Never raises: what went wrong is in `error`."""
        time.sleep(self._delay)
        self.began = time.monotonic()
        try:
            self._take()
        except BaseException as error:  # noqa: BLE001 - told by whoever waits for this thread
            self.error = error


def check_every_command_survives_a_drive_that_goes_away(context: Context) -> None:
    """In each of the three ways, early, in the middle and late in the command, which is run once for each.

    It ends with a documented exit code, an error says what to do, no file is a half one, and nothing stays behind.
    What came of it is told below the results.
    """
    reset_nvmet()
    mount_tracing()
    goes, stays, other = (context.bdf(drive) for drive in ("n2", "n1", "n3"))
    (context.out / "export.yaml").write_text("version: 1\n")
    before = levels()
    codes: defaultdict[str, Counter[int]] = defaultdict(Counter)
    lasted: dict[str, float] = {}
    during = mended = 0
    for name, part in zip(WAYS, PARTS, strict=True):
        for label in commands(stays, goes, other, context.out):
            words = commands(stays, goes, other, context.out)[label]  # its disk may be called something else now
            how = way(context, name, goes)
            taking = Taking(how.take, part * lasted.get(label, 0.25))
            taking.start()
            start = time.monotonic()
            ran = context.p2pctl(*words)
            end = time.monotonic()
            taking.join(90)
            assert taking.error is None, (words, name, taking.error)
            assert not taking.is_alive(), (words, name)
            complain(words, ran)
            lasted[label] = end - start
            during += taking.began < end
            codes[label][ran.code] += 1
            how.give()
            assert wait(lambda: settled(context, "n2") and goes in first_disks(), 60), (words, name)
            mended += mend(context)
    total = sum(map(Counter.total, codes.values()))
    assert during > total / 2, (during, total)
    left_behind(context, before)
    tell(context, codes, during, mended)


def mend(context: Context) -> bool:
    """A drive that went while it was written to has to be put back, under whatever name it has come back."""
    if not KEPT.exists():
        return False
    # What bench has copied is told from nobody's data: the name has to be said.
    name = Path(first_disks()[context.bdf("n2")]).name
    ran = context.p2pctl("recover", "--yes", "--confirm", name)
    assert ran.code == 0, (ran, KEPT.read_text())
    assert not KEPT.exists()
    return True


def check_a_drive_that_goes_while_it_is_written_to_is_put_back_when_it_comes_back(context: Context) -> None:
    """In each way, in the middle of a write: the run says that it could not be put back, and recover does it."""
    goes = context.bdf("n2")  # its own pool is the one that it may use in any machine
    for name in WAYS:
        disk = first_disks()[goes]
        how = way(context, name, goes)
        words = ["verify", goes, disk, "--write", "--mixed", "--size", "2M", "--confirm", Path(disk).name]
        with subprocess.Popen(
            [sys.executable, "-c", ENTRY, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as writing:
            assert wait(lambda: KEPT.exists() or writing.poll() is not None, 60)
            writing.send_signal(signal.SIGSTOP)
            assert writing.poll() is None, writing.communicate()
            place = json.loads(KEPT.read_text())
            how.take()
            writing.send_signal(signal.SIGCONT)
            _, err = writing.communicate(timeout=90)
        assert (writing.returncode, "p2pctl recover" in err) == (7, True), (name, writing.returncode, err)
        complain(("--confirm",), Ran(writing.returncode, "", err))
        away = context.p2pctl("recover", "--yes")
        assert (away.code, "bring it back" in away.err) == (3, True), (name, away)
        how.give()
        assert wait(lambda: settled(context, "n2") and goes in first_disks(), 60), name
        assert mend(context), name
        assert ordinary(first_disks()[goes], place["offset"]) == bytes([place["byte"]]) * (1 << 20), name


def tell(context: Context, codes: Mapping[str, Counter[int]], during: int, mended: int) -> None:
    """One line for the report of this machine, made of what ran."""
    runs = sum(codes.values(), Counter[int]())
    ends = ", ".join(f"{count} with {code}" for code, count in sorted(runs.items()))
    with (context.out / "summary").open("a") as summary:
        summary.write(
            f"a drive {', '.join(WAYS)}, {during} times in the middle of {len(codes)} commands, {runs.total()} runs"
            f" (exit codes: {ends}): nothing lost, nothing half done, every message clear; what was written over when"
            f" the drive went put back by recover {mended} times; "
        )
    (context.out / "unplug.json").write_text(json.dumps(codes))


def complain(words: tuple[str, ...], ran: Ran) -> None:
    """An assertion for whatever is no answer: a bug, a trace, an error without a word of what to do."""
    assert ran.code in {0, 1, 2, 3, 5, 6, 8, 9} | ({7} if "--confirm" in words else set()), (words, ran)
    assert ran.code != 7 or "p2pctl recover" in ran.err, (words, ran)
    assert "bug in p2pctl" not in ran.err, (words, ran)
    assert "Traceback" not in ran.err, (words, ran)
    assert not UNSAFE.search(ran.out + ran.err), (words, ran)
    if ran.code not in {0, 8, 9}:
        assert ran.err.startswith("p2pctl: ") or "\np2pctl: " in ran.err, (words, ran)
        assert "hint: " in ran.err, (words, ran)


def levels() -> dict[str, str]:
    """What each pool has available."""
    return {pool.parent.name: (pool / "available").read_text() for pool in PCI.glob("devices/*/p2pmem")}


def left_behind(context: Context, before: Mapping[str, str]) -> None:
    """Target, files, memory and threads are as before."""
    for kind in ("subsystems", "ports", "hosts"):
        assert os.listdir(NVMET / kind) == [], kind  # noqa: PTH208
    assert not [name for name in os.listdir(context.out) if name.startswith(".p2pctl-")]  # noqa: PTH208
    assert context.p2pctl("--capture", str(context.out / "all.tar.gz"), "status").code == 0
    assert (context.out / "shaken.prom").read_text().endswith("\n")
    assert wait(lambda: levels() == before, 20), (levels(), before)
    assert wait(lambda: threading.active_count() == 1, 20), threading.enumerate()
