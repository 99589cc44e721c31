"""The rules that a kernel asks for one pair, in its order, each with its answer."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.resolver.case import Case
from p2pctl.resolver.conclude import Way
from p2pctl.resolver.host_bridge import Crossing
from p2pctl.resolver.logic import Answer
from p2pctl.resolver.texts import bridge_text, cpu_text, hops_text, iommu_text
from p2pctl.resolver.verdict import Asked

_REDIRECTED: dict[Way, Answer] = {Way.CLEAR: False, Way.UNSURE: None, Way.REDIRECTED: True}


def ask(case: Case) -> tuple[Asked, ...]:
    """What is asked for this pair. Later questions are left out once the answers make them pointless."""
    return (*case.resolver.conditions, *_ask(case))


def _ask(case: Case) -> Iterator[Asked]:
    if case.rules.common == "same-switch":
        yield _same_switch(case)
        return
    if not case.rules.works:
        return
    yield _common_bridge(case)
    if case.way is not Way.ACROSS:
        text = hops_text(case.path, case.rules.acs_mask)
        yield Asked("acs-redirect", _REDIRECTED[case.way], text)
    if case.crossing is not None and case.asks_host_bridge:
        yield from _crossing(case, case.crossing)


def _same_switch(case: Case) -> Asked:
    if case.way is Way.CLEAR:
        return Asked("same-switch", answer=True, text="both are plugged into one switch")
    chain = case.resolver.topology.chain
    without = [str(end) for end in dict.fromkeys((case.provider, case.client)) if len(chain(end)) < 3]
    text = f"not below a switch: {', '.join(without)}" if without else "they are plugged into different switches"
    return Asked("same-switch", answer=False, text=text)


def _common_bridge(case: Case) -> Asked:
    provider, client, common = case.provider, case.client, case.common
    if common is not None:
        text = "provider and client are one function" if provider == client else f"both are below {common}"
        return Asked("common-bridge", answer=True, text=text)
    above, other = case.resolver.topology.root(provider), case.resolver.topology.root(client)
    if above == other:
        text = f"no bridge is above both: they meet in the host bridge of {above}"
    else:
        text = f"no bridge is above both: {provider} is below {above}, {client} below {other}"
    return Asked("common-bridge", answer=False, text=text)


def _crossing(case: Case, crossing: Crossing) -> Iterator[Asked]:
    host = case.resolver.topology.host
    if case.rules.host_bridge_needs_no_iommu:
        yield Asked("host-bridge-no-iommu", crossing.no_iommu, iommu_text(host.iommu, host.iommus))
    if case.rules.cpu is not None:
        yield Asked("cpu", crossing.cpu, cpu_text(host.cpu))
    if not crossing.cpu:  # a kernel that is content with the processor looks no further
        yield Asked("host-bridge-list", crossing.listed, "; ".join(map(bridge_text, crossing.bridges)))
