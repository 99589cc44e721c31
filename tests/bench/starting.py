"""What whole processes cost: CPU against `import typer`, memory, the demo host."""

from __future__ import annotations

import subprocess
import sys

from p2pctl.hardware.snapshot import take
from p2pctl.model.snapshot import PartName
from p2pctl.simulator.door import DemoDoor
from tests.bench.rows import Row, compared, cpu_of, cpu_of_call, side_by_side

ROUNDS = 11
DRIVES = 8
POOLS: tuple[PartName, ...] = ("pools",)


def start_up(drives: str) -> list[Row]:
    """Whole processes against `import typer`; below ``drives`` lies a host of eight drives with pools."""
    p2pctl = [sys.executable, "-m", "p2pctl"]
    import_typer = [sys.executable, "-c", "import typer"]
    # Pages and bytecode are warm for both sides.
    cpu_of([*p2pctl, "--demo", "pool", "list", "-o", "json"])
    rows = []
    for what, words, budget in (
        ("", ["pool", "list", "-o", "json"], 1.6),
        (f"{DRIVES} drives with pools: ", ["--sysroot", drives, "pool", "list", "-o", "json"], 1.6),
        ("", ["--demo", "pool", "list", "-o", "json"], None),
        ("", ["--demo", "pool", "list", "-o", "table"], None),
        ("", ["--help"], None),
    ):
        ours, theirs = side_by_side(lambda w=words: cpu_of([*p2pctl, *w]), lambda: cpu_of(import_typer), ROUNDS)  # type: ignore[misc]
        shown = " ".join(words).replace(drives, "DIR")
        rows.append(compared(f"{what}{shown} : import typer", ours, theirs, budget))
    return rows


def peak(argv: list[str]) -> float:
    """Peak resident MiB of a command."""
    code = "import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,check=True);"
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    ran = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True)
    return int(ran.stdout) / 1024


def memory(directory: str, functions: int) -> list[Row]:
    """Peak memory of a listing of the whole host against an interpreter that imports typer."""
    p2pctl = [sys.executable, "-m", "p2pctl", "--sysroot", directory]
    small = peak([sys.executable, "-c", "import typer"])
    rows = []
    for words in (["pool", "list", "-o", "json"], ["device", "list", "--all", "-o", "json"], ["topology", "--all"]):
        big = peak([*p2pctl, *words])
        rows.append(
            Row(
                f"memory of {' '.join(words)}, {functions} functions",
                f"{big:.0f} MiB",
                f"{small:.0f} MiB",
                big / small,
                "",
                None,
            )
        )
    return rows


def demo() -> list[Row]:
    """What building the demo host costs."""
    times = [cpu_of_call(lambda: take(DemoDoor(), POOLS)) for _ in range(ROUNDS)]
    return [Row("demo host: build, read its pools", f"{min(times):.1f} ms", "", None, "", None)]
