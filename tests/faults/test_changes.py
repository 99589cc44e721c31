"""Changes of the target: operations that fail, deaths, a full disk under the journal, ten thousand namespaces."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from p2pctl.errors import ExitCode, P2pctlError
from p2pctl.target.change import take_turn
from p2pctl.target.outcome import Outcome
from p2pctl.target.recover import Way, recover, waiting
from p2pctl.target.wishes import NamespaceWish, SubsystemWish, Wishes
from tests.faults.conftest import Fault, Note
from tests.unit import test_faults
from tests.unit.target_workshop import Workshop, tree
from tests.unit.test_faults import ERRNOS, OPERATIONS, apply, died, holds_what_was_wanted

KILLED = "SIGKILL at an operation, then recover, both ways"
FEW = range(0, OPERATIONS, 11)
ALL = range(OPERATIONS)
BOTH = [FEW, pytest.param(ALL, marks=pytest.mark.full)]


def unchanged(shop: Workshop) -> bool:
    return tree(shop.read()) == tree(shop.before)


def clear(error: P2pctlError | None, *words: str) -> bool:
    """Whether the message has these words, and a way on."""
    return error is not None and all(word in f"{error.message} {error.path}" for word in words) and bool(error.hint)


def explains(error: P2pctlError | None, number: int, path: str) -> bool:
    """Whether the message says what failed, why, and where; the report says that it was undone."""
    reason = os.strerror(number).lower()
    if error is None or (error.errno, error.path) != (number, path):
        return False
    what, told, why = error.message.partition(f": {reason}")
    return what.startswith("cannot ") and bool(told) and (not why or why.startswith(": "))


@pytest.mark.parametrize("numbers", BOTH, ids=["few", "all"])
def test_an_operation_that_the_kernel_refuses(tmp_path: Path, note: Note, numbers: range) -> None:
    for number in numbers:
        code = ERRNOS[number % len(ERRNOS)]
        shop = Workshop(tmp_path / str(number))
        shop.door.fail = lambda at, _operation, _path, number=number, code=code: (  # type: ignore[misc]
            code if at == number else None
        )
        outcome = apply(shop)
        whole = outcome.residual == () and waiting(shop.place()) is None and not outcome.changed
        told = explains(outcome.error, code, shop.door.made[number][1])
        note(Fault("the kernel refuses an operation", unchanged(shop), whole, told))


@pytest.mark.parametrize("numbers", BOTH, ids=["few", "all"])
@pytest.mark.parametrize("way", ["rollback", "resume"])
def test_a_death_at_an_operation(tmp_path: Path, note: Note, numbers: range, way: Way) -> None:
    reference = Workshop(tmp_path / "reference")
    assert apply(reference).error is None
    for number in numbers:
        shop = Workshop(tmp_path / f"{number}")
        died(shop, number, "before")
        told = refusal(shop)
        outcome = recover(shop.place(), way)
        done = unchanged(shop) if way == "rollback" else holds_what_was_wanted(shop, reference)
        whole = outcome.error is None and waiting(shop.place()) is None
        what = f"p2pctl dies at an operation, then recover --{way}"
        note(Fault(what, done, whole, clear(told, "was interrupted") and told.exit_code == ExitCode.RECOVER))  # type: ignore[union-attr]


@pytest.mark.full
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [0, 17, 46, OPERATIONS - 1])
def test_a_process_that_is_killed(tmp_path: Path, note: Note, number: int, when: str) -> None:
    """A real SIGKILL; what another process makes of the journal is looked at there."""
    reference = Workshop(tmp_path / "reference")
    assert apply(reference).error is None
    (tmp_path / "run").mkdir()
    try:
        test_faults.test_a_killed_process_leaves_what_another_recovers(tmp_path / "run", reference, number, when)
    except AssertionError:
        note(Fault(KILLED, False, False, None))
        raise
    note(Fault(KILLED, True, True, None))


def refusal(shop: Workshop) -> P2pctlError | None:
    """What the next change is told."""
    try:
        with take_turn(shop.place(), command="apply"):
            return None
    except P2pctlError as error:
        return error


@contextmanager
def room(size: int) -> Iterator[None]:
    """Files can grow to this many bytes: what a full disk does, without a disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, kept)


@pytest.mark.parametrize("size", [0, 1, 100, 300, 1000, 1500, 4000, 12_000])
def test_no_room_for_the_journal(tmp_path: Path, note: Note, size: int) -> None:
    """Before the first operation, or in the middle: what is not recorded is not done, and what was done is undone."""
    shop = Workshop(tmp_path)
    error: P2pctlError | None
    with room(size):
        try:
            outcome: Outcome | None = apply(shop)
            error = outcome.error if outcome else None
        except P2pctlError as caught:
            outcome, error = None, caught
    note(Fault("no room for the journal", unchanged(shop), outcome is None or outcome.residual == (),
               clear(error, os.strerror(errno.EFBIG).lower())))  # fmt: skip
    assert waiting(shop.place()) is None or recover(shop.place(), "rollback").error is None
    shop.see()
    assert apply(shop).error is None, "with room again it goes through"


@pytest.mark.full
def test_ten_thousand_namespaces_and_a_failure_at_the_end(tmp_path: Path, note: Note) -> None:
    shop = Workshop(tmp_path)
    wishes = many(10_000)
    shop.door.fail = lambda number, _operation, _path: errno.ENOMEM if number == 30_000 else None
    proposal = shop.proposal(wishes)
    count = sum(step.operation == "mkdir" and "/namespaces/" in step.path for step in proposal.plan.steps)
    assert count == 10_000
    with take_turn(shop.place(), command="apply many.yaml") as turn:
        outcome = turn.carry_out(proposal)
    told = explains(outcome.error, errno.ENOMEM, shop.door.made[30_000][1])
    note(Fault("one of 10,000 namespaces fails", unchanged(shop), outcome.residual == (), told))
    shop.door.fail = lambda _number, _operation, _path: None
    with take_turn(shop.place(), command="apply many.yaml") as turn:
        outcome = turn.carry_out(shop.proposal(wishes))
    assert outcome.error is None
    made = sum(len(one.namespaces) for nqn, one in shop.read().subsystems.items() if nqn.startswith("nqn.many"))
    note(Fault("10,000 namespaces are made", None, made == 10_000, None))


def many(count: int) -> Wishes:
    """Namespaces on as many subsystems as they need: one takes 1,024."""
    on = {"device_path": "/srv/image", "enable": "1"}
    numbers = range(1, count // 10 + 1)
    namespaces = {number: NamespaceWish(attributes=on) for number in numbers}
    return Wishes(subsystems={f"nqn.many-{at}": SubsystemWish(namespaces=namespaces) for at in range(10)})
