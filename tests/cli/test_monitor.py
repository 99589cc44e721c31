"""``p2pctl monitor``: events as lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from p2pctl.cli import monitoring
from p2pctl.cli.options import Globals
from p2pctl.cli.session import Session
from p2pctl.dashboard.source import Event
from p2pctl.model.address import Address
from p2pctl.model.facts import UNREADABLE, Gap
from p2pctl.model.log import KernelLog
from p2pctl.model.snapshot import PartName, Snapshot
from tests.cli.conftest import Run

POOL = Address(0, 0x18, 0, 0)
STALE: frozenset[PartName] = frozenset({"nvmet"})


def test_the_envelope_comes_first_and_each_line_is_a_record(run: Run) -> None:
    outcome = run("--demo", "monitor", "-i", "0.1", "--count", "2", "-o", "jsonl")
    assert outcome.code == 0
    first, *lines = map(json.loads, outcome.out.splitlines())
    assert first["schema"] == "p2pctl.event/1"
    assert len(lines) == 2
    for line in lines:
        assert line["kind"] == "pool"
        assert line["delta"] != 0
        assert 0 <= line["available"] <= line["size"]


def test_it_ends_when_its_time_is_over(run: Run) -> None:
    assert run("--demo", "monitor", "--for", "0", "-o", "table") == (0, "", "")
    assert len(run("--demo", "monitor", "--for", "0", "-o", "plain").out.splitlines()) == 1, "the header"


@pytest.mark.parametrize("form", ["json", "yaml", "csv"])
def test_what_goes_on_for_ever_has_no_closed_form(run: Run, form: str) -> None:
    assert run("--demo", "monitor", "-o", form).code == 2


def test_nothing_happens_in_a_recording(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "host.tar.gz")
    assert run("--demo", "capture", file).code == 0
    outcome = run("--capture", file, "monitor")
    assert (outcome.code, outcome.out) == (5, "")


class Scripted:
    """A source that tells what it is given, one look after the other; an exception is raised."""

    moves = True

    def __init__(self, snapshot: Snapshot, looks: list[Any]) -> None:
        self.snapshot = snapshot
        self.looks = looks
        self.clock = 0.0
        self.asked: list[frozenset[PartName] | str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def take(self) -> Snapshot:
        return self.snapshot

    def wait(self, seconds: float) -> tuple[Event, ...]:
        self.clock += seconds
        events = self.looks.pop(0)
        return events if isinstance(events, tuple) else ()

    def refresh(self, snapshot: Snapshot, parts: frozenset[PartName]) -> Snapshot:
        self.asked.append(parts)
        return self._next(snapshot)

    def levels(self, snapshot: Snapshot) -> Snapshot:
        self.asked.append("levels")
        return self._next(snapshot)

    def _next(self, snapshot: Snapshot) -> Snapshot:
        found = self.looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return snapshot if found is None else found

    def now(self) -> float:
        return 0.0


@pytest.fixture
def demo() -> Snapshot:
    return Session(Globals(demo=True)).snapshot({"pools", "nvme", "pci"})


def printed(run: Run, monkeypatch: pytest.MonkeyPatch, source: Scripted, *words: str) -> list[str]:
    monkeypatch.setattr(monitoring, "DoorSource", lambda *_: source)
    monkeypatch.setattr(monitoring, "time", SimpleNamespace(monotonic=lambda: source.clock))
    outcome = run("--demo", "monitor", *words)
    assert outcome.code == 0, outcome
    return outcome.out.splitlines()


def test_events_come_in_their_order_and_what_they_touch_is_read_anew(
    run: Run, monkeypatch: pytest.MonkeyPatch, demo: Snapshot
) -> None:
    first, second = (Event(1.0, "target", "nqn", text, parts=STALE) for text in ("one", "two"))
    source = Scripted(demo, [(first, second), None, (Event(2.0, "kernel", "", "three", "warning", STALE),), None])
    lines = printed(run, monkeypatch, source, "-o", "table", "--count", "3")
    assert [line.split()[-1] for line in lines] == ["one", "two", "three"]
    assert "warning   kernel" in lines[2]
    assert source.asked == [STALE], "what came after the last line was read for nobody"


def test_a_strangers_words_stay_on_their_line(run: Run, monkeypatch: pytest.MonkeyPatch, demo: Snapshot) -> None:
    event = Event(1.0, "kernel", "\x1b[2J", "evil\x1b]0;title\x07\n2026 line", "error", STALE)
    for form in ("table", "plain", "jsonl"):
        lines = printed(run, monkeypatch, Scripted(demo, [(event,)]), "-o", form, "--count", "1", "--color", "always")
        assert len(lines) == (1 if form == "table" else 2)
        assert "\x1b]" not in lines[-1]
        assert "\x1b[2J" not in lines[-1]


def test_what_cannot_be_read_is_told_once_and_tried_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, demo: Snapshot
) -> None:
    failure = OSError(5, "Input/output error")
    assert demo.pools is not None
    pool = demo.pools.pools[POOL]
    assert isinstance(pool.available, int)
    moved = replace(pool, available=pool.available - 4096)
    after = replace(demo, pools=replace(demo.pools, pools={**demo.pools.pools, POOL: moved}))
    looks = [(), failure, (), failure, (), None, (), failure, (), after]
    lines = printed(run, monkeypatch, Scripted(demo, looks), "-i", "0.1", "-o", "plain", "--count", "3")
    assert "could not be looked at: input/output error" in lines[1]
    assert "could not be looked at" in lines[2], "it had worked in between"
    assert f"{POOL}  nvme0 has" in lines[3]
    assert lines[3].endswith("(-4.0 KiB)")


def test_what_the_kernel_does_not_show_is_said_beforehand(
    run: Run, monkeypatch: pytest.MonkeyPatch, demo: Snapshot
) -> None:
    gap = Gap("log", None, "/dev/kmsg", 1, "root (CAP_SYSLOG)")
    blind = replace(demo, log=KernelLog(taken=0.0, records=UNREADABLE, complete=False, gaps=(gap,)))
    monkeypatch.setattr(monitoring, "DoorSource", lambda *_: Scripted(blind, []))
    outcome = run("--demo", "monitor", "--for", "0", "-o", "jsonl")
    assert outcome.code == 0
    assert "what it says is not told of; that needs root (CAP_SYSLOG)" in outcome.err


def test_it_looks_into_no_process(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds a pool is no event, and to find out takes a look into all of them."""
    monkeypatch.setattr("p2pctl.hardware.holders.read_holders", lambda *_: pytest.fail("nobody asked"))
    assert run("--demo", "monitor", "-i", "0.1", "--count", "2").code == 0
