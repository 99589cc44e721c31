"""`python -m tests.bench`: what the budgets allow, and what is measured, as ratios within this run."""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from p2pctl.hardware.live import LiveDoor, LiveFiles
from p2pctl.hardware.snapshot import take
from p2pctl.hardware.sysroot import SysrootDoor
from p2pctl.hardware.without import WithoutLog, WithoutModules
from p2pctl.kernel import Files, Handle, SourceKind
from p2pctl.model.facts import ABSENT
from p2pctl.model.snapshot import PartName
from p2pctl.resolver.bandwidth import bandwidth
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.remedies import advice, remedies
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import select
from p2pctl.resolver.topology import Topology
from p2pctl.simulator.door import DemoDoor
from tests.bench import host, target

ROUNDS = 15
FUNCTIONS = 4096
DRIVES = 8
PCI: tuple[PartName, ...] = ("pci",)
POOLS: tuple[PartName, ...] = ("pools",)
EXPLAINED: tuple[PartName, ...] = ("pci", "pools", "kernel", "rdma")


class Row(NamedTuple):
    """One line of the table: `ratio` is held against `budget`, where there is one."""

    what: str
    measured: str
    baseline: str
    ratio: float | None
    spread: str
    budget: float | None


def cpu_of(argv: list[str], env: dict[str, str] | None = None) -> float:
    """CPU milliseconds of one run of a command, its own and its children's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def cpu_of_call(function: Callable[[], object]) -> float:
    """CPU milliseconds of one call."""
    start = time.process_time()
    function()
    return 1000 * (time.process_time() - start)


def side_by_side(one: Callable[[], float], other: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """Measures two things in turn, so that whatever else the machine does meets both."""
    pairs = [(one(), other()) for _ in range(rounds)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def compared(what: str, ours: list[float], theirs: list[float], budget: float | None) -> Row:
    """A row from two series of CPU times: the ratio is that of the best runs, the spread that of all pairs."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    spread = f"{ratios[0]:.2f} .. {statistics.median(ratios):.2f} .. {ratios[-1]:.2f}"
    return Row(what, f"{min(ours):.0f} ms", f"{min(theirs):.0f} ms", min(ours) / min(theirs), spread, budget)


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


class Recorded:
    """Files that remember what was asked of them, for a bare loop to ask the same."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.reads: list[str] = []
        self.pieces: list[tuple[str, list[tuple[int, int]]]] = []
        self.lists: list[str] = []
        self.links: list[str] = []

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        self.reads.append(path)
        return self._files.read(path, limit)

    def open(self, path: str) -> Handle:
        pieces: list[tuple[int, int]] = []
        self.pieces.append((path, pieces))
        return _RecordedHandle(self._files.open(path), pieces)

    def list(self, path: str) -> tuple[str, ...]:
        self.lists.append(path)
        return self._files.list(path)

    def readlink(self, path: str) -> str:
        self.links.append(path)
        return self._files.readlink(path)

    def __getattr__(self, name: str) -> object:
        return getattr(self._files, name)


class _RecordedHandle:
    def __init__(self, handle: Handle, pieces: list[tuple[int, int]]) -> None:
        self._handle = handle
        self._pieces = pieces
        self.close = handle.close

    def pread(self, offset: int, length: int) -> bytes:
        self._pieces.append((offset, length))
        return self._handle.pread(offset, length)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Bare:
    """A door with nothing but files: what things are called is another question."""

    kind: SourceKind = "live"
    log = WithoutLog()
    modules = WithoutModules()

    def __init__(self, files: object) -> None:
        self.files: Files = files  # type: ignore[assignment]

    @property
    def processes(self) -> Bare:
        return self

    @property
    def names(self) -> Bare:
        return self

    def who(self, _pid: int) -> None:
        return None

    def device(self, _vendor: int, _device: int) -> tuple[None, None]:
        return None, None

    def now(self) -> float:
        return 0.0


def bare_loop(directory: str, recorded: Recorded) -> Callable[[], None]:
    """The same system calls on the same files and nothing else; what is not there fails, as it does for us."""
    reads = [directory + path for path in recorded.reads]
    pieces = [(directory + path, each) for path, each in recorded.pieces]
    lists = [directory + path for path in recorded.lists]
    links = [directory + path for path in recorded.links]

    def loop() -> None:
        for path in reads:
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            os.read(descriptor, 4096)
            os.close(descriptor)
        for path, each in pieces:
            descriptor = os.open(path, os.O_RDONLY)
            for offset, length in each:
                os.pread(descriptor, length, offset)
            os.close(descriptor)
        for path in lists:
            os.listdir(path)
        for path in links:
            try:
                os.readlink(path)
            except OSError:
                continue

    return loop


def reading(files: Files, directory: str, what: str, budget: float | None) -> Row:
    """The PCI tree of a big host against a bare loop over the same files, which lie below ``directory``."""
    recorded = Recorded(files)
    take(Bare(recorded), PCI)
    loop = bare_loop(directory, recorded)
    ours, theirs = side_by_side(lambda: cpu_of_call(lambda: take(Bare(files), PCI)), lambda: cpu_of_call(loop), 9)
    count = len(recorded.reads) + len(recorded.pieces)
    return compared(f"{what}: {FUNCTIONS} functions, {count} files : bare loop", ours, theirs, budget)


def reading_live(directory: str) -> list[Row]:
    """The same by the running host's door, with the big host as the root directory. Only root may do that."""
    if os.geteuid() != 0:
        return [Row("live: not measured, changing the root directory takes root", "", "", None, "", None)]

    def measured() -> Row:
        os.chroot(directory)
        return reading(LiveFiles(), "", "live", 1.5)

    return [in_child(measured)]


def in_child(work: Callable[[], Row]) -> Row:
    """What ``work`` gives back in a process of its own. Raises RuntimeError where it fails, having told why."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        # Whatever happens, this copy of the program ends here: it must not go on with what its parent does.
        code = 1
        try:
            os.write(writer, json.dumps(work()).encode())
            code = 0
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as told:
        text = told.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"a measurement failed in a process of its own: wait status {status}")
    return Row(*json.loads(text))


def peak(argv: list[str]) -> float:
    """Peak resident MiB of a command."""
    code = "import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,check=True);"
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    ran = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True)
    return int(ran.stdout) / 1024


def memory(directory: str) -> list[Row]:
    """Peak memory of a listing of the whole host against an interpreter that imports typer."""
    p2pctl = [sys.executable, "-m", "p2pctl", "--sysroot", directory]
    small = peak([sys.executable, "-c", "import typer"])
    rows = []
    for words in (["pool", "list", "-o", "json"], ["device", "list", "--all", "-o", "json"], ["topology", "--all"]):
        big = peak([*p2pctl, *words])
        rows.append(
            Row(
                f"memory of {' '.join(words)}, {FUNCTIONS} functions",
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


def verdicts(directory: str) -> list[Row]:
    """All pairs of 512 endpoints, the cost of a pair as the host grows, and one pair explained in full."""
    snapshot = take(SysrootDoor(directory), EXPLAINED)
    functions = snapshot.pci.functions.values() if snapshot.pci else ()
    ends = [function.address for function in functions if not function.is_bridge]
    rules = select(snapshot.kernel.release if snapshot.kernel else ABSENT).rules

    def pairs(count: int) -> Callable[[], object]:
        return lambda: Resolver(Topology.of(snapshot), rules).matrix(ends[:count], ends[:count])

    whole = min(cpu_of_call(pairs(512)) for _ in range(5))
    few, many = (min(cpu_of_call(pairs(count)) for _ in range(5)) / count**2 for count in (64, 1024))
    read = min(cpu_of_call(lambda: take(SysrootDoor(directory), EXPLAINED)) for _ in range(3))

    def explained() -> object:
        resolver = Resolver(Topology.of(snapshot), rules)
        verdict = resolve(resolver, ends[0], ends[-1])
        return remedies(snapshot, verdict), advice(snapshot, verdict), bandwidth(snapshot, verdict)

    one = min(cpu_of_call(explained) for _ in range(3))
    return [
        Row("verdicts of 512 x 512 pairs : 1 s", f"{whole:.0f} ms", "1000 ms", whole / 1000, "", 1.0),
        Row("a pair of 1,024 endpoints : of 64", f"{many * 1e6:.0f} ns", f"{few * 1e6:.0f} ns", many / few, "", None),
        Row("explain a pair : read the host", f"{one:.0f} ms", f"{read:.0f} ms", one / read, "", 1.0),
    ]


def changing() -> list[Row]:
    """Big documents, on a kernel in memory: operations are exact, times are this machine's."""
    rows: list[Row] = []

    def report(what: str, measured: float, baseline: float | None, budget: float | None = None) -> None:
        ratio = measured if baseline is None and budget is not None else measured / baseline if baseline else None
        rows.append(Row(what, f"{measured:.4g}", "" if baseline is None else f"{baseline:.4g}", ratio, "", budget))

    for namespaces, subsystems in ((1000, 50), (10_000, 10)):
        target.measure(namespaces, subsystems, report)
    return rows


def table(rows: list[Row]) -> str:
    """Aligned lines; ! marks what is over its budget."""
    head = ("what", "measured", "baseline", "ratio", "spread of pairs", "budget")
    body = [
        (
            row.what,
            row.measured,
            row.baseline,
            "" if row.ratio is None else f"{row.ratio:.2f}",
            row.spread,
            "" if row.budget is None else f"<= {row.budget}{' !' if row.ratio and row.ratio > row.budget else ''}",
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *body)
    )


def left_out() -> str:
    """What the numbers do not say."""
    pools = take(LiveDoor(), POOLS).pools
    here = len(pools.pools) if pools else 0
    return (
        f"Not in these rows: where {FUNCTIONS} functions are read, what identifiers are called (the lookup is stubbed) "
        f"and any part but pci. `pool list` without an option lists this machine, which has {here} pools."
    )


def main() -> int:
    """Measures everything and prints the table. Returns 1 when a budget is exceeded."""
    gc.set_threshold(50_000)  # as the command does
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, CPU time, best of {ROUNDS} in turn")
    with tempfile.TemporaryDirectory(prefix="p2pctl-bench-") as directory:
        host.build_drives(Path(directory), DRIVES)
        rows = start_up(directory) + demo()
    with tempfile.TemporaryDirectory(prefix="p2pctl-bench-") as directory:
        host.build(Path(directory), functions=FUNCTIONS)
        take(SysrootDoor(directory), PCI)  # imports what it takes before the root directory changes
        confined = SysrootDoor(directory).files
        rows += [*reading_live(directory), reading(confined, directory, "--sysroot", None), *memory(directory)]
        rows += verdicts(directory)
    rows += changing()
    if sys.argv[1:] == ["--json"]:
        print(json.dumps([row._asdict() for row in rows], indent=1))
    else:
        print(table(rows))
        print(left_out())
    return int(any(row.ratio is not None and row.budget is not None and row.ratio > row.budget for row in rows))


if __name__ == "__main__":
    sys.exit(main())
