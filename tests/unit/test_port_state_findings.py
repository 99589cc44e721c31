"""Findings about the P2P state of ports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.findings.finding import Finding
from p2pctl.findings.ports import state_findings
from p2pctl.findings.rules import every_finding
from p2pctl.findings.scene import Scene
from p2pctl.model.nvmet import TargetNamespace
from p2pctl.model.snapshot import Snapshot
from p2pctl.target.port_state import port_states
from tests.unit.finding_hosts import low
from tests.unit.port_hosts import CARD, NQN, NVME0, NVME1, created, logged, machine, namespace, nothing, simple, using

FIRST = namespace(device="/dev/nvme0n1", enable="0")


def codes(snapshot: Snapshot) -> list[str]:
    return [one.code for one in state_findings(port_states(snapshot), Scene(snapshot))]


def finding(snapshot: Snapshot) -> Finding:
    (found,) = state_findings(port_states(snapshot), Scene(snapshot))
    return found


@pytest.mark.parametrize(
    ("one", "snapshot", "expected"),
    [
        (namespace(), machine(), []),
        (namespace(p2pmem="0"), machine(card=0x1D), []),
        (namespace(), machine(card=0x1D), ["p2p-falls-back"]),
        (namespace(device="/srv/a.img"), machine(), ["p2p-not-eligible"]),
        (namespace(p2pmem=str(NVME0)), machine(published={"04:00.0": True}), ["p2p-pool-vanished"]),
    ],
)
def test_what_falls_short_is_found(one: TargetNamespace, snapshot: Snapshot, expected: list[str]) -> None:
    """And nothing else: what is off was not asked for."""
    assert codes(simple(one, snapshot)) == expected


def test_inline_writes_are_found_once_a_port() -> None:
    assert codes(simple(param_inline_data_size="4096")) == ["p2p-inline-writes"]


def test_the_kernels_line_is_the_evidence() -> None:
    found = finding(logged(simple(), nothing(), created()))
    assert (found.code, found.evidence) == ("p2p-falls-back", nothing())


def test_what_is_confirmed_is_no_finding() -> None:
    assert codes(logged(simple(), using(NVME1), created())) == []


@pytest.mark.parametrize(
    ("one", "snapshot", "command"),
    [
        (namespace(), machine(card=0x1D), f"p2pctl explain {NVME0} {CARD}"),
        (namespace(p2pmem=str(NVME1)), machine(card=0x1D), f"p2pctl explain {NVME1} {CARD}"),
        (FIRST, machine(drives=0x1D, published={"04:00.0": True}), f"p2pctl explain {NVME1} {NVME0}"),
        (namespace(device="/srv/a.img"), machine(), f"p2pctl namespace set {NQN} 1 p2pmem=0"),
        (namespace(buffered_io="1"), machine(), f"p2pctl namespace set {NQN} 1 buffered_io=0"),
        (namespace(p2pmem=str(NVME0)), machine(published={"04:00.0": True}), "p2pctl place"),
        (namespace(), machine(virtual=True), "p2pctl device list"),
    ],
)
def test_the_remedy_follows_from_the_reason(one: TargetNamespace, snapshot: Snapshot, command: str) -> None:
    """It never sends its reader back to where the state was told, which is how to see whether it helped."""
    found = finding(simple(one, snapshot))
    assert command in found.commands
    assert not any("port state" in text for text in (found.remedy or "", *found.commands))
    assert any("p2pctl port state" in text for text in found.verify)


def test_a_multipath_head_is_to_be_switched_off_at_boot() -> None:
    found = finding(simple(namespace(device="/dev/nvme5n1")))
    assert found.code == "p2p-not-eligible"
    assert found.commands == ("nvme_core.multipath=N",)
    assert found.risk is not None


def test_a_pool_that_runs_low_is_looked_into() -> None:
    """By those who hold it."""
    found = next(
        one for one in every_finding(Scene(low(64 << 10)), port_states(low(64 << 10))) if "exhausted" in one.code
    )
    assert found.commands[0] == f"p2pctl pool show {NVME0} --holders"


def test_without_the_tree_the_pair_is_not_named() -> None:
    """The state alone does not know it; the proposal is the same."""
    snapshot = simple(namespace(), machine(card=0x1D))
    (found,) = state_findings(port_states(snapshot), Scene(replace(snapshot, pci=None)))
    assert found.commands == ("p2pctl place",)
