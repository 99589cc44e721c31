"""Finds a sequence of operations that two sides answer differently, and the shortest one like it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.strategies import SearchStrategy

from tests.vm.guest.nvmet_sequences import Operations
from tests.vm.guest.nvmet_sides import NOT_DONE, Result, Runner, Tree

SHOWN = 40
"""Operations of a sequence that a report lists."""


class PlainProvider(HypothesisProvider):
    """Draws as Hypothesis does, without its habit of trying variations of an example before it draws a new one."""


AVAILABLE_PROVIDERS["plain"] = f"{__name__}.PlainProvider"


class Difference(NamedTuple):
    """Where two sides parted."""

    operations: Operations
    """Up to the one that was answered differently; all of them for a difference of the trees."""
    what: str
    kernel: str
    simulator: str

    def report(self) -> str:
        """What to look at, one operation a line."""
        lines = [f"  {operation}" for operation in self.operations[-SHOWN:]]
        return "\n".join([f"{self.what}: the kernel {self.kernel}, the simulator {self.simulator}, after", *lines])


class _EnoughError(Exception):
    """Ends a search."""


class Comparison:
    """Two sides that are to be alike. The first is left as it was found, each second one is made anew."""

    def __init__(self, kernel: Runner, simulator: Callable[[], Runner]) -> None:
        self.kernel = kernel
        self.simulator = simulator
        self.empty = kernel.tree()
        self.counts: Counter[str] = Counter()
        """What was compared: operations, by kind and outcome."""

    @property
    def compared(self) -> int:
        """Operations that both sides answered."""
        return self.counts.total() - self.counts[NOT_DONE]

    def difference(self, operations: Operations) -> Difference | None:
        """Runs operations on both sides, then takes down what they left, and compares everything that was answered."""
        simulator = self.simulator()
        found = self._difference(simulator, operations)
        for operation in self.kernel.cleanup():
            theirs = self.kernel.run(operation)
            if found is None:
                found = self._answers(simulator, [*operations, operation], theirs)
        left = self.kernel.tree()
        if left != self.empty:
            raise RuntimeError(
                f"the kernel is not as before after {list(map(str, operations))}: {changed(self.empty, left)}"
            )
        if found is None:
            found = _trees(operations, left, simulator.tree())
        return found

    def _difference(self, simulator: Runner, operations: Operations) -> Difference | None:
        for number, operation in enumerate(operations):
            found = self._answers(simulator, operations[: number + 1], self.kernel.run(operation))
            if found is not None:
                return found
        return _trees(operations, self.kernel.tree(), simulator.tree())

    def _answers(self, simulator: Runner, operations: Operations, theirs: Result) -> Difference | None:
        ours = NOT_DONE if theirs == NOT_DONE else simulator.run(operations[-1])
        self.counts[NOT_DONE if theirs == NOT_DONE else theirs.split(" ", 1)[0]] += 1
        return None if ours == theirs else Difference(operations, "the last answer", theirs, ours)


def search(
    comparison: Comparison, strategy: SearchStrategy[Operations], *, number: int, examples: int
) -> Difference | None:
    """Compares so many random sequences, the same ones for the same number; returns the shortest difference found."""
    found: list[Operations] = []

    @seed(number)
    @settings(
        max_examples=examples, phases=[Phase.generate], database=None, deadline=None, backend="plain",
        report_multiple_bugs=False, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def compare(operations: Operations) -> None:
        if not found and (difference := comparison.difference(operations)):
            found.append(difference.operations)
        if found:
            raise _EnoughError

    with suppress(_EnoughError):
        compare()
    return shortest(comparison, found[0]) if found else None


def search_among(comparison: Comparison, sequences: Iterable[Operations]) -> Difference | None:
    """The shortest difference of the first sequence that has one."""
    for operations in sequences:
        if comparison.difference(operations):
            return shortest(comparison, operations)
    return None


def shortest(comparison: Comparison, operations: Operations) -> Difference:
    """Leaves out all that can be left out of a sequence, as long as a difference is left; not always the same one."""
    best = comparison.difference(operations)
    if best is None:
        raise RuntimeError(f"a difference was there once and is gone: {list(map(str, operations))}")
    size = max(len(best.operations) // 2, 1)
    while size:
        start = 0
        while start < len(best.operations):
            tried = comparison.difference(best.operations[:start] + best.operations[start + size :])
            if tried is None:
                start += size
            else:
                best = tried
        size //= 2
    return best


def changed(before: Tree, after: Tree) -> dict[str, tuple[str | None, str | None]]:
    """The paths that differ, with both."""
    return {
        path: (before.get(path), after.get(path))
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    }


def _trees(operations: Operations, kernel: Tree, simulator: Tree) -> Difference | None:
    for path, (theirs, ours) in changed(kernel, simulator).items():
        return Difference(operations, f"{path} in the end", str(theirs), str(ours))
    return None
