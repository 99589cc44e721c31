"""Whatever goes wrong at whatever operation, the target ends as it was or as it was to be, and the report is true."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from p2pctl.errors import BusyError, ExitCode, RecoverError
from p2pctl.target.change import take_turn
from p2pctl.target.flat import flat
from p2pctl.target.outcome import Outcome
from p2pctl.target.recover import Way, recover, waiting
from p2pctl.target.touched import alike
from tests.unit.target_workshop import KEY, OTHER_KEY, Workshop, replay, tree

OPERATIONS = 77
"""Kernel operations of the change; a test says so when they are more or fewer."""

ERRNOS = (errno.EBUSY, errno.EINVAL, errno.ENOMEM, errno.ENOSPC, errno.EIO, errno.ENODEV)


def some_of(values: Sequence[object]) -> list[object]:
    """The first and every third after it; the others are for the full run."""
    more = [(pytest.mark.full,) if place % 3 else () for place, _ in enumerate(values)]
    return [
        pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=marks)
        for one, marks in zip(values, more, strict=True)
    ]


class Killed(BaseException):
    """What stands for the death of the process: no handler of ours takes it."""


def apply(shop: Workshop) -> Outcome:
    with take_turn(shop.place(), command="apply example.yaml") as turn:
        return turn.carry_out(shop.proposal())


def holds_what_was_wanted(shop: Workshop, reference: Workshop) -> bool:
    """Whether the target is what the change makes of it where nothing goes wrong; the kernel makes up new uuids."""
    have, want = tree(shop.read()), tree(reference.read())
    invented = {path for path in want if path.endswith("/namespaces/7/device_uuid")}
    return {**have, **dict.fromkeys(invented)} == {**want, **dict.fromkeys(invented)}


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A target on which the change went well."""
    shop = Workshop(tmp_path_factory.mktemp("wanted"))
    proposal = shop.proposal()
    with take_turn(shop.place(), command="apply example.yaml") as turn:
        outcome = turn.carry_out(proposal)
    assert (outcome.state, outcome.error, outcome.residual) == ("applied", None, ())
    assert all(result.status == "done" for result in outcome.results)
    now = flat(shop.read())
    aim = flat(proposal.wanted)
    resolved = {path for path in aim if path.rpartition("/")[2].startswith("param_")}
    assert all(path in resolved or alike(path, entry, now.get(path)) for path, entry in aim.items())
    assert len(shop.door.made) == OPERATIONS
    return shop


def test_the_change_has_every_kind_of_object_and_operation(wanted: Workshop) -> None:
    kinds = {operation for operation, _, _ in wanted.door.made}
    assert kinds == {"mkdir", "rmdir", "write", "symlink", "unlink", "chmod"}


def test_a_second_run_has_nothing_to_do(wanted: Workshop) -> None:
    count = len(wanted.door.made)
    outcome = apply(wanted)
    assert (outcome.state, outcome.changed, outcome.error) == ("nothing", False, None)
    assert len(wanted.door.made) == count


@pytest.mark.parametrize(
    ("codes", "first", "step"),
    [
        pytest.param(ERRNOS, 0, 3, id="in-turn"),
        *(pytest.param(ERRNOS, first, 3, marks=pytest.mark.full) for first in (1, 2)),
        *(pytest.param((code,), 0, 1, marks=pytest.mark.full, id=errno.errorcode[code]) for code in ERRNOS),
    ],
)
def test_every_operation_that_fails_leaves_the_target_as_it_was(
    tmp_path: Path, wanted: Workshop, codes: tuple[int, ...], first: int, step: int
) -> None:
    """The report names the step, its errno and what was undone; the second run gets there."""
    for number in range(first, OPERATIONS, step):
        code = codes[number % len(codes)]
        shop = Workshop(tmp_path / str(number))
        shop.door.fail = lambda at, _operation, _path, number=number, code=code: (  # type: ignore[misc]
            code if at == number else None
        )
        outcome = apply(shop)
        assert tree(shop.read()) == tree(shop.before), (number, outcome.error, outcome.residual)
        assert outcome.error is not None
        assert outcome.error.exit_code == ExitCode.FAILED
        assert (outcome.error.errno, outcome.residual) == (code, ())
        assert outcome.rolled_back is (number > 0)
        assert not outcome.changed
        (failed,) = [result for result in outcome.results if result.status == "failed"]
        assert failed.errno == code
        assert failed.step.path == shop.door.made[number][1] == outcome.error.path
        undone = {(one.step.operation, one.step.path) for one in outcome.results if one.status == "undone"}
        # Lanes run side by side: a few operations more may have been under way.
        count = sum(one.status != "not-reached" for one in outcome.results)
        did = [made[:2] for place, made in enumerate(shop.door.made[:count]) if place != number]
        assert undone == set(did)
        assert number < count <= number + 3
        if number % 9 == 0:
            shop.see()
            shop.door.fail = lambda _number, _operation, _path: None
            assert apply(shop).error is None
            assert holds_what_was_wanted(shop, wanted)


def kills() -> Iterator[tuple[int, str]]:
    """Right before each operation, when it is recorded already; and after some, before the next one is."""
    for number in range(OPERATIONS):
        yield number, "before"
        if number % 4 == 3:
            yield number, "after"


def die_at(shop: Workshop, number: int, when: str, die: Callable[[], None]) -> None:
    def at(now: int) -> None:
        if now == number:
            die()

    setattr(shop.door, when, at)


def died(shop: Workshop, number: int, when: str) -> None:
    def die() -> None:
        raise Killed

    die_at(shop, number, when, die)
    with pytest.raises(Killed):
        apply(shop)
    die_at(shop, -1, when, die)


@pytest.mark.parametrize(
    ("way", "deaths"),
    [
        ("rollback", slice(0, None, 4)),
        ("resume", slice(2, None, 4)),
        *(pytest.param("rollback", slice(first, None, 4), marks=pytest.mark.full) for first in (1, 2, 3)),
        *(pytest.param("resume", slice(first, None, 4), marks=pytest.mark.full) for first in (0, 1, 3)),
    ],
)
def test_a_death_at_every_operation_can_be_undone_and_finished(
    tmp_path: Path, wanted: Workshop, way: Way, deaths: slice
) -> None:
    """Serial numbers, uuids and keys included; and a second recovery has nothing to do."""
    for number, when in list(kills())[deaths]:
        shop = Workshop(tmp_path / f"{number}{when}")
        died(shop, number, when)
        found = waiting(shop.place())
        assert found is not None
        assert found.kind == "interrupted"
        outcome = recover(shop.place(), way)
        assert outcome.error is None, (number, when, outcome)
        assert outcome.transaction == found.transaction
        if way == "rollback":
            assert tree(shop.read()) == tree(shop.before), (number, when)
        else:
            assert holds_what_was_wanted(shop, wanted), (number, when)
        assert recover(shop.place(), way) == Outcome("nothing")
        assert waiting(shop.place()) is None


def test_nobody_changes_the_target_before_it_is_recovered(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    died(shop, 40, "after")
    with pytest.raises(RecoverError, match="was interrupted") as caught, take_turn(shop.place(), command="apply"):
        raise AssertionError
    assert "recover --rollback" in (caught.value.hint or "")
    assert "recover --resume" in (caught.value.hint or "")


@pytest.mark.parametrize("second", some_of(range(0, 45, 5)))
def test_a_death_during_the_rollback_can_be_recovered_too(tmp_path: Path, second: int) -> None:
    shop = Workshop(tmp_path)
    died(shop, OPERATIONS - 10, "after")
    count = len(shop.door.made)

    def die(now: int) -> None:
        if now == count + second:
            raise Killed

    shop.door.after = die
    with pytest.raises(Killed):
        recover(shop.place(), "rollback")
    shop.door.after = lambda _number: None
    assert waiting(shop.place()) is not None
    assert recover(shop.place(), "rollback").error is None
    assert tree(shop.read()) == tree(shop.before)


@pytest.mark.parametrize("second", some_of(range(0, 40, 7)))
def test_a_death_while_it_is_finished_can_still_be_undone(tmp_path: Path, second: int) -> None:
    shop = Workshop(tmp_path)
    died(shop, 30, "after")
    count = len(shop.door.made)

    def die(now: int) -> None:
        if now == count + second:
            raise Killed

    shop.door.after = die
    with pytest.raises(Killed):
        recover(shop.place(), "resume")
    shop.door.after = lambda _number: None
    assert recover(shop.place(), "rollback").error is None
    assert tree(shop.read()) == tree(shop.before)


@pytest.mark.parametrize("number", some_of(range(5, OPERATIONS, 8)))
def test_what_cannot_be_undone_is_reported_and_can_be_undone_later(tmp_path: Path, number: int) -> None:
    """One operation fails, and then every one that would touch one object: all else is put back."""
    shop = Workshop(tmp_path)
    proposal = shop.proposal()
    stuck = next(step.path for step in reversed(proposal.plan.steps[:number]) if step.operation != "chmod")
    shop.door.fail = lambda at, _operation, path: (
        errno.EIO if at == number or (at > number and path.startswith(stuck)) else None
    )
    outcome = apply(shop)
    now, before = tree(shop.read()), tree(shop.before)
    different = {path for path in now.keys() | before.keys() if now.get(path) != before.get(path)}
    if not different:  # the kernel was asked for nothing there: what was done there was undone with its object
        assert outcome.rolled_back
        return
    assert outcome.error is not None
    assert outcome.error.exit_code == ExitCode.PARTIAL
    assert (outcome.state, outcome.changed, outcome.rolled_back) == ("partial", True, False)
    told = {one.path for one in outcome.residual}
    assert told <= different
    # Of an object that should be gone, what is in it needs no mention.
    assert all(any(path == one or path.startswith(f"{one}/") for one in told) for path in different)
    shop.door.fail = lambda _number, _operation, _path: None
    again = recover(shop.place(), "rollback", transaction=outcome.transaction)
    assert again.error is None
    assert tree(shop.read()) == before


@pytest.mark.parametrize(
    ("number", "when"),
    some_of([(0, "before"), (0, "after"), (17, "before"), (46, "after"), (46, "before"), (17, "after"),
             (OPERATIONS - 1, "before"), (OPERATIONS - 1, "after")]),
)  # fmt: skip
def test_a_killed_process_leaves_what_another_recovers(
    tmp_path: Path, wanted: Workshop, number: int, when: str
) -> None:
    """A real SIGKILL: what its kernel has seen is done again in this process, which has the journal alone to go by."""
    program = """
import json, os, signal, sys
from pathlib import Path
from tests.unit.target_workshop import Workshop
from tests.unit.test_faults import apply, die_at
shop = Workshop(Path(sys.argv[1]))
def die():
    made = shop.door.made if sys.argv[3] == "after" else shop.door.made[:-1]
    Path(sys.argv[1], "made").write_text(json.dumps(made))
    os.kill(os.getpid(), signal.SIGKILL)
die_at(shop, int(sys.argv[2]), sys.argv[3], die)
apply(shop)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(number), when],
        cwd=Path(__file__).parents[2], check=False, timeout=60, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == -9
    ways: tuple[Way, ...] = ("rollback", "resume")
    for way in ways:
        shutil.copytree(tmp_path / "run", tmp_path / way / "run")
        shop = Workshop(tmp_path / way)
        replay(shop.files, json.loads((tmp_path / "made").read_text()))
        # Who dies before the first step has changed nothing; before that is written down, nothing is to be recovered.
        assert waiting(shop.place()) is not None
        outcome = recover(shop.place(), way)
        assert outcome.error is None
        if way == "rollback":
            assert tree(shop.read()) == tree(shop.before)
        else:
            assert holds_what_was_wanted(shop, wanted)


def test_keys_are_in_no_report(tmp_path: Path) -> None:
    for number in (15, 60):
        shop = Workshop(tmp_path / str(number))
        shop.door.fail = lambda at, _operation, _path, number=number: errno.EIO if at == number else None  # type: ignore[misc]
        told = repr(apply(shop))
        assert KEY not in told
        assert OTHER_KEY not in told
        assert "canary" not in told


def test_a_foreign_write_between_plan_and_change_is_noticed_and_nothing_is_written(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    proposal = shop.proposal()
    shop.files.write("/sys/kernel/config/nvmet/ports/4/addr_trtype", b"tcp\n")
    with take_turn(shop.place(), command="apply") as turn, pytest.raises(BusyError, match="somebody else has changed"):
        turn.carry_out(proposal)
    assert shop.door.made == []
    with take_turn(shop.place(), command="apply") as turn:
        assert turn.carry_out(shop.proposal()).error is None
