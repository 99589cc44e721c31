"""`python -m tests.bench`: every budget, what is measured, as ratios within one run, and the spread over runs."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from p2pctl.hardware.live import LiveDoor
from p2pctl.hardware.snapshot import take
from p2pctl.hardware.sysroot import SysrootDoor
from tests.bench import concluding, dashboard, host, reading, starting, target
from tests.bench.rows import Report, Row
from tests.bench.table import document, kept, lines, machine, table

NAMESPACES = ((1000, 50), (10_000, 10))
"""Namespaces, and subsystems that they are in."""


class Hosts:
    """Directories with a host each, which all runs share: writing them takes longer than measuring."""

    def __init__(self, above: str) -> None:
        self._above = Path(above)

    def _built(self, name: str, build: Callable[[Path], object]) -> str:
        place = self._above / name
        if not place.exists():
            build(place)
        return str(place)

    @property
    def drives(self) -> str:
        """One with a few drives that have pools."""
        return self._built("drives", lambda place: host.build_drives(place, starting.DRIVES))

    @property
    def big(self) -> str:
        """One of 4,096 functions."""
        return self._built("big", lambda place: host.build(place, functions=reading.FUNCTIONS))


def processes(hosts: Hosts) -> list[Row]:
    """Whole commands against an interpreter that imports typer."""
    return starting.start_up(hosts.drives) + starting.demo()


def big_host(hosts: Hosts) -> list[Row]:
    """A host of 4,096 functions: read, listed, explained, examined."""
    directory = hosts.big
    take(SysrootDoor(directory), reading.PCI)  # imports what it takes before the root directory changes
    confined = SysrootDoor(directory).files
    return [
        *reading.reading_live(directory),
        reading.reading(confined, directory, "--sysroot", None),
        *starting.memory(directory, reading.FUNCTIONS),
        *concluding.verdicts(directory),
        *concluding.whole_host(directory),
    ]


def documents() -> list[Row]:
    """Big documents, on a kernel in memory: operations are exact, times are this machine's."""
    report = Report()
    for namespaces, subsystems in NAMESPACES:
        target.measure(namespaces, subsystems, report)
    return report.rows


def screen(seconds: float) -> list[Row]:
    """The live screen in a terminal of its own."""
    report = Report()
    dashboard.measure(report, seconds)
    return report.rows


def left_out() -> str:
    """What the numbers do not say."""
    pools = take(LiveDoor(), starting.POOLS).pools
    here = len(pools.pools) if pools else 0
    return (
        f"Not in these rows: where {reading.FUNCTIONS} functions are read against a bare loop, what identifiers are "
        "called (the lookup is stubbed) and any part but pci. `pool list` without an option lists this machine, which "
        f"has {here} pools."
    )


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(prog="scripts/bench", description="Measure every budget, as ratios in one run.")
    found.add_argument("--runs", type=int, default=2, help="how often all of it is measured (2)")
    found.add_argument("--seconds", type=float, default=60.0, help="how long a screen is watched (60)")
    found.add_argument("--only", action="append", choices=["start", "host", "documents", "screen"])
    found.add_argument("--json", action="store_true", help="the same as JSON")
    return found


def _run(number: int, measures: Sequence[Callable[[], list[Row]]]) -> list[Row]:
    rows: list[Row] = []
    for nth, measure in enumerate(measures, 1):
        print(f"run {number}, {nth} of {len(measures)} ...", file=sys.stderr, flush=True)
        rows += measure()
    return rows


def main() -> int:
    """Measures everything and prints the table. Returns 1 where a budget was not kept in every run."""
    gc.set_threshold(50_000)  # as the command does
    options = parser().parse_args()
    where = machine()
    with tempfile.TemporaryDirectory(prefix="p2pctl-bench-") as above:
        hosts = Hosts(above)
        groups: dict[str, Callable[[], list[Row]]] = {
            "start": lambda: processes(hosts),
            "host": lambda: big_host(hosts),
            "documents": documents,
            "screen": lambda: screen(options.seconds),
        }
        chosen = [groups[name] for name in options.only or groups]
        runs = [_run(number + 1, chosen) for number in range(max(options.runs, 1))]
    found = lines(runs)
    if options.json:
        print(json.dumps(document(found, where), indent=1))
    else:
        print(
            f"{where['date']}, {where['processor']} ({where['processors']} CPUs, load {where['load']} at the start), "
            f"Linux {where['kernel']}, Python {where['python']}; {len(runs)} runs, the middle of them shown"
        )
        print(table(found))
        print(left_out())
    return int(not kept(found))


if __name__ == "__main__":
    sys.exit(main())
