"""Runs targets: a corpus again, some mutations of it, or as long as one likes."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from tests.fuzz.mutating import Mutator

HERE = Path(__file__).parent
TARGETS = tuple(sorted(path.stem for path in (HERE / "targets").glob("[!_]*.py")))

PATIENCE = 20
"""Seconds for one input, before it counts as one that hangs."""

EXECUTIONS = "stat::number_of_executed_units:"
"""What stands before their number, as libFuzzer says it."""

Check = Callable[[bytes], None]


class HangError(Exception):
    """An input takes far too long."""


def check_of(target: str) -> Check:
    """What the target does with an input."""
    check: Check = importlib.import_module(f"tests.fuzz.targets.{target}").check
    return check


def folder(target: str) -> Path:
    """Where its corpus lies."""
    return HERE / "corpus" / target


def corpus(target: str) -> dict[str, bytes]:
    """Its inputs by name."""
    return {path.name: path.read_bytes() for path in sorted(folder(target).iterdir())}


def keep(target: str, data: bytes) -> Path:
    """Stores an input that failed."""
    path = folder(target) / f"found-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return path


def fuzz(target: str, seconds: float, seed: int, place: Path, *, blind: bool = False) -> None:
    """Mutations until the time is over or one fails, whose input is kept; the executions are told on stderr.

    Unless ``blind``, atheris sees what they reach, where it is installed; ``place`` is a directory for what it leaves.
    It may end the process.
    """
    if blind or importlib.util.find_spec("atheris") is None:
        _mutations(target, seconds, seed)
    else:
        _guided(importlib.import_module("atheris"), target, seconds, seed, place)


def _mutations(target: str, seconds: float, seed: int) -> None:
    check, mutator = check_of(target), Mutator([*corpus(target).values()], seed)
    end, count, path = time.monotonic() + seconds, 0, None
    while time.monotonic() < end and path is None:
        count += 1
        path = tried(target, check, mutator.draw())
    sys.stderr.write(f"{EXECUTIONS} {count}\n")


def tried(target: str, check: Check, data: bytes) -> Path | None:
    """Where the input is kept if it fails."""
    try:
        with _watched():
            check(data)
    except Exception:  # noqa: BLE001  whatever it is, it is what is looked for
        traceback.print_exc()
        return keep(target, data)
    return None


@contextmanager
def _watched() -> Iterator[None]:
    def bark(_number: int, _frame: FrameType | None) -> NoReturn:
        raise HangError(f"more than {PATIENCE} seconds")

    before = signal.signal(signal.SIGALRM, bark)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _guided(atheris: Any, target: str, seconds: float, seed: int, place: Path) -> None:
    with atheris.instrument_imports(include=["p2pctl"], exclude=["p2pctl.simulator"]):
        check = check_of(target)

    def one(data: bytes) -> None:
        if tried(target, check, data) is not None:
            raise RuntimeError("found")

    options = (f"-max_total_time={int(seconds)}", f"-seed={seed}", "-max_len=65536", "-print_final_stats=1")
    quiet = ("-verbosity=0", "-rss_limit_mb=3072", f"-timeout={2 * PATIENCE}", f"-artifact_prefix={place}/")
    reached = place / "reached"
    reached.mkdir()
    atheris.Setup([target, *options, *quiet, str(reached), str(folder(target))], one)
    atheris.Fuzz()  # ends the process
