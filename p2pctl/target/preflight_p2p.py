"""P2P memory that a plan counts on: whether the kernel would take it, and I/O would go through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT
from p2pctl.model.nvmet import Nvmet
from p2pctl.resolver.verdict import Reason
from p2pctl.target import paths
from p2pctl.target.eligibility import judge_namespace, setting
from p2pctl.target.judge import Judge
from p2pctl.target.port_state import PortState, port_states
from p2pctl.target.problems import SHOWN, Facts, Problem, Started, started

_MAY_APPEAR = frozenset({
    "no-such-device", "provider-unknown", "provider-unpublished", "no-provider", "no-common-provider", "no-rdma-device",
})  # fmt: skip
"""Reasons that a device takes away which is found later: a drive, the memory of one, a network card."""


def provider_problems(facts: Facts, warnings: list[str]) -> Iterator[Problem]:
    """Namespaces whose setting the kernel would refuse: when it is written, or when they are switched on."""
    if facts.snapshot is None:
        return
    judge = Judge(facts.snapshot, followed=facts.followed)
    switched_on = {_key(one): one for one in started(facts.live, facts.wanted)}
    named = {_key(one): one for one in providers_named(facts.live, facts.wanted)}
    for key, new in (named | switched_on).items():
        answer = judge_namespace(judge, new.namespace.attributes)
        if key not in switched_on and answer.refused_by != "p2pmem":
            continue
        why = "; ".join(reason.text for reason in answer.reasons[:SHOWN])
        if answer.word == "not-eligible":
            hint = "set p2pmem=off, or another provider: p2pctl providers shows which may serve the disk"
            said = "the kernel would refuse its p2pmem" if answer.errno else "its p2pmem names nothing"
            late = _may_change(answer.reasons)
            yield Problem("p2pmem-refused", new.subject, f"{said}: {why}", hint, waitable=late, foreseen=True)
        elif answer.word == "unknown":
            warnings.append(f"{new.subject}: whether the kernel takes its p2pmem cannot be told: {why}")


def _may_change(reasons: Iterable[Reason]) -> bool:
    return any(reason.code in _MAY_APPEAR for reason in reasons)


def _key(one: Started) -> tuple[str, int]:
    return one.nqn, one.namespace.nsid


def providers_named(live: Nvmet, wanted: Nvmet) -> Iterator[Started]:
    """Namespaces for which the plan names a provider: the kernel looks for it at once, enabled or not."""
    for nqn, subsystem in wanted.subsystems.items():
        there = live.subsystems.get(nqn)
        for nsid, one in subsystem.namespaces.items():
            before = there.namespaces.get(nsid) if there else None
            text = one.attributes.get("p2pmem")
            if (before is None or before.attributes.get("p2pmem") != text) and isinstance(
                setting(text or ABSENT), Address
            ):
                yield Started(nqn, one)


def expectations(facts: Facts, warnings: list[str]) -> Iterator[Problem]:
    """What the user expects of ports, against what the resolver says of them."""
    expected = {number: wish.p2p for number, wish in facts.wishes.ports.items() if wish.p2p and not wish.absent}
    if not expected or facts.snapshot is None:
        return
    for state in port_states(facts.snapshot, nvmet=facts.wanted, observed=False, followed=facts.followed):
        port = facts.wanted.ports.get(state.port)
        expectation = expected.get(port.number) if port is not None and port.number is not None else None
        if expectation is None or state.enabled is False:
            continue
        why = "; ".join(reason.text for reason in state.reasons[:SHOWN]) or state.predicted
        subject = f"{_called(state)} on port {state.port}"
        good = state.predicted in {"predicted", "confirmed"}
        if expectation == "required" and not good:
            yield _unmet(subject, state, why)
        elif expectation == "preferred" and not good:
            warnings.append(f"{subject} will not use P2P memory: {why}")
        elif expectation == "off" and good:
            warnings.append(f"{subject} will use P2P memory, and the document expects none")


def _called(state: PortState) -> str:
    if state.nsid is None:
        return paths.called_subsystem(state.subsystem)
    return paths.called_namespace(state.subsystem, state.nsid)


def _unmet(subject: str, state: PortState, why: str) -> Problem:
    if state.predicted == "unknown":
        text = f"P2P is required, and whether it works cannot be told: {why}"
        return Problem("p2p-unknown", subject, text, "run as root, or say p2p: preferred", "unknown", foreseen=True)
    text = f"P2P is required, and its I/O would go through system memory: {why}"
    hint = "p2pctl explain shows what stands in the way; or say p2p: preferred"
    return Problem("p2p-required", subject, text, hint, waitable=_may_change(state.reasons), foreseen=True)
