"""What is kept of how the pools were used."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from p2pctl.dashboard.history import History
from p2pctl.findings.pools import PoolState
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Missing
from tests.dashboard.levels import MIB, NVME0, painted
from tests.dashboard.piloting import demo_snapshot

ONE = next(state for state in painted(demo_snapshot()).pools if state.address == NVME0)


def using(used: int | Missing, address: Address = NVME0) -> PoolState:
    """A pool that so many MiB are used of."""
    function = ONE.function._replace(address=address)
    return replace(ONE, function=function, used=used if isinstance(used, Missing) else used * MIB)


def filled(*looks: tuple[float, int | Missing], every: float = 1.0) -> History:
    """A history of looks at one pool: seconds, MiB."""
    history = History()
    for time, used in looks:
        history.add(1000.0 + time, [using(used)], every=every)
    return history


def test_one_look_has_no_rate() -> None:
    assert filled((0, 5)).rate(NVME0) is None
    assert History().rate(NVME0) is None


def test_a_rate_is_the_mean_of_several_looks() -> None:
    history = filled((0, 0), (1, 2), (2, 0), (3, 6))
    assert history.rate(NVME0) == 2 * MIB


def test_a_rate_forgets_what_is_long_ago() -> None:
    history = filled(*((float(second), 100 if second else 0) for second in range(20)))
    assert history.rate(NVME0) == 0


def test_slow_looks_have_a_rate_too() -> None:
    history = filled((0, 0), (60, 60), every=60.0)
    assert history.rate(NVME0) == MIB


@pytest.mark.parametrize("looks", [[(0, 1), (30, 2)], [(0, 1), (1, UNREADABLE)], [(0, UNREADABLE), (1, 3)]])
def test_a_rate_across_what_nobody_saw_is_not_known(looks: list[tuple[float, int | Missing]]) -> None:
    assert filled(*looks).rate(NVME0) is None


def test_levels_show_a_pause_as_a_gap_and_the_time_before_as_nothing() -> None:
    history = filled((0, 1), (1, 2), (5, 3), (6, 4))
    assert history.levels(NVME0, 9, 9.0) == (
        ABSENT, ABSENT, 1 * MIB, 2 * MIB, NOT_READ, NOT_READ, NOT_READ, 3 * MIB, 4 * MIB,
    )  # fmt: skip


def test_between_looks_that_follow_each_other_as_they_should_the_level_stands() -> None:
    history = filled((0, 1), (3, 2), every=3.0)
    assert history.levels(NVME0, 4, 4.0) == (1 * MIB, 1 * MIB, 1 * MIB, 2 * MIB)


def test_a_piece_shows_the_highest_level_in_it() -> None:
    history = filled(*((float(second), second % 5) for second in range(10)))
    assert history.levels(NVME0, 2, 10.0) == (4 * MIB, 4 * MIB)


def test_a_level_that_could_not_be_read_is_a_gap() -> None:
    assert filled((0, 1), (1, UNREADABLE), (2, 3)).levels(NVME0, 3, 3.0) == (1 * MIB, NOT_READ, 3 * MIB)


def test_looks_that_come_fast_share_a_place() -> None:
    history = filled(*((tenth / 10, tenth) for tenth in range(100)))
    assert len(history) in {10, 11}
    assert history.levels(NVME0, 1, 10.0) == (99 * MIB,)


def test_ten_minutes_are_kept() -> None:
    history = filled(*((float(second), second) for second in range(1000)))
    assert len(history) == 600
    assert history.age() == 599
    assert history.levels(NVME0, 1, 600.0) == (999 * MIB,)


def test_a_pool_that_vanishes_leaves_its_history_and_begins_anew() -> None:
    history = filled((0, 1), (1, 9))
    history.add(1002.0, [])
    assert history.levels(NVME0, 1, 1.0) == (ABSENT,)
    assert history.extent(NVME0) is None
    history.add(1003.0, [using(2)])
    assert history.levels(NVME0, 3, 3.0) == (ABSENT, ABSENT, 2 * MIB)
    assert history.extent(NVME0) == (2 * MIB, 2 * MIB, 1003.0)


def test_the_extent_outlives_the_looks() -> None:
    history = filled(*((float(second), 500 if second == 3 else 7) for second in range(700)))
    assert history.extent(NVME0) == (7 * MIB, 500 * MIB, 1000.0)


def test_the_same_look_twice_counts_once() -> None:
    history = filled((0, 1), (1, 2), (1, 2))
    assert len(history) == 2
    assert history.rate(NVME0) == MIB


def test_a_clock_that_is_set_back_begins_anew() -> None:
    history = filled((100, 1), (101, 2), (5, 3))
    assert len(history) == 1
    assert history.rate(NVME0) is None


def test_ten_minutes_of_500_pools_take_less_than_4_mib() -> None:
    pools = [using(1, Address(0, number // 32, number % 32, 0)) for number in range(500)]
    tracemalloc.start()
    history = History()
    for second in range(650):
        history.add(float(second), pools)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 4 << 20
