"""From a plan to a changed target: what commands and the dashboard do alike, whoever is asked and told.

ready -> lock -> read -> merge -> plan -> preflight -> agree -> execute. What may be refused is refused before the first
write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.cli.proposing import Proposed, ask_transports, propose
from p2pctl.cli.workplace import check_recorded, is_recorded, workplace
from p2pctl.errors import P2pctlError
from p2pctl.hardware.nvmet_setup import could_be_ready, ready
from p2pctl.render.outcome import Change
from p2pctl.target.change import Proposal, take_turn
from p2pctl.target.outcome import Outcome
from p2pctl.target.shell import shell_line

if TYPE_CHECKING:
    from p2pctl.cli.change import Ask, Extra
    from p2pctl.cli.change_options import ChangeOptions
    from p2pctl.cli.session import Session
    from p2pctl.cli.sessions import Dropping
    from p2pctl.target.executor import Progress
    from p2pctl.target.interruption import Interruption


class Job(NamedTuple):
    """What is to be made of the target."""

    command: str
    """What others are told meanwhile, and the journal says."""
    ask: Ask
    options: ChangeOptions
    extra: Extra
    dropping: Dropping


class Watch(NamedTuple):
    """Who follows a change while it is carried out."""

    progress: Progress | None = None
    interruption: Interruption | None = None
    """Where it is noted that the change is to stop and be undone; None: only signals say so."""


class Done(NamedTuple):
    """How it ended."""

    outcome: Outcome
    said: tuple[str, ...] = ()
    """What was done afterwards."""
    error: P2pctlError | None = None


def planned(session: Session, job: Job) -> Proposed:
    """What would be done, of a recording, too; nothing is locked, loaded or written. Raises P2pctlError."""
    if is_recorded(session):  # of which nothing can be loaded, nothing is owned, and nothing will appear
        check_recorded(session)
        return propose(session, job.options, job.ask, lambda _live: (), job.dropping, 0.0)
    if job.options.load:
        could_be_ready(session.door)
    else:
        ready(session.door, load=False)
    place = workplace(session)
    return propose(
        session,
        job.options,
        job.ask,
        lambda live: place.ownership().owned(live),
        job.dropping,
        job.extra.wait,
    )


def make(
    session: Session, job: Job, agree: Callable[[Proposed], None], watch: Watch | None = None
) -> tuple[Proposed, Done]:
    """Makes the change, if ``agree``, which sees the plan, lets it. Raises P2pctlError before the first write."""
    watch = watch or Watch()
    options, extra = job.options, job.extra
    ready(session.door, load=options.load)
    with take_turn(workplace(session), command=job.command, timeout=options.lock_timeout) as turn:
        proposed = propose(session, options, job.ask, turn.owned, job.dropping, extra.wait)
        agree(proposed)
        if proposed.plan.steps:
            ready(session.door, load=options.load, transports=ask_transports(proposed.wanted, proposed.plan))
        outcome = turn.carry_out(
            Proposal(proposed.live, proposed.wanted, proposed.plan),
            confirm_within=extra.confirm_within,
            progress=watch.progress,
            interruption=watch.interruption,
        )
    return proposed, _finish(outcome, job.dropping)


def _finish(outcome: Outcome, dropping: Dropping) -> Done:
    if outcome.error is not None:
        return Done(outcome, (), outcome.error)
    try:
        return Done(outcome, dropping.end())
    except P2pctlError as error:
        return Done(outcome, (), error)


def made(command: str, proposed: Proposed, outcome: Outcome | None) -> Change:
    """What there is to tell of it; of a plan without an outcome."""
    return Change(
        command,
        proposed.live,
        proposed.wanted,
        proposed.plan,
        proposed.objects if outcome is None or outcome.changed else (),
        proposed.notes,
        proposed.warnings,
        proposed.p2pmem,
        outcome=outcome,
    )


def asides(outcome: Outcome) -> Iterator[str]:
    """What people should know beside the changed objects."""
    for result in outcome.results:
        if result.status == "failed":
            yield f"failed: {shell_line(result.step)}"
            yield from (f"  the kernel says: {line}" for line in result.log)
    for effect in outcome.effects:
        yield f"{effect.severity}: {effect.subject}: {effect.text}"
    yield from (f"warning: {warning}" for warning in outcome.warnings)
    if outcome.rolled_back and outcome.error is not None:
        yield "everything that was done has been undone"
    for one in outcome.residual:
        yield f"left: {one.path} is {_told(one.have)}, not {_told(one.want)}"
    if outcome.state == "waiting" and outcome.until is not None:
        from p2pctl.target.workplace import when  # noqa: PLC0415

        yield f"undone at {when(outcome.until)} unless it is confirmed: p2pctl confirm {outcome.transaction}"


def _told(text: str | None) -> str:
    return "not there" if text is None else repr(text)
