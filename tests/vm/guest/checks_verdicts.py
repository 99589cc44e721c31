"""p2pctl's verdicts are the running kernel's: every pair of a random topology, under many ACS settings."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping

from p2pctl.hardware.live import LiveDoor
from p2pctl.hardware.snapshot import take
from p2pctl.model.address import Address
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import select
from p2pctl.resolver.topology import Topology
from tests.vm.guest.api import Context
from tests.vm.guest.oracle import Answer, Pair, acs_registers, oracle, read_acs, scatter_acs

SECONDS = 600
LEAST_VERDICTS = 700
"""How many verdicts are compared in one guest."""
LEAST_ROUNDS = 8
SHOWN = 8
"""Differences that a failure lists; the runner keeps 10,000 characters of it."""


def check_every_verdict_is_the_kernels(context: Context) -> None:
    """Verdict, map type and distance of every pair, in every round; the first one is as the kernel booted."""
    registers = acs_registers()
    assert len(registers) > 2, "there are ports with ACS"
    counts: Counter[str] = Counter()
    different: list[str] = []
    started, resolving = time.monotonic(), 0.0
    with oracle(context) as kernel:
        rounds = max(LEAST_ROUNDS, -(-LEAST_VERDICTS // len(kernel.pairs)))
        for number in range(rounds):
            if number:
                scatter_acs(f"{context.topology}-{number}", registers)
            acs = read_acs(registers)
            before = time.monotonic()
            ours = resolve(kernel.pairs)
            resolving += time.monotonic() - before
            theirs = kernel.ask()
            assert read_acs(registers) == acs, "the ACS controls changed while the kernel was asked"
            for pair, its in theirs.items():
                _count(counts, its)
                if not agree(ours[pair], its):
                    values = {address: f"{value:#x}" for address, value in acs.items()}
                    different.append(
                        f"kernel {os.uname().release}, {context.topology} (P2PCTL_VM_SEED={_seed(context)}), "
                        f"round {number}, {pair}: kernel {its}, p2pctl {ours[pair]}, ACS {values}"
                    )
    kinds = ", ".join(f"{counts[kind]} {kind}" for kind in ("bus-address", "through-host-bridge", "not-supported"))
    (context.out / "summary").write_text(
        f"{counts['verdict']} verdicts compared, {len(different)} different; "
        f"{counts['map_type']} with map type ({kinds}), {counts['distance']} with distance; "
        f"{rounds} rounds of {len(kernel.pairs)} pairs, {len(registers)} functions with ACS; "
        f"{time.monotonic() - started:.1f} s, {resolving:.1f} s of them p2pctl's"
    )
    assert not different, "\n".join([f"{len(different)} of {counts['verdict']} differ", *different[:SHOWN]])
    assert counts["verdict"] >= LEAST_VERDICTS
    missing = {"map_type": "mapped", "distance": "many"}
    for what, probe in missing.items():
        assert counts[what] or probe not in kernel.probes, f"the probe {probe} saw nothing"


def resolve(pairs: Iterable[Pair]) -> dict[Pair, Answer]:
    """What p2pctl says, from the files as they are now."""
    snapshot = take(LiveDoor(), {"pci", "kernel"})
    assert snapshot.kernel is not None
    resolver = Resolver(Topology.of(snapshot), select(snapshot.kernel.release).rules)
    return {pair: answer(resolver, pair) for pair in pairs}


def answer(resolver: Resolver, pair: Pair) -> Answer:
    """What p2pctl says of one pair."""
    provider, client = address(pair.provider), address(pair.client)
    outcome = resolver.verdict(provider, client)
    words: Mapping[str, bool] = {"allowed": True, "denied": False}
    return Answer(words.get(outcome.verdict, outcome.verdict), outcome.map_type, outcome.distance)


def address(text: str) -> Address:
    """p2pctl's address for a directory's name."""
    found = Address.from_sysfs(text)
    assert found is not None
    return found


def agree(ours: Answer, its: Answer) -> bool:
    """Whether both say the same, as far as the kernel can be heard."""
    return (
        ours.allowed == its.allowed and its.map_type in {None, ours.map_type} and its.distance in {None, ours.distance}
    )


def _count(counts: Counter[str], its: Answer) -> None:
    counts["verdict"] += 1
    counts["map_type"] += its.map_type is not None
    counts["distance"] += its.distance is not None
    counts[its.map_type or ""] += 1


def _seed(context: Context) -> str:
    return context.topology.split("-")[1]
