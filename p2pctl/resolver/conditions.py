"""What a rule set asks of the host itself, whichever pair it is about."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.model.facts import Missing
from p2pctl.resolver.host import HostFacts
from p2pctl.resolver.host_bridge import no_iommu_in_use
from p2pctl.resolver.logic import Answer
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.texts import iommu_text, wide_text
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Asked


def conditions(topology: Topology, rules: RuleSet) -> tuple[Asked, ...]:
    """The questions and their answers; all must be met."""
    return tuple(_ask(topology, rules))


def _ask(topology: Topology, rules: RuleSet) -> Iterator[Asked]:
    host = topology.host
    if not rules.works:
        yield Asked("p2pdma", answer=False, text="this kernel has no P2PDMA")
    if rules.needs_no_iommu:
        yield Asked("no-iommu", no_iommu_in_use(topology), iommu_text(host.iommu, host.iommus))
    if rules.needs_64_bit:
        yield Asked("64-bit", None if isinstance(host.wide, Missing) else host.wide, wide_text(host.wide))
    if rules.iommu_kinds is not None:
        yield Asked("dma-backend", _backend(host, rules.iommu_kinds), iommu_text(host.iommu, host.iommus))


def _backend(host: HostFacts, kinds: tuple[str, ...]) -> Answer:
    if isinstance(host.iommu, Missing) or (host.iommu and not host.iommus):
        return None
    return all(name.startswith(kinds) for name in host.iommus)
