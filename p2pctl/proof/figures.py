"""Figures of a benchmark: what many transfers and several runs come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from p2pctl.proof.histogram import Histogram

Way = Literal["pool", "ordinary", "mixed"]
"""Through which memory: a pool, the system's, or half and half in one transfer."""


class Setting(NamedTuple):
    """One combination that is measured."""

    block: int
    """Bytes of a transfer."""
    depth: int
    """Transfers under way at a time: a thread each."""
    way: Way


class Run(NamedTuple):
    """One run of a setting."""

    seconds: float
    """Wall clock, from the first transfer to the end of the last."""
    cpu: float
    """Seconds of processor time of this process: user and system, all threads."""
    transfers: int

    def rate(self, block: int) -> float:
        """Bytes a second."""
        return self.transfers * block / self.seconds if self.seconds > 0 else 0.0


class Range(NamedTuple):
    """What several runs gave."""

    median: float
    least: float
    most: float

    @property
    def spread(self) -> float:
        """From the least to the most, as a share of the median; 0 for a single run."""
        return (self.most - self.least) / self.median if self.median else 0.0


class Latency(NamedTuple):
    """Nanoseconds within which so many of the transfers ended, of all runs together; of a copy, its read and its write.

    Rounded up by a thousandth at most (`p2pctl.proof.histogram`), but for the longest.
    """

    p50: int
    p90: int
    p99: int
    p99_9: int
    most: int


class Figures(NamedTuple):
    """What a setting came to."""

    setting: Setting
    runs: int
    transfers: int
    """Of all runs."""
    rate: Range
    """Bytes a second."""
    latency: Latency
    cpu: Range
    """Seconds of processor time for 10^9 bytes."""


GIGA = 1_000_000_000


def range_of(values: Sequence[float]) -> Range:
    """Median, least and most. Raises ValueError without values."""
    if not values:
        raise ValueError("no values have no range")
    ordered = sorted(values)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return Range(median, ordered[0], ordered[-1])


def figures(setting: Setting, runs: Sequence[Run], latencies: Histogram) -> Figures:
    """What the runs of a setting come to, with the nanoseconds of all their transfers.

    Raises ValueError where one of them made no transfer.
    """
    moved = [run.transfers * setting.block / GIGA for run in runs]
    if not all(moved):
        raise ValueError("a run without a transfer has no figures")
    p50, p90, p99, p99_9 = latencies.percentiles((0.5, 0.9, 0.99, 0.999))
    return Figures(
        setting=setting,
        runs=len(runs),
        transfers=sum(run.transfers for run in runs),
        rate=range_of([run.rate(setting.block) for run in runs]),
        latency=Latency(p50, p90, p99, p99_9, latencies.most),
        cpu=range_of([run.cpu / gigabytes for run, gigabytes in zip(runs, moved, strict=True)]),
    )
