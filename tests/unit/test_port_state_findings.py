"""Findings about the P2P state of ports."""

from __future__ import annotations

import pytest

from p2pctl.model.nvmet import TargetNamespace
from p2pctl.model.snapshot import Snapshot
from p2pctl.target.port_state import port_states
from p2pctl.target.state_findings import state_findings
from tests.unit.port_hosts import NVME0, NVME1, created, logged, machine, namespace, nothing, simple, using


def codes(snapshot: Snapshot) -> list[str]:
    return [one.code for one in state_findings(port_states(snapshot))]


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
    (found,) = state_findings(port_states(logged(simple(), nothing(), created())))
    assert (found.code, found.evidence) == ("p2p-falls-back", nothing())


def test_what_is_confirmed_is_no_finding() -> None:
    assert codes(logged(simple(), using(NVME1), created())) == []
