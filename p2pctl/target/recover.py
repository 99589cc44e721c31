"""Finishes or undoes a change whose process died, and ends the wait of one that must be confirmed."""

from __future__ import annotations

import contextlib
from typing import Literal, NamedTuple

from p2pctl.errors import NotFoundError, P2pctlError
from p2pctl.model.nvmet import Nvmet
from p2pctl.target import confirmation, rundir
from p2pctl.target.change import Work
from p2pctl.target.diff import plan
from p2pctl.target.executor import Progress
from p2pctl.target.flat import without_secrets
from p2pctl.target.interruption import deferred
from p2pctl.target.journal import Contents, Journal, Status
from p2pctl.target.outcome import Outcome
from p2pctl.target.plan import Step
from p2pctl.target.touched import aim, writable
from p2pctl.target.workplace import Workplace, find, held

Way = Literal["rollback", "resume"]


class Waiting(NamedTuple):
    """A change that is not finished."""

    transaction: str
    kind: Literal["interrupted", "confirmation"]
    command: str
    until: float | None
    """When it undoes itself, seconds since 1970."""


def waiting(place: Workplace) -> Waiting | None:
    """The change that is not finished, if there is one; without the lock, so it may be one that is under way.

    Raises P2pctlError.
    """
    if not rundir.trusted(place.directory):
        return None
    status = find(place.journal(), None)
    if status is None:
        return None
    kind: Literal["interrupted", "confirmation"] = "confirmation" if _waits(status) else "interrupted"
    return Waiting(status.transaction, kind, status.command, status.until)


def recover(
    place: Workplace,
    way: Way,
    *,
    transaction: str | None = None,
    timeout: float = 0.0,
    command: str = "recover",
    progress: Progress | None = None,
) -> Outcome:
    """Undoes what an interrupted change has touched, or finishes it; without one there is nothing to do.

    A change that waits for confirmation can be undone, too, and one that could not be undone whole can be tried again.
    Raises before the first write: BusyError, NotFoundError for a transaction that is not known, P2pctlError.
    """
    with held(place, command, timeout) as journal:
        status = find(journal, transaction)
        if status is None and transaction is not None:
            raise NotFoundError(
                f"there is no change {transaction} of this boot",
                hint="p2pctl recover without a name takes the unfinished one",
            )
        if status is None or status.end not in {None, "partial"}:
            return Outcome("nothing", transaction=transaction)
        return _recover(place, journal, status, way, progress)


def _recover(place: Workplace, journal: Journal, status: Status, way: Way, progress: Progress | None) -> Outcome:
    contents = journal.contents(status.transaction)
    steps = contents.plan.steps
    touched = (*(step for number, step in enumerate(steps) if number in status.started), *status.others)
    try:
        recorded = journal.transaction(status.transaction)
    except OSError as error:
        raise rundir.failed(error, f"go on with the change {status.transaction}") from None
    with contextlib.closing(recorded), deferred() as interruption:
        work = Work(place, recorded, contents, interruption, progress, touched, armed=status.until is not None)
        if way == "rollback":
            return work.back(touched)
        return work.forward(_rest(place.read(), contents, status), recorded.beyond())


def _rest(now: Nvmet, contents: Contents, status: Status) -> tuple[Step, ...]:
    """What is still to be done of a change, as the target is now."""
    steps = contents.plan.steps
    removed = {step.path for step in steps if step.operation == "rmdir"}
    # A subsystem that was to be made anew and may still be the old one, whose identity a host has seen.
    old = {
        step.path.rpartition("/")[2]
        for number, step in enumerate(steps)
        if step.operation == "mkdir" and step.path in removed and number not in status.started
    }
    return plan(now, writable(aim(now, contents.wanted, (*steps, *status.others))), locked=old).steps


def confirm(place: Workplace, transaction: str, *, timeout: float = 0.0) -> Outcome:
    """Keeps a change that would have undone itself.

    Raises NotFoundError for one that is not known, P2pctlError where it was undone already or does not wait,
    BusyError.
    """
    with held(place, "confirm", timeout) as journal:
        status = find(journal, transaction)
        if status is None:
            raise NotFoundError(
                f"there is no change {transaction} of this boot", hint="p2pctl status names the one that waits"
            )
        if status.end == "confirmed":
            return Outcome("nothing", transaction=transaction)
        if status.end is not None or not _waits(status):
            raise P2pctlError(
                f"the change {transaction} does not wait for confirmation: {_why_not(status)}",
                hint="p2pctl diff FILE shows how the target stands; apply makes the change again",
            )
        try:
            with contextlib.closing(journal.transaction(transaction)) as recorded:
                recorded.done("confirmed")
        except OSError as error:
            raise rundir.failed(error, f"confirm the change {transaction}") from None
        warnings: tuple[str, ...] = ()
        if place.timers is not None:
            try:
                place.timers.disarm(confirmation.unit(transaction))
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                warnings = (f"the timer could not be stopped ({reason}); it will find nothing to undo",)
        now = without_secrets(place.read())
        return Outcome("confirmed", transaction=transaction, warnings=warnings, after=now)


def _waits(status: Status) -> bool:
    return status.applied and status.until is not None


def _why_not(status: Status) -> str:
    return {
        "rolled-back": "it has been undone already",
        "partial": "it has been undone, as far as that went",
        "applied": "it was made to stay",
        "nothing": "it was given up before anything was changed",
        None: "it was interrupted; p2pctl recover finishes or undoes it",
    }.get(status.end, str(status.end))
