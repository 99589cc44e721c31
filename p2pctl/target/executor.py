"""Carries out the steps of a plan: in order, lanes side by side, to the end or up to the first failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from p2pctl.errors import P2pctlError
from p2pctl.kernel import Files, Log
from p2pctl.target.outcome import StepResult, redacted
from p2pctl.target.plan import Step
from p2pctl.target.stepping import FailureError, Recorder, Stepper

WORKERS = 32
"""Lanes that are worked on side by side; removing a namespace waits for the kernel, not for a processor."""

Progress = Callable[[StepResult], None]


class Done(NamedTuple):
    """What became of some steps."""

    results: tuple[StepResult, ...]
    error: P2pctlError | None
    """The first failure."""
    stopped: bool
    """Whether it ended early because it was asked to."""


class Executor:
    """One writer. ``stop`` is asked between steps whether to go on; ``progress`` is told of every step."""

    def __init__(
        self,
        files: Files,
        log: Log,
        *,
        stop: Callable[[], bool] = lambda: False,
        progress: Progress | None = None,
    ) -> None:
        self.stepper = Stepper(files, log)
        self._stop = stop
        self._progress = progress
        self._telling = threading.Lock()

    @property
    def begun(self) -> tuple[Step, ...]:
        """Every step that has been done, or may have been."""
        return tuple(self.stepper.begun)

    def run(self, steps: Sequence[Step], recorder: Recorder) -> Done:
        """Does the steps in order until one fails; each is recorded right before it.

        Lanes that follow one another run side by side.
        """
        work = _Work(self, steps, recorder, keep_going=False)
        for batch in _batches(steps):
            work.side_by_side(batch)
            if work.over():
                break
        return work.done()

    def run_on(self, steps: Sequence[Step], recorder: Recorder) -> Done:
        """The same past every failure, and what is so already counts as done: for undoing as much as goes."""
        work = _Work(self, steps, recorder, keep_going=True)
        for batch in _batches(steps):
            work.side_by_side(batch)
        return work.done()

    def asked_to_stop(self) -> bool:
        """Whether it was."""
        return self._stop()

    def tell(self, result: StepResult) -> StepResult:
        """Passes a result on."""
        if self._progress is not None:
            with self._telling:
                self._progress(result)
        return result


class _Work:
    """The steps of one run and what has become of them."""

    def __init__(self, executor: Executor, steps: Sequence[Step], recorder: Recorder, *, keep_going: bool) -> None:
        self._executor = executor
        self._steps = steps
        self._recorder = recorder
        self._keep_going = keep_going
        self._results: dict[int, StepResult] = {}
        self._error: P2pctlError | None = None
        self._stopped = False
        self._died = False

    def over(self) -> bool:
        """Whether no further step is to be begun."""
        if self._died:
            return True
        if self._keep_going:
            return False
        if self._error is None and not self._stopped and self._executor.asked_to_stop():
            self._stopped = True
        return self._error is not None or self._stopped

    def side_by_side(self, lanes: Sequence[Sequence[int]]) -> None:
        """Lanes of steps, each in order."""
        if len(lanes) == 1:
            self._lane(lanes[0])
            return
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  deletions alone need it

        with ThreadPoolExecutor(min(len(lanes), WORKERS)) as pool:
            for future in [pool.submit(self._lane, lane) for lane in lanes]:
                future.result()

    def done(self) -> Done:
        """What became of every step."""
        results = tuple(
            self._results.get(number) or StepResult(redacted(step), "not-reached")
            for number, step in enumerate(self._steps)
        )
        return Done(results, self._error, self._stopped)

    def _lane(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            if self.over():
                return
            try:
                self._results[number] = self._executor.tell(self._one(number))
            except BaseException:
                self._died = True
                raise

    def _one(self, number: int) -> StepResult:
        step = self._steps[number]
        try:
            self._executor.stepper.perform(number, step, self._recorder, again=self._keep_going)
        except FailureError as failure:
            if self._error is None:
                self._error = failure.error
            return StepResult(redacted(step), "failed", failure.number, failure.error.message, failure.log)
        return StepResult(redacted(step), "done")


def _batches(steps: Sequence[Step]) -> Iterator[list[list[int]]]:
    """Numbers of steps: those that follow one another and have lanes together, by lane; every other one alone."""
    lanes: dict[str, list[int]] = {}
    for number, step in enumerate(steps):
        if step.lane is not None:
            lanes.setdefault(step.lane, []).append(number)
            continue
        if lanes:
            yield list(lanes.values())
            lanes = {}
        yield [[number]]
    if lanes:
        yield list(lanes.values())
