"""Which pairs a port with ACS concerns: the same as each pair's own explanation says, on every recorded host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import pytest

from p2pctl.model.facts import UNREADABLE, Missing
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.acs import acs_report
from p2pctl.render.matrix import scope
from p2pctl.render.report import Item, Report
from p2pctl.render.verdicts import Names, choose
from p2pctl.resolver.acs_remedies import redirecting_ports
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.topology import Topology
from tests.captures.recorded import NAMES, snapshot_of


def listed(snapshot: Snapshot) -> tuple[Report, Resolver, Names]:
    selection = choose(snapshot, None)
    resolver, names = Resolver(Topology.of(snapshot), selection.rules), Names(snapshot)
    return acs_report(snapshot, selection, resolver, names), resolver, names


def count(report: Report, key: str) -> object:
    assert isinstance(report.summary, Mapping)
    return report.summary[key]


@pytest.mark.parametrize("name", NAMES)
def test_a_port_has_the_pairs_whose_explanations_name_it(name: str) -> None:
    report, resolver, names = listed(snapshot_of(name))
    expected = defaultdict(list)
    asked = scope(names, (), everything=False)
    for provider in asked.providers:
        for client in asked.clients:
            verdict = resolve(resolver, provider, client)
            for port in redirecting_ports(verdict):
                expected[str(port)].append((str(provider), str(client), verdict.outcome.verdict))
    found = {item["address"]: pairs_of(item) for item in report.items if item["pairs"]}
    assert found == expected
    for item in report.items:
        assert item["denied"] == sum(verdict == "denied" for _, _, verdict in pairs_of(item))
        assert item["redirects"] is True or not item["pairs"]
    assert count(report, "unknown") == 0


def pairs_of(item: Item) -> list[tuple[str, str, str]]:
    pairs = item["pairs"]
    assert isinstance(pairs, list)
    found = []
    for pair in pairs:
        assert isinstance(pair, Mapping)
        found.append((str(pair["provider"]), str(pair["client"]), str(pair["verdict"])))
    return found


def test_some_recorded_host_has_a_port_that_refuses_pairs() -> None:
    """The premise of the test above."""
    assert any(item["denied"] for name in NAMES for item in listed(snapshot_of(name))[0].items)


def test_what_could_not_be_read_is_unknown_for_ports_and_left_out_for_endpoints() -> None:
    snapshot = snapshot_of("switch-acs")
    assert snapshot.pci is not None
    functions = {
        address: function._replace(config=function.config._replace(acs=UNREADABLE))
        for address, function in snapshot.pci.functions.items()
    }
    blind = replace(snapshot, pci=replace(snapshot.pci, functions=functions))
    report = listed(blind)[0]
    assert report.items
    assert "endpoint" not in {item["role"] for item in report.items}
    for item in report.items:
        assert {item[key] for key in ("capability", "redirects", "pairs", "denied")} == {Missing.UNREADABLE}
    assert count(report, "unknown") == len(report.items)
