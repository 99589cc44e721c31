"""What holds for every tree, every setting of the ACS registers and every rule set."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice, product

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing, known
from p2pctl.model.kernel import Cpu
from p2pctl.model.pci import Acs, Function, PortType
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.selection import ALL_RULES
from p2pctl.resolver.verdict import Client, Outcome
from p2pctl.simulator.pci import Device, RootBus
from tests.unit.test_resolver_hosts import (
    ANY_BRIDGE,
    ARM,
    OLD_ZEN,
    SAME_BRIDGE,
    UNLISTED,
    XEON,
    ZEN,
    adapter,
    downstream,
    drive,
    edit,
    first,
    host,
    resolver,
    root_port,
    switch,
)  # fmt: skip

CONTROL = st.one_of(st.none(), st.sampled_from([0x00, 0x01, 0x04, 0x08, 0x10, 0x11, 0x1D, 0x20, 0x5F]))

RULES = st.sampled_from(ALL_RULES)

CPUS: tuple[Fact[Cpu], ...] = (XEON, ZEN, ARM, UNREADABLE)
BUILT: tuple[Fact[bool], ...] = (True, ABSENT)


@st.composite
def slots(draw: st.DrawFn, depth: int) -> tuple[Device, ...]:
    """What is behind a port: a device of one or more functions, one with virtual functions, a switch, or nothing."""
    kind = draw(st.sampled_from(["drive", "functions", "virtual", "empty", *["switch"] * (2 * depth)]))
    if kind == "drive":
        return (drive(on=draw(CONTROL)),)
    if kind == "functions":
        return tuple(drive((0, function), on=draw(CONTROL)) for function in range(2))
    if kind == "virtual":
        return adapter(on=draw(CONTROL))
    if kind == "empty":
        return ()
    ports = [downstream(*draw(slots(depth - 1)), at=at, on=draw(CONTROL)) for at in range(draw(st.integers(1, 3)))]
    return (switch(*ports, on=draw(CONTROL)),)


@st.composite
def hosts(draw: st.DrawFn) -> Snapshot:
    """One to three root buses, switches three deep, any processor, with and without IOMMU."""
    buses = []
    for nth in range(draw(st.integers(1, 3))):
        starts = draw(st.sampled_from([UNLISTED, ANY_BRIDGE, SAME_BRIDGE, OLD_ZEN]))
        begin = draw(st.sampled_from([(first(starts),), (), (drive((0, 0)),)]))
        ports = [
            root_port(*draw(slots(2)), at=at, on=draw(CONTROL), ids=draw(st.sampled_from([starts, UNLISTED])))
            for at in range(1, 1 + draw(st.integers(1, 2)))
        ]
        buses.append(RootBus(0x40 * nth, nth, (*begin, *ports, drive((9, 0)))))
    return host(
        *buses,
        cpu=draw(st.sampled_from(CPUS)),
        iommus=draw(st.sampled_from([(), ("dmar0",), ("smmu3.0x0",)])),
        release=draw(st.sampled_from(["6.2.0", "6.2.0-1-amd64"])),
        p2pdma=draw(st.sampled_from(BUILT)),
    )


@st.composite
def hidden(draw: st.DrawFn) -> Snapshot:
    """The same with some ACS registers unread."""
    snapshot = draw(hosts())
    generator = draw(st.randoms(use_true_random=False))
    for where in _functions(snapshot):
        if generator.random() < 0.2:
            snapshot = edit(snapshot, str(where), control=UNREADABLE)
    return snapshot


def _functions(snapshot: Snapshot) -> Mapping[Address, Function]:
    assert snapshot.pci is not None
    return snapshot.pci.functions


def _pairs(snapshot: Snapshot, most: int = 60) -> list[tuple[Address, Address]]:
    """Pairs of functions, bridges among them; some of them where there are many."""
    functions = tuple(_functions(snapshot))
    every = list(product(functions, functions))
    return random.Random(0).sample(every, min(most, len(every)))  # noqa: S311  the same ones every time


def _controls(snapshot: Snapshot, change: Mapping[Address, Fact[Acs]]) -> Snapshot:
    assert snapshot.pci is not None
    functions = {
        where: function._replace(config=function.config._replace(acs=change.get(where, function.config.acs)))
        for where, function in snapshot.pci.functions.items()
    }
    return replace(snapshot, pci=replace(snapshot.pci, functions=functions))


def kernel_says(snapshot: Snapshot, provider: Address, client: Address) -> tuple[str, int]:
    """Map type and distance as a current kernel works them out, step by step, with no cleverness at all."""
    functions = _functions(snapshot)

    def up(function: Function) -> Function | None:
        physical = functions[known(function.physfn, function.address)]
        return None if physical.parent is None else functions[physical.parent]

    def redirects(function: Function) -> bool:
        acs = function.config.acs
        return not isinstance(acs, Missing) and acs.control & 0x2C != 0

    hits = 0
    steps_up = 0
    above: Function | None = functions[provider]
    while above is not None:
        hits += redirects(above)
        steps_down = 0
        below: Function | None = functions[client]
        while below is not None:
            if below == above:
                below = functions[client]
                while below is not None and below != above:
                    hits += redirects(below)
                    below = up(below)
                if not hits:
                    return "bus-address", steps_up + steps_down
                kind = "through-host-bridge" if _kernel_crosses(snapshot, provider, client) else "not-supported"
                return kind, steps_up + steps_down
            below = up(below)
            steps_down += 1
        above = up(above)
        steps_up += 1
    kind = "through-host-bridge" if _kernel_crosses(snapshot, provider, client) else "not-supported"
    return kind, steps_up + steps_down


def _kernel_crosses(snapshot: Snapshot, provider: Address, client: Address) -> bool:
    functions = _functions(snapshot)
    cpu = snapshot.kernel.cpu if snapshot.kernel else UNREADABLE
    assert not isinstance(cpu, Missing)
    if cpu.vendor == "AuthenticAMD" and cpu.family is not None and cpu.family >= 0x17:
        return True
    roots = {functions[provider].root, functions[client].root}
    return all(_kernel_lists(functions, root, same=len(roots) == 1) for root in roots)


def _kernel_lists(functions: Mapping[Address, Function], root: str, *, same: bool) -> bool:
    begin = min(where for where, function in functions.items() if function.root == root and function.parent is None)
    stands = begin[2:] == (0, 0) or functions[begin].config.port_type == PortType.ROOT_PORT
    ids = (functions[begin].vendor, functions[begin].device)
    return stands and (ids == ANY_BRIDGE or (ids == SAME_BRIDGE and same))


@settings(max_examples=150, deadline=None)
@given(hosts())
def test_the_kernels_own_walk(snapshot: Snapshot) -> None:
    """The shortcuts change nothing."""
    if snapshot.kernel is None or isinstance(snapshot.kernel.cpu, Missing):
        return
    found = resolver(snapshot)
    for provider, client in _pairs(snapshot, 200):
        assert found.verdict(provider, client)[1:] == kernel_says(snapshot, provider, client), (provider, client)


@settings(max_examples=60, deadline=None)
@given(hidden(), RULES)
def test_symmetry(snapshot: Snapshot, rules: RuleSet) -> None:
    """Provider and client may change places: same verdict, same map type, same distance."""
    found = resolver(snapshot, rules)
    for provider, client in _pairs(snapshot):
        assert found.verdict(provider, client) == found.verdict(client, provider), (provider, client)


@settings(max_examples=60, deadline=None)
@given(hidden(), RULES)
def test_the_light_answer_is_the_full_one(snapshot: Snapshot, rules: RuleSet) -> None:
    """One by one, in a matrix, with evidence, and whatever was asked before."""
    found = resolver(snapshot, rules)
    functions = list(islice(_functions(snapshot), 12))
    clients: list[Client] = [*functions, "md0"]
    matrix = found.matrix(functions, clients)
    for provider, row in zip(functions, matrix, strict=True):
        for client, outcome in zip(clients, row, strict=True):
            assert found.verdict(provider, client) == outcome
            verdict = resolve(resolver(snapshot, rules), provider, client)
            assert verdict.outcome == outcome
            assert verdict.reasons
            assert bool(verdict.missing) == ("unknown" in outcome[:2])
            assert all(reason.text for reason in verdict.reasons)


@settings(max_examples=60, deadline=None)
@given(hosts(), RULES, st.randoms(use_true_random=False))
def test_stricter_acs_never_opens_the_direct_way(snapshot: Snapshot, rules: RuleSet, generator: random.Random) -> None:
    """With more bits on, what was denied is no bus address, and no bus address becomes one."""
    stricter = _controls(
        snapshot,
        {
            where: Acs(0x7F, known(function.config.acs, Acs(0, 0)).control | generator.choice([0, 0, 0x04, 0x1D, 0x20]))
            for where, function in _functions(snapshot).items()
        },
    )
    before, after = resolver(snapshot, rules), resolver(stricter, rules)
    for provider, client in _pairs(snapshot):
        was, now = before.verdict(provider, client), after.verdict(provider, client)
        assert now.map_type != "bus-address" or was.map_type == "bus-address", (provider, client)
        assert now.distance == was.distance, (provider, client)


@settings(max_examples=60, deadline=None)
@given(hidden(), RULES, st.randoms(use_true_random=False))
def test_unknown_means_that_both_are_possible(snapshot: Snapshot, rules: RuleSet, generator: random.Random) -> None:
    """The answer is certain exactly if the registers that were not read could hold nothing that changes it."""
    blind = [where for where, function in _functions(snapshot).items() if function.config.acs is UNREADABLE]

    def seen(*choices: int) -> Resolver:
        return resolver(_controls(snapshot, {where: Acs(0x7F, generator.choice(choices)) for where in blind}), rules)

    found = resolver(snapshot, rules)
    extremes = (seen(0x00), seen(0x7F))
    others = [seen(0x00, 0x04, 0x10, 0x7F) for _ in range(3)]
    for provider, client in _pairs(snapshot):
        answer = found.verdict(provider, client)
        possible = [one.verdict(provider, client) for one in extremes]
        assert (answer.verdict == "unknown") == (_unsure("verdict", possible)), (provider, client)
        assert (answer.map_type == "unknown") == (_unsure("map_type", possible)), (provider, client)
        for one in (*possible, *(other.verdict(provider, client) for other in others)):
            assert answer.verdict in {"unknown", one.verdict}, (provider, client)
            assert answer.map_type in {"unknown", one.map_type}, (provider, client)


def _unsure(what: str, possible: list[Outcome]) -> bool:
    """Whether an answer is open: one of the extremes is, for another reason, or they differ."""
    words = {getattr(one, what) for one in possible}
    return len(words) > 1 or "unknown" in words
