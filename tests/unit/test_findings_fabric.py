"""Which pairs pass which port: the quick way agrees with a look at every pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pctl.findings.fabric import Fabric, Pair, lends, uses
from p2pctl.findings.rules import findings
from p2pctl.findings.scene import Scene
from p2pctl.model.address import Address
from p2pctl.model.pools import Pool, Pools
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.topology import Topology
from p2pctl.simulator.pci import MIB
from tests.unit.test_resolver_properties import hosts


@st.composite
def lending(draw: st.DrawFn) -> Snapshot:
    """Any tree, in which some drives have a pool."""
    snapshot = draw(hosts())
    assert snapshot.pci is not None
    ends = [one for one in snapshot.pci.functions.values() if not one.is_bridge and one.class_code == 0x010802]
    chosen = [one for one in ends if draw(st.booleans())]
    pools = {one.address: Pool(one, 16 * MIB, 16 * MIB, True, mappable=True) for one in chosen}
    return replace(snapshot, pools=Pools(0.0, pools, {}))


def fabric_of(snapshot: Snapshot) -> Fabric:
    fabric = Scene(snapshot).fabric
    assert fabric is not None
    return fabric


def pairs(snapshot: Snapshot) -> Iterator[Pair]:
    devices = Scene(snapshot).devices
    lenders = [address for address, one in devices.items() if lends(one)]
    clients = [address for address, one in devices.items() if uses(one)]
    return (Pair(*pair) for pair in product(lenders, clients))


def way(topology: Topology, pair: Pair) -> set[Address]:
    """The nodes that the kernel looks at; none without a common bridge."""
    common = topology.common(*pair)
    if common is None:
        return set()
    up, down = topology.chain(pair.lender), topology.chain(pair.client)
    return {*up[: up.index(common) + 1], *down[: down.index(common)]}


@settings(max_examples=60, deadline=None)
@given(lending())
def test_who_passes_a_node(snapshot: Snapshot) -> None:
    """A pair is given for exactly those nodes that some pair passes, and it does pass them."""
    fabric = fabric_of(snapshot)
    every = {pair: way(fabric.topology, pair) for pair in pairs(snapshot)}
    passed = set().union(*every.values()) if every else set()
    for node in fabric.nodes:
        found = fabric.through(node)
        assert (found is not None) == (node in passed)
        assert found is None or node in every[found]


@settings(max_examples=60, deadline=None)
@given(lending())
def test_who_has_no_common_bridge(snapshot: Snapshot) -> None:
    """For each two root buses."""
    fabric = fabric_of(snapshot)
    root = fabric.topology.root
    apart = {pair for pair in pairs(snapshot) if fabric.topology.common(*pair) is None}
    for one, other in product(fabric.roots, repeat=2):
        found = fabric.across(one, other)
        assert (found is not None) == any((root(pair.lender), root(pair.client)) == (one, other) for pair in apart)
        assert found is None or found in apart


@settings(max_examples=60, deadline=None)
@given(lending())
def test_who_leaves_by_a_bridge(snapshot: Snapshot) -> None:
    """For a member below a bridge: a pair of its own that passes the bridge."""
    fabric = fabric_of(snapshot)
    every = {pair: way(fabric.topology, pair) for pair in pairs(snapshot)}
    for member in fabric.members:
        for node in fabric.chains[member][1:]:
            found = fabric.leaving(node, member)
            able = {pair for pair, nodes in every.items() if member in pair and node in nodes and pair[0] != pair[1]}
            assert (found is not None) == bool(able)
            assert found is None or found in able


@settings(max_examples=60, deadline=None)
@given(lending())
def test_redirection_is_told_exactly_where_it_refuses_or_detours(snapshot: Snapshot) -> None:
    """By the verdicts of all pairs that have a common bridge."""
    scene = Scene(snapshot)
    resolver = scene.resolver
    assert resolver is not None
    told = {one.code for one in findings(scene)} & {"acs-redirect", "acs-detour"}
    hit = [pair for pair in pairs(snapshot) if any(map(resolver.redirects, way(resolver.topology, pair)))]
    denied = {resolver.verdict(*pair).verdict == "denied" for pair in hit}
    assert ("acs-redirect" in told) == (True in denied)
    assert ("acs-detour" in told) == (False in denied)


@settings(max_examples=60, deadline=None)
@given(lending())
def test_whose_data_takes_the_link_above_a_node(snapshot: Snapshot) -> None:
    """A pair is given for exactly those nodes that some pair has one end below, or in, and the other elsewhere."""
    fabric = fabric_of(snapshot)
    every = list(pairs(snapshot))
    for node in fabric.nodes:
        able = {
            pair for pair in every if sum(node in fabric.chains[end] for end in set(pair)) == 1 and len(set(pair)) == 2
        }
        found = fabric.over(node)
        assert (found is not None) == bool(able)
        assert found is None or found in able
