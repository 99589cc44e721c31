"""The kernel's own answer, through a subsystem that no port leads to and that is never left behind."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from p2pctl.cli.asking import _asked
from p2pctl.errors import BusyError, P2pctlError, RecoverError
from p2pctl.kernel import LogRead
from p2pctl.model.address import Address
from p2pctl.model.nvmet import ROOT
from p2pctl.model.snapshot import Snapshot, Source
from p2pctl.simulator.nvmet.environment import Environment
from p2pctl.target.asking import COMMAND, SCRATCH, ask_kernel
from p2pctl.target.change import take_turn
from p2pctl.target.inquiry import Inquiry
from p2pctl.target.recover import waiting
from tests.unit.target_workshop import ENVIRONMENT, POOL, Workshop, tree

PROVIDER = Address(0, 3, 0, 0)
CLIENT = Address(0, 8, 0, 0)
assert str(PROVIDER) == POOL
INQUIRY = Inquiry(PROVIDER, CLIENT, "/dev/nvme2n1")
OTHER = Inquiry(PROVIDER, Address(0, 7, 0, 0), "/dev/nvme4n1")


def denying() -> Environment:
    return replace(ENVIRONMENT, distance=lambda _provider, client: -1 if client == "0000:05:00.0" else 2)


class KilledError(BaseException):
    """What ends the process without letting it clean up."""


def test_the_kernel_is_asked_and_nothing_is_left(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    allowed, also = ask_kernel(shop.place(), (INQUIRY, OTHER))
    assert (allowed.answer, allowed.errno, also.answer) == ("allowed", None, "allowed")
    assert tree(shop.read()) == tree(shop.before)
    assert waiting(shop.place()) is None
    enabled = [path for _, path, value in shop.door.made if path.endswith("/enable") and value.strip() == "1"]
    assert len(enabled) == 2


def test_no_port_ever_leads_to_it_and_no_host_may_use_it(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    ask_kernel(shop.place(), (INQUIRY,))
    assert {path.startswith(f"{ROOT}/subsystems/{SCRATCH}") for _, path, _ in shop.door.made} == {True}
    assert not [path for operation, path, _ in shop.door.made if operation == "symlink"]
    assert not [path for _, path, value in shop.door.made if path.endswith("any_host") and value.strip() == "1"]


def test_a_refusal_comes_with_errno_and_log_and_leaves_nothing(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, denying())
    (answer,) = ask_kernel(shop.place(), (INQUIRY,))
    assert (answer.answer, answer.errno, answer.attribute) == ("denied", errno.EINVAL, "enable")
    assert any("cannot be used for peer-to-peer DMA" in line for line in answer.log)
    assert tree(shop.read()) == tree(shop.before)


def test_a_refusal_whose_reason_nobody_can_read_is_held_against_no_prediction(tmp_path: Path) -> None:
    """The same errno comes from a driver that takes no P2P memory at all: only the log tells the two apart."""

    class Unreadable:
        def mark(self) -> int:
            raise PermissionError(errno.EPERM, "no")

        def since(self, _mark: int = -1) -> LogRead:
            raise PermissionError(errno.EPERM, "no")

    shop = Workshop(tmp_path, denying())
    (known,) = ask_kernel(shop.place(), (INQUIRY,))
    (answer,) = ask_kernel(replace(shop.place(), log=Unreadable()), (INQUIRY,))
    assert (known.logged, answer.answer, answer.logged) == (True, "denied", False)
    snapshot = Snapshot(Source("live", "host", "7.3.0", "boot"), 0.0)
    assert _asked(snapshot, CLIENT, known).comparable
    told = _asked(snapshot, CLIENT, answer)
    assert not told.comparable
    assert "cannot be read" in told.text


def test_a_provider_without_a_pool_is_no_answer_about_the_two(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    (answer,) = ask_kernel(shop.place(), (INQUIRY._replace(provider=Address(0, 9, 0, 0)),))
    assert (answer.answer, answer.errno, answer.attribute) == ("not-asked", errno.ENODEV, "p2pmem")
    assert tree(shop.read()) == tree(shop.before)


def test_a_disk_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    with pytest.raises(P2pctlError):
        ask_kernel(shop.place(), (INQUIRY._replace(disk="/dev/nvme99n1"),))
    assert tree(shop.read()) == tree(shop.before)


def operations(path: Path) -> int:
    shop = Workshop(path)
    ask_kernel(shop.place(), (INQUIRY,))
    return len(shop.door.made)


@pytest.mark.parametrize("when", ["before", "after"])
def test_after_a_kill_at_any_operation_the_next_question_removes_what_was_left(tmp_path: Path, when: str) -> None:
    """Before and after every single one of them; the target is as it was, and the answer right."""
    count = operations(tmp_path / "count")
    assert count > 5
    for at in range(count):
        shop = Workshop(tmp_path / str(at))

        def die(number: int, at: int = at) -> None:
            if number == at:
                raise KilledError

        setattr(shop.door, when, die)
        with pytest.raises(KilledError):
            ask_kernel(shop.place(), (INQUIRY,))
        setattr(shop.door, when, lambda _number: None)
        (answer,) = ask_kernel(shop.place(), (INQUIRY,))
        assert answer.answer == "allowed"
        assert tree(shop.read()) == tree(shop.before), at
        assert waiting(shop.place()) is None


@pytest.mark.parametrize("code", [errno.EBUSY, errno.ENOMEM, errno.EIO])
def test_whatever_operation_fails_nothing_is_left(tmp_path: Path, code: int) -> None:
    """What the failed removal has left behind, the next question removes."""
    for at in range(operations(tmp_path / "count")):
        shop = Workshop(tmp_path / f"{at}")
        shop.door.fail = lambda number, _operation, _path, at=at: code if number == at else None  # type: ignore[misc]
        try:
            ask_kernel(shop.place(), (INQUIRY,))
        except P2pctlError:
            shop.door.fail = lambda _number, _operation, _path: None
            ask_kernel(shop.place(), (INQUIRY,))
        assert tree(shop.read()) == tree(shop.before), at


def test_a_change_of_somebody_else_that_was_interrupted_is_left_alone(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)

    def die(_number: int) -> None:
        raise KilledError

    shop.door.after = die
    with pytest.raises(KilledError), take_turn(shop.place(), command="apply x.yaml") as turn:
        turn.carry_out(shop.proposal())
    shop.door.after = lambda _number: None
    with pytest.raises(RecoverError, match=r"apply x\.yaml"):
        ask_kernel(shop.place(), (INQUIRY,))
    found = waiting(shop.place())
    assert found is not None
    assert found.command != COMMAND


def test_while_somebody_else_changes_the_target_nothing_is_asked(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    with take_turn(shop.place(), command="apply"), pytest.raises(BusyError):
        ask_kernel(shop.place(), (INQUIRY,))
    assert shop.door.made == []


def test_a_subsystem_of_that_name_that_a_port_leads_to_is_not_touched(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.files.mkdir(f"{ROOT}/subsystems/{SCRATCH}")
    shop.files.symlink(f"{ROOT}/subsystems/{SCRATCH}", f"{ROOT}/ports/2/subsystems/{SCRATCH}")
    with pytest.raises(BusyError, match="a port leads to"):
        ask_kernel(shop.place(), (INQUIRY,))
    assert SCRATCH in shop.read().subsystems
