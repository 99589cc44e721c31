"""Whether a rule set lets traffic cross the host bridges between two root buses.

drivers/pci/p2pdma.c: ``cpu_supports_p2pdma``, ``pci_host_bridge_dev``, ``__host_bridge_whitelist``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Fact, Missing
from p2pctl.model.kernel import Cpu
from p2pctl.model.pci import Function, PortType
from p2pctl.resolver.logic import Answer, all_of, either
from p2pctl.resolver.rules import CpuRule, ListedBridge, RuleSet
from p2pctl.resolver.topology import Topology

BridgeCode = Literal[
    "host-bridge-listed",
    "host-bridge-not-listed",
    "host-bridge-same-required",
    "host-bridge-no-representative",
    "host-bridge-unknown",
]


@dataclass(frozen=True, slots=True)
class BridgeAnswer:
    """What the list of host bridges says about one root bus."""

    root: str
    """``pci0000:00``."""
    first: Address | None
    """The first function on it."""
    representative: Fact[Address]
    """The function whose ids are compared: ``first``, or ABSENT where that may not stand for the host bridge."""
    vendor: Fact[int]
    device: Fact[int]
    """Ids of ``first``."""
    entry: ListedBridge | None
    """The entry that it matches."""
    answer: Answer
    """Whether the list accepts it for this pair; None where a missing fact decides."""
    code: BridgeCode


@dataclass(frozen=True, slots=True)
class Crossing:
    """Whether the way through the host bridges of two root buses is open."""

    same: bool
    """Both are one host bridge."""
    cpu: Answer
    """Whether the CPU rule accepts; False without one."""
    no_iommu: Answer
    """Whether there is no IOMMU, where the rules ask for that; True where they do not."""
    bridges: tuple[BridgeAnswer, ...]
    """The provider's and the client's host bridge; one if they are the same."""
    listed: Answer
    """Whether the list accepts all of them."""
    open: Answer


def cross(topology: Topology, rules: RuleSet, provider: str, client: str) -> Crossing:
    """The way between two root buses."""
    same = provider == client
    roots = (provider,) if same else (provider, client)
    bridges = tuple(_bridge(topology, rules, root, same=same) for root in roots)
    listed = all_of(bridge.answer for bridge in bridges)
    cpu = _cpu(topology.host.cpu, rules.cpu)
    no_iommu = no_iommu_in_use(topology) if rules.host_bridge_needs_no_iommu else True
    return Crossing(same, cpu, no_iommu, bridges, listed, all_of((either((cpu, listed)), no_iommu)))


def no_iommu_in_use(topology: Topology) -> Answer:
    """Whether there is no IOMMU."""
    iommu = topology.host.iommu
    return None if isinstance(iommu, Missing) else not iommu


def _cpu(cpu: Fact[Cpu], rule: CpuRule | None) -> Answer:
    if rule is None:
        return False
    if isinstance(cpu, Missing):
        return None
    if cpu.vendor != rule.vendor:
        return False
    return None if cpu.family is None else cpu.family >= rule.family


def _bridge(topology: Topology, rules: RuleSet, root: str, *, same: bool) -> BridgeAnswer:
    bridge = topology.host_bridge(root)
    first = None if bridge is None or bridge.first is None else topology.function(bridge.first)
    if first is None:
        return BridgeAnswer(root, None, NOT_READ, NOT_READ, NOT_READ, None, None, "host-bridge-unknown")
    stands = _representative(first, rules)
    if stands is ABSENT:
        return _answer(root, first, stands, None, answer=False, code="host-bridge-no-representative")
    if isinstance(first.vendor, Missing) or isinstance(first.device, Missing):
        return _answer(root, first, stands, None, answer=None, code="host-bridge-unknown")
    vendor, device = first.vendor, first.device
    entry = next((entry for entry in rules.listed if entry.matches(vendor, device)), None)
    if entry is None:
        return _answer(root, first, stands, entry, answer=False, code="host-bridge-not-listed")
    if entry.same_only and not same:
        return _answer(root, first, stands, entry, answer=False, code="host-bridge-same-required")
    if isinstance(stands, Missing):
        return _answer(root, first, stands, entry, answer=None, code="host-bridge-unknown")
    return _answer(root, first, stands, entry, answer=True, code="host-bridge-listed")


def _answer(
    root: str,
    first: Function,
    stands: Fact[Address],
    entry: ListedBridge | None,
    *,
    answer: Answer,
    code: BridgeCode,
) -> BridgeAnswer:
    return BridgeAnswer(root, first.address, stands, first.vendor, first.device, entry, answer, code)


def _representative(first: Function, rules: RuleSet) -> Fact[Address]:
    address = first.address
    if address.device == 0 and address.function == 0:
        return address
    if rules.representative == "slot-0":
        return ABSENT
    port_type = first.config.port_type
    if isinstance(port_type, Missing):
        return ABSENT if port_type is ABSENT else UNREADABLE
    return address if port_type == PortType.ROOT_PORT else ABSENT
