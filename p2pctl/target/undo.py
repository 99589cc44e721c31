"""Puts back what a change has touched, and nothing else; says truly what could not be put back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import ROOT, Nvmet
from p2pctl.target import paths
from p2pctl.target.diff import plan
from p2pctl.target.executor import Executor
from p2pctl.target.flat import built, flat
from p2pctl.target.outcome import StepResult
from p2pctl.target.plan import Plan, Step
from p2pctl.target.schema import kind_of, same, spec
from p2pctl.target.stepping import Recorder
from p2pctl.target.touched import Difference, aim, differences, within, writable

PASSES = 3
"""How often what is left is tried: once as it should go, once with objects made anew, once for what was in the way."""


class Undone(NamedTuple):
    """What became of putting things back."""

    results: tuple[StepResult, ...]
    residual: tuple[Difference, ...]
    now: Nvmet


def put_back(
    executor: Executor, recorder: Recorder, read: Callable[[], Nvmet], source: Nvmet, touched: Sequence[Step]
) -> Undone:
    """Makes all that the steps have touched what it is in ``source``, past failures; reads what came of it."""
    results: tuple[StepResult, ...] = ()
    steps = list(touched)
    for attempt in range(PASSES):
        now = read()
        aimed = aim(now, source, steps)
        left = differences(now, aimed, steps)
        if not left:
            return Undone(results, (), now)
        todo = plan(now, writable(aimed)) if not attempt else _anew(now, aimed, left, steps)
        done = executor.run_on(todo.steps, recorder)
        results += done.results
        steps.extend(todo.steps)
    now = read()
    return Undone(results, differences(now, aim(now, source, steps), steps), now)


def _anew(now: Nvmet, aimed: Nvmet, left: Iterable[Difference], touched: Iterable[Step]) -> Plan:
    """The rest, with objects removed and made anew whose attributes no write puts back.

    A subsystem whose identity a host has seen is made anew only where the change itself had made it anew.
    """
    want = writable(aimed)
    remade = {step.path for step in touched if step.operation == "rmdir"}
    locked: set[str] = set()
    gone: set[str] = set()
    for one in left:
        kind = kind_of(one.path)
        place = one.path.rpartition("/")[0]
        if kind is None or one.want is None or one.have is None:
            continue
        if kind == "subsystem":
            known = spec(kind, one.path.rpartition("/")[2])
            if place in remade and known is not None and known.change == "undiscovered":
                locked.add(place.rpartition("/")[2])
        elif _idle(place, now, aimed):
            gone.add(place.removesuffix("/passthru"))
    if not gone:
        return plan(now, want, locked=locked)
    # Only the names of links and objects matter here, so that what is gone is gone with all that leads to it.
    between = built(
        {path: entry for path, entry in flat(now).items() if not within(path, gone)},
        now,
    )
    first, then = plan(now, between), plan(between, want, locked=locked)
    return Plan(first.steps + then.steps)


def _idle(place: str, now: Nvmet, aimed: Nvmet) -> bool:
    """Whether no host notices when the object in ``place`` is made anew."""
    match place[len(ROOT) + 1 :].split("/"):
        case ["ports", name]:
            return not any(name in state.ports and state.ports[name].links for state in (now, aimed))
        case ["ports", _, "referrals", _]:
            return True
        case ["subsystems", nqn, "namespaces", _]:
            return all(
                _off(one.attributes.get("enable"))
                for state in (now, aimed)
                if nqn in state.subsystems
                for one in state.subsystems[nqn].namespaces.values()
                if paths.namespace(nqn, one) == place
            )
        case ["subsystems", nqn, "passthru"]:
            return all(_unused(state, nqn) for state in (now, aimed))
    return False


def _off(value: str | Missing | None) -> bool:
    return isinstance(value, str) and same("namespace", "enable", "0", value)


def _unused(state: Nvmet, nqn: str) -> bool:
    """Whether a subsystem has no namespaces, and no port exports it."""
    subsystem = state.subsystems.get(nqn)
    exported = any(nqn in port.links.values() for port in state.ports.values())
    return not exported and (subsystem is None or not subsystem.namespaces)
