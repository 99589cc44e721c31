"""The reasons of a verdict: what stands in the way, what opens it, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from p2pctl.model.facts import Gap
from p2pctl.resolver.case import Case
from p2pctl.resolver.conclude import Way
from p2pctl.resolver.logic import Answer
from p2pctl.resolver.texts import bridge_text, hop_text
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Asked, Reason, RuleName, VerdictWord

_UNMET: dict[RuleName, tuple[str, str]] = {
    "p2pdma": ("kernel-without-p2pdma", "kernel-without-p2pdma"),
    "no-iommu": ("iommu-in-use", "iommu-unknown"),
    "host-bridge-no-iommu": ("iommu-in-use", "iommu-unknown"),
    "64-bit": ("not-64-bit", "word-size-unknown"),
    "dma-backend": ("dma-backend-unsupported", "iommu-unknown"),
    "cpu": ("cpu-not-accepted", "cpu-unknown"),
    "same-switch": ("no-common-switch", "no-common-switch"),
    "common-bridge": ("no-common-bridge", "no-common-bridge"),
}
"""Codes for the answers no and unknown, where the rule is a demand."""

_HOST_FACTS: dict[RuleName, Gap] = {
    "no-iommu": Gap("iommus", None, "/sys/class/iommu", None, "a look at the IOMMUs"),
    "host-bridge-no-iommu": Gap("iommus", None, "/sys/class/iommu", None, "a look at the IOMMUs"),
    "dma-backend": Gap("iommus", None, "/sys/class/iommu", None, "a look at the IOMMUs"),
    "64-bit": Gap("word size", None, "/proc/sys/kernel/osrelease", None, "a release that names its architecture"),
    "cpu": Gap("cpu", None, "/proc/cpuinfo", None, "a look at the processors"),
}


_TELLING: dict[VerdictWord, tuple[Answer, ...]] = {
    "denied": (False,),
    "unknown": (False, None),
    "allowed": (True, None),
}
"""Which answers of a host bridge are a reason for a verdict."""


def reasons(case: Case, asked: Sequence[Asked]) -> tuple[Reason, ...]:
    """The reasons, in the order in which the rules were asked.

    A refusal lists everything that would have to be different; what is not known is listed where it matters.
    """
    return tuple(_reasons(case, asked))


def missing(case: Case, asked: Sequence[Asked]) -> tuple[Gap, ...]:
    """What would have to be read for a certain answer; nothing where the answer is certain."""
    return () if case.certain else tuple(dict.fromkeys(_missing(case, asked)))


def _reasons(case: Case, asked: Sequence[Asked]) -> Iterator[Reason]:
    for question in asked:
        match question.rule:
            case "acs-redirect":
                yield from _ports(case)
            case "cpu":
                yield from _cpu(case, question)
            case "host-bridge-list":
                yield from _bridges(case)
            case _:
                yield from _unmet(case, question)
    if case.way is Way.CLEAR and case.outcome.verdict != "denied":
        yield _direct(case)
    if case.refuses_host_bridge and case.outcome.verdict == "denied":
        yield Reason("host-bridge-refused", f"{case.rules.name} lets no such traffic pass a host bridge")


def _unmet(case: Case, question: Asked) -> Iterator[Reason]:
    no, unknown = _UNMET[question.rule]
    if question.answer is False:
        yield Reason(no, question.text)
    elif question.answer is None and not case.certain:
        yield Reason(unknown, question.text)


def _cpu(case: Case, question: Asked) -> Iterator[Reason]:
    if not question.answer:
        # Where the list made up for it, that is the reason.
        yield from () if case.crossing is not None and case.crossing.listed else _unmet(case, question)
    elif case.outcome.verdict != "denied":
        yield Reason("cpu-accepted", question.text)


def _ports(case: Case) -> Iterator[Reason]:
    for hop in case.path:
        if hop.redirects:
            yield Reason("acs-redirect", hop_text(hop, case.rules.acs_mask), hop.address)
        elif hop.redirects is None and not case.certain:
            yield Reason("acs-unreadable", hop_text(hop, case.rules.acs_mask), hop.address)


def _bridges(case: Case) -> Iterator[Reason]:
    telling = _TELLING[case.outcome.verdict]
    for bridge in case.crossing.bridges if case.crossing else ():
        if bridge.answer in telling:
            yield Reason(bridge.code, bridge_text(bridge), bridge.first)


def _direct(case: Case) -> Reason:
    if case.provider == case.client:
        return Reason("same-function", "a function reaches its own memory", case.common)
    text = "nothing on the way redirects" if case.rules.acs_mask else "both are plugged into one switch"
    return Reason("direct", text, case.common)


def _missing(case: Case, asked: Sequence[Asked]) -> Iterator[Gap]:
    topology = case.resolver.topology
    for question in asked:
        if question.answer is not None:
            continue
        if question.rule == "acs-redirect":
            yield from (_gap(topology, str(hop.address)) for hop in case.path if hop.redirects is None)
        elif question.rule == "host-bridge-list" and case.crossing is not None:
            unknown = (bridge for bridge in case.crossing.bridges if bridge.answer is None)
            yield from (_gap(topology, str(bridge.first or bridge.root)) for bridge in unknown)
        else:
            yield _HOST_FACTS[question.rule]


def _gap(topology: Topology, subject: str) -> Gap:
    """What the snapshot says about it, else that nobody asked."""
    needs = "a look at the configuration space"
    return topology.gap(subject) or Gap("configuration space", subject, None, None, needs)
