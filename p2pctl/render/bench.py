"""What transfers through a pool cost, beside the same ones through system memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from p2pctl.model.address import Address
from p2pctl.model.snapshot import Snapshot
from p2pctl.proof.figures import GIGA, Figures, Range, range_of
from p2pctl.proof.fio import FioFigures
from p2pctl.render.page import Grid, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.verdicts import Names, selection_item, selection_lines
from p2pctl.resolver.selection import Selection
from p2pctl.units import format_bytes


class Told(NamedTuple):
    """Who took part, and what was to be expected."""

    provider: Address
    client: Address
    source: str
    destination: str | None
    ceiling: float | None
    """GB/s (10^9 bytes) that the links allow; None where nobody can say."""
    ceiling_kind: str | None
    simulated: bool


class Measured(NamedTuple):
    """One setting, and what fio says of it, where it was asked."""

    figures: Figures
    fio: tuple[FioFigures, ...] = ()
    """One for each run."""


def _rate(value: Value) -> str:
    """Bytes a second, in the unit of line rates."""
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value / GIGA:.3f}"


def _micro(value: Value) -> str:
    return f"{value / 1000:.0f}" if isinstance(value, (int, float)) else str(value)


def _percent(value: Value) -> str:
    return f"{value * 100:.0f}%" if isinstance(value, (int, float)) else str(value)


def _seconds(value: Value) -> str:
    return f"{value:.2f}" if isinstance(value, (int, float)) else str(value)


def _size(value: Value) -> str:
    return format_bytes(value) if isinstance(value, int) else str(value)


COLUMNS = (
    Column("block_size", "block", style="number", show=_size),
    Column("depth", "depth", style="number"),
    Column("memory", "memory", style="name"),
    Column("rate.median", "GB/s", style="number", show=_rate),
    Column("rate.spread", "spread", style="number", priority=4, show=_percent),
    Column("latency.p50", "p50 us", style="number", priority=2, show=_micro),
    Column("latency.p99", "p99 us", style="number", show=_micro),
    Column("latency.p99_9", "p99.9 us", style="number", priority=5, show=_micro),
    Column("cpu_per_gb.median", "CPU s/GB", style="number", show=_seconds),
    Column("of_ceiling", "of ceiling", style="number", priority=3, show=_percent),
    Column("against_ordinary", "to ordinary", style="number", priority=1, show=_percent),
)
_FIO = Column("fio.rate.median", "fio GB/s", style="number", show=_rate)


def _range_item(found: Range) -> Item:
    return {"median": found.median, "least": found.least, "most": found.most, "spread": found.spread}


def _item(told: Told, one: Measured, ordinary: float | None) -> Item:
    found = one.figures
    return {
        "provider": str(told.provider),
        "client": str(told.client),
        "source": told.source,
        "destination": told.destination,
        "operation": "read" if told.destination is None else "copy",
        "memory": found.setting.way,
        "block_size": found.setting.block,
        "depth": found.setting.depth,
        "runs": found.runs,
        "transfers": found.transfers,
        "rate": _range_item(found.rate),
        "latency": found.latency._asdict(),
        "cpu_per_gb": _range_item(found.cpu),
        "ceiling": None if told.ceiling is None else told.ceiling * GIGA,
        "of_ceiling": None
        if told.ceiling is None or found.setting.way == "ordinary"
        else found.rate.median / GIGA / told.ceiling,
        "against_ordinary": None if not ordinary or found.setting.way == "ordinary" else found.rate.median / ordinary,
        "fio": _fio_item(one) if one.fio else None,
    }


def _fio_item(one: Measured) -> Item:
    return {
        "rate": _range_item(range_of([run.rate for run in one.fio])),
        "p50": range_of([run.p50 for run in one.fio]).median,
        "p99": range_of([run.p99 for run in one.fio]).median,
        "transfers": sum(run.transfers for run in one.fio),
        "agrees": agrees(one),
        "tolerance": TOLERANCE,
    }


TOLERANCE = 0.1
"""By which share the rates of fio's runs may miss these and still agree: neither is exact to the last percent."""


def agrees(one: Measured) -> bool | None:
    """Whether the rates of fio's runs and of these overlap, or miss each other by no more than the tolerance."""
    if not one.fio:
        return None
    rate, other = one.figures.rate, range_of([run.rate for run in one.fio])
    return other.least <= (1 + TOLERANCE) * rate.most and other.most >= (1 - TOLERANCE) * rate.least


def bench_page(
    snapshot: Snapshot, selection: Selection, names: Names, told: Told, measured: Sequence[Measured]
) -> Page:
    """The figures, for people and machines."""
    base = {
        (one.figures.setting.block, one.figures.setting.depth): one.figures.rate.median
        for one in measured
        if one.figures.setting.way == "ordinary"
    }
    items = tuple(
        _item(told, one, base.get((one.figures.setting.block, one.figures.setting.depth))) for one in measured
    )
    columns = (*COLUMNS, _FIO) if any(one.fio for one in measured) else COLUMNS
    notes = tuple(_notes(told, measured))
    report = Report.of(
        snapshot,
        "bench",
        items,
        columns,
        summary={
            "operation": "read" if told.destination is None else "copy",
            "ceiling": None if told.ceiling is None else told.ceiling * GIGA,
            "ceiling_kind": told.ceiling_kind,
            "simulated": told.simulated,
            "rules": selection_item(selection),
        },
        notes=(*notes, *selection_lines(selection)),
    )
    return Page(
        report,
        (
            Section(_head(told), (Lines((_through(names, told),)), Grid(columns, items))),
            Section("", (Lines(report.notes),)),
        ),
    )


def _head(told: Told) -> str:
    if told.destination is None:
        return f"Reads from {told.source}"
    return f"Copies from {told.source} to {told.destination}"


def _through(names: Names, told: Told) -> str:
    word = "Into" if told.destination is None else "Through"
    return f"{word} the pool of {names.label(told.provider)}, and {word.lower()} system memory."


def _rates(measured: Sequence[Measured]) -> str:
    runs = measured[0].figures.runs if measured else 0
    return "Rates are of one run" if runs == 1 else f"Rates are medians of {runs} runs"


def _notes(told: Told, measured: Sequence[Measured]) -> Iterator[str]:
    if told.simulated:
        yield "The demo host has no drives: its figures say how fast this program is, and nothing else."
    if told.ceiling is not None:
        kind = "" if told.ceiling_kind == "ceiling" else ", where such host bridges were measured"
        yield f"Ceiling of the links{kind}: {told.ceiling:.1f} GB/s in one direction."
    else:
        yield "Nobody can say what the links allow at most."
    yield (
        "CPU: this process's own, user and system; interrupts are not in it. "
        f"{_rates(measured)}; a thread for each transfer under way."
    )
    compared = [one for one in measured if one.fio]
    differing = [one for one in compared if not agrees(one)]
    if differing:
        yield (
            f"fio's rates miss the range of these runs by more than {TOLERANCE:.0%} for {len(differing)} of "
            f"{len(compared)} settings. Of small blocks this program measures its own share, too, some microseconds a "
            "transfer: there fio is right."
        )
    elif compared:
        yield f"fio's rates overlap the range of these runs, or miss it by no more than {TOLERANCE:.0%}."
