"""A change that waits for confirmation, and what recovering means when there is nothing left to recover."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from p2pctl.errors import NotFoundError, P2pctlError, RecoverError, UnsupportedError, UsageError
from p2pctl.model.nvmet import ROOT
from p2pctl.target.change import take_turn
from p2pctl.target.confirmation import LOCK_TIMEOUT
from p2pctl.target.outcome import Outcome
from p2pctl.target.recover import Waiting, confirm, recover, waiting
from p2pctl.target.wishes import HostWish, Wishes
from tests.unit.target_workshop import NOW, Workshop, tree


@dataclass
class Timers:
    """Timers that ring when they are told to."""

    there: bool = True
    armed: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    history: list[tuple[str, int]] = field(default_factory=list)
    arming: Callable[[int], None] = lambda _count: None
    disarming: Callable[[], None] = lambda: None

    def available(self) -> bool:
        return self.there

    def arm(self, name: str, seconds: int, arguments: Sequence[str]) -> None:
        self.arming(len(self.history))
        self.history.append((name, seconds))
        self.armed[name] = (seconds, tuple(arguments))

    def disarm(self, name: str) -> None:
        self.disarming()
        self.armed.pop(name, None)


def fail() -> None:
    raise OSError(errno.EIO, "Failed to connect to bus")


def apply(shop: Workshop, timers: Timers, within: int = 60) -> Outcome:
    proposal = shop.proposal()
    with take_turn(shop.place(timers=timers), command="apply example.yaml") as turn:
        return turn.carry_out(proposal, confirm_within=within)


def test_a_change_that_is_confirmed_stays(tmp_path: Path) -> None:
    shop, timers = Workshop(tmp_path), Timers()
    outcome = apply(shop, timers)
    name = outcome.transaction
    assert name is not None
    assert (outcome.state, outcome.error, outcome.until) == ("waiting", None, NOW + 60)
    command = ("recover", "--rollback", "--yes", "--lock-timeout", str(LOCK_TIMEOUT), name)
    assert timers.armed == {f"p2pctl-rollback-{name}": (60, command)}
    after = tree(shop.read())
    place = shop.place(timers=timers)
    assert waiting(place) == Waiting(name, "confirmation", "apply example.yaml", NOW + 60)
    with pytest.raises(RecoverError, match="waits for confirmation") as caught, take_turn(place, command="apply"):
        raise AssertionError
    assert f"p2pctl confirm {name}" in (caught.value.hint or "")
    assert confirm(place, name).state == "confirmed"
    assert timers.armed == {}
    assert tree(shop.read()) == after
    assert confirm(place, name).state == "nothing"
    with take_turn(place, command="apply"):
        pass
    assert recover(place, "rollback", transaction=name).state == "nothing"
    assert tree(shop.read()) == after


def test_a_change_that_nobody_confirms_is_undone_and_cannot_be_confirmed_then(tmp_path: Path) -> None:
    shop, timers = Workshop(tmp_path), Timers()
    name = apply(shop, timers).transaction
    assert name is not None
    place = shop.place(timers=timers)
    outcome = recover(place, "rollback", transaction=name)
    assert (outcome.state, outcome.error) == ("rolled-back", None)
    assert tree(shop.read()) == tree(shop.before)
    with pytest.raises(P2pctlError, match="it has been undone already"):
        confirm(place, name)


def test_the_timer_runs_before_the_first_operation_already(tmp_path: Path) -> None:
    """Who loses the connection in the middle gets the target back, too; the window counts from the end."""
    shop, timers = Workshop(tmp_path), Timers()
    armed: list[int] = []
    shop.door.before = lambda _number: armed.append(len(timers.armed))
    apply(shop, timers, within=60)
    assert set(armed) == {1}
    assert [seconds > 60 for _, seconds in timers.history] == [True, False]


@pytest.mark.parametrize("timers", [None, Timers(there=False)], ids=["none", "no systemd"])
def test_without_a_timer_the_wish_is_refused_before_anything_is_written(tmp_path: Path, timers: Timers | None) -> None:
    shop = Workshop(tmp_path)
    proposal = shop.proposal()
    place = shop.place(timers=timers)
    with take_turn(place, command="apply") as turn, pytest.raises(UnsupportedError, match="systemd"):
        turn.carry_out(proposal, confirm_within=60)
    assert shop.door.made == []


@pytest.mark.parametrize("seconds", [0, -1, 10**9])
def test_a_window_of_no_length_is_refused(tmp_path: Path, seconds: int) -> None:
    shop = Workshop(tmp_path)
    with pytest.raises(UsageError, match="seconds"):
        apply(shop, Timers(), within=seconds)
    assert shop.door.made == []


def test_a_timer_that_cannot_be_set_stops_the_change_before_it_begins(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    with pytest.raises(P2pctlError, match="failed to connect to bus"):
        apply(shop, Timers(arming=lambda _count: fail()))
    assert shop.door.made == []
    assert waiting(shop.place()) is None


def test_a_timer_that_cannot_be_set_anew_undoes_the_change(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    outcome = apply(shop, Timers(arming=lambda count: fail() if count else None))
    assert outcome.error is not None
    assert outcome.rolled_back
    assert tree(shop.read()) == tree(shop.before)


def test_a_timer_that_cannot_be_stopped_finds_nothing_to_undo(tmp_path: Path) -> None:
    shop, timers = Workshop(tmp_path), Timers()
    name = apply(shop, timers).transaction
    assert name is not None
    timers.disarming = fail
    place = shop.place(timers=timers)
    outcome = confirm(place, name)
    assert "could not be stopped" in outcome.warnings[0]
    after = tree(shop.read())
    assert recover(place, "rollback", transaction=name).state == "nothing"
    assert tree(shop.read()) == after


def test_a_failing_change_takes_its_timer_back(tmp_path: Path) -> None:
    shop, timers = Workshop(tmp_path), Timers()
    shop.door.fail = lambda at, _operation, _path: errno.EIO if at == 50 else None
    outcome = apply(shop, timers)
    assert outcome.rolled_back
    assert timers.armed == {}


def test_names_of_no_transaction_are_not_found(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    for name in ("20261102T090000Z-000000", "..", "../run", "", "a/b"):
        with pytest.raises(NotFoundError, match="no change"):
            recover(shop.place(), "rollback", transaction=name)
        with pytest.raises(NotFoundError, match="no change"):
            confirm(shop.place(), name)


def test_what_was_finished_is_not_undone(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    with take_turn(shop.place(), command="apply") as turn:
        outcome = turn.carry_out(shop.proposal())
    after = tree(shop.read())
    assert recover(shop.place(), "rollback", transaction=outcome.transaction).state == "nothing"
    assert recover(shop.place(), "rollback").state == "nothing"
    assert tree(shop.read()) == after
    with pytest.raises(P2pctlError, match="it was made to stay"):
        confirm(shop.place(), outcome.transaction or "")


def test_recovering_leaves_alone_what_others_did_since(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)

    class Killed(BaseException):
        pass

    def die(number: int) -> None:
        if number == 60:
            raise Killed

    shop.door.after = die
    proposal = shop.proposal()
    with pytest.raises(Killed), take_turn(shop.place(), command="apply") as turn:
        turn.carry_out(proposal)
    shop.door.after = lambda _number: None
    foreign = f"{ROOT}/hosts/nqn.2026-11.org.example:foreign"
    shop.files.mkdir(foreign)
    shop.files.write(f"{ROOT}/ports/4/addr_traddr", b"192.0.2.77\n")
    assert recover(shop.place(), "rollback").error is None
    now = tree(shop.read())
    assert now[f"{ROOT}/ports/4/addr_traddr"] == "192.0.2.77"
    assert foreign in now
    changed = {path for path, value in tree(shop.before).items() if now.get(path) != value}
    assert changed == {f"{ROOT}/ports/4/addr_traddr"}


def test_looking_for_what_waits_makes_no_directory(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    assert waiting(shop.place()) is None
    assert not shop.directory.exists()


def test_keys_are_taken_out_of_before_and_after(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    with take_turn(shop.place(), command="apply") as turn:
        outcome = turn.carry_out(shop.proposal(Wishes(hosts={"h": HostWish()})))
    assert outcome.before is not None
    assert outcome.after is not None
    assert "canary" in repr(shop.read())
    assert "canary" not in repr(outcome)


def test_systemd_is_asked_as_its_manual_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs are scripts that note how they were called."""
    import sys

    from p2pctl.hardware.timers import SystemdTimers

    for name, code in (("systemd-run", 0), ("systemctl", 5)):
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\nprintf "%s\\n" {name} "$@" >> {tmp_path}/calls\nexit {code}\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", "/opt/p2pctl")
    timers = SystemdTimers()
    timers.arm("p2pctl-rollback-x", 60, ("recover", "--rollback", "x"))
    timers.disarm("p2pctl-rollback-x")
    calls = (tmp_path / "calls").read_text().splitlines()
    end = calls.index("systemctl")
    assert {"--unit=p2pctl-rollback-x", "--on-active=60", "--setenv=PYTHONPATH=/opt/p2pctl"} <= set(calls[:end])
    assert calls[:end][-7:] == [sys.executable, "-P", "-m", "p2pctl", "recover", "--rollback", "x"]
    assert calls[end:] == ["systemctl", "stop", "p2pctl-rollback-x.timer"]
    (tmp_path / "systemd-run").write_text('#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1\n')
    with pytest.raises(OSError, match="Failed to connect to bus"):
        timers.arm("p2pctl-rollback-x", 60, ())
