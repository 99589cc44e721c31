"""Changes that somebody at the dashboard asks for: the way of the commands, told to a screen."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, cast

from p2pctl.cli.agreeing import noticed
from p2pctl.cli.change import Asked, Extra
from p2pctl.cli.change_options import ChangeOptions
from p2pctl.cli.change_values import given
from p2pctl.cli.documents import read_document
from p2pctl.cli.failures import explain
from p2pctl.cli.making import Job, Watch, asides, made, make, planned
from p2pctl.cli.narrate import Listener
from p2pctl.cli.objects import changeable_port, find_namespace, find_subsystem
from p2pctl.cli.outcomes import outcomes
from p2pctl.cli.session import Session
from p2pctl.cli.sessions import Dropping
from p2pctl.cli.unfinished import check_finished
from p2pctl.cli.workplace import check_changeable
from p2pctl.dashboard.source import Done, Proposal, Request
from p2pctl.errors import BusyError, P2pctlError, UsageError
from p2pctl.render.becoming import outcome_lines
from p2pctl.render.outcome import change_lines, touched_document
from p2pctl.render.text import spans
from p2pctl.target.interruption import Interruption
from p2pctl.target.schema import key_for
from p2pctl.target.shell import shell_line
from p2pctl.target.wishes import NamespaceWish, Wishes

if TYPE_CHECKING:
    from p2pctl.cli.change import Ask
    from p2pctl.cli.proposing import Proposed
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.render.formats import Format
    from p2pctl.target.outcome import StepResult

_ALLOWED = ChangeOptions(disruption="all")
"""Whatever hosts would notice: the screen says it, and asks."""


class _Listening(Session):
    """A session that writes nothing, for the thread that changes: with a door of its own, beside the one that looks."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.options)
        self.narrator: Listener = Listener()

    @cached_property
    def format(self) -> Format:
        """Lines for people."""
        return "table"


class _Token(NamedTuple):
    ask: Ask
    shown: Proposed
    session: _Listening
    interruption: Interruption


class DoorChanger:
    """`p2pctl.dashboard.source.Changer` over the source of facts that a session's options ask for.

    Each proposal has a session of its own: one that is still planned when nobody wants it any more says nothing to
    the next.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def plan(self, request: Request) -> Proposal:
        """What would be done.

        Raises UsageError for a recording, RecoverError where a change was left unfinished, and all that stands against
        the plan, with what was said of it in the error's ``details``.
        """
        session = _Listening(self._session)
        check_changeable(session)
        check_finished(session)
        try:
            ask = _ask(session, request)
            shown = planned(session, _job(session, request, ask))
        except P2pctlError as error:
            error.details = (*explain(error).details, *_said(session))
            raise
        return Proposal(
            request,
            tuple(map(shell_line, shown.plan.steps)),
            shown.plan.disruption,
            (*shown.predicted, *outcome_lines(outcomes(session, shown))),
            (*(note for note in shown.notes if note not in shown.predicted), *_said(session)),
            shown.warnings,
            _Token(ask, shown, session, Interruption()),
            shown.plan.vanishing,
            tuple(noticed(session, shown.live, shown.plan)) if shown.plan.disruption else (),
        )

    def carry_out(self, proposal: Proposal, progress: Callable[[str], None]) -> Done:
        """Does it. Raises BusyError where the target moved since it was planned, P2pctlError.

        The error of a change that failed after its first write says in its ``details`` what was undone, and what not.
        """
        token = cast("_Token", proposal.token)

        def tell(result: StepResult) -> None:
            progress(f"{result.status}: {shell_line(result.step)}")

        proposed, done = make(
            token.session,
            _job(token.session, proposal.request, token.ask),
            lambda now: _check_unmoved(token.shown, now),
            Watch(tell, token.interruption),
        )
        remarks = tuple(asides(done.outcome))
        if done.error is not None:
            done.error.details = (*done.error.details, *remarks)
            raise done.error
        change = made(proposal.request.title, proposed, done.outcome)._replace(also=done.said)
        return Done(tuple(change_lines(change)), (*_said(token.session), *remarks))

    def stop(self, proposal: Proposal, number: int) -> None:
        """Has a change that is carried out, or is about to be, end after its step and be undone. From any thread."""
        cast("_Token", proposal.token).interruption.note(number)


def _job(session: _Listening, request: Request, ask: Ask) -> Job:
    return Job(request.title, ask, _ALLOWED, Extra(), Dropping(session))


def _said(session: _Listening) -> tuple[str, ...]:
    """What was said since the last time."""
    notes, session.narrator.notes = session.narrator.notes, []
    return tuple(dict.fromkeys("".join(span.text for span in spans(note)) for note in notes))


def _ask(session: Session, request: Request) -> Ask:
    """What is asked for once the target is seen. Raises P2pctlError for a document that is none."""
    if request.document is not None:
        wishes = _document(session, request.document)
        return lambda live: Asked(wishes, explain=_told_of(live, wishes))
    wishes = request.wishes or Wishes()
    return lambda live: Asked(_found(live, wishes), implied=request.implied, explain=request.explain)


def _document(session: Session, file: str) -> Wishes:
    path = os.path.expanduser(file.strip())  # noqa: PTH111  documents go by text, and - is none of the screen's
    if path == "-":
        raise UsageError("the screen has no standard input", hint="name a file")
    return read_document(session, path)


def _told_of(live: Nvmet, wishes: Wishes) -> tuple[tuple[str, int], ...]:
    """The namespaces whose P2P memory a document changes."""
    return tuple(
        (nqn, nsid)
        for nqn, one in wishes.subsystems.items()
        for nsid, wish in one.namespaces.items()
        if not (one.absent or wish.absent)
        and wish.attributes.get("p2pmem", _now(live, nqn, nsid)) != _now(live, nqn, nsid)
    )


def _now(live: Nvmet, nqn: str, nsid: int) -> object:
    namespace = live.subsystems[nqn].namespaces.get(nsid) if nqn in live.subsystems else None
    return namespace.attributes.get("p2pmem") if namespace else None


def _found(live: Nvmet, wishes: Wishes) -> Wishes:
    """The wishes, of objects that are there: the screen makes none. Raises NotFoundError, UnsupportedError, UsageError.

    As the commands do: what was deleted while somebody looked at it must not come to be again.
    """
    for number, port in wishes.ports.items():
        there = changeable_port(live, str(number))[0]
        for nqn in (*port.link, *(one for one in port.unlink if one not in there.subsystems)):
            find_subsystem(live, nqn)
    return wishes._replace(
        subsystems={
            nqn: one._replace(
                namespaces={nsid: _namespace(live, nqn, nsid, wish) for nsid, wish in one.namespaces.items()}
            )
            for nqn, one in wishes.subsystems.items()
        }
    )


def _namespace(live: Nvmet, nqn: str, nsid: int, wish: NamespaceWish) -> NamespaceWish:
    there = find_namespace(find_subsystem(live, nqn), nsid)
    texts = [f"{key_for('namespace', file)}={text}" for file, text in wish.attributes.items()]
    values: Mapping[str, str] = given("namespace", texts).values(there.attributes)
    return wish._replace(attributes=values)


def _check_unmoved(shown: Proposed, now: Proposed) -> None:
    """Raises BusyError unless the plan, and the objects that it is about, are those that were agreed to."""
    steps = shown.plan.steps
    if now.plan.steps == steps and touched_document(now.live, steps) == touched_document(shown.live, steps):
        return
    raise BusyError(
        "the target moved since this was planned: what would be done now is something else, and nothing was written",
        hint="ask for it again: the plan is made anew",
    )
