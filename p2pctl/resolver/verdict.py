"""Verdicts: the light one that a matrix is made of, and the full one that carries its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Gap, Missing
from p2pctl.model.pci import Acs, Link, acs_names
from p2pctl.resolver.host_bridge import Crossing
from p2pctl.resolver.logic import Answer, AnswerWord, word
from p2pctl.resolver.rules import RuleSet

VerdictWord = Literal["allowed", "denied", "unknown"]

MapType = Literal["bus-address", "through-host-bridge", "not-supported", "unknown"]
"""What the kernel would program: bus addresses, through switches alone; CPU addresses, through the host bridge."""

Side = Literal["provider", "common", "client"]

Client: TypeAlias = Address | str
"""A PCI function, or what the kernel calls a device that hangs on none."""

RuleName = Literal[
    "p2pdma",
    "pci-device",
    "no-iommu",
    "64-bit",
    "dma-backend",
    "same-switch",
    "common-bridge",
    "acs-redirect",
    "host-bridge-no-iommu",
    "cpu",
    "host-bridge-list",
]


class Outcome(NamedTuple):
    """A verdict without its reasons."""

    verdict: VerdictWord
    map_type: MapType
    distance: int | None
    """Steps, in the rule set's own units, also when denied; None for a client without a PCI function."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A function on the way from the provider up to the common bridge and down to the client.

    Without a common bridge the way up ends on the provider's root bus, and the way down starts on the client's.
    """

    address: Address
    side: Side
    """``common`` is the node that both ways share: a bridge, or the function itself if it is provider and client."""
    role: str
    """What it is in the tree, such as ``downstream-port``; ``unknown`` where nothing could be read of it."""
    slot: Fact[str]
    acs: Fact[Acs]
    redirects: Answer
    """Whether one of the bits that this rule set looks at is on; None where they could not be read."""
    counts: bool
    """Whether the rule set looks at them here at all: it does not without a common bridge."""
    link: Link

    @property
    def acs_capability(self) -> tuple[str, ...]:
        """Short names of what the hardware can do."""
        return () if isinstance(self.acs, Missing) else acs_names(self.acs.capability)

    @property
    def acs_control(self) -> tuple[str, ...]:
        """Short names of what is on."""
        return () if isinstance(self.acs, Missing) else acs_names(self.acs.control)


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule that was asked, and its answer."""

    rule: RuleName
    answer: Answer
    text: str

    @property
    def word(self) -> AnswerWord:
        """The answer in a word."""
        return word(self.answer)


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that makes the verdict what it is."""

    code: str
    """Stable name, such as ``acs-redirect``."""
    text: str
    address: Address | None = None
    """The function to look at."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict and everything that it rests on."""

    provider: Address
    client: Client
    rules: RuleSet
    outcome: Outcome
    path: tuple[Hop, ...]
    """From the provider to the client; empty where the client is no PCI function."""
    common: Address | None
    crossing: Crossing | None
    """What the rules say of the host bridges, also where they need not be crossed; None where no rule asks."""
    asked: tuple[Asked, ...]
    """In the order in which a kernel asks."""
    reasons: tuple[Reason, ...]
    missing: tuple[Gap, ...]
    """What could not be read of the way, and what would make it readable."""

    @property
    def verdict(self) -> VerdictWord:
        """May this client reach into this provider."""
        return self.outcome.verdict

    @property
    def map_type(self) -> MapType:
        """What the kernel would program."""
        return self.outcome.map_type

    @property
    def distance(self) -> int | None:
        """Steps, in the rule set's own units, also when denied."""
        return self.outcome.distance


class Joint(NamedTuple):
    """What holds for several clients of one provider together (``pci_p2pdma_distance_many``)."""

    verdict: VerdictWord
    """``denied`` as soon as one client is, and without clients."""
    map_type: MapType
    """The least direct one of all."""
    distance: int | None
    """The sum; None where a client has none. The kernel itself gives no distance once one client is refused."""
    outcomes: tuple[Outcome, ...]
    """One for each client."""
