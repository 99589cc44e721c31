"""The arithmetic of placement: one option for each item, so that what is most loaded is least loaded.

An integer programme, solved by HiGHS. Items that are alike are one variable that counts, and items that compete for
nothing are separate programmes: that is what keeps it fast.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

SECONDS = 0.75
"""For all steps of all programmes; where it does not suffice the best solution so far stands."""
STEPS = 3
FEW, ROUGHLY = 12, 0.01
"""Programmes for more items than these are solved to within a hundredth of the best: the last of it takes longest."""


class Option(NamedTuple):
    """One thing that an item can choose."""

    loads: Mapping[Hashable, float]
    """What it adds to the links that it uses."""
    fill: tuple[Hashable, float]
    """The pool, and what share of it is taken."""
    cost: int
    """What decides among those that are equal otherwise; the smaller the better."""


class Solution(NamedTuple):
    """An option for each item."""

    chosen: tuple[int, ...]
    proven: bool
    """Whether nothing better exists, or nothing better by more than a hundredth; False where the time was up."""


def solve(items: Sequence[Sequence[Option]]) -> Solution:
    """The best for all items that compete with each other.

    The most loaded link whose load they can change is least loaded; then the fullest pool is least full; then the sum
    of costs is least.
    """
    base = _certain(items)
    chosen = [0] * len(items)
    proven = True
    groups = _groups(items)
    for members in groups:
        found, sure = _solve_group([items[member] for member in members], base, SECONDS / len(groups))
        proven = proven and sure
        for member, option in zip(members, found, strict=True):
            chosen[member] = option
    return Solution(tuple(chosen), proven)


def fixed_loads(options: Sequence[Option]) -> dict[Hashable, float]:
    """What an item adds to each link whatever it chooses."""
    shared = set.intersection(*(set(option.loads) for option in options))
    return {link: min(option.loads[link] for option in options) for link in shared}


def movable(options: Sequence[Option]) -> set[Hashable]:
    """The links and pools whose load depends on what the item chooses."""
    fixed = fixed_loads(options)
    links = {link for option in options for link, load in option.loads.items() if load != fixed.get(link, 0.0)}
    return links | {option.fill[0] for option in options} if len(options) > 1 else set()


def _certain(items: Iterable[Sequence[Option]]) -> dict[Hashable, float]:
    """What lies on links and pools whatever is chosen."""
    found: dict[Hashable, float] = {}
    for options in items:
        for link, load in fixed_loads(options).items():
            found[link] = found.get(link, 0.0) + load
        if len(options) == 1:
            pool, share = options[0].fill
            found[pool] = found.get(pool, 0.0) + share
    return found


def _groups(items: Sequence[Sequence[Option]]) -> list[list[int]]:
    """The items that have a choice, those together that compete for something."""
    groups: list[tuple[set[Hashable], list[int]]] = []
    for number, options in enumerate(items):
        wanted, members = movable(options), [number]
        if not wanted:
            continue
        apart = []
        for group in groups:
            if wanted & group[0]:
                wanted |= group[0]
                members = group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (wanted, members)]
    return [members for _, members in groups]


def _solve_group(
    items: Sequence[Sequence[Option]], base: Mapping[Hashable, float], seconds: float
) -> tuple[list[int], bool]:
    kinds: dict[object, list[int]] = {}
    for number, options in enumerate(items):
        kinds.setdefault(_kind(options), []).append(number)
    members = list(kinds.values())
    programme = _Programme([(len(alike), items[alike[0]]) for alike in members], base, seconds)
    chosen = [0] * len(items)
    for alike, counts in zip(members, programme.solve(), strict=True):
        spread = [option for option, count in enumerate(counts) for _ in range(count)]
        for number, option in zip(alike, spread, strict=True):
            chosen[number] = option
    return chosen, programme.proven


def _kind(options: Sequence[Option]) -> object:
    """The same for items that can stand in for each other."""
    fixed = fixed_loads(options)
    return tuple(
        (
            frozenset((link, extra) for link, load in option.loads.items() if (extra := load - fixed.get(link, 0.0))),
            option.fill,
            option.cost,
        )
        for option in options
    )


class _Programme:
    """How many of each kind choose which option. Columns: those counts, then the worst link, then the worst pool."""

    def __init__(
        self, kinds: Sequence[tuple[int, Sequence[Option]]], base: Mapping[Hashable, float], seconds: float
    ) -> None:
        self._kinds = kinds
        self._seconds = seconds
        self.proven = True
        self._links: dict[Hashable, dict[int, float]] = {}
        self._pools: dict[Hashable, dict[int, float]] = {}
        self._costs: list[float] = []
        self._firsts: list[int] = []
        for _, options in kinds:
            self._firsts.append(len(self._costs))
            fixed = fixed_loads(options)
            for option in options:
                column = len(self._costs)
                self._costs.append(option.cost)
                for link, load in option.loads.items():
                    if load != fixed.get(link, 0.0):
                        self._links.setdefault(link, {})[column] = load - fixed.get(link, 0.0)
                if option.fill[1]:
                    self._pools.setdefault(option.fill[0], {})[column] = option.fill[1]
        self._base = base
        self._counts = [0] * len(self._costs)
        for (count, options), first in zip(kinds, self._firsts, strict=True):
            # To start from: each option in turn.
            for number in range(count):
                self._counts[first + number % len(options)] += 1

    def solve(self) -> list[list[int]]:
        """For each kind, how many choose each option."""
        import highspy  # noqa: PLC0415  it brings numpy

        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("time_limit", self._seconds / STEPS),
            ("mip_rel_gap", 1e-7 if sum(count for count, _ in self._kinds) <= FEW else ROUGHLY),
            ("mip_abs_gap", 1e-7),
            # Their search takes longer than the programme itself; what is alike is one variable already.
            ("mip_heuristic_effort", 0.0),
            ("mip_detect_symmetry", False),
        ):
            solver.setOptionValue(option, value)
        columns = [self._column(solver, count) for count, options in self._kinds for _ in options]
        for (count, options), first in zip(self._kinds, self._firsts, strict=True):
            solver.addRow(count, count, len(options), columns[first : first + len(options)], [1.0] * len(options))
        for worst, (table, scale) in enumerate(((self._links, self._scale(self._links)),
                                                (self._pools, self._scale(self._pools)))):  # fmt: skip
            if table:
                self._flatten(solver, table, scale, len(columns) + worst)
            else:
                solver.addVar(0.0, 0.0)
        if any(self._costs):
            self._run(solver, dict(enumerate(self._costs)))
        ends = [*self._firsts[1:], len(self._costs)]
        return [self._counts[first:end] for first, end in zip(self._firsts, ends, strict=True)]

    @staticmethod
    def _column(solver: Any, count: int) -> int:
        from highspy import HighsVarType  # noqa: PLC0415

        column = int(solver.getNumCol())
        solver.addVar(0, count)
        solver.changeColIntegrality(column, HighsVarType.kInteger)
        return column

    def _flatten(self, solver: Any, table: Mapping[Hashable, Mapping[int, float]], scale: float, worst: int) -> None:
        """Makes the worst of a table as small as it can be, and lets it grow no more."""
        infinity = float("inf")
        solver.addVar(0.0, infinity)
        for thing, loads in table.items():
            columns, values = [*loads, worst], [*(load / scale for load in loads.values()), -1.0]
            solver.addRow(-infinity, -self._base.get(thing, 0.0) / scale, len(columns), columns, values)
        self._run(solver, {worst: 1.0})
        reached = max(
            self._base.get(thing, 0.0) + sum(load * self._counts[column] for column, load in loads.items())
            for thing, loads in table.items()
        )
        solver.changeColBounds(worst, 0.0, reached / scale * (1 + 1e-6))

    @staticmethod
    def _scale(table: Mapping[Hashable, Mapping[int, float]]) -> float:
        """Loads may be tiny, and the solver's tolerances are absolute."""
        return max((load for loads in table.values() for load in loads.values()), default=1.0)

    def _run(self, solver: Any, costs: Mapping[int, float]) -> None:
        from highspy import HighsModelStatus  # noqa: PLC0415

        for column in range(int(solver.getNumCol())):
            solver.changeColCost(column, costs.get(column, 0.0))
        solver.setSolution(len(self._counts), list(range(len(self._counts))), [float(count) for count in self._counts])
        solver.run()
        if solver.getModelStatus() != HighsModelStatus.kOptimal:
            self.proven = False
        found = [round(value) for value in solver.getSolution().col_value[: len(self._counts)]]
        if self._adds_up(found):
            self._counts = found

    def _adds_up(self, counts: Sequence[int]) -> bool:
        """Whether it is a solution at all: with the time up there may be none yet."""
        if len(counts) != len(self._counts):
            return False
        ends = [*self._firsts[1:], len(counts)]
        return all(
            sum(counts[first:end]) == count
            for (count, _), first, end in zip(self._kinds, self._firsts, ends, strict=True)
        )
