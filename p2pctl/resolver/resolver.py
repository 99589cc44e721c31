"""May this client reach into that provider: the light answer, made for many pairs of one host.

It gives what ``calc_map_type_and_dist`` of drivers/pci/p2pdma.c gives under the rule set at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.resolver.conclude import Way, conclude
from p2pctl.resolver.conditions import conditions
from p2pctl.resolver.host_bridge import Crossing, cross
from p2pctl.resolver.logic import Answer, all_of
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Asked, Client, Joint, MapType, Outcome, VerdictWord

NOT_PCI = Outcome("denied", "not-supported", None)
"""Of a client that hangs on no PCI function (``find_parent_pci_dev`` finds none)."""


class _Climb(NamedTuple):
    """One function's way up, with what it meets on it."""

    root: str
    switch: Address | None
    """The bridge two above."""
    nodes: dict[Address, tuple[int, Way]]
    """From the function itself up: the steps to each node, and what redirects up to and with it."""


class Resolver:
    """Verdicts for the pairs of one host under one rule set. What pairs share is worked out once."""

    def __init__(self, topology: Topology, rules: RuleSet) -> None:
        self.topology = topology
        self.rules = rules
        self.conditions: tuple[Asked, ...] = conditions(topology, rules)
        """What the rules ask of the host itself, with the answers."""
        self._fit = all_of(asked.answer for asked in self.conditions)
        self._same_switch = rules.common == "same-switch"
        self._climbs: dict[Address, _Climb] = {}
        self._crossings: dict[tuple[str, str], Crossing] = {}
        self._concluded: dict[tuple[Way, str, str], tuple[VerdictWord, MapType]] = {}
        self._outcomes: dict[tuple[VerdictWord, MapType, int], Outcome] = {}
        self._joints: dict[tuple[Outcome, ...], Joint] = {}

    def verdict(self, provider: Address, client: Client) -> Outcome:
        """The answer alone. Raises NotFoundError for a function that is not there."""
        up = self._climb(provider)
        if isinstance(client, str):
            return NOT_PCI
        return self._meet(up, self._climb(client))

    def matrix(self, providers: Iterable[Address], clients: Sequence[Client]) -> tuple[tuple[Outcome, ...], ...]:
        """The answer for every provider, a row each, and every client. Raises NotFoundError."""
        downs = [None if isinstance(client, str) else self._climb(client) for client in clients]
        meet = self._meet
        return tuple(
            tuple(NOT_PCI if down is None else meet(up, down) for down in downs) for up in map(self._climb, providers)
        )

    def joint(self, provider: Address, clients: Sequence[Client]) -> Joint:
        """The answer for several clients together. Raises NotFoundError."""
        outcomes = tuple(self.verdict(provider, client) for client in clients)
        known = self._joints.get(outcomes)
        if known is None:
            known = self._joints[outcomes] = joint(outcomes)
        return known

    def way(self, provider: Address, client: Address) -> Way:
        """How the two are connected, as far as the rules care. Raises NotFoundError."""
        return self._way(self._climb(provider), self._climb(client))[0]

    def crossing(self, provider: Address, client: Address) -> Crossing:
        """What the rules say of the host bridges between the two. Raises NotFoundError."""
        return self._cross(self.topology.root(provider), self.topology.root(client))

    def redirects(self, node: Address) -> Answer:
        """Whether a bit that the rules look at is on there (``pci_bridge_has_acs_redir``)."""
        mask = self.rules.acs_mask
        if not mask:
            return False
        acs = self.topology.acs(node)
        if isinstance(acs, Missing):
            return False if acs is Missing.ABSENT else None
        return bool(acs.control & mask)

    def _climb(self, address: Address) -> _Climb:
        climb = self._climbs.get(address)
        if climb is None:
            climb = self._climbs[address] = self._climb_anew(address)
        return climb

    def _climb_anew(self, address: Address) -> _Climb:
        chain = self.topology.chain(address)
        nodes: dict[Address, tuple[int, Way]] = {}
        way = Way.CLEAR
        for steps, node in enumerate(chain):
            way = max(way, _HERE[self.redirects(node)])
            nodes[node] = (steps, way)
        return _Climb(self.topology.root(address), chain[2] if len(chain) > 2 else None, nodes)

    def _way(self, up: _Climb, down: _Climb) -> tuple[Way, int]:
        """How two functions are connected, and the steps between them."""
        way, distance = Way.ACROSS, len(up.nodes) + len(down.nodes)
        for node, (steps, below) in down.nodes.items():
            met = up.nodes.get(node)
            if met is not None:
                way, distance = max(met[1], below), met[0] + steps
                break
        if self._same_switch:
            way = Way.CLEAR if up.switch is not None and up.switch == down.switch else Way.ACROSS
        return way, distance

    def _meet(self, up: _Climb, down: _Climb) -> Outcome:
        way, distance = self._way(up, down)
        key = (way, up.root, down.root)
        concluded = self._concluded.get(key)
        if concluded is None:
            concluded = self._concluded[key] = self._conclude(*key)
        verdict, map_type = concluded
        if way is Way.ACROSS and verdict != "denied":
            distance += self.rules.penalty
        outcome = self._outcomes.get((verdict, map_type, distance))
        if outcome is None:
            outcome = self._outcomes[verdict, map_type, distance] = Outcome(verdict, map_type, distance)
        return outcome

    def _conclude(self, way: Way, provider: str, client: str) -> tuple[VerdictWord, MapType]:
        crossing = self._cross(provider, client).open if self.rules.crosses_host_bridge else False
        return conclude(self.rules, way, fit=self._fit, crossing=crossing)

    def _cross(self, provider: str, client: str) -> Crossing:
        crossing = self._crossings.get((provider, client))
        if crossing is None:
            crossing = self._crossings[provider, client] = cross(self.topology, self.rules, provider, client)
        return crossing


_HERE: dict[Answer, Way] = {False: Way.CLEAR, None: Way.UNSURE, True: Way.REDIRECTED}


def joint(outcomes: Sequence[Outcome]) -> Joint:
    """Several verdicts of one provider taken together."""
    if not outcomes:
        return Joint("denied", "not-supported", None, ())
    distances = [outcome.distance for outcome in outcomes if outcome.distance is not None]
    verdicts = {outcome.verdict for outcome in outcomes}
    map_types = {outcome.map_type for outcome in outcomes}
    return Joint(
        next(word for word in _WORST_VERDICT if word in verdicts),
        next(kind for kind in _LEAST_DIRECT if kind in map_types),
        sum(distances) if len(distances) == len(outcomes) else None,
        tuple(outcomes),
    )


_WORST_VERDICT: tuple[VerdictWord, ...] = ("denied", "unknown", "allowed")
_LEAST_DIRECT: tuple[MapType, ...] = ("not-supported", "unknown", "through-host-bridge", "bus-address")
