"""A change that undoes itself unless it is confirmed: for who may lose the connection over which they make it.

The clock is not this process, which dies with the connection, but a timer of systemd.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from p2pctl.errors import P2pctlError, UnsupportedError, UsageError
from p2pctl.target.plan import Plan

LONGEST = 7 * 24 * 3600
"""Seconds; more than that is a mistake."""

LOCK_TIMEOUT = 300
"""Seconds for which the timer's run waits for whoever holds the lock."""

_SECONDS_A_STEP = 0.1
"""What one step takes at most, removals on a busy host included: a generous guess for the time before the window."""


class Timers(Protocol):
    """What starts a command later, whatever becomes of this process."""

    def available(self) -> bool:
        """Whether there is such a thing here."""
        ...

    def arm(self, name: str, seconds: int, arguments: Sequence[str]) -> None:
        """Runs p2pctl with these arguments after ``seconds``. Raises OSError."""
        ...

    def disarm(self, name: str) -> None:
        """Takes that back; harmless where it has run, or never was. Raises OSError."""
        ...


def unit(transaction: str) -> str:
    """What the timer of a transaction is called."""
    return f"p2pctl-rollback-{transaction}"


def arguments(transaction: str) -> tuple[str, ...]:
    """What the timer runs."""
    return ("recover", "--rollback", "--yes", "--lock-timeout", str(LOCK_TIMEOUT), transaction)


def check(timers: Timers | None, seconds: int) -> Timers:
    """The timers, before anything is written. Raises UnsupportedError where there are none, UsageError."""
    if not 1 <= seconds <= LONGEST:
        raise UsageError(
            f"a change can wait for 1 to {LONGEST} seconds, not {seconds}", hint="give the time that a look takes: 120"
        )
    if timers is None or not timers.available():
        raise UnsupportedError(
            "a change can be undone later only by systemd, and this host does not run it",
            hint="leave out --confirm-within",
        )
    return timers


def arm(timers: Timers, transaction: str, seconds: int) -> None:
    """Sets the timer of a transaction, for the first time or anew. Raises P2pctlError."""
    try:
        timers.disarm(unit(transaction))
        timers.arm(unit(transaction), seconds, arguments(transaction))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise P2pctlError(
            f"cannot set the timer that would undo the change: {reason}",
            hint="systemctl status tells whether systemd takes units; or leave out --confirm-within",
            errno=error.errno,
        ) from None


def grace(plan: Plan) -> int:
    """Seconds that the steps may take before the window begins."""
    return 10 + int(len(plan.steps) * _SECONDS_A_STEP)
