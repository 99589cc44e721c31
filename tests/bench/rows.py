"""What every measurement is made of: CPU times in turn, and a row that holds the figure against its budget."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import time
import traceback
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    """One figure of one run: `value` is held against `budget`, where there is one."""

    what: str
    measured: str
    baseline: str
    """What it is compared with in the same run; empty where `value` is the figure itself."""
    value: float | None
    """The ratio of both, or the figure."""
    spread: str
    """Lowest, middle and highest ratio within the run, where it was measured in pairs."""
    budget: float | None
    unit: str = "x"
    """Of `value`."""


class Report:
    """Collects rows from those who have a figure and something to compare it with."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def __call__(
        self, what: str, measured: float, baseline: float | None, budget: float | None = None, unit: str = "x"
    ) -> None:
        """Adds a row: the ratio with ``baseline``, else the figure where a budget wants one."""
        if baseline is None:
            value = None if budget is None else measured
        else:
            value = measured / baseline if baseline else None
        compared_with = "" if baseline is None else f"{baseline:.4g}"
        self.rows.append(Row(what, f"{measured:.4g}", compared_with, value, "", budget, unit))


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
