"""The one way in which a command changes the target: it asks whoever sits there, and tells how it went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from p2pctl.cli import output
from p2pctl.cli.agreeing import agree
from p2pctl.cli.change_options import ChangeOptions
from p2pctl.cli.making import Done, Job, Watch, asides, made, make, planned
from p2pctl.cli.proposing import Proposed
from p2pctl.cli.reporting import after_a_change
from p2pctl.cli.session import Session
from p2pctl.cli.sessions import Dropping
from p2pctl.cli.workplace import check_changeable
from p2pctl.hardware.nvmet_setup import ready
from p2pctl.model.nvmet import Nvmet
from p2pctl.render.becoming import outcome_item, outcome_lines
from p2pctl.render.formats import DOCUMENTS
from p2pctl.render.object_changes import object_changes
from p2pctl.render.outcome import Change, change_lines, change_report
from p2pctl.target.outcome import Outcome, StepResult
from p2pctl.target.plan import Disruption, Plan
from p2pctl.target.port_state import PortState
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
    job = Job(command, ask, options, extra, extra.dropping or Dropping(session))
    check_changeable(session, dry_run=options.dry_run)
    session.only("table", "plain", "json", "jsonl", "yaml")
    if options.dry_run:
        _show_plan(session, command, planned(session, job))
        return
    fresh: list[PortState] = []

    def consent(proposed: Proposed) -> None:
        fresh.extend(_exported(session, proposed))
        if session.format not in DOCUMENTS:
            _say_beforehand(session, proposed, fresh)
        agree(session, proposed, yes=options.yes, allowed=options.disruption is not None)

    def progress(result: StepResult) -> None:
        session.narrator.detail(f"{result.status}: {shell_line(result.step)}")

    proposed, done = make(session, job, consent, Watch(progress if session.narrator.level > 0 else None))
    told = made(command, proposed, done.outcome)._replace(also=done.said, outcomes=tuple(map(outcome_item, fresh)))
    report(session, told, done)


def _show_plan(session: Session, command: str, proposed: Proposed) -> None:
    """The plan as shell lines for people and shells, as a document for machines; whatever is said goes to stderr."""
    fresh = _exported(session, proposed)
    if session.format in DOCUMENTS:
        told = made(command, proposed, None)._replace(outcomes=tuple(map(outcome_item, fresh)))
        session.show(change_report(session.snapshot(set()), told))
        return
    output.write_lines(map(shell_line, proposed.plan.steps))
    _say_beforehand(session, proposed, fresh)
    if not proposed.plan.steps:
        session.narrator.note("nothing to do")


def _exported(session: Session, proposed: Proposed) -> tuple[PortState, ...]:
    """What becomes of P2P memory where a port is to serve what it did not."""
    from p2pctl.cli.outcomes import exports, outcomes  # noqa: PLC0415  most changes export nothing

    return outcomes(session, proposed, off=False) if exports(proposed) else ()


def _say_beforehand(session: Session, proposed: Proposed, fresh: Sequence[PortState]) -> None:
    for note in (*proposed.notes, *outcome_lines(fresh), *(f"warning: {one}" for one in proposed.warnings)):
        session.narrator.note(note)


def report(session: Session, change: Change, done: Done) -> None:
    """Tells how a change ended, and raises its error where there is one."""
    from p2pctl.cli.failures import error_item  # noqa: PLC0415  it imports the way that errors are told

    changed = done.error is None and (done.outcome.state != "nothing" or bool(done.said))
    with after_a_change(session, made=changed, failed=done.error is not None):
        if session.format in DOCUMENTS:
            told = change._replace(error=error_item(done.error) if done.error else None)
            session.show(change_report(session.snapshot(set()), told))
        else:
            output.write_lines(change_lines(change))
    if session.format not in DOCUMENTS:
        for line in asides(done.outcome):
            session.narrator.note(line)
    if done.error is not None:
        raise done.error


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
