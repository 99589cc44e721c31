"""What it costs to apply big documents: operations, time and memory, on a kernel in memory."""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from p2pctl.hardware.nvmet import read_nvmet
from p2pctl.hardware.reading import Reader
from p2pctl.kernel import Files
from p2pctl.model.nvmet import Nvmet
from p2pctl.simulator.log import MemoryLog
from p2pctl.simulator.nodes import File, nest
from p2pctl.simulator.nvmet.environment import Environment, Opened
from p2pctl.simulator.nvmet.kernel import CONFIGFS, NvmetKernel
from p2pctl.simulator.tree import MemoryFiles
from p2pctl.target.change import Proposal, take_turn
from p2pctl.target.diff import plan
from p2pctl.target.document.load import load
from p2pctl.target.merge import merge
from p2pctl.target.plan import Plan
from p2pctl.target.pruning import Prune
from p2pctl.target.workplace import BOOT_ID, Workplace
from tests.bench.rows import cpu_of_call

AGAIN = 2.0
"""What "about one read of the target" is held to, with the document parsed and compared besides."""
CHANGES = frozenset({"write", "mkdir", "rmdir", "symlink", "unlink", "chmod"})


class Cost(NamedTuple):
    """What one apply took."""

    operations: int
    """That change something."""
    fewest: int
    """Counted on the document: one for each object, attribute and link."""
    reads: int
    cpu: float
    """Seconds of CPU."""


class Counting:
    """Files that count what is asked of them."""

    def __init__(self, files: MemoryFiles) -> None:
        self._files = files
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> object:
        method = getattr(self._files, name)

        def counted(*args: object) -> object:
            self.calls[name] += 1
            return method(*args)

        return counted


class Target:
    """An empty target, and what is applied to it."""

    def __init__(self, directory: str, disks: int) -> None:
        self.kernel = NvmetKernel(
            Environment(devices={f"/dev/vol{number}": Opened("block") for number in range(disks)})
        )
        tree = nest({CONFIGFS: self.kernel.configfs, BOOT_ID: File(b"0\n")})
        self.counting = Counting(MemoryFiles(tree))
        files: Files = self.counting  # type: ignore[assignment]
        self.place = Workplace(files, MemoryLog(time.time), self.read, time.time, directory)

    def read(self) -> Nvmet:
        """The whole target."""
        return read_nvmet(Reader(self.place.files), 0.0, secrets=True)

    def proposal(self, document: bytes, prune: Prune = "none") -> Proposal:
        """What applying a document would do."""
        live = self.read()
        wanted = merge(live, load(document, "bench"), prune=prune).wanted
        return Proposal(live, wanted, plan(live, wanted))

    def apply(self, document: bytes, fewest: int, prune: Prune = "none") -> Cost:
        """Applies it, and says what that took."""
        self.counting.calls.clear()
        start = time.process_time()
        with take_turn(self.place, command="bench") as turn:
            outcome = turn.carry_out(self.proposal(document, prune))
        cpu = time.process_time() - start
        if outcome.error is not None:
            raise outcome.error
        changes = sum(count for name, count in self.counting.calls.items() if name in CHANGES)
        return Cost(changes, fewest, self.counting.calls["read"], cpu)


def document(namespaces: int, subsystems: int) -> tuple[bytes, int]:
    """A document with so many namespaces in so many subsystems, and the fewest operations that build it."""
    lines = ["version: 1", "subsystems:"]
    fewest = 0
    for number in range(subsystems):
        lines += [f"  nqn.2026-11.org.example:s{number}:", f"    serial: S{number:05}", "    namespaces:"]
        fewest += 2
        each = namespaces // subsystems
        for nsid in range(each):
            lines.append(f"      {nsid + 1}: {{device: /dev/vol{number * each + nsid}, enable: true}}")
            fewest += 3
    return "\n".join(lines).encode(), fewest


def _least(work: Callable[[], object]) -> float:
    """CPU seconds of the best of a few calls."""
    return min(cpu_of_call(work) for _ in range(5)) / 1000


def measure(namespaces: int, subsystems: int, report: Callable[..., None]) -> None:
    """Builds a target of this size, applies its document again, and removes it; ``report`` gets each as a row."""
    name = f"{namespaces:,} namespaces in {subsystems} subsystems"
    text, fewest = document(namespaces, subsystems)
    with tempfile.TemporaryDirectory(prefix="p2pctl-bench-") as directory:
        target = Target(directory, namespaces)
        built = target.apply(text, fewest)
        report(f"apply {name}: operations : fewest", built.operations, fewest, budget=1.0)
        report(f"apply {name}: reads : operations", built.reads, built.operations)
        report(f"apply {name}: CPU seconds", built.cpu, None)
        reading = _least(target.read)
        again = target.apply(text, 0)
        report(f"apply {name} again: operations", again.operations, None, 0.0, "operations")
        found = target.proposal(text)
        comparing = _least(lambda: target.proposal(text))
        report(f"apply {name} again: CPU : reading the target", comparing, reading, AGAIN)
        if found.plan != Plan():
            raise RuntimeError("a document that holds makes a plan")
        removed = target.apply(b"version: 1\n", namespaces + subsystems, "all")
        report(f"prune {name}: operations : fewest", removed.operations, removed.fewest, budget=1.0)
        report(f"prune {name}: CPU seconds", removed.cpu, None)
        tracemalloc.start()
        proposal = target.proposal(text)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        report(f"plan of {name}: MiB at the peak, {len(proposal.plan.steps):,} steps", peak / 2**20, None)
