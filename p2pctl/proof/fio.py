"""The fio job that does what a read benchmark does, and what its report says (fio(1), JSON output)."""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

from p2pctl.errors import P2pctlError, UsageError
from p2pctl.proof.figures import Setting


class FioFigures(NamedTuple):
    """What fio measured."""

    rate: float
    """Bytes a second."""
    p50: int
    """Nanoseconds."""
    p99: int
    transfers: int


def job_text(setting: Setting, disk: str, pool: str, span: int, times: tuple[float, float]) -> str:
    """The job: a process for each of ``setting.depth``, plain reads past the page cache, through the pool or not.

    Processes, since fio 3.33 frees the name of the mapped file once a thread, and so twice.

    ``times`` are the seconds of the warm-up and of the run. Raises UsageError for a name that fio would read as more.
    """
    warm, seconds = times
    name = _escaped(disk)
    memory = f"iomem=mmapshared:{pool}\n" if setting.way == "pool" else "iomem=mmap\n"
    return (
        f"[p2pctl-{setting.way}-{setting.block}-{setting.depth}]\n"
        f"filename={name}\nrw=read\ndirect=1\nioengine=psync\n"
        f"bs={setting.block}\nnumjobs={setting.depth}\niodepth=1\nsize={span}\n"
        f"time_based=1\nruntime={max(seconds, 1):.0f}s\nramp_time={warm:.1f}s\ngroup_reporting=1\n{memory}"
    )


def _escaped(disk: str) -> str:
    """A path as fio reads it: a colon stands between two files, a dollar before a variable (fio(1), filename)."""
    if any(ord(one) < ord(" ") or one in "$\\\x7f" for one in disk) or disk != disk.strip():
        raise UsageError(
            f"fio cannot be given {disk!r}: its job file would read more than a name there",
            hint="give the file another name, or leave --fio out",
        )
    return disk.replace(":", "\\:")


def parse(report: bytes) -> FioFigures:
    """The read side of a report with one group. Raises P2pctlError where it is none."""
    try:
        start = report.index(b"{")  # warnings may stand before it
        (job,) = json.JSONDecoder().raw_decode(report[start:].decode("utf-8", "replace"))[0]["jobs"]  # and after it
        read: dict[str, Any] = job["read"]
        percentiles = read["clat_ns"]["percentile"]
        found = FioFigures(
            rate=float(read["bw_bytes"]),
            p50=int(percentiles["50.000000"]),
            p99=int(percentiles["99.000000"]),
            transfers=int(read["total_ios"]),
        )
        if not math.isfinite(found.rate) or min(found) < 0:
            raise ValueError("no figures")  # noqa: TRY301  told as any other nonsense
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise P2pctlError(
            f"what fio printed is no report of a job: {type(error).__name__}",
            hint="run the job by hand: --fio-job FILE keeps it",
        ) from None
    return found
