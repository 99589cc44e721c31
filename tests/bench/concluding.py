"""What conclusions about a big host cost: verdicts, an explanation, all findings, all metrics."""

from __future__ import annotations

import sys
from collections.abc import Callable

from p2pctl.findings.devices import PARTS as FINDINGS
from p2pctl.hardware.snapshot import take
from p2pctl.hardware.sysroot import SysrootDoor
from p2pctl.metrics.measure import PARTS as METRICS
from p2pctl.model.facts import ABSENT
from p2pctl.model.snapshot import PartName
from p2pctl.resolver.bandwidth import bandwidth
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.remedies import advice, remedies
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import select
from p2pctl.resolver.topology import Topology
from tests.bench.reading import FUNCTIONS
from tests.bench.rows import Row, compared, cpu_of, cpu_of_call, side_by_side

FLAT = 1.2
"""What "the cost of a pair is flat" is held to."""
EXPLAINED: tuple[PartName, ...] = ("pci", "pools", "kernel", "rdma")


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
        Row("verdicts of 512 x 512 pairs, CPU : 1 s", f"{whole:.0f} ms", "1000 ms", whole / 1000, "", 1.0),
        Row("a pair of 1,024 endpoints : of 64", f"{many * 1e6:.0f} ns", f"{few * 1e6:.0f} ns", many / few, "", FLAT),
        Row("explain a pair : read the host", f"{one:.0f} ms", f"{read:.0f} ms", one / read, "", 1.0),
    ]


def whole_host(directory: str) -> list[Row]:
    """`doctor` and one scrape of `metrics` as processes, against reading the parts that they start from."""
    rows = []
    for words, parts in ((["doctor", "-o", "json"], FINDINGS), (["metrics"], METRICS)):
        argv = [sys.executable, "-m", "p2pctl", "--sysroot", directory, *words]

        def read(parts: tuple[PartName, ...] = tuple(parts)) -> float:
            return cpu_of_call(lambda: take(SysrootDoor(directory), parts))

        ours, theirs = side_by_side(lambda argv=argv: cpu_of(argv), read, 3)  # type: ignore[misc]
        rows.append(compared(f"{' '.join(words)}, {FUNCTIONS} functions : reading them", ours, theirs, None))
    return rows
