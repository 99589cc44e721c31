"""A change of the target from beginning to end: alone, recorded, verified, and undone where it fails."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from p2pctl.errors import BusyError, P2pctlError, PartialError
from p2pctl.model.nvmet import Nvmet
from p2pctl.target import confirmation, rundir
from p2pctl.target.effects import effects
from p2pctl.target.executor import Done, Executor, Progress
from p2pctl.target.flat import fingerprint, without_secrets
from p2pctl.target.interruption import Interruption, deferred
from p2pctl.target.journal import Contents, End, Journal, Transaction
from p2pctl.target.outcome import ChangeInterruptedError, Effect, Outcome, State, StepResult, redacted
from p2pctl.target.plan import Plan, Step
from p2pctl.target.stepping import Recorder
from p2pctl.target.touched import Difference, unkept
from p2pctl.target.undo import put_back
from p2pctl.target.workplace import Workplace, held, refuse_unfinished


class Proposal(NamedTuple):
    """What is to be changed."""

    live: Nvmet
    """What the plan was made from, keys included."""
    wanted: Nvmet
    plan: Plan


@contextlib.contextmanager
def take_turn(place: Workplace, *, command: str, timeout: float = 0.0) -> Iterator[Turn]:
    """The right to change the target until the end of the block; ``command`` is what others are told meanwhile.

    Raises BusyError where another p2pctl has it for longer than ``timeout`` seconds, RecoverError where a change was
    interrupted or waits for confirmation, DeniedError where the run directory is not ours alone, P2pctlError.
    """
    with held(place, command, timeout) as journal:
        refuse_unfinished(journal)
        yield Turn(place, journal, command)


class Turn:
    """The right to change the target."""

    def __init__(self, place: Workplace, journal: Journal, command: str) -> None:
        self._place = place
        self._journal = journal
        self._command = command

    def owned(self, live: Nvmet) -> frozenset[str]:
        """Kernel paths of the objects that p2pctl has made in this boot and that are still those."""
        return self._place.ownership().owned(live)

    def carry_out(
        self,
        proposal: Proposal,
        *,
        recheck: bool = True,
        confirm_within: int | None = None,
        progress: Progress | None = None,
        interruption: Interruption | None = None,
    ) -> Outcome:
        """Makes the change, or none of it. What goes wrong after the first write is the outcome's ``error``.

        ``recheck`` reads the target again first. ``confirm_within`` are the seconds after which the change is undone
        unless it is confirmed. ``interruption`` is one in which somebody else notes that it is to stop and be undone.
        Raises before the first write: BusyError where the target has moved since
        ``proposal.live``, UnsupportedError without a timer to undo it, UsageError, P2pctlError.
        """
        place = self._place
        if not proposal.plan.steps:
            shown = without_secrets(proposal.live)
            return Outcome("nothing", before=shown, after=shown)
        timers = None if confirm_within is None else confirmation.check(place.timers, confirm_within)
        if recheck:
            self._recheck(proposal.live)
        with deferred(interruption) as stop:
            contents = Contents(proposal.plan, proposal.live, proposal.wanted)
            transaction = self._journal.begin(contents, self._command, now=place.now())
            with contextlib.closing(transaction):
                work = Work(place, transaction, contents, stop, progress)
                if timers is not None and confirm_within is not None:
                    work.watched(timers, confirm_within)
                return work.forward(proposal.plan.steps, transaction)

    def _recheck(self, live: Nvmet) -> None:
        if fingerprint(self._place.read()) != fingerprint(live):
            raise BusyError(
                "somebody else has changed the target since the plan was made; nothing was written",
                hint="run it again: the difference is computed anew",
            )


@dataclass(slots=True)
class Work:
    """One transaction under way."""

    place: Workplace
    transaction: Transaction
    contents: Contents
    interruption: Interruption
    progress: Progress | None = None
    touched: tuple[Step, ...] = ()
    """What was touched before this process took over."""
    armed: bool = False
    """Whether a timer is set to undo the change."""
    _timers: confirmation.Timers | None = None
    _seconds: int = 0
    _warnings: list[str] = field(default_factory=list)

    def watched(self, timers: confirmation.Timers, seconds: int) -> None:
        """Has the change undone, whatever becomes of this process. Raises P2pctlError; nothing is changed then."""
        length = seconds + confirmation.grace(self.contents.plan)
        try:
            self.transaction.waiting(self.place.now() + length)
            confirmation.arm(timers, self.transaction.name, length)
        except (OSError, P2pctlError) as error:
            with contextlib.suppress(OSError):
                self.transaction.done("nothing")
            if isinstance(error, P2pctlError):
                raise
            raise P2pctlError(
                f"cannot record the change: {error.strerror}", hint=rundir.HINT, errno=error.errno
            ) from None
        self._timers, self._seconds, self.armed = timers, seconds, True

    def forward(self, steps: Sequence[Step], recorder: Recorder) -> Outcome:
        """Does the steps; undoes them where one fails, the result is not kept, or the effect is missing."""
        executor = self._executor(stop=self.interruption)
        done = executor.run(steps, recorder)
        if done.error is not None:
            return self._back(executor, done, done.error)
        if done.stopped:
            return self._back(
                executor, done, ChangeInterruptedError(f"interrupted by {self.interruption.name}", hint="run it again")
            )
        after = self.place.read()
        lost = unkept(after, steps)
        if lost:
            return self._back(executor, done, _lost(lost))
        found = effects(steps, after, self.place.network, self.place.pools)
        missing = [effect for effect in found if effect.severity == "failure"]
        if missing:
            error = P2pctlError(missing[0].text, hint="p2pctl status shows what stands out on this host")
            return self._back(executor, done, error, found)
        return self._kept(executor, done, after, found)

    def _kept(self, executor: Executor, done: Done, after: Nvmet, found: tuple[Effect, ...]) -> Outcome:
        state: State = "applied"
        until: float | None = None
        if self._timers is not None:
            until = self.place.now() + self._seconds
            try:
                confirmation.arm(self._timers, self.transaction.name, self._seconds)
                self.transaction.waiting(until)
                self.transaction.applied()
            except (OSError, P2pctlError) as error:
                return self._back(executor, done, _unwatched(error), found)
            state = "waiting"
        self._note(after, (*self.touched, *executor.begun))
        if state == "applied":
            self._finish("applied")
            self._unwatch()
        return self._outcome(Outcome(state, changed=True, results=done.results, effects=found, until=until), after)

    def back(self, touched: Sequence[Step]) -> Outcome:
        """Undoes what another process has begun."""
        self.touched = tuple(touched)
        outcome = self._back(self._executor(), Done((), None, stopped=False), None)
        return outcome._replace(results=tuple(StepResult(redacted(step), "undone") for step in touched if step.subject))

    def _back(
        self, executor: Executor, done: Done, error: P2pctlError | None, found: tuple[Effect, ...] = ()
    ) -> Outcome:
        touched = (*self.touched, *executor.begun)
        with contextlib.suppress(OSError):  # undoing matters more than its record
            self.transaction.undoing()
        recorder = _Careless(self.transaction.beyond())
        undone = put_back(self._executor(), recorder, self.place.read, self.contents.before, touched)
        whole = not undone.residual
        results = done.results
        if whole:
            results = tuple(one._replace(status="undone") if one.status == "done" else one for one in results)
        self._note(undone.now, touched)
        state: State = "partial" if not whole else "rolled-back" if touched else "nothing"
        self._finish("partial" if not whole else "rolled-back" if touched else "nothing")
        self._unwatch()
        outcome = Outcome(
            state,
            changed=not whole,
            results=results,
            undo=undone.results,
            rolled_back=whole and bool(touched),
            residual=undone.residual,
            effects=found,
            error=error if whole else _partial(error, undone.residual, self.transaction.name),
        )
        return self._outcome(outcome, undone.now)

    def _executor(self, stop: Callable[[], bool] = lambda: False) -> Executor:
        return Executor(self.place.files, self.place.log, stop=stop, progress=self.progress)

    def _outcome(self, outcome: Outcome, after: Nvmet) -> Outcome:
        return outcome._replace(
            transaction=self.transaction.name,
            warnings=(*outcome.warnings, *self._warnings),
            before=without_secrets(self.contents.before),
            wanted=without_secrets(self.contents.wanted),
            after=without_secrets(after),
        )

    def _note(self, after: Nvmet, steps: Sequence[Step]) -> None:
        try:
            self._warnings += self.place.ownership().note(self.contents.before, after, steps)
        except (OSError, P2pctlError) as error:
            self._warnings.append(f"what p2pctl has made could not be recorded for --prune owned: {error}")

    def _finish(self, end: End) -> None:
        try:
            self.transaction.done(end)
        except OSError as error:
            self._warnings.append(
                f"the end of the change could not be recorded ({error.strerror}): the next one will ask to recover it"
            )

    def _unwatch(self) -> None:
        if self.place.timers is None or not self.armed:
            return
        try:
            self.place.timers.disarm(confirmation.unit(self.transaction.name))
        except OSError:
            # What it runs finds the transaction finished.
            return


class _Careless:
    """Records while it can: what is undone must not wait for a disk that is full."""

    def __init__(self, inner: Recorder) -> None:
        self._inner = inner

    def begins(self, number: int, step: Step) -> None:
        """A step is about to be done."""
        with contextlib.suppress(OSError):
            self._inner.begins(number, step)

    def failed(self, number: int, step: Step) -> None:
        """It was refused."""
        with contextlib.suppress(OSError):
            self._inner.failed(number, step)


def _lost(lost: Sequence[Difference]) -> P2pctlError:
    one = lost[0]
    have = "gone" if one.have is None else repr(one.have)
    return P2pctlError(
        f"the kernel took every step, but {one.path} is {have} in the end, not {one.want!r}",
        hint="somebody else may be changing the target: run it again when nobody does",
        path=one.path,
    )


def _unwatched(error: Exception) -> P2pctlError:
    return (
        error
        if isinstance(error, P2pctlError)
        else P2pctlError(f"cannot record that the change waits: {error}", hint=rundir.HINT)
    )


def _partial(error: P2pctlError | None, residual: Sequence[Difference], transaction: str) -> PartialError:
    why = "" if error is None else f"{error.message}; "
    count = "one difference is" if len(residual) == 1 else f"{len(residual)} differences are"
    return PartialError(
        f"{why}what was done could not be undone whole: {count} left, the first at {residual[0].path}",
        hint=f"mend what stands in the way, then p2pctl recover --rollback {transaction}, or apply the document again",
        errno=None if error is None else error.errno,
        path=residual[0].path,
    )
