"""What a remedy is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from p2pctl.model.address import Address
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.groups import GroupMerge
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Outcome, Verdict

RemedyCode = Literal[
    "disable-acs-redirect",
    "configure-acs",
    "clear-acs-now",
    "move-below-one-switch",
    "move-to-one-root-bus",
    "newer-kernel",
    "kernel-with-p2pdma",
    "iommu-off",
]

AdviceCode = Literal[
    "acs-parameter-broken",
    "acs-unreadable",
    "setpci-locked-down",
    "report-host-bridge",
    "never-override",
    "one-switch",
    "different-sockets",
    "virtual-dma",
    "no-pci-ancestor",
    "private-pool",
    "kernel-without-p2pdma",
]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to make the kernel allow the pair, or to make an allowed way through the host bridge a direct one."""

    code: RemedyCode
    text: str
    """What to do, in a sentence or two."""
    commands: tuple[str, ...]
    """To be run, or written where ``text`` says, exactly as they stand."""
    risk: str
    """What it costs."""
    verify: tuple[str, ...]
    """Commands and what they show when it has worked."""
    result: Outcome
    """What the rules say of the pair once this is done; always allowed."""
    ports: tuple[Address, ...] = ()
    """For ACS: the least set of ports to change."""
    merges: tuple[GroupMerge, ...] = ()
    """For ACS: the IOMMU groups that would become one at the next boot."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What applies but cannot be proved by resolving again: no change of this host that the rules know of."""

    code: AdviceCode
    text: str
    commands: tuple[str, ...] = ()


def again(snapshot: Snapshot, verdict: Verdict) -> Outcome:
    """The same question asked of another host, under the same rules. Raises NotFoundError."""
    return Resolver(Topology.of(snapshot), verdict.rules).verdict(verdict.provider, verdict.client)


def better(verdict: Verdict, result: Outcome) -> bool:
    """Whether a change is worth telling: allowed where it was not, or direct where it was not."""
    if result.verdict != "allowed":
        return False
    return verdict.verdict != "allowed" or (verdict.map_type, result.map_type) == ("through-host-bridge", "bus-address")
