"""The resolver against real kernels: every verdict, map type and distance that was recorded."""

from __future__ import annotations

import pytest

from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.providers import rank_providers
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import select
from p2pctl.resolver.topology import Topology
from tests.captures.recorded import NAMES, Pair, Round, rounds_of, snapshot_of, with_acs, without_acs


def resolver_of(snapshot: Snapshot) -> Resolver:
    assert snapshot.kernel is not None
    return Resolver(Topology.of(snapshot), select(snapshot.kernel.release).rules)


def said(name: str, one: Round, pair: Pair) -> str:
    return f"{name}, round {one.number}, provider {pair.provider}, client {pair.client}"


def test_all_of_them_are_here() -> None:
    """None got lost on the way into the tests."""
    assert len(NAMES) == 16
    assert sum(len(one.pairs) for name in NAMES for one in rounds_of(name)) == 476


@pytest.mark.parametrize("name", NAMES)
def test_every_verdict(name: str) -> None:
    """As the kernel decided, light and full; where it denied it gave no distance to compare."""
    differences = []
    for one in rounds_of(name):
        resolver = resolver_of(with_acs(snapshot_of(name), one.acs))
        for pair in one.pairs:
            outcome = resolver.verdict(pair.provider, pair.client)
            assert resolve(resolver, pair.provider, pair.client).outcome == outcome
            expected = ("allowed" if pair.allowed else "denied", pair.map_type, pair.distance)
            found = outcome if pair.allowed else (*outcome[:2], None)
            if found != expected:
                differences.append(f"{said(name, one, pair)}: kernel {expected}, here {outcome}")
    assert not differences, "\n" + "\n".join(differences)


@pytest.mark.parametrize("name", NAMES)
def test_without_privileges_nothing_is_claimed_that_is_wrong(name: str) -> None:
    """With no ACS register read, an answer is either what the kernel decided in every round, or unknown."""
    resolver = resolver_of(without_acs(snapshot_of(name)))
    for one in rounds_of(name):
        for pair in one.pairs:
            verdict = resolve(resolver, pair.provider, pair.client)
            assert verdict.verdict in {"allowed" if pair.allowed else "denied", "unknown"}, said(name, one, pair)
            assert verdict.map_type in {pair.map_type, "unknown"}, said(name, one, pair)
            assert bool(verdict.missing) == ("unknown" in verdict.outcome[:2]), said(name, one, pair)


@pytest.mark.parametrize("name", NAMES)
def test_the_search_finds_what_the_kernel_allows(name: str) -> None:
    """For each drive alone: the closest of the allowed pools, and none where the kernel allows none."""
    snapshot = snapshot_of(name)
    assert snapshot.pools is not None
    for one in rounds_of(name):
        resolver = resolver_of(with_acs(snapshot, one.acs))
        for client in {pair.client for pair in one.pairs}:
            allowed = {
                pair.provider: pair.distance
                for pair in one.pairs
                if pair.client == client and pair.distance is not None
            }
            closest = {provider for provider, distance in allowed.items() if distance == min(allowed.values())}
            ranking = rank_providers(resolver, snapshot.pools.pools.values(), [client])
            assert ranking.certain
            assert set(ranking.chosen) == closest, f"{name}, round {one.number}, client {client}"
