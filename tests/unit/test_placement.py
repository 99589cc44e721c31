"""Providers for namespaces: allowed for all, closest first, the load spread."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact
from p2pctl.model.pci import Link
from p2pctl.model.pools import Pool
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.bandwidth import line_rate
from p2pctl.resolver.placement import Plan, Policy, place
from p2pctl.resolver.placement_chance import expect
from p2pctl.resolver.placement_links import Edge, Links
from p2pctl.resolver.placement_solve import Option, fixed_loads, movable, solve
from p2pctl.resolver.placement_wants import Want
from p2pctl.resolver.ports import PortDevice, PortDevices
from p2pctl.resolver.verdict import Reason
from p2pctl.simulator.pci import MIB, Device, RootBus
from tests.unit.test_resolver_hosts import (
    UNLISTED,
    ZEN,
    address,
    downstream,
    drive,
    edit,
    first,
    host,
    resolver,
    root_port,
    switch,
)

GEN3, GEN4, GEN5 = (8.0, 4), (16.0, 4), (32.0, 4)


def with_links(snapshot: Snapshot, links: Mapping[str, tuple[float, int]]) -> Snapshot:
    """The snapshot with these links; the others run at Gen5 x16."""
    assert snapshot.pci is not None
    named = {address(text): link for text, link in links.items()}
    functions = {
        at: function._replace(link=Link(*named.get(at, (32.0, 16)))) for at, function in snapshot.pci.functions.items()
    }
    return replace(snapshot, pci=replace(snapshot.pci, functions=functions))


def sized(snapshot: Snapshot, sizes: Mapping[str, Fact[int]]) -> Snapshot:
    """The snapshot with other sizes of its pools."""
    assert snapshot.pools is not None
    pools = {at: replace(pool, size=sizes.get(str(at)[5:], pool.size)) for at, pool in snapshot.pools.pools.items()}
    return replace(snapshot, pools=replace(snapshot.pools, pools=pools))


def port(*adapters: str) -> PortDevices:
    """A port that these functions serve."""
    devices = tuple(PortDevice(text, address(text), "gid", None) for text in adapters)
    return PortDevices("1", "rdma", "192.0.2.1", devices, True, (), ())


def want(at: str, *adapters: str) -> Want:
    return Want(f"/dev/{at}", "nqn", 1, address(at), (port(*adapters),), "1")


def plan(snapshot: Snapshot, *wants: Want, policy: Policy | None = None) -> Plan:
    assert snapshot.pools is not None
    return place(resolver(snapshot), wants, snapshot.pools.pools.values(), policy)


def given_to(found: Plan) -> list[str | None]:
    return [None if one.provider is None else str(one.provider)[5:] for one in found.choices]


def below(count: int) -> tuple[RootBus, ...]:
    """Functions 03:00.0 and on, each below a port of one switch."""
    ports = (downstream(drive(), at=at) for at in range(count))
    return (RootBus(0, 0, (first(UNLISTED), root_port(switch(*ports)))),)


def published(*texts: str) -> dict[str, Fact[bool]]:
    return dict.fromkeys(texts, True)


def test_its_own_memory_is_the_closest() -> None:
    """03 and 04 have pools of their own; 05 serves the port."""
    found = plan(with_links(host(*below(3), published=published("03:00.0", "04:00.0")), {}),
                 want("03:00.0", "05:00.0"), want("04:00.0", "05:00.0"))  # fmt: skip
    assert given_to(found) == ["03:00.0", "04:00.0"]
    assert [one.extra for one in found.choices] == [0, 0]
    assert found.choices[0].joint is not None
    assert found.choices[0].joint[:3] == ("allowed", "bus-address", 4)
    assert found.proven
    assert found.pools == {address("03:00.0"): 1, address("04:00.0"): 1}


def test_ties_are_spread() -> None:
    """Four drives without memory, two pools as near as each other: two each, where chance may send all to one."""
    snapshot = with_links(host(*below(7), published=published("03:00.0", "04:00.0")),
                          {"03:00.0": GEN4, "04:00.0": GEN4})  # fmt: skip
    found = plan(snapshot, *(want(f"0{at}:00.0", "09:00.0") for at in range(5, 9)))
    assert found.pools == {address("03:00.0"): 2, address("04:00.0"): 2}
    assert found.worst is not None
    assert found.worst.load == pytest.approx(2 / line_rate(*GEN4))
    # Heads or tails, four times: 2, 3 or 4 on the fuller of the two.
    assert found.chance == pytest.approx((6 * 2 + 8 * 3 + 2 * 4) / 16 / line_rate(*GEN4))
    assert all(one.chance is not None and one.load is not None and one.chance > one.load for one in found.choices)


def test_a_faster_link_takes_more() -> None:
    """Uneven generations: twice the speed, twice the namespaces."""
    snapshot = with_links(host(*below(9), published=published("03:00.0", "04:00.0")),
                          {"03:00.0": GEN3, "04:00.0": GEN4})  # fmt: skip
    found = plan(snapshot, *(want(f"{at:02x}:00.0", "0b:00.0") for at in range(5, 11)))
    assert {str(at)[5:]: count for at, count in found.pools.items()} == {"03:00.0": 2, "04:00.0": 4}


def test_a_larger_pool_takes_more() -> None:
    """Where the links do not care, sizes do."""
    silent = dict.fromkeys(("03:00.0", "04:00.0", "02:00.0", "02:01.0"), (0.0, 0))
    unknown = with_links(host(*below(9), published=published("03:00.0", "04:00.0")), silent)
    found = plan(sized(unknown, {"03:00.0": 32 * MIB, "04:00.0": 64 * MIB}),
                 *(want(f"{at:02x}:00.0", "0b:00.0") for at in range(5, 11)))  # fmt: skip
    assert found.pools == {address("03:00.0"): 2, address("04:00.0"): 4}


def test_links_of_unknown_speed_are_named() -> None:
    """They count for nothing, and the plan says so."""
    found = plan(host(*below(3), published=published("03:00.0")), want("04:00.0", "05:00.0"))
    assert found.worst is None
    assert found.choices[0].load is None
    assert found.unrated
    assert given_to(found) == ["03:00.0"]


def two_switches() -> Snapshot:
    """03:00.0 and 04:00.0 below one switch with the adapter 05:00.0; 08:00.0 and 09:00.0 below another."""
    near = switch(*(downstream(drive(), at=at) for at in range(3)))
    far = switch(*(downstream(drive(), at=at) for at in range(2)))
    buses = (RootBus(0, 0, (first(UNLISTED), root_port(near), root_port(far, at=2))),)
    pools = published("03:00.0", "08:00.0", "09:00.0")
    return with_links(host(*buses, cpu=ZEN, published=pools), {"03:00.0": GEN3, "08:00.0": GEN5, "09:00.0": GEN5})


def test_the_closest_even_if_it_is_slow() -> None:
    """A pool beyond the host bridge is farther. To spread over such ones is a choice of the user's."""
    snapshot = two_switches()
    wants = [replace(want("04:00.0", "05:00.0"), nsid=nsid) for nsid in range(3)]
    assert given_to(plan(snapshot, *wants)) == ["03:00.0"] * 3
    spread = plan(snapshot, *wants, policy=Policy(order="spread"))
    assert given_to(spread) == ["03:00.0"] * 3  # what passes a host bridge has no figure to rely on


def test_spreading_takes_farther_ones() -> None:
    """Of the same switch: a drive's own memory behind a slow link, and a faster pool beside it."""
    snapshot = with_links(host(*below(3), published=published("03:00.0", "04:00.0")),
                          {"03:00.0": GEN3, "04:00.0": (32.0, 16)})  # fmt: skip
    wants = [replace(want("03:00.0", "05:00.0"), nsid=nsid) for nsid in range(2)]
    assert given_to(plan(snapshot, *wants)) == ["03:00.0"] * 2
    # Its own memory costs one way over its link, another pool costs that too: nothing is gained.
    assert given_to(plan(snapshot, *wants, policy=Policy(order="spread"))) == ["03:00.0"] * 2
    cascade = switch(downstream(drive()), downstream(drive(), at=1), downstream(switch(downstream(drive())), at=2))
    deep = host(RootBus(0, 0, (first(UNLISTED), root_port(cascade))), published=published("03:00.0", "07:00.0"))
    deep = with_links(deep, {"03:00.0": GEN3})
    wants = [replace(want("04:00.0", "04:00.0"), nsid=nsid) for nsid in range(3)]
    closest = plan(deep, *wants)
    spread = plan(deep, *wants, policy=Policy(order="spread"))
    assert given_to(closest) == ["03:00.0"] * 3
    assert given_to(spread).count("07:00.0") == 3
    assert closest.worst is not None
    assert spread.worst is not None
    assert spread.worst.load < closest.worst.load
    assert [one.extra for one in spread.choices] == [4, 4, 4]


def test_the_policy_comes_before_the_distance() -> None:
    snapshot = with_links(host(*below(4), published=published("03:00.0", "04:00.0")), {})
    wanted = want("03:00.0", "05:00.0")
    other = address("04:00.0")
    preferred = plan(snapshot, wanted, policy=Policy(prefer=frozenset({other})))
    assert given_to(preferred) == ["04:00.0"]
    assert preferred.choices[0].extra == 4
    assert given_to(plan(snapshot, wanted, policy=Policy(avoid=frozenset({address("03:00.0")})))) == ["04:00.0"]
    every = frozenset({address("03:00.0"), other})
    assert given_to(plan(snapshot, wanted, policy=Policy(avoid=every))) == ["03:00.0"]


def test_allowed_for_every_adapter() -> None:
    """05:00.0 is below another root port: no pool serves both it and 03:00.0 on a platform that is not listed."""
    pair = switch(*(downstream(drive(), at=at) for at in range(2)))
    buses = (RootBus(0, 0, (first(UNLISTED), root_port(pair), root_port(drive(), at=2))),)
    snapshot = with_links(host(*buses, published=published("03:00.0")), {})
    assert given_to(plan(snapshot, want("03:00.0", "04:00.0"))) == ["03:00.0"]
    found = plan(snapshot, want("03:00.0", "04:00.0", "05:00.0"))
    assert given_to(found) == [None]
    (reason,) = found.choices[0].reasons
    assert reason.address == address("03:00.0")
    assert "refuses the adapter 0000:05:00.0" in reason.text
    assert given_to(plan(with_links(host(*buses, cpu=ZEN, published=published("03:00.0")), {}),
                         want("03:00.0", "04:00.0", "05:00.0"))) == ["03:00.0"]  # fmt: skip


def test_what_cannot_be_told_is_not_proposed() -> None:
    snapshot = edit(host(*below(2), published=published("03:00.0")), "02:00.0", control=UNREADABLE)
    found = plan(snapshot, want("03:00.0", "04:00.0"))
    assert given_to(found) == [None]
    assert "may refuse" in found.choices[0].reasons[0].text
    hidden = host(*below(2), published={"03:00.0": UNREADABLE})
    assert [one.code for one in plan(hidden, want("03:00.0", "04:00.0")).choices[0].reasons] == ["published-unknown"]
    private = host(*below(2), published={"03:00.0": False})
    assert [one.code for one in plan(private, want("03:00.0", "04:00.0")).choices[0].reasons] == ["no-published-pool"]


def test_trouble_of_its_own() -> None:
    """A namespace without a drive, or without a port, keeps its reason and disturbs nobody."""
    why = Reason("file-backed", "a file")
    snapshot = with_links(host(*below(2), published=published("03:00.0")), {})
    lost = Want("/srv/x.img", "nqn", 2, None, (port("04:00.0"),), ABSENT, (why,))
    alone = Want("/dev/x", "nqn", 3, address("03:00.0"), (), ABSENT)
    found = plan(snapshot, lost, want("03:00.0", "04:00.0"), alone)
    assert given_to(found) == [None, "03:00.0", None]
    assert found.choices[0].reasons == (why,)
    assert [one.code for one in found.choices[2].reasons] == ["not-exported"]
    assert given_to(plan(snapshot)) == []


def test_routes() -> None:
    """Direct ones turn at the switch; redirected ones go up to the root port and back; none inside a device."""
    snapshot = with_links(host(*below(2), cpu=ZEN), {"03:00.0": GEN3})
    links = Links(resolver(snapshot))
    one, other = address("03:00.0"), address("04:00.0")
    assert links.route(one, one) == ()
    assert links.route(one, other) == (Edge(address("02:00.0"), up=True), Edge(address("02:01.0"), up=False))
    assert links.rate(address("02:00.0")) == pytest.approx(3.94, abs=0.01)
    redirected = Links(resolver(edit(snapshot, "02:00.0", control=0x1D)))
    root = address("00:01.0")
    there, back = Edge(root, up=True), Edge(root, up=False)
    assert redirected.route(one, other) == (links.route(one, other)[0], there, back, links.route(one, other)[1])


@pytest.mark.parametrize(
    ("speed", "width", "rate"), [(2.5, 4, 1.0), (8.0, 16, 15.75), (16.0, 4, 7.88), (32.0, 16, 63.02), (64.0, 4, 29.5)]
)
def test_link_rates(speed: float, width: int, rate: float) -> None:
    """As the generations of PCI Express are known."""
    assert line_rate(speed, width) == pytest.approx(rate, abs=0.01)


def test_expectation_of_many() -> None:
    """Beyond some combinations it is an estimate, the same at every run."""
    edges = [{Edge(address(f"00:{at:02x}.0"), up=True): 1.0} for at in range(4)]
    many = expect([[edges]] * 12)
    assert many == expect([[edges]] * 12)
    assert 3.5 < many.worst < 6.5
    assert expect([[], [edges[:1]]]) == (1.0, (None, 1.0))
    assert expect([]) == (0.0, ())


# Arithmetic: nothing is better than what is found.

Problem = list[list[Option]]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Up to five items and four pools, with uneven links, shared ones and sizes."""
    pools = draw(st.integers(1, 4))
    shares = [draw(st.sampled_from([0.5, 1.0, 2.0])) for _ in range(pools)]
    loads: st.SearchStrategy[dict[Hashable, float]] = st.dictionaries(
        st.sampled_from("abcdef"), st.sampled_from([0.1, 0.25, 0.5, 1.0]), max_size=3
    )
    items = []
    for _ in range(draw(st.integers(1, 5))):
        own = draw(st.lists(st.integers(0, pools - 1), min_size=1, max_size=pools, unique=True))
        items.append([
            Option(draw(loads), (f"pool{pool}", shares[pool]), draw(st.integers(0, 8))) for pool in own
        ])  # fmt: skip
    return items


def total(chosen: Iterable[Option]) -> dict[Hashable, float]:
    found: dict[Hashable, float] = {}
    for option in chosen:
        for thing, load in (*option.loads.items(), option.fill):
            found[thing] = found.get(thing, 0.0) + load
    return found


def groups(items: Problem) -> list[tuple[set[Hashable], list[int]]]:
    """Items that compete, found in another way than by the code: merging until nothing changes."""
    found = [(movable(options), [number]) for number, options in enumerate(items) if movable(options)]
    while True:
        pair = next(((a, b) for a in found for b in found if a is not b and a[0] & b[0]), None)
        if pair is None:
            return found
        found = [one for one in found if one is not pair[0] and one is not pair[1]]
        found.append((pair[0][0] | pair[1][0], pair[0][1] + pair[1][1]))


def score(items: Problem, chosen: Sequence[int], group: tuple[set[Hashable], list[int]]) -> tuple[float, float, int]:
    """The worst link, the fullest pool and the cost, as far as the group can change them."""
    things, members = group
    sums = total(options[one] for options, one in zip(items, chosen, strict=True))
    pools = {thing for thing in things if str(thing).startswith("pool")}
    return (
        round(max((sums.get(thing, 0.0) for thing in things - pools), default=0.0), 6),
        round(max((sums.get(thing, 0.0) for thing in pools), default=0.0), 6),
        sum(items[member][chosen[member]].cost for member in members),
    )


@given(problems())
@settings(max_examples=150, deadline=None)
def test_nothing_is_better(items: Problem) -> None:
    """Against every combination there is."""
    found = solve(items)
    assert found.proven
    every = list(product(*(range(len(options)) for options in items)))
    for group in groups(items):
        assert score(items, found.chosen, group) == min(score(items, one, group) for one in every)
    links = {link for options in items for option in options for link in option.loads}

    def worst(chosen: Sequence[int]) -> float:
        sums = total(options[one] for options, one in zip(items, chosen, strict=True))
        return max((sums.get(link, 0.0) for link in links), default=0.0)

    assert worst(found.chosen) == pytest.approx(min(map(worst, every)))


def test_what_an_item_adds_anyway() -> None:
    options = [Option({"a": 1.0, "b": 0.5}, ("p", 1.0), 0), Option({"a": 0.25}, ("q", 1.0), 0)]
    assert fixed_loads(options) == {"a": 0.25}
    assert movable(options) == {"a", "b", "p", "q"}
    assert movable(options[:1]) == set()
    assert solve([]) == ((), True)


def busy(namespaces: int, pools: int, seed: int) -> tuple[Snapshot, list[Want]]:
    """A host with four switches, where everything may reach everything, and links and sizes are uneven."""
    rng = random.Random(seed)  # noqa: S311  no secret
    each = (namespaces + pools) // 4 + 2

    def arm(at: int) -> Device:
        return root_port(switch(*(downstream(drive(), at=number) for number in range(each))), at=at)

    buses = (RootBus(0, 0, (first(UNLISTED), *(arm(at + 1) for at in range(4)))),)
    bare = host(*buses, cpu=ZEN)
    assert bare.pci is not None
    ends = [str(at)[5:] for at, function in bare.pci.functions.items() if function.role == "endpoint" and at.bus]
    rng.shuffle(ends)
    links = {end: rng.choice([GEN3, GEN4, GEN5]) for end in ends}
    snapshot = with_links(host(*buses, cpu=ZEN, published=published(*ends[:pools])), links)
    snapshot = sized(snapshot, {end: rng.choice([16, 64, 512]) * MIB for end in ends[:pools]})
    adapters = ends[-2:]
    wants = [want(end, rng.choice(adapters)) for end in ends[pools : pools + namespaces]]
    return snapshot, wants


def brute(snapshot: Snapshot, wants: Sequence[Want], candidates: Sequence[Sequence[Address]]) -> float:
    """The least load of the most loaded link, by trying everything."""
    links = Links(resolver(snapshot))
    best = float("inf")
    for pick in product(*candidates):
        sums: dict[Edge, float] = {}
        for one, pool in zip(wants, pick, strict=True):
            assert one.drive is not None
            for edge, flow in links.flows(one.drive, pool, one.adapters).items():
                rate = links.rate(edge.port)
                assert rate is not None
                sums[edge] = sums.get(edge, 0.0) + flow / rate
        best = min(best, max(sums.values()))
    return best


@pytest.mark.parametrize("seed", range(25))
def test_small_hosts_against_every_combination(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  no secret
    snapshot, wants = busy(rng.randint(1, 5), rng.randint(1, 4), seed)
    found = plan(snapshot, *wants)
    assert found.proven
    assert found.worst is not None
    assert all(one.extra == 0 for one in found.choices)
    assert found.worst.load == pytest.approx(brute(snapshot, wants, [one.closest for one in found.choices]))
    assert snapshot.pools is not None
    assert found.worst.load <= found.chance + 1e-9


@pytest.mark.parametrize("order", ["closest", "spread"])
def test_a_large_host_has_an_answer(order: str) -> None:
    """64 namespaces, 16 pools: everything is placed, and better than by chance."""
    snapshot, wants = busy(64, 16, 1)
    found = plan(snapshot, *wants, policy=Policy(order="spread" if order == "spread" else "closest"))
    assert all(one.provider for one in found.choices)
    assert found.worst is not None
    assert found.worst.load < found.chance
    assert isinstance(snapshot.pools.pools[address(str(found.choices[0].provider))] if snapshot.pools else None, Pool)
