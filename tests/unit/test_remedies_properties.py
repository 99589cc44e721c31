"""What holds for the remedies of every tree: they work, and for ACS no port could be left out."""

from __future__ import annotations

from itertools import islice, product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.acs_remedies import without_redirection
from p2pctl.resolver.assume import assume
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.groups import predict_groups
from p2pctl.resolver.remedies import remedies
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import find_rules
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Verdict
from tests.unit.test_resolver_properties import hidden, hosts

RULES = st.sampled_from(["linux-4.20", "linux-5.2", "linux-5.4", "linux-5.9", "linux-7.3", "vma-2019"])


def pairs(snapshot: Snapshot, rules: str, seed: int) -> list[Verdict]:
    assert snapshot.pci is not None
    ends = [one.address for one in snapshot.pci.functions.values() if not one.is_bridge]
    every = list(product(ends, ends))
    resolver = Resolver(Topology.of(snapshot), find_rules(rules))
    return [resolve(resolver, *pair) for pair in islice(every, seed % 7, None, max(1, len(every) // 12))]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(hosts(), hidden()), RULES, st.integers(0, 6), st.sampled_from(["6.10.1", "7.3.4", "6.12.3"]))
def test_every_remedy_works_and_asks_for_no_more_than_it_must(
    snapshot: Snapshot, rules: str, seed: int, release: str
) -> None:
    snapshot = assume(snapshot, [f"kernel={release}"]).snapshot
    for verdict in pairs(snapshot, rules, seed):
        for remedy in remedies(snapshot, verdict):
            assert remedy.result.verdict == "allowed"
            if remedy.code == "clear-acs-now":
                assert answer(without_redirection(snapshot, remedy.ports), verdict) == remedy.result
                for port in remedy.ports:
                    rest = [one for one in remedy.ports if one != port]
                    assert answer(without_redirection(snapshot, rest), verdict)[1] != "bus-address"
            if remedy.code in {"disable-acs-redirect", "configure-acs"}:
                assert answer(assume(snapshot, [f"cmdline={remedy.commands[0]}"]).snapshot, verdict) == remedy.result


def answer(snapshot: Snapshot, verdict: Verdict) -> tuple[object, ...]:
    return Resolver(Topology.of(snapshot), verdict.rules).verdict(verdict.provider, verdict.client)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(hosts())
def test_groups_are_a_partition_and_less_acs_never_splits_one(snapshot: Snapshot) -> None:
    assert snapshot.pci is not None
    before = predict_groups(snapshot.pci)
    assert sorted(one for group in before for one in group) == sorted(snapshot.pci.functions)
    after = without_redirection(snapshot, tuple(snapshot.pci.functions)).pci
    assert after is not None
    merged = [set(group) for group in predict_groups(after)]
    assert all(any(set(group) <= one for one in merged) for group in before)
