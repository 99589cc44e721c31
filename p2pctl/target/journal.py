"""What a change is about to do, written before each step, so that another process can finish or undo it.

Configfs does not outlive its kernel, so neither must this: nothing is synced to a disk, and a record of another boot
means nothing. It holds the keys that a rollback needs.
"""

# Paths are text, as everywhere.
# ruff: noqa: PTH102, PTH106, PTH108, PTH208

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, cast

from p2pctl.errors import P2pctlError
from p2pctl.model.nvmet import Nvmet
from p2pctl.target import rundir
from p2pctl.target.codec import dump_nvmet, dump_plan, load_nvmet, load_plan
from p2pctl.target.plan import Operation, Plan, Step

End = Literal["applied", "confirmed", "rolled-back", "partial", "nothing"]
"""How a transaction ended."""

KEPT = 20
"""Finished transactions that are kept to be looked at."""

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class Status(NamedTuple):
    """What a journal tells of its transaction."""

    transaction: str
    command: str
    """What the user called."""
    started: frozenset[int]
    """Numbers of the plan's steps that were begun; whether they were done is for the target to tell."""
    others: tuple[Step, ...]
    """Steps outside the plan that were begun to undo or finish it: operation and path only."""
    applied: bool
    """Whether all steps were done and verified."""
    until: float | None
    """When it is undone unless confirmed, seconds since 1970."""
    end: End | None
    """None while it is not finished."""


class Contents(NamedTuple):
    """What a transaction was to do."""

    plan: Plan
    before: Nvmet
    wanted: Nvmet


class Journal:
    """The transactions of a run directory. All but `waiting` is for who holds the lock."""

    def __init__(self, directory: str, boot: str) -> None:
        self._directory = f"{directory}/txn"
        self._boot = boot

    def begin(self, contents: Contents, command: str, *, now: float) -> Transaction:
        """Records a new transaction. Raises P2pctlError where it cannot; nothing has been changed then."""
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{secrets.token_hex(3)}"
        path = f"{self._directory}/{name}"
        try:
            rundir.make(self._directory)
            os.mkdir(path, 0o700)
            rundir.create(f"{path}/plan.json", dump_plan(contents.plan))
            rundir.create(f"{path}/before.json", dump_nvmet(contents.before))
            rundir.create(f"{path}/wanted.json", dump_nvmet(contents.wanted))
            # Last: without it nothing else counts.
            first = {"boot": self._boot, "command": command, "pid": os.getpid(), "time": now}
            rundir.create(f"{path}/journal", _line(first))
            return Transaction(path, name)
        except OSError as error:
            _remove(path)
            raise rundir.failed(error, f"record the change in {path}") from None

    def names(self) -> tuple[str, ...]:
        """All that is there, oldest first."""
        try:
            return tuple(sorted(os.listdir(self._directory)))
        except FileNotFoundError:
            return ()

    def status(self, name: str) -> Status | None:
        """What is known of a transaction of this boot; None for what is none."""
        if "/" in name or name in {"", ".", ".."}:
            return None
        try:
            lines = rundir.read(f"{self._directory}/{name}/journal").split(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return None
        records = [record for line in lines if (record := _record(line)) is not None]
        if not records or records[0].get("boot") != self._boot:
            return None
        return _status(name, records)

    def unfinished(self) -> Status | None:
        """The transaction that must be finished, undone or confirmed before another; None where all are.

        Raises OSError.
        """
        found = (self.status(name) for name in self.names())
        return next((status for status in found if status is not None and status.end is None), None)

    def tidy(self) -> None:
        """Removes what counts no longer: of another boot, never begun, or finished long ago."""
        finished = []
        for name in self.names():
            status = self.status(name)
            if status is None:
                _remove(f"{self._directory}/{name}")
            elif status.end is not None:
                finished.append(name)
            elif not (status.started or status.others or status.applied):
                _remove(f"{self._directory}/{name}")  # whoever it was died before the first step
        for name in finished[:-KEPT]:
            _remove(f"{self._directory}/{name}")

    def contents(self, name: str) -> Contents:
        """What a transaction was to do. Raises P2pctlError where its record is damaged."""
        path = f"{self._directory}/{name}"
        try:
            return Contents(
                load_plan(rundir.read(f"{path}/plan.json")),
                load_nvmet(rundir.read(f"{path}/before.json")),
                load_nvmet(rundir.read(f"{path}/wanted.json")),
            )
        except (OSError, ValueError) as error:
            raise P2pctlError(
                f"the record of transaction {name} cannot be used: {error}",
                hint=f"look at the target yourself, then remove {path}",
                path=path,
            ) from None

    def transaction(self, name: str) -> Transaction:
        """One that is there, to go on with."""
        return Transaction(f"{self._directory}/{name}", name)


class Transaction:
    """One change while it is made. Steps may be recorded by several threads."""

    def __init__(self, path: str, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._descriptor = os.open(f"{path}/journal", _APPEND)

    def begins(self, number: int, step: Step) -> None:
        """Step ``number`` of the plan is about to be done. Raises OSError."""
        del step  # the plan has it
        self._append({"step": number})

    def failed(self, number: int, step: Step) -> None:
        """The kernel has refused step ``number``, and nothing was done. Raises OSError."""
        del step
        self._append({"failed": number})

    def beyond(self) -> Beyond:
        """Where steps are recorded that the plan does not have: those that undo or finish it."""
        return Beyond(self._append)

    def undoing(self) -> None:
        """What was done is about to be undone. Raises OSError."""
        self._append({"undoing": True})

    def waiting(self, until: float) -> None:
        """It is undone at ``until`` unless confirmed. Raises OSError."""
        self._append({"until": until})

    def applied(self) -> None:
        """All is done and verified. Raises OSError."""
        self._append({"applied": True})

    def done(self, end: End) -> None:
        """It is finished. Raises OSError."""
        self._append({"done": end})

    def close(self) -> None:
        """Gives the file back. Harmless when repeated."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _append(self, record: dict[str, Any]) -> None:
        with self._lock:
            # A line of its own even after one that a full disk has cut.
            rundir.write_all(self._descriptor, b"\n" + _line(record))


class Beyond:
    """Records steps by what they are, since they have no number in the plan."""

    def __init__(self, append: Callable[[dict[str, Any]], None]) -> None:
        self._append = append

    def begins(self, number: int, step: Step) -> None:  # noqa: ARG002  the protocol has it
        """A step is about to be done. Raises OSError."""
        self._append({"operation": step.operation, "path": step.path})

    def failed(self, number: int, step: Step) -> None:
        """It stays recorded as begun: what it was to undo is touched already."""


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n"


def _record(line: bytes) -> dict[str, Any] | None:
    """One line; None for an empty one, or one that was cut when its writer died."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _status(name: str, records: list[dict[str, Any]]) -> Status:
    started: set[int] = set()
    others: list[Step] = []
    applied = False
    until: float | None = None
    end: End | None = None
    for record in records[1:]:
        match record:
            case {"step": int(number)}:
                started.add(number)
                end = None
            case {"failed": int(number)}:
                started.discard(number)
            case {"operation": str(operation), "path": str(path)}:
                others.append(Step(cast("Operation", operation), path, ""))
                end = None
            case {"applied": True}:
                applied = True
            case {"undoing": True}:
                applied, until, end = False, None, None
            case {"until": int() | float() as moment}:
                until = float(moment)
            case {"done": str(how)}:
                end = cast("End", how)
    command = str(records[0].get("command", ""))
    return Status(name, command, frozenset(started), tuple(others), applied, until, end)


def _remove(path: str) -> None:
    """Removes a transaction: the journal first, since without it the rest counts for nothing."""
    try:
        names: Iterable[str] = sorted(os.listdir(path), key=lambda name: name != "journal")
        for name in names:
            os.unlink(f"{path}/{name}")
        os.rmdir(path)
    except OSError:
        return  # what stays is looked at again with the next change
