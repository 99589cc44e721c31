"""The figures of a benchmark, its runs, and the fio job that does the same."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.errors import P2pctlError, UsageError
from p2pctl.kernel import Part
from p2pctl.proof.copying import Ends, Limits, Memories, check_copy, copy_whole, run
from p2pctl.proof.data import pattern
from p2pctl.proof.figures import GIGA, Run, Setting, figures, range_of
from p2pctl.proof.fio import FioFigures, job_text, parse
from p2pctl.proof.histogram import ERROR, Histogram
from p2pctl.render.bench import Measured, agrees
from p2pctl.simulator.memory import MemoryRegion
from tests.unit.test_verify_transfers import Disk, Memory, is_pool

BLOCK = 4096
COUNTS = st.lists(st.integers(1, 10**9), min_size=1, max_size=200)


@given(COUNTS, st.floats(0.001, 1))
def test_a_percentile_is_at_most_a_thousandth_above_a_value_that_so_many_are_not_above(
    values: list[int], share: float
) -> None:
    ordered = sorted(values)
    (found,) = Histogram(values).percentiles([share])
    exact = next(one for one in ordered if sum(1 for value in ordered if value <= one) >= share * len(ordered) - 1e-6)
    assert exact <= found <= exact * (1 + ERROR)
    assert found <= ordered[-1]


@given(COUNTS, COUNTS)
def test_histograms_add_up(one: list[int], other: list[int]) -> None:
    both, whole = Histogram(one), Histogram([*one, *other])
    both.take(Histogram(other))
    shares = [number / 100 for number in range(1, 101)]
    assert both.percentiles(shares) == whole.percentiles(shares)
    assert (both.total, both.most) == (whole.total, whole.most) == (len(one) + len(other), max(*one, *other))


def test_percentiles_of_a_hundred_are_their_numbers() -> None:
    """Below 2048 they are exact."""
    assert Histogram(range(1, 101)).percentiles((0.5, 0.9, 0.99, 0.999, 1.0)) == [50, 90, 99, 100, 100]
    assert Histogram(range(1, 1001)).percentiles([0.999]) == [999]
    with pytest.raises(ValueError, match="no values"):
        Histogram().percentiles([0.5])


def test_a_histogram_of_an_hour_is_as_small_as_that_of_a_second() -> None:
    """What it keeps hangs on how far the values lie apart, and not on how many they are."""
    found = Histogram(range(1, 10**7, 7))
    assert found.total > 10**6
    assert len(found) < 2048 + 1024 * 13


@given(st.lists(st.floats(0.1, 1e12), min_size=1, max_size=50))
def test_the_median_of_runs_is_that_of_python(values: list[float]) -> None:
    found = range_of(values)
    assert found.median == pytest.approx(statistics.median(values))
    assert (found.least, found.most) == (min(values), max(values))
    assert found.spread == pytest.approx((max(values) - min(values)) / statistics.median(values))


def test_figures_are_worked_out_of_the_runs() -> None:
    """1,000 transfers of 1 MB in a second are 1 GB/s; half a second of processor for that GB."""
    setting = Setting(1_000_000, 4, "pool")
    runs = [Run(1.0, 0.5, 1000), Run(2.0, 0.25, 1000), Run(1.0, 1.0, 1000)]
    found = figures(setting, runs, Histogram([1000, 2000, 1500] * 1000))
    assert (found.rate.median, found.rate.least, found.rate.most) == (GIGA, GIGA / 2, GIGA)
    assert found.rate.spread == 0.5
    assert (found.cpu.median, found.cpu.least, found.cpu.most) == (0.5, 0.25, 1.0)
    assert (found.latency.p50, found.latency.p99, found.latency.most, found.transfers) == (1500, 2000, 2000, 3000)
    with pytest.raises(ValueError, match="without a transfer"):
        figures(setting, [Run(1.0, 0.0, 0)], Histogram())


class Slow(Disk):
    """A disk that notes who reads and where, and takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, int, int, bool]] = []
        self.at_once = 0
        self.most = 0
        self._lock = threading.Lock()

    def read(self, offset: int, parts: Sequence[Part]) -> int:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        time.sleep(0.001)
        with self._lock:
            self.at_once -= 1
            self.seen.append(("read", offset, sum(part.length for part in parts), is_pool(parts)))
            return super().read(offset, parts)

    def write(self, offset: int, parts: Sequence[Part], *, back: bool = False) -> int:
        self.seen.append(("write", offset, sum(part.length for part in parts), is_pool(parts)))
        return super().write(offset, parts, back=back)


def memories(size: int) -> Memories:
    return Memories(MemoryRegion(size, "0000:03:00.0", lambda: None), MemoryRegion(size, None, lambda: None))


@pytest.mark.parametrize(("way", "through"), [("pool", True), ("ordinary", False), ("mixed", True)])
def test_every_transfer_goes_through_the_memory_that_is_measured(way: str, through: bool) -> None:
    disk = Slow()
    ends = Ends(disk, "/dev/x", None, "", 8 * BLOCK)
    latencies = Histogram([10**12])
    found = run(ends, memories(4 * BLOCK), Setting(BLOCK, 4, way), Limits(0.02), latencies)  # type: ignore[arg-type]
    assert {(kind, length, pool) for kind, _, length, pool in disk.seen} == {("read", BLOCK, through)}
    assert {offset for _, offset, _, _ in disk.seen} == {BLOCK * number for number in range(8)}
    assert found.transfers == latencies.total - 1 == len(disk.seen)
    assert latencies.percentiles([0.0])[0] >= 1_000_000
    assert latencies.most == 10**12, "those of other runs stay"


def test_as_many_transfers_are_under_way_as_asked_for_and_all_have_ended_afterwards() -> None:
    disk = Slow()
    run(
        Ends(disk, "/dev/x", None, "", 8 * BLOCK),
        memories(8 * BLOCK),
        Setting(BLOCK, 8, "pool"),
        Limits(0.05),
        Histogram(),
    )
    assert disk.most == 8
    assert disk.at_once == 0


def test_a_copy_puts_what_it_read_where_it_belongs() -> None:
    source, destination = Slow(), Disk()
    destination.data[:] = bytes(len(destination.data))
    ends = Ends(source, "/dev/x", destination, "/dev/y", 8 * BLOCK)
    run(ends, memories(2 * BLOCK), Setting(BLOCK, 2, "pool"), Limits(0.03), Histogram())
    assert destination.data[: 8 * BLOCK] == source.data[: 8 * BLOCK]
    assert not any(destination.data[8 * BLOCK :])


def test_a_signal_ends_a_run_at_once() -> None:
    disk = Slow()
    before = time.monotonic()
    ends = Ends(disk, "/dev/x", None, "", 8 * BLOCK)
    run(ends, memories(BLOCK), Setting(BLOCK, 1, "pool"), Limits(600, lambda: True), Histogram())
    assert len(disk.seen) == 1
    assert time.monotonic() - before < 60


@pytest.mark.parametrize("depth", [1, 3])
def test_a_transfer_that_fails_ends_the_run_with_its_errno(depth: int) -> None:
    disk = Disk()

    def fail(_kind: str, _pool: bool) -> None:
        raise OSError(5, "Input/output error")

    disk.fail = fail
    with pytest.raises(OSError, match="Input/output"):
        run(
            Ends(disk, "/dev/x", None, "", 8 * BLOCK),
            memories(3 * BLOCK),
            Setting(BLOCK, depth, "pool"),
            Limits(600),
            Histogram(),
        )


def test_a_copy_is_checked_before_it_is_measured() -> None:
    """One that never happens shows, since the destination held the inverse."""
    source, destination = Disk(), Disk()
    memory = Memory(source)
    region = memory.map("", BLOCK)
    ends = Ends(source, "/dev/x", destination, "/dev/y", BLOCK)
    assert check_copy(memory, ends, region, BLOCK) is None
    real = destination.write

    def lies(offset: int, parts: Sequence[Part], *, back: bool = False) -> int:
        return BLOCK if is_pool(parts) else real(offset, parts, back=back)

    destination.write = lies  # type: ignore[method-assign]
    found = check_copy(memory, ends, region, BLOCK)
    assert found is not None
    assert found.nothing_arrived
    assert pattern("disk", BLOCK) == bytes(source.data[:BLOCK])


def test_the_fio_job_reads_only_and_through_the_same_memory() -> None:
    pool = "/sys/bus/pci/devices/0000:03:00.0/p2pmem/allocate"
    job = job_text(Setting(65536, 4, "pool"), "/dev/nvme1n1", pool, 1 << 20, (0.5, 2))
    lines = set(job.splitlines())
    assert {"rw=read", "direct=1", f"iomem=mmapshared:{pool}", "bs=65536", "numjobs=4", "size=1048576"} <= lines
    assert not [line for line in lines if "write" in line]
    ordinary = job_text(Setting(65536, 4, "ordinary"), "/dev/nvme1n1", pool, 1 << 20, (0.5, 2))
    assert pool not in ordinary


def test_fios_report_is_read_and_nonsense_is_an_error() -> None:
    read = {
        "bw_bytes": 123456789,
        "total_ios": 100,
        "clat_ns": {"percentile": {"50.000000": 1000, "99.000000": 2000}},
    }
    report = b"fio: a warning\n" + json.dumps({"jobs": [{"read": read}]}).encode()
    assert parse(report) == FioFigures(123456789.0, 1000, 2000, 100)
    for nonsense in (b"", b"{}", b'{"jobs": []}', b'{"jobs": [{"read": {}}]}', b"\xff{"):
        with pytest.raises(P2pctlError, match="no report"):
            parse(nonsense)


@pytest.mark.parametrize(
    ("rates", "inside"), [([100], True), ([115], True), ([130], False), ([80], False), ([86], True), ([50, 96], True)]
)
def test_fio_agrees_where_its_runs_overlap_these_or_miss_them_by_a_tenth(rates: list[float], inside: bool) -> None:
    """The runs gave 95, 100 and 105 transfers a second; a tenth is allowed on each side."""
    runs = [Run(1.0, 0.1, count) for count in (95, 100, 105)]
    one = Measured(
        figures(Setting(1, 1, "pool"), runs, Histogram([1])), tuple(FioFigures(rate, 1, 1, 1) for rate in rates)
    )
    assert agrees(one) is inside
    assert agrees(one._replace(fio=())) is None


@pytest.mark.parametrize(
    "name", ["/srv/a\nrw=write", "/srv/${HOME}", "/srv/$jobname", "/srv/a\\b", "/srv/a ", "/srv/\x7f"]
)
def test_a_file_name_that_fio_would_read_as_more_is_refused(name: str) -> None:
    """A job file is lines of options: a name with a newline in it could make fio write."""
    with pytest.raises(UsageError, match="fio cannot be given"):
        job_text(Setting(4096, 1, "ordinary"), name, "/pool", 1 << 20, (0, 1))


def test_a_colon_in_a_name_does_not_end_it() -> None:
    job = job_text(Setting(4096, 1, "ordinary"), "/srv/a:b", "/pool", 1 << 20, (0, 1))
    assert "filename=/srv/a\\:b\n" in job


def test_before_copies_are_measured_all_of_their_place_is_written() -> None:
    """The first write to a place in a file makes room for it, which takes longer; nothing else is written to."""
    source, destination = Disk(), Disk()
    before = bytes(destination.data)
    ends = Ends(source, "/dev/x", destination, "/dev/y", 6 * BLOCK, 2 * BLOCK)
    ordinary = MemoryRegion(4 * BLOCK, None, lambda: None)
    copy_whole(ends, ordinary, bool)
    assert destination.data[2 * BLOCK : 8 * BLOCK] == source.data[: 6 * BLOCK]
    assert destination.data[: 2 * BLOCK] == before[: 2 * BLOCK]
    assert destination.data[8 * BLOCK :] == before[8 * BLOCK :]
    destination.writes = 0
    copy_whole(ends, ordinary, lambda: True)
    assert destination.writes == 1, "a signal ends it"
