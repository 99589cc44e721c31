"""Whoever asks gets the last good data in time, whatever becomes of the read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from p2pctl.metrics.exposition import exposition
from p2pctl.metrics.keeper import REST, SHARE, Keeper, Standing
from tests.metrics.samples import Scrape

PATIENCE = 30.0
"""Seconds within which something is to happen that takes no time; who is at fault for waiting is never the clock."""


class Host:
    """What is read: hangs while its gate is closed, fails when told to, and takes as long as its clock is told."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.takes = 0.0
        self.now = 1000.0
        self.reads = 0
        self.running = 0
        self.most = 0
        self.began = threading.Semaphore(0)
        self.told: list[Exception] = []

    def read(self) -> bytes:
        self.reads += 1
        number = self.reads
        self.running += 1
        self.most = max(self.most, self.running)
        self.began.release()
        assert self.gate.wait(PATIENCE)
        self.now += self.takes
        self.running -= 1
        if self.error is not None:
            raise self.error
        return b"p2pctl_test %d\n" % number

    def clock(self) -> float:
        return self.now


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.gate.set()


def _keeper(host: Host, patience: float = PATIENCE) -> Keeper:
    return Keeper(host.read, host.told.append, patience=patience, clock=host.clock)


def _told(standing: Standing) -> dict[str, float | None]:
    said = Scrape(standing.body + exposition(standing.own))
    names = ("p2pctl_test", "p2pctl_read_stale", "p2pctl_reads_total", "p2pctl_read_failures_total")
    return {name.removeprefix("p2pctl_"): said.value(name) for name in names}


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_nothing_is_read_before_somebody_asks(host: Host) -> None:
    keeper = _keeper(host)
    assert host.reads == 0
    assert _told(keeper.standing()) == {"test": 1, "read_stale": 0, "reads_total": 1, "read_failures_total": 0}


def test_what_is_fresh_is_not_read_again(host: Host) -> None:
    keeper = _keeper(host)
    keeper.standing()
    host.now += REST - 0.01
    assert _told(keeper.standing())["test"] == 1
    host.now += 0.02
    assert _told(keeper.standing())["test"] == 2


def test_a_host_that_takes_long_to_read_is_not_read_all_the_time(host: Host) -> None:
    keeper = _keeper(host)
    host.takes = 3.0
    keeper.standing()
    host.now += 3.0 * SHARE - 0.01
    assert _told(keeper.standing()) == {"test": 1, "read_stale": 0, "reads_total": 1, "read_failures_total": 0}
    host.now += 0.02
    assert _told(keeper.standing())["test"] == 2


def test_a_read_that_hangs_leaves_the_last_good_data_and_says_so(host: Host) -> None:
    """The first to ask waits as long as patience lasts, the others not at all; when it comes back, all is well."""
    keeper = _keeper(host, patience=0.0)
    keeper.standing()
    _until(lambda: _told(keeper.standing())["reads_total"] == 1)
    assert host.began.acquire(timeout=PATIENCE)
    host.gate.clear()
    host.now += 100.0
    assert _told(keeper.standing()) == {"test": 1, "read_stale": 1, "reads_total": 1, "read_failures_total": 0}
    assert host.began.acquire(timeout=PATIENCE)
    host.now += 7.0
    hanging = keeper.standing()
    assert Scrape(exposition(hanging.own)).value("p2pctl_read_running_seconds") == 7.0
    assert _told(hanging)["test"] == 1
    host.gate.set()
    _until(lambda: host.running == 0 and _told(keeper.standing())["reads_total"] == 2)
    assert _told(keeper.standing()) == {"test": 2, "read_stale": 0, "reads_total": 2, "read_failures_total": 0}


def test_before_the_first_read_has_ended_only_the_reads_are_told_of(host: Host) -> None:
    host.gate.clear()
    standing = _keeper(host, patience=0.0).standing()
    assert standing.body == b""
    assert _told(standing)["read_stale"] == 1


def test_a_read_that_fails_leaves_the_last_good_data_and_counts(host: Host) -> None:
    keeper = _keeper(host)
    keeper.standing()
    host.error = OSError(5, "input/output error")
    host.now += 100.0
    failed = {"test": 1, "read_stale": 1, "reads_total": 2, "read_failures_total": 1}
    assert _told(keeper.standing()) == failed
    assert _told(keeper.standing()) == failed, "what failed is not tried again at once"
    assert host.told == [host.error]
    host.error = None
    host.now += 100.0
    assert _told(keeper.standing()) == {"test": 3, "read_stale": 0, "reads_total": 3, "read_failures_total": 1}


def test_all_who_ask_meanwhile_share_one_read(host: Host) -> None:
    """Fifty scrapers at once are one read of the host, and never is there a second beside it."""
    keeper = _keeper(host)
    host.gate.clear()
    found: list[float | None] = []
    threads = [threading.Thread(target=lambda: found.append(_told(keeper.standing())["test"])) for _ in range(50)]
    for one in threads:
        one.start()
    assert host.began.acquire(timeout=PATIENCE)
    host.gate.set()
    for one in threads:
        one.join(PATIENCE)
    assert found == [1.0] * 50
    assert (host.reads, host.most) == (1, 1)
