"""What is found out about one client, before anybody puts it into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.snapshot import Snapshot
from p2pctl.proof.trace import Counts
from p2pctl.render.verdicts import (
    Names,
    no_function_text,
    refusals,
)
from p2pctl.resolver.bandwidth import Bandwidth, bandwidth
from p2pctl.resolver.command_line import OptionFinding, read_command_line
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.host_bridge import BridgeAnswer
from p2pctl.resolver.remedies import Advice, Remedy, advice, remedies
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import Selection
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Client, Reason, Verdict, VerdictWord
from p2pctl.target.inquiry import KernelAnswer


class Asked(NamedTuple):
    """What the running kernel was asked about a client, and said."""

    answer: KernelAnswer | None
    """None where it cannot be asked about this client."""
    text: str
    comparable: bool = True
    """Whether it is an answer to what was predicted."""

    def agrees(self, verdict: VerdictWord) -> bool | None:
        """Whether the kernel does as predicted; None where one of the two cannot be told."""
        if self.answer is None or not self.comparable or verdict == "unknown":
            return None
        return self.answer.answer == verdict


class Question(NamedTuple):
    """What is asked of a host."""

    provider: Address
    clients: tuple[Client, ...]
    selection: Selection
    assumed: tuple[str, ...] = ()
    """What the host was edited to, in sentences."""
    asked: Mapping[Client, Asked] = MappingProxyType({})
    """What the running kernel said, where it was asked."""
    traced: Counts | None = None
    """Requests for pool memory that were counted, where that was asked for."""


class Case(NamedTuple):
    """All that is said of one client."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    refused: bool
    """Whether the NVMe target leaves the client out, whatever the verdict."""
    remedies: tuple[Remedy, ...]
    advice: tuple[Advice, ...]
    bandwidth: Bandwidth | None


class Host(NamedTuple):
    """What the cases share."""

    snapshot: Snapshot
    topology: Topology
    names: Names


def case_of(host: Host, resolver: Resolver, provider: Address, client: Client) -> Case:
    """Resolves one pair, and finds what follows from it."""
    case = judged(host, resolver, provider, client)
    verdict = case.verdict
    return case._replace(
        remedies=remedies(host.snapshot, verdict),
        advice=advice(host.snapshot, verdict),
        bandwidth=bandwidth(host.snapshot, verdict),
    )


def judged(host: Host, resolver: Resolver, provider: Address, client: Client) -> Case:
    """Resolves one pair: the verdict and its reasons, but not what could be done. Raises NotFoundError."""
    verdict = resolve(resolver, provider, client)
    refused = refusals(host.snapshot, resolver.rules, client)
    reasons = (*_own_reasons(host, verdict), *(refusal.reason for refusal in refused))
    left_out = resolver.rules.virtual_dma != "nobody" and any(refusal.refused for refusal in refused)
    return Case(verdict, reasons, left_out, (), (), None)


def _own_reasons(host: Host, verdict: Verdict) -> tuple[Reason, ...]:
    if isinstance(verdict.client, str):
        return (Reason("not-a-pci-device", no_function_text(host.snapshot, verdict.client)),)
    return verdict.reasons


def bridges_of(verdict: Verdict) -> Sequence[BridgeAnswer]:
    """The host bridges that the traffic would cross."""
    return verdict.crossing.bridges if verdict.crossing else ()


def bridge_id(bridge: BridgeAnswer) -> str:
    """``8086:09a2``, with question marks for what could not be read."""
    parts = (bridge.vendor, bridge.device)
    return ":".join("????" if isinstance(part, Missing) else f"{part:04x}" for part in parts)


def option_findings(snapshot: Snapshot) -> tuple[OptionFinding, ...]:
    """What is wrong on the kernel's command line."""
    kernel = snapshot.kernel
    if kernel is None or isinstance(kernel.command_line, Missing):
        return ()
    release = None if isinstance(kernel.release, Missing) else kernel.release
    return read_command_line(kernel.command_line, release=release).findings
