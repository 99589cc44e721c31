"""The runs of a benchmark, with a bar for whoever waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.cli.progress import Progress, progress
from p2pctl.proof.copying import Ends, Limits, Memories, run
from p2pctl.proof.data import SHARE
from p2pctl.proof.figures import Run, Setting, Way, figures
from p2pctl.proof.fio import FioFigures, job_text, parse
from p2pctl.proof.histogram import Histogram
from p2pctl.proof.pairs import Pool
from p2pctl.proof.writing import TransferInterruptedError
from p2pctl.render.bench import Measured
from p2pctl.target.interruption import Interruption
from p2pctl.units import format_bytes

if TYPE_CHECKING:
    from p2pctl.cli.session import Session


class Plan(NamedTuple):
    """What is to be measured."""

    blocks: tuple[int, ...]
    """Bytes of a transfer."""
    depths: tuple[int, ...]
    runs: int
    seconds: float
    """Of each run."""
    warm_up: float
    """Seconds before the first run of each setting that count for nothing."""
    span: int
    """Bytes of the disks that the transfers stay within."""
    mixed: bool = False
    confirm: str | None = None
    fio: bool = False
    fio_job: str | None = None
    """Where the jobs are kept."""

    @property
    def ways(self) -> tuple[Way, ...]:
        """Through which memory, in this order."""
        return ("pool", "ordinary", *(("mixed",) if self.mixed else ()))


class Job(NamedTuple):
    """What the runs are made with."""

    session: Session
    source: str
    pool: Pool
    ends: Ends
    memories: Memories
    plan: Plan


class _Found(NamedTuple):
    """What the runs of a setting gave."""

    runs: list[Run]
    latencies: Histogram
    others: list[FioFigures]


def left_out(plan: Plan, available: int | None, size: int) -> Iterator[str]:
    """What does not fit into the piece, with its numbers."""
    for block in plan.blocks:
        for depth in plan.depths:
            if block * depth > size:
                yield (
                    f"{depth} transfers of {format_bytes(block)} are left out: they take "
                    f"{format_bytes(block * depth)}, and no more than one in {SHARE} of the "
                    f"{format_bytes(available or 0)} available may be taken ({format_bytes(size)})"
                )


def not_halved(settings: Sequence[Setting]) -> Iterator[str]:
    """What is measured through both kinds of memory, but not through half of each."""
    mixed = {setting.block for setting in settings if setting.way == "mixed"}
    for block in dict.fromkeys(setting.block for setting in settings):
        if mixed and block not in mixed:
            yield f"{format_bytes(block)} is left out of the mixed transfers: half of it is no whole page or block"


def measure(job: Job, settings: Sequence[Setting], stop: Interruption) -> list[Measured]:
    """Every setting; the ways of one block and depth take turns, so that a drift hits all of them alike.

    Raises OSError of a transfer, TransferInterruptedError, P2pctlError where fio failed.
    """
    plan = job.plan
    for note in (*left_out(plan, job.pool.level(), job.memories.pool.size), *not_halved(settings)):
        job.session.narrator.note(note)
    found = {setting: _Found([], Histogram(), []) for setting in settings}
    groups = dict.fromkeys((setting.block, setting.depth) for setting in settings)
    checked = [setting for setting in settings if plan.fio and setting.way != "mixed"]  # which fio cannot do
    steps = len(settings) * (plan.runs + 1) + len(checked) * plan.runs
    with progress(job.session, steps) as bar:
        for block, depth in groups:
            mine = [setting for setting in settings if (setting.block, setting.depth) == (block, depth)]
            for number in range(plan.runs + 1):
                for setting in mine:
                    _go_on(stop)
                    _advance(bar, setting, number)
                    limits = Limits(plan.seconds if number else plan.warm_up, stop)
                    runs, latencies, others = found[setting] if number else _Found([], Histogram(), [])
                    runs.append(run(job.ends, job.memories, setting, limits, latencies))
                    if number and setting in checked:
                        others.append(_fio(setting, job, bar))
    return [
        Measured(figures(setting, runs, latencies), tuple(others))
        for setting, (runs, latencies, others) in found.items()
    ]


def _advance(bar: Progress, setting: Setting, number: int) -> None:
    what = "warm-up" if number == 0 else f"run {number}"
    bar(f"{format_bytes(setting.block)} x {setting.depth}, {setting.way}: {what}")


def _go_on(stop: Interruption) -> None:
    if stop():
        raise TransferInterruptedError(
            f"interrupted by {stop.name}: what was written over has been put back", hint="run it again"
        )


def _fio(setting: Setting, job: Job, bar: Progress) -> FioFigures:
    """A run of the same setting by fio. Raises P2pctlError where it fails."""
    from p2pctl.hardware import fio  # noqa: PLC0415

    bar(f"{format_bytes(setting.block)} x {setting.depth}, {setting.way}: fio")
    plan = job.plan
    text = job_text(setting, job.source, job.pool.path, job.ends.span, (plan.warm_up, plan.seconds))
    if plan.fio_job is not None:
        fio.keep(text, plan.fio_job)
    return parse(fio.run(text, plan.warm_up + max(plan.seconds, 1)))
