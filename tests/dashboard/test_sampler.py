"""When the sampler looks, at what, and what it does where a look fails: told by a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise

import pytest

from p2pctl.dashboard.freshness import GRACE, Freshness, ago
from p2pctl.dashboard.sampler import FULL, SHARE, Sample, Sampler
from p2pctl.dashboard.source import Event
from p2pctl.dashboard.standing import words
from p2pctl.errors import P2pctlError
from p2pctl.model.snapshot import PartName, Snapshot
from tests.dashboard.piloting import demo_snapshot

DEMO = demo_snapshot()
LOG: frozenset[PartName] = frozenset({"log", "connections"})


def event(parts: frozenset[PartName] = LOG) -> Event:
    """A line of the kernel."""
    return Event(0.0, "kernel", "", "nvmet: something", parts=parts)


class Host:
    """A source on whose clock a read takes as long as the test says, and a wait just as long as was asked for."""

    def __init__(self, *, until: float, moves: bool = True) -> None:
        self.moves = moves
        self.time = 0.0
        self.until = until
        self.cost = dict.fromkeys(("take", "refresh", "levels"), 0.0)
        self.trouble: dict[str, Exception] = {}
        """What a look of that name raises."""
        self.looks: list[tuple[float, str]] = []
        self.plan: list[tuple[float, Callable[[], tuple[Event, ...]]]] = []
        """What happens when; each ends a wait."""
        self.rested: list[float] = []
        self.samples: list[Sample] = []
        self.closed = False
        self.sampler = Sampler(self, self.samples.append, clock=lambda: self.time, rest=self.rest)

    def run(self) -> None:
        """Lets the sampler look until the time is over, in this thread."""
        self.plan.sort(key=lambda one: one[0])
        self.sampler.run()

    def at(self, time: float, *events: Event, do: Callable[[], object] = lambda: None) -> None:
        """Has something happen."""

        def happen() -> tuple[Event, ...]:
            do()
            return events

        self.plan.append((time, happen))

    def when(self, name: str) -> list[float]:
        """When such looks began."""
        return [time for time, what in self.looks if what == name]

    def _look(self, name: str) -> Snapshot:
        self.looks.append((self.time, name))
        self.time += self.cost[name]
        assert len(self.looks) < 10_000, "it looks without end"
        if name in self.trouble:
            raise self.trouble[name]
        return replace(DEMO, taken=self.time)

    def take(self) -> Snapshot:
        """Notes it."""
        return self._look("take")

    def refresh(self, snapshot: Snapshot, parts: frozenset[PartName]) -> Snapshot:
        """Notes it."""
        assert parts
        return replace(snapshot, taken=self._look("refresh").taken)

    def levels(self, snapshot: Snapshot) -> Snapshot:
        """Notes it; there is nothing new."""
        self._look("levels")
        return snapshot

    def wait(self, seconds: float) -> tuple[Event, ...]:
        """Moves the clock."""
        assert seconds >= 0
        if "wait" in self.trouble:
            raise self.trouble["wait"]
        return self.rest(seconds)

    def rest(self, seconds: float) -> tuple[Event, ...]:
        """Moves the clock to the end of a wait, or to what happens before."""
        self.rested.append(seconds)
        end = self.time + seconds
        if self.plan and self.plan[0][0] <= end:
            time, happen = self.plan.pop(0)
            self.time = max(self.time, time)
            return happen()
        self.time = end
        if self.time >= self.until:
            self.sampler.end()
        return ()

    def wake(self) -> None:
        """Nothing waits meanwhile."""

    def links(self, snapshot: Snapshot) -> Mapping[str, str]:
        """None."""
        del snapshot
        return {}

    def now(self) -> float:
        """As the clock."""
        return self.time

    def close(self) -> None:
        """Notes it."""
        self.closed = True


def test_the_levels_are_looked_at_at_the_interval_and_everything_now_and_then() -> None:
    host = Host(until=FULL * 2 + 1)
    host.run()
    assert host.when("take") == [0.0, FULL, FULL * 2]
    assert [after - before for before, after in pairwise(time for time, _ in host.looks)] == [1.0] * int(FULL * 2)
    assert len(host.samples) == len(host.looks)
    assert all(one.picture is not None for one in host.samples)
    assert host.closed


@pytest.mark.parametrize("every", [0.1, 0.3, 0.9, 1.0])
def test_the_levels_do_not_starve_however_much_happens(every: float) -> None:
    host = Host(until=20.0)
    for nth in range(1, int(20 / every)):
        host.at(nth * every, event())
    host.run()
    looks = [time for time, name in host.looks if name != "refresh"]
    assert max(after - before for before, after in pairwise(looks)) <= 1.0 + every
    assert len(host.when("refresh")) == int(20 / every) - 1, "and what happens is looked at at once"


def test_everything_is_read_in_time_however_much_happens() -> None:
    host = Host(until=FULL * 3)
    for nth in range(1, int(FULL * 30)):
        host.at(nth / 10, event())
    host.run()
    assert max(after - before for before, after in pairwise(host.when("take"))) <= FULL + 0.2


@pytest.mark.parametrize("interval", [FULL * 2, FULL + 1])
def test_an_interval_longer_than_that_defers_no_full_read(interval: float) -> None:
    host = Host(until=FULL * 3 + 1)
    host.sampler.interval = interval
    host.run()
    assert host.when("take") == [0.0, FULL, FULL * 2, FULL * 3]


def test_an_event_reads_what_it_concerns_and_is_delivered_with_the_picture() -> None:
    host = Host(until=0.9)
    one, silent = event(), event(frozenset())
    host.at(0.5, one)
    host.at(0.6, silent)
    host.run()
    assert host.looks == [(0.0, "take"), (0.5, "refresh")]
    assert [(sample.events, sample.picture is not None) for sample in host.samples[1:]] == [
        ((one,), True),
        ((silent,), False),
    ]


def test_paused_it_looks_at_nothing_and_still_tells_what_happens() -> None:
    host = Host(until=FULL * 4)
    host.at(2.5, do=lambda: setattr(host.sampler, "paused", True))
    host.at(10.0, event())
    host.at(FULL * 3, do=lambda: setattr(host.sampler, "paused", False))
    host.run()
    assert [look for look in host.looks if 2.5 < look[0] < FULL * 3] == []
    assert [len(one.events) for one in host.samples if one.picture is None] == [1]
    assert (FULL * 3, "take") in host.looks, "what happened meanwhile was not looked at"


def test_a_pause_takes_no_wish_away() -> None:
    """Whoever wants all of it read while a pause begins gets it."""
    host = Host(until=9.0)

    def both() -> None:
        host.sampler.look_now()
        host.sampler.paused = True

    host.at(2.5, do=both)
    host.run()
    assert host.when("take") == [0.0, 2.5]


def test_whoever_asks_while_a_read_goes_on_gets_another_one() -> None:
    host = Host(until=3.0)
    asked: list[bool] = []

    def ask_once(snapshot: Snapshot) -> Mapping[str, str]:
        del snapshot
        if not asked:
            asked.append(True)
            host.sampler.look_now()
        return {}

    host.links = ask_once  # type: ignore[method-assign]
    host.run()
    assert len(host.when("take")) == 2


@pytest.mark.parametrize("took", [0.5, 5.0, 60.0])
def test_a_host_that_takes_long_to_read_is_not_read_all_the_time(took: float) -> None:
    host = Host(until=took * SHARE * 5 + FULL * 5)
    host.cost["take"] = took
    host.run()
    pauses = [after - before for before, after in pairwise(host.when("take"))]
    assert pauses == pytest.approx([max(FULL, took * SHARE)] * len(pauses))
    assert len(host.when("take")) >= 5
    assert len(host.when("levels")) > len(host.when("take")), "its levels are, though"


def test_what_conclusions_cost_does_not_defer_the_next_read() -> None:
    """They are drawn anew only where something changed."""
    host = Host(until=FULL + 5)

    def slow(snapshot: Snapshot) -> Mapping[str, str]:
        del snapshot
        host.time += 20.0
        return {}

    host.links = slow  # type: ignore[method-assign]
    host.run()
    assert host.when("take")[1] == pytest.approx(FULL, abs=1.0)


@pytest.mark.parametrize("name", ["take", "refresh", "levels"])
def test_a_look_that_fails_says_why_and_is_made_again(name: str) -> None:
    host = Host(until=20.0)
    host.at(2.5, event())
    host.at(4.5, do=lambda: host.trouble.update({name: OSError(5, "I/O error", "/sys/x")}))
    host.at(4.6, event())
    host.at(4.7, do=lambda: host.sampler.look_now() if name == "take" else None)
    host.at(9.5, do=host.trouble.clear)
    host.run()
    failed = [one for one in host.samples if one.trouble]
    assert failed
    assert {one.trouble for one in failed} == {"/sys/x: I/O error"}
    assert all(one.picture is None for one in failed)
    assert host.samples[-1].trouble is None
    assert host.samples[-1].picture is not None
    assert failed[-1].at < 12.0


def test_a_look_that_fails_is_not_made_again_without_a_rest() -> None:
    host = Host(until=60.0)
    host.cost["take"] = 5.0
    host.trouble["take"] = P2pctlError("no such host")
    host.run()
    assert {after - before for before, after in pairwise(host.when("take"))} == {6.0}
    assert {one.trouble for one in host.samples} == {"no such host"}


def test_a_full_read_that_fails_later_is_not_made_again_without_a_rest() -> None:
    host = Host(until=FULL + 20.0)
    host.at(5.5, do=lambda: host.trouble.update(take=ValueError("nonsense")))
    host.run()
    late = [time for time in host.when("take") if time >= FULL]
    assert {after - before for before, after in pairwise(late)} == {1.0}
    assert host.samples[-1].trouble == "ValueError: nonsense"


def test_a_source_that_cannot_wait_is_not_asked_without_a_rest() -> None:
    host = Host(until=10.0)
    host.trouble["wait"] = OSError(9, "Bad file descriptor")
    host.run()
    assert min(host.rested) >= 0.05
    assert len(host.when("levels")) >= 5


def test_of_a_recording_one_look_is_enough() -> None:
    host = Host(until=FULL * 10, moves=False)
    host.run()
    assert host.looks == [(0.0, "take")]
    assert len(host.samples) == 1


def test_another_interval_counts_at_once() -> None:
    host = Host(until=12.0)
    host.at(2.5, do=lambda: setattr(host.sampler, "interval", 5.0))
    host.at(8.0, do=lambda: setattr(host.sampler, "interval", 0.5))
    host.run()
    assert host.when("levels")[:5] == [1.0, 2.0, 7.0, 8.0, 8.5]


@pytest.mark.parametrize(("took", "told"), [(2.0, False), (FULL / SHARE * 3, True)])
def test_what_is_older_than_the_levels_is_said_to_be(took: float, *, told: bool) -> None:
    """Only of a host that takes so long to read that the next full read is put off."""
    host = Host(until=FULL * 3)
    host.cost["take"] = took
    said: list[tuple[str, float]] = []
    levels = host.levels

    def noted(snapshot: Snapshot) -> Snapshot:
        freshness = Freshness(seen=host.time)
        said.extend(
            (word.text, host.time - took)
            for word in words(snapshot, freshness, host.sampler, host.time, write=False)
            if "old" in word.text
        )
        return levels(snapshot)

    host.levels = noted  # type: ignore[method-assign]
    host.run()
    assert bool(said) == told
    assert all(text == f"all but levels {ago(age)} old" for text, age in said)
    assert all(age > FULL + GRACE for _, age in said)
    host.sampler.paused = True
    texts = [word.text for word in words(DEMO, Freshness(seen=0.0), host.sampler, host.time, write=False)]
    assert not [text for text in texts if "old" in text], "paused it says so, and nothing else"


def test_it_says_since_when_it_looks() -> None:
    host = Host(until=2.0)
    since: list[float | None] = []
    look = host.levels

    def levels(snapshot: Snapshot) -> Snapshot:
        since.append(host.sampler.busy_since)
        return look(snapshot)

    host.levels = levels  # type: ignore[method-assign]
    host.run()
    assert since[0] == 1.0
    assert host.sampler.busy_since is None
