"""What became of a change: every step with its result, and how the target stands now. Keys are not in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple

from p2pctl.errors import ExitCode, P2pctlError
from p2pctl.model.nvmet import SECRET_ATTRIBUTES, Nvmet
from p2pctl.target.plan import Step
from p2pctl.target.touched import REDACTED, Difference

StepStatus = Literal["done", "failed", "undone", "not-reached"]
"""``undone``: done, and taken back since."""

State = Literal["nothing", "applied", "waiting", "confirmed", "rolled-back", "partial"]
"""How a change ended.

- ``nothing``: there was nothing to do, or nothing was done before it failed;
- ``applied``: all is as wanted, even if the effect is not;
- ``waiting``: the same, and it will be undone unless it is confirmed in time;
- ``confirmed``: it was, just now;
- ``rolled-back``: all that was done has been undone;
- ``partial``: neither as before nor as wanted; ``residual`` is what is left.
"""

Severity = Literal["failure", "warning"]


class ChangeInterruptedError(P2pctlError):
    """A signal ended the change; what it had done is undone."""

    exit_code = ExitCode.INTERRUPTED


class StepResult(NamedTuple):
    """One step and what became of it."""

    step: Step
    status: StepStatus
    errno: int | None = None
    message: str | None = None
    """What went wrong, with its meaning."""
    log: tuple[str, ...] = ()
    """What the kernel logged while the step failed, oldest first."""


class Effect(NamedTuple):
    """Something that the attributes promise and that is not so."""

    subject: str
    severity: Severity
    text: str


class Outcome(NamedTuple):
    """Everything there is to say of one change."""

    state: State
    changed: bool = False
    """Whether the target is another than it was before."""
    transaction: str | None = None
    results: tuple[StepResult, ...] = ()
    """One for each step of the plan, in the plan's order."""
    undo: tuple[StepResult, ...] = ()
    """The steps of the rollback, in the order in which they were done."""
    rolled_back: bool = False
    """Whether there was something to undo and all of it has been."""
    residual: tuple[Difference, ...] = ()
    """What differs from the state before, where the rollback did not reach it."""
    effects: tuple[Effect, ...] = ()
    warnings: tuple[str, ...] = ()
    before: Nvmet | None = None
    wanted: Nvmet | None = None
    """What the change was to lead to, as far as it was asked for."""
    after: Nvmet | None = None
    """None where the target could not be read again."""
    until: float | None = None
    """When it is undone unless confirmed, seconds since 1970."""
    error: P2pctlError | None = None
    """What to tell after all else; None where the change succeeded."""


def redacted(step: Step) -> Step:
    """The step as it may be shown."""
    if step.operation != "write" or step.name not in SECRET_ATTRIBUTES:
        return step
    return replace(step, value=REDACTED if step.value else "", before=REDACTED if step.before else step.before)
