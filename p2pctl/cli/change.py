"""The one way in which a command changes the target.

ready -> lock -> read -> merge -> plan -> preflight -> ask -> execute -> report. What may be refused is refused before
the first write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from p2pctl.cli import output
from p2pctl.cli.agreeing import agree
from p2pctl.cli.change_options import ChangeOptions
from p2pctl.cli.proposing import Proposed, ask_transports, propose
from p2pctl.cli.reporting import after_a_change
from p2pctl.cli.session import Session
from p2pctl.cli.sessions import Dropping
from p2pctl.cli.workplace import check_changeable, check_recorded, is_recorded, workplace
from p2pctl.errors import P2pctlError
from p2pctl.hardware.nvmet_setup import ready
from p2pctl.model.nvmet import Nvmet
from p2pctl.render.formats import DOCUMENTS
from p2pctl.render.object_changes import object_changes
from p2pctl.render.outcome import Change, change_lines, change_report
from p2pctl.target.change import Proposal, Turn, take_turn
from p2pctl.target.outcome import Outcome, StepResult
from p2pctl.target.plan import Disruption, Plan
from p2pctl.target.pruning import Prune
from p2pctl.target.shell import shell_line
from p2pctl.target.wishes import Wishes


class Asked(NamedTuple):
    """What a command asks for, once it has seen the target."""

    wishes: Wishes
    implied: Disruption = Disruption.NONE
    """What the command's own name says that hosts will notice: allowed unless --disruption says otherwise."""
    prune: Prune = "none"
    cascade: bool = True
    """Whether what is in use is deleted all the same."""
    explain: tuple[tuple[str, int], ...] = ()
    """Namespaces of which it is said beforehand what becomes of their P2P memory."""


class Extra(NamedTuple):
    """What only a few commands ask for."""

    confirm_within: int | None = None
    wait: float = 0.0
    """Seconds to wait for devices and addresses to appear."""
    dropping: Dropping | None = None
    """Sessions to end once the change is made."""


Ask = Callable[[Nvmet], Asked]


def change(session: Session, options: ChangeOptions, command: str, ask: Ask, extra: Extra | None = None) -> None:
    """Makes a change, or shows what it would be. Raises P2pctlError of every kind."""
    extra = extra or Extra()
    dropping = extra.dropping or Dropping(session)
    check_changeable(session, dry_run=options.dry_run)
    session.only("table", "plain", "json", "jsonl", "yaml")
    if is_recorded(session):  # of which nothing can be loaded, nothing is owned, and nothing will appear
        check_recorded(session)
        _show_plan(session, command, propose(session, options, ask, lambda _live: (), dropping, 0.0))
        return
    ready(session.door, load=options.load and not options.dry_run)
    place = workplace(session)
    if options.dry_run:
        proposed = propose(session, options, ask, lambda live: place.ownership().owned(live), dropping, extra.wait)
        _show_plan(session, command, proposed)
        return
    with take_turn(place, command=command, timeout=options.lock_timeout) as turn:
        proposed = propose(session, options, ask, turn.owned, dropping, extra.wait)
        if session.format not in DOCUMENTS:
            _say_beforehand(session, proposed)
        agree(session, proposed, yes=options.yes, allowed=options.disruption is not None)
        outcome = _carry_out(session, options, turn, proposed, extra)
    done = _finish(outcome, dropping)
    report(session, _change(command, proposed, done.outcome)._replace(also=done.said), done)


class Done(NamedTuple):
    """How it ended."""

    outcome: Outcome
    said: tuple[str, ...] = ()
    """What was done afterwards."""
    error: P2pctlError | None = None


def _carry_out(session: Session, options: ChangeOptions, turn: Turn, proposed: Proposed, extra: Extra) -> Outcome:
    if proposed.plan.steps:
        ready(session.door, load=options.load, transports=ask_transports(proposed.wanted, proposed.plan))

    def progress(result: StepResult) -> None:
        session.narrator.detail(f"{result.status}: {shell_line(result.step)}")

    return turn.carry_out(
        Proposal(proposed.live, proposed.wanted, proposed.plan),
        confirm_within=extra.confirm_within,
        progress=progress if session.narrator.level > 0 else None,
    )


def _finish(outcome: Outcome, dropping: Dropping) -> Done:
    if outcome.error is not None:
        return Done(outcome, (), outcome.error)
    try:
        return Done(outcome, dropping.end())
    except P2pctlError as error:
        return Done(outcome, (), error)


def _show_plan(session: Session, command: str, proposed: Proposed) -> None:
    """The plan as shell lines for people and shells, as a document for machines; whatever is said goes to stderr."""
    if session.format in DOCUMENTS:
        session.show(change_report(session.snapshot(set()), _change(command, proposed, None)))
        return
    output.write_lines(map(shell_line, proposed.plan.steps))
    _say_beforehand(session, proposed)
    if not proposed.plan.steps:
        session.narrator.note("nothing to do")


def _say_beforehand(session: Session, proposed: Proposed) -> None:
    for note in (*proposed.notes, *(f"warning: {one}" for one in proposed.warnings)):
        session.narrator.note(note)


def _change(command: str, proposed: Proposed, outcome: Outcome | None) -> Change:
    return Change(
        command,
        proposed.live,
        proposed.wanted,
        proposed.plan,
        proposed.objects if outcome is None or outcome.changed else (),
        proposed.notes,
        proposed.warnings,
        proposed.p2pmem,
        outcome,
    )


def report(session: Session, change: Change, done: Done) -> None:
    """Tells how a change ended, and raises its error where there is one."""
    from p2pctl.cli.failures import error_item  # noqa: PLC0415  it imports the way that errors are told

    made = done.error is None and (done.outcome.state != "nothing" or bool(done.said))
    with after_a_change(session, made=made, failed=done.error is not None):
        if session.format in DOCUMENTS:
            told = change._replace(error=error_item(done.error) if done.error else None)
            session.show(change_report(session.snapshot(set()), told))
        else:
            output.write_lines(change_lines(change))
    if session.format not in DOCUMENTS:
        _aside(session, done.outcome)
    if done.error is not None:
        raise done.error


def _aside(session: Session, outcome: Outcome) -> None:
    """What people should know beside the changed objects."""
    say = session.narrator.note
    for result in outcome.results:
        if result.status == "failed":
            say(f"failed: {shell_line(result.step)}")
            for line in result.log:
                say(f"  the kernel says: {line}")
    for effect in outcome.effects:
        say(f"{effect.severity}: {effect.subject}: {effect.text}")
    for warning in outcome.warnings:
        say(f"warning: {warning}")
    if outcome.rolled_back and outcome.error is not None:
        say("everything that was done has been undone")
    for one in outcome.residual:
        say(f"left: {one.path} is {_told(one.have)}, not {_told(one.want)}")
    if outcome.state == "waiting" and outcome.until is not None:
        from p2pctl.target.workplace import when  # noqa: PLC0415

        say(f"undone at {when(outcome.until)} unless it is confirmed: p2pctl confirm {outcome.transaction}")


def check_ready(session: Session) -> None:
    """Raises what stands against any change of this source: a recording, a format, a target that is not there."""
    check_changeable(session)
    session.only("table", "plain", "json", "jsonl", "yaml")
    ready(session.door, load=False)


def report_outcome(session: Session, command: str, outcome: Outcome) -> None:
    """Tells how a change ended that was not planned here, and raises its error where there is one."""
    before = outcome.before or Nvmet(session.door.now(), present=True, loaded=True)
    after = outcome.after or before
    plan = Plan(tuple(one.step for one in outcome.results))
    # What was wanted, and not what is there: the kernel's own defaults are nobody's change.
    wanted = outcome.wanted or before
    objects = object_changes(before, wanted) if outcome.state in {"applied", "waiting"} else ()
    report(session, Change(command, before, after, plan, objects, outcome=outcome), Done(outcome, (), outcome.error))


def _told(text: str | None) -> str:
    return "not there" if text is None else repr(text)
