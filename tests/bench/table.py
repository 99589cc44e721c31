"""Runs become lines, lines a table: what, budget, measured, spread over the runs, met or not, on which machine."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.rows import Row

HEAD = ("what", "budget", "measured", "of", "spread over runs", "spread within", "met")


class Line(NamedTuple):
    """One figure over all runs."""

    what: str
    budget: float | None
    unit: str
    values: tuple[float, ...]
    """One a run; empty where it could not be measured."""
    measured: str
    """The two sides of the middle run."""
    within: str
    """The spread of pairs in the middle run."""

    @property
    def value(self) -> float | None:
        """The middle of the runs; of two, the higher one."""
        return statistics.median_high(self.values) if self.values else None

    @property
    def met(self) -> str:
        """Whether every run kept the budget; empty without one."""
        if self.budget is None:
            return ""
        good = sum(value <= self.budget for value in self.values)
        if not self.values:
            return "not measured"
        if 0 < good < len(self.values):
            return f"{good} of {len(self.values)} runs"
        return "yes" if good else "no"


def lines(runs: Sequence[Sequence[Row]]) -> list[Line]:
    """The runs side by side, in the order of the first; a budget makes a line come first."""
    found = []
    for row in runs[0]:
        same = [one for run in runs for one in run if one.what == row.what]
        middle = sorted(same, key=lambda one: one.value or 0)[len(same) // 2]
        both = f"{middle.measured} : {middle.baseline}" if middle.baseline else middle.measured
        values = tuple(one.value for one in same if one.value is not None)
        found.append(Line(row.what, row.budget, row.unit, values, both, middle.spread))
    return sorted(found, key=lambda line: line.budget is None)


def machine() -> dict[str, Any]:
    """What it ran on, and when."""
    told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.machine(),
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "date": datetime.now(tz=UTC).date().isoformat(),
        "load": round(os.getloadavg()[0], 2),
    }


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _cells(line: Line) -> tuple[str, ...]:
    unit = "" if line.unit == "x" else f" {line.unit}"
    shown = "" if line.value is None else f"{_number(line.value)}{unit}"
    spread = f"{_number(min(line.values))} .. {_number(max(line.values))}" if len(line.values) > 1 else ""
    budget = "" if line.budget is None else f"<= {line.budget:g}{unit}"
    return line.what, budget, shown, line.measured, spread, line.within, line.met


def table(found: Sequence[Line]) -> str:
    """Aligned columns."""
    body = [_cells(line) for line in found]
    widths = [max(map(len, column)) for column in zip(HEAD, *body, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (HEAD, *body)
    )


def document(found: Sequence[Line], where: dict[str, Any]) -> dict[str, Any]:
    """The same for programs."""
    items = [{**line._asdict(), "value": line.value, "met": line.met or None} for line in found]
    return {"machine": where, "items": items}


def kept(found: Sequence[Line]) -> bool:
    """Whether every budget was kept in every run; one that was not measured is neither."""
    return all(line.met in {"", "yes", "not measured"} for line in found)
