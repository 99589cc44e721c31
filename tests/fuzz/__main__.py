"""The command line of ``scripts/fuzz``."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.engine import EXECUTIONS, TARGETS, check_of, folder, fuzz, keep

ROOT = Path(__file__).parents[2]


class Row(NamedTuple):
    """What came of a target."""

    target: str
    executions: int
    seconds: float
    found: tuple[Path, ...]
    broken: str
    """Why it has no figures, if it has none."""


def main(argv: Sequence[str]) -> int:
    """Runs what is asked for: 1 where an input failed."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Tries inputs of p2pctl's parsers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all without any: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=60, metavar="N", help="for each target (60)")
    parser.add_argument("--seed", type=int, metavar="N", help="of the mutations; a new one at each run without it")
    parser.add_argument("--blind", action="store_true", help="do not look at what inputs reach: many times faster")
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="try this input of one TARGET, and nothing else")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    unknown = sorted(set(asked.targets) - set(TARGETS))
    if unknown:
        parser.error(f"there is no target {unknown[0]}: {', '.join(TARGETS)}")
    targets = asked.targets or list(TARGETS)
    seed = asked.seed if asked.seed is not None else int.from_bytes(os.urandom(3))
    if asked.repeat:
        if len(targets) != 1:
            parser.error("--repeat takes one TARGET")
        check_of(targets[0])(asked.repeat.read_bytes())
        sys.stdout.write(f"{asked.repeat}: nothing wrong\n")
        return 0
    if asked.here:
        fuzz(targets[0], asked.seconds, seed, asked.here, blind=asked.blind)
        return 0
    blind = asked.blind or importlib.util.find_spec("atheris") is None
    engine = "mutations alone" if blind else "atheris"
    sys.stdout.write(
        f"engine: {engine}; seed: {seed}\n{'target':14}{'executions':>11}{'seconds':>9}{'per s':>8}  found\n"
    )
    rows = []
    for target in targets:
        rows.append(_run(target, asked.seconds, seed, blind=blind))
        _tell(rows[-1])
    return int(any(row.found or row.broken for row in rows))


def _run(target: str, seconds: float, seed: int, *, blind: bool) -> Row:
    """A process of its own for each: the engine ends it, and what one eats is not the next one's."""
    before = set(folder(target).iterdir())
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="p2pctl-fuzz-") as place:
        command = [sys.executable, "-m", "tests.fuzz", target, "--seconds", str(seconds), "--seed", str(seed)]
        command += ["--here", place, *["--blind"] * blind]
        ran = subprocess.run(command, cwd=ROOT, check=False, stderr=subprocess.PIPE)
        for left in Path(place).glob("[lot][eoi][amk]*-*"):  # leak-, oom-, timeout-: what no exception tells
            keep(target, left.read_bytes())
    told = ran.stderr.decode(errors="replace")
    found = tuple(sorted(set(folder(target).iterdir()) - before))
    count = re.search(rf"{EXECUTIONS} *([0-9]+)", told)
    broken = "" if count else f"exit status {ran.returncode}"
    if found or broken:
        sys.stderr.write(told[-6000:])
    return Row(target, int(count[1]) if count else 0, time.monotonic() - start, found, broken)


def _tell(row: Row) -> None:
    rate = row.executions / row.seconds if row.seconds else 0
    sys.stdout.write(
        f"{row.target:14}{row.executions:11,}{row.seconds:9.0f}{rate:8.0f}  {len(row.found)} {row.broken}\n"
    )
    for path in row.found:
        sys.stdout.write(f"  again: scripts/fuzz {row.target} --repeat {os.path.relpath(path)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
