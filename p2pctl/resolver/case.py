"""One pair on its way to a full verdict."""

from __future__ import annotations

from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.resolver.conclude import Way
from p2pctl.resolver.host_bridge import Crossing
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.verdict import Hop, Outcome


@dataclass(frozen=True, slots=True)
class Case:
    """The answer for a pair and what it was worked out from."""

    resolver: Resolver
    provider: Address
    client: Address
    outcome: Outcome
    way: Way
    path: tuple[Hop, ...]
    crossing: Crossing | None
    """None where the rules let nothing pass a host bridge."""

    @property
    def rules(self) -> RuleSet:
        """The rules in force."""
        return self.resolver.rules

    @property
    def common(self) -> Address | None:
        """The lowest node above both, or the function itself if both are one."""
        return next((hop.address for hop in self.path if hop.side == "common"), None)

    @property
    def asks_host_bridge(self) -> bool:
        """Whether the host bridges are, or may be, asked about for this way."""
        follows = self.rules.across if self.way is Way.ACROSS else self.rules.acs_hit
        return self.way is not Way.CLEAR and follows == "host-bridge"

    @property
    def refuses_host_bridge(self) -> bool:
        """Whether these rules refuse such a way without asking about the host bridges."""
        asks = self.rules.works and self.rules.common == "any-bridge"
        return asks and self.way in {Way.REDIRECTED, Way.ACROSS} and not self.asks_host_bridge

    @property
    def certain(self) -> bool:
        """Whether no fact is missing that could change the answer."""
        return self.outcome.verdict != "unknown" and self.outcome.map_type != "unknown"
