"""Asks the running kernel whether a disk may use a pool: through a subsystem that no port leads to.

Enabling a namespace with a named provider makes the kernel compute the distance of the two, and refuse what it denies
(drivers/nvme/target/core.c, ``nvmet_p2pmem_ns_enable``). Nothing is exported; the subsystem is removed again at once,
or by the next question where this process is killed in between.
"""

from __future__ import annotations

import errno
from typing import Literal

from p2pctl.errors import BusyError, P2pctlError
from p2pctl.model.nvmet import Nvmet, Subsystem, TargetNamespace
from p2pctl.target.change import Proposal, Turn, take_turn
from p2pctl.target.diff import plan
from p2pctl.target.inquiry import Inquiry, KernelAnswer
from p2pctl.target.interruption import Interruption, deferred
from p2pctl.target.outcome import ChangeInterruptedError, Outcome
from p2pctl.target.recover import recover, waiting
from p2pctl.target.workplace import Workplace

COMMAND = "explain --ask-kernel"
"""What others are told meanwhile, and by which an interrupted question is known."""

SCRATCH = "nqn.2026-11.org.p2pctl:scratch:ask-kernel"
"""The subsystem, by whose name one that was left behind is known."""

_NSID = 1

_ANSWERS = frozenset({("enable", errno.EINVAL), ("p2pmem", errno.ENODEV)})
"""Stores whose refusal is an answer: of the two together, or of a provider that publishes no pool."""


def ask_kernel(place: Workplace, inquiries: tuple[Inquiry, ...], *, timeout: float = 0.0) -> tuple[KernelAnswer, ...]:
    """The running kernel's answers, in order.

    Raises BusyError where another p2pctl changes the target, RecoverError where one was interrupted, PartialError where
    the scratch subsystem could not be removed, ChangeInterruptedError, P2pctlError.
    """
    _recover_own(place, timeout)
    with take_turn(place, command=COMMAND, timeout=timeout) as turn, deferred() as stop:
        _remove(turn, place, Interruption())
        answers = []
        for inquiry in inquiries:
            if stop():
                raise ChangeInterruptedError(f"interrupted by {stop.name}", hint="run it again")
            answers.append(_ask(place, turn, inquiry, stop))
        return tuple(answers)


def _recover_own(place: Workplace, timeout: float) -> None:
    """Undoes a question that was killed half way: it made nothing that anybody wants to keep."""
    found = waiting(place)
    if found is not None and found.kind == "interrupted" and found.command == COMMAND:
        outcome = recover(place, "rollback", transaction=found.transaction, timeout=timeout, command=COMMAND)
        if outcome.error is not None:
            raise outcome.error


def _ask(place: Workplace, turn: Turn, inquiry: Inquiry, stop: Interruption) -> KernelAnswer:
    live = place.read()
    wanted = _with_scratch(live, inquiry)
    mark = _mark(place)
    outcome = turn.carry_out(Proposal(live, wanted, plan(live, wanted)), interruption=stop)
    if outcome.error is not None:
        return _refused(inquiry, outcome)._replace(logged=mark is not None)
    # What ends the process now is noted, and heeded once nothing is left behind.
    _remove(turn, place, Interruption())
    return KernelAnswer(inquiry, "allowed", log=_about(_logged(place, mark), inquiry))


def _mark(place: Workplace) -> int | None:
    """The newest line of the log; None where it may not be read."""
    try:
        return place.log.mark()
    except OSError:
        return None


def _logged(place: Workplace, mark: int | None) -> tuple[str, ...]:
    if mark is None:
        return ()
    try:
        return tuple(line.text for line in place.log.since(mark).lines)
    except OSError:
        return ()


def _with_scratch(live: Nvmet, inquiry: Inquiry) -> Nvmet:
    namespace = TargetNamespace(_NSID, {"device_path": inquiry.disk, "p2pmem": str(inquiry.provider), "enable": "1"})
    scratch = Subsystem(SCRATCH, {"attr_allow_any_host": "0"}, {_NSID: namespace})
    return live._replace(subsystems={**live.subsystems, SCRATCH: scratch})


def _refused(inquiry: Inquiry, outcome: Outcome) -> KernelAnswer:
    """The answer of a kernel that refused a store. Raises the outcome's error where it is no answer."""
    failed = next((one for one in outcome.results if one.status == "failed"), None)
    if outcome.error is None or failed is None or not outcome.rolled_back or failed.errno is None:
        raise outcome.error or P2pctlError("the kernel could not be asked", hint="run it again")
    name = failed.step.name
    # Anything else, such as a disk that is not there, says nothing about the two.
    if failed.step.operation != "write" or (name, failed.errno) not in _ANSWERS:
        raise outcome.error
    answer: Literal["denied", "not-asked"] = "denied" if name == "enable" else "not-asked"
    return KernelAnswer(inquiry, answer, failed.errno, name, outcome.error.message, failed.log)


def _remove(turn: Turn, place: Workplace, stop: Interruption) -> None:
    """Removes the scratch subsystem, if it is there. Raises BusyError where somebody has linked a port to it."""
    live = place.read()
    if SCRATCH not in live.subsystems:
        return
    if any(SCRATCH in port.links.values() for port in live.ports.values()):
        raise BusyError(
            f"a port leads to {SCRATCH}, which is p2pctl's own and is to be removed",
            hint=f"p2pctl port unlink PORT {SCRATCH}",
        )
    wanted = live._replace(subsystems={nqn: one for nqn, one in live.subsystems.items() if nqn != SCRATCH})
    outcome = turn.carry_out(Proposal(live, wanted, plan(live, wanted)), interruption=stop)
    if outcome.error is not None:
        raise outcome.error


def _about(log: tuple[str, ...], inquiry: Inquiry) -> tuple[str, ...]:
    """The lines that are about the two."""
    words = (str(inquiry.provider), str(inquiry.client), "p2pmem", "ACS redirect", "acs_redir")
    return tuple(line for line in log if any(word in line for word in words))
