"""Which provider for which namespace: one that its drive and all adapters of its ports can use.

The policy comes first, then the distance, as for the kernel; but where the kernel takes one of the closest at random,
the load is spread over links and pools, so that the most loaded link is least loaded. Loads are per GB/s: a link
with a load of 0.25 leaves each namespace 4 GB/s while all of them are busy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.pools import Pool
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.placement_chance import expect
from p2pctl.resolver.placement_links import Edge, Links
from p2pctl.resolver.placement_solve import Option, solve
from p2pctl.resolver.placement_wants import Want
from p2pctl.resolver.providers import Candidate, Ranking, rank_providers
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.verdict import Joint, MapType, Reason

Order = Literal["closest", "spread"]
"""``closest``: nothing but the closest providers of each namespace. ``spread``: farther ones, where that lowers the
load of the most loaded link."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user wants of pools, above any distance."""

    prefer: frozenset[Address] = frozenset()
    """Taken wherever they are allowed."""
    avoid: frozenset[Address] = frozenset()
    """Taken only where nothing else is allowed."""
    order: Order = "closest"


@dataclass(frozen=True, slots=True)
class LinkLoad:
    """One direction of a link under the plan."""

    edge: Edge
    rate: float
    """Decimal GB/s that it can carry."""
    load: float
    """Traffic over rate, with 1 GB/s of I/O in each namespace."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What one namespace gets."""

    want: Want
    provider: Address | None
    joint: Joint | None
    """What holds for its drive and all adapters together."""
    closest: tuple[Address, ...]
    """The providers that the kernel would choose from."""
    extra: int | None
    """Steps farther than the closest."""
    load: float | None
    """Of the most loaded link that it uses; None where no link's speed is known."""
    chance: float | None
    """The same, expected under the kernel's random choice."""
    reasons: tuple[Reason, ...]
    """Why it has no provider."""
    remarks: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A provider for each namespace that can have one."""

    choices: tuple[Choice, ...]
    """In the order of the wants."""
    links: tuple[LinkLoad, ...]
    """Most loaded first."""
    pools: Mapping[Address, int]
    """How many namespaces share each pool that is used."""
    chance: float
    """Expected load of the most loaded link under the kernel's random choice."""
    proven: bool
    """Whether nothing better exists; False where the solver's time was up."""
    unrated: tuple[Address, ...]
    """Ports whose links count for nothing, since their speed is not known."""

    @property
    def worst(self) -> LinkLoad | None:
        """The most loaded link."""
        return self.links[0] if self.links else None


class _Case(NamedTuple):
    """One namespace with the providers that come into question."""

    want: Want
    ranking: Ranking
    options: tuple[Candidate, ...]


def place(resolver: Resolver, wants: Sequence[Want], pools: Iterable[Pool], policy: Policy | None = None) -> Plan:
    """The plan. Raises NotFoundError for a function that is not there."""
    policy = policy or Policy()
    known = {pool.address: pool for pool in pools}
    ranked = _Ranked(resolver, known)
    links = Links(resolver)
    cases = [_case(ranked, want, policy) for want in wants]
    placed = [case for case in cases if case.options]
    solution = solve([[_option(links, case.want, one, known) for one in case.options] for case in placed])
    chosen = dict(zip(map(id, placed), solution.chosen, strict=True))
    picks = [case.options[chosen[id(case)]] if case.options else None for case in cases]
    flows = [_flows(links, case.want, pick.address) if pick else {} for case, pick in zip(cases, picks, strict=True)]
    totals = _totals(links, flows)
    chance = expect([_at_random(ranked, links, case.want) if case.options else [] for case in cases])
    choices = tuple(
        _choice(resolver, case, pick, _worst(totals, flow), expected)
        for case, pick, flow, expected in zip(cases, picks, flows, chance.each, strict=True)
    )
    used: dict[Address, int] = {}
    for pick in picks:
        if pick is not None:
            used[pick.address] = used.get(pick.address, 0) + 1
    return Plan(
        choices=choices,
        links=tuple(sorted(totals.values(), key=lambda link: (-link.load, link.edge))),
        pools=dict(sorted(used.items())),
        chance=chance.worst,
        proven=solution.proven,
        unrated=tuple(sorted({edge.port for flow in flows for edge in flow if links.rate(edge.port) is None})),
    )


class _Ranked:
    """Rankings, once for all namespaces with the same clients."""

    def __init__(self, resolver: Resolver, pools: Mapping[Address, Pool]) -> None:
        self._resolver = resolver
        self._pools = pools
        self._found: dict[tuple[Address, ...], Ranking] = {}

    def ranking(self, *clients: Address) -> Ranking:
        found = self._found.get(clients)
        if found is None:
            found = self._found[clients] = rank_providers(self._resolver, self._pools.values(), clients)
        return found


def _case(ranked: _Ranked, want: Want, policy: Policy) -> _Case:
    if want.drive is None or want.reasons:
        return _Case(want, Ranking((), (), certain=True), ())
    ranking = ranked.ranking(want.drive, *want.adapters)
    allowed = [one for one in ranking.candidates if one.eligible]
    tier = min((_tier(one.address, policy) for one in allowed), default=0)
    allowed = [one for one in allowed if _tier(one.address, policy) == tier]
    if policy.order == "closest":
        nearest = min((_distance(one) for one in allowed), default=0)
        allowed = [one for one in allowed if _distance(one) == nearest]
    # What passes a host bridge has no figure that could be relied on.
    best = min((_INDIRECT[one.joint.map_type] for one in allowed), default=0)
    return _Case(want, ranking, tuple(one for one in allowed if _INDIRECT[one.joint.map_type] == best))


_INDIRECT: dict[MapType, int] = {"bus-address": 0, "unknown": 1, "through-host-bridge": 1, "not-supported": 2}


def _tier(address: Address, policy: Policy) -> int:
    return 0 if address in policy.prefer else 2 if address in policy.avoid else 1


def _distance(candidate: Candidate) -> int:
    return candidate.joint.distance or 0


def _flows(links: Links, want: Want, pool: Address) -> dict[Edge, float]:
    return links.flows(want.drive, pool, want.adapters) if want.drive is not None else {}


def _relative(links: Links, flows: Mapping[Edge, float], share: float = 1.0) -> dict[Edge, float]:
    """Traffic over what the link carries; links of unknown speed count for nothing."""
    rates = ((edge, flow, links.rate(edge.port)) for edge, flow in flows.items())
    return {edge: flow * share / rate for edge, flow, rate in rates if rate is not None}


def _option(links: Links, want: Want, candidate: Candidate, pools: Mapping[Address, Pool]) -> Option:
    size = pools[candidate.address].size
    share = 0.0 if isinstance(size, Missing) or size <= 0 else (1 << 20) / size
    loads = _relative(links, _flows(links, want, candidate.address))
    return Option(dict(loads), (candidate.address, share), _distance(candidate))


def _totals(links: Links, flows: Iterable[Mapping[Edge, float]]) -> dict[Edge, LinkLoad]:
    total: dict[Edge, float] = {}
    for flow in flows:
        for edge, load in _relative(links, flow).items():
            total[edge] = total.get(edge, 0.0) + load
    return {edge: LinkLoad(edge, links.rate(edge.port) or 0.0, load) for edge, load in total.items()}


def _worst(totals: Mapping[Edge, LinkLoad], flow: Mapping[Edge, float]) -> float | None:
    return max((totals[edge].load for edge in flow if edge in totals), default=None)


def _at_random(ranked: _Ranked, links: Links, want: Want) -> list[list[Mapping[Edge, float]]]:
    """Each adapter's connections have a provider of their own."""
    if want.drive is None:
        return []
    adapters = want.adapters
    return [
        [
            _relative(links, links.flows(want.drive, pool, [adapter]), 1 / len(adapters))
            for pool in ranked.ranking(want.drive, adapter).chosen
        ]
        for adapter in adapters
    ]


def _choice(
    resolver: Resolver, case: _Case, pick: Candidate | None, load: float | None, chance: float | None
) -> Choice:
    ranking = case.ranking
    best = min((one.joint.distance or 0 for one in ranking.candidates if one.eligible), default=None)
    reasons = case.want.reasons
    if pick is None and not reasons:
        reasons = _refusals(resolver, case)
    return Choice(
        want=case.want,
        provider=pick.address if pick else None,
        joint=pick.joint if pick else None,
        closest=ranking.chosen,
        extra=None if pick is None or best is None else _distance(pick) - best,
        load=load,
        chance=chance,
        reasons=reasons,
        remarks=case.want.remarks,
    )


def _refusals(resolver: Resolver, case: _Case) -> tuple[Reason, ...]:
    """Why no pool will do: for each published one what the first client that it cannot serve meets."""
    found: list[Reason] = []
    for one in sorted(case.ranking.candidates, key=lambda one: (one.joint.distance is None, _distance(one))):
        if one.published is not False:
            found += _refusal(resolver, case.want, one)
    if not found:
        found.append(Reason("no-published-pool", "no device has P2P memory that is published"))
    return tuple(dict.fromkeys(found))


def _refusal(resolver: Resolver, want: Want, candidate: Candidate) -> list[Reason]:
    if candidate.joint.verdict == "allowed":
        return [
            Reason("published-unknown", f"whether {candidate.address} is published is not known", candidate.address)
        ]
    clients = (want.drive, *want.adapters) if want.drive is not None else want.adapters
    for client, outcome in zip(clients, candidate.joint.outcomes, strict=True):
        if outcome.verdict == candidate.joint.verdict:
            who = "its drive" if client == want.drive else "the adapter"
            verdict = resolve(resolver, candidate.address, client)
            told = "; ".join(reason.text for reason in verdict.reasons) or verdict.verdict
            code = verdict.reasons[0].code if verdict.reasons else verdict.verdict
            word = "refuses" if outcome.verdict == "denied" else "may refuse"
            text = f"{candidate.address} {word} {who} {client}: {told}"
            return [Reason(code, text, candidate.address)]
    return []
