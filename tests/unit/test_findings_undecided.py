"""Unknown is not no: which codes a fact that could not be read may hide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.findings.catalogue import ENTRIES
from p2pctl.findings.scene import Scene
from p2pctl.findings.undecided import ASIDE, HARMLESS, Undecided
from p2pctl.hardware.snapshot import ALL_PARTS, take
from p2pctl.model.connections import Connections
from p2pctl.model.facts import ABSENT, Gap
from p2pctl.model.snapshot import Snapshot
from p2pctl.simulator.door import DemoDoor
from tests.unit.finding_hosts import line, pair, target
from tests.unit.port_hosts import NVME0, namespace, port, simple

USER = take(DemoDoor(lambda: 0.0, privileged=False), ALL_PARTS)


def with_gap(snapshot: Snapshot, fact: str, subject: str | None = None) -> Snapshot:
    """The snapshot with something that could not be read."""
    assert snapshot.pci is not None
    gap = Gap(fact, subject, None, 1, "root")
    return replace(snapshot, pci=replace(snapshot.pci, gaps=(*snapshot.pci.gaps, gap)))


def hidden(snapshot: Snapshot) -> set[str]:
    unknown = Undecided(Scene(snapshot))
    return {code for code in ENTRIES if unknown.about(code)}


@pytest.mark.parametrize("code", ENTRIES)
def test_every_code_says_what_hides_it(code: str) -> None:
    """And is not hidden on a host of which all was read."""
    assert Undecided(Scene(pair())).about(code) == ()


def test_codes_that_are_set_aside_exist() -> None:
    assert set(ENTRIES) >= ASIDE | HARMLESS


def test_configuration_space_hides_redirection_and_no_export() -> None:
    """Of a port that matters; of one that is on no way it hides nothing."""
    on_the_way = with_gap(pair(), "configuration space", "0000:02:00.0")
    unknown = Undecided(Scene(on_the_way))
    assert hidden(on_the_way) >= {"acs-redirect", "acs-detour", "payload-mismatch"}
    assert hidden(on_the_way).isdisjoint({"rnbd-without-p2p", "tls-optional", "no-pool", "host-bridge-not-listed"})
    assert unknown.of_all() == unknown.about("acs-redirect")
    assert unknown.about("rnbd-without-p2p") == ()
    assert hidden(with_gap(pair(), "configuration space", "0000:7f:00.0")) == set()


def test_states_of_ports_hang_on_the_tree_only_where_p2p_memory_is_asked_for() -> None:
    asked = with_gap(simple(), "configuration space", str(NVME0))
    off = with_gap(simple(namespace(p2pmem="0")), "configuration space", str(NVME0))
    assert "p2p-falls-back" in hidden(asked)
    assert "acs-redirect" in hidden(off)
    assert "p2p-falls-back" not in hidden(off)
    assert "p2p-falls-back" in hidden(with_gap(simple(), "pool", "0000:03:00.0"))


def test_a_named_port_that_was_not_read_hides_whether_the_option_is_in_force() -> None:
    """And whether it is there; what no option names hides nothing of that."""
    codes = {"acs-option-not-in-force", "acs-option-no-device"}
    named = with_gap(line("ro pci=disable_acs_redir=0000:02:00.0"), "configuration space", "0000:02:00.0")
    assert hidden(named) >= codes
    other = with_gap(line("ro pci=disable_acs_redir=0000:02:01.0"), "configuration space", "0000:02:00.0")
    assert hidden(other).isdisjoint(codes)


def test_who_is_connected_is_not_known_without_debugfs() -> None:
    """That hides a host that is no longer allowed, and keeps no host from being in order."""
    base = target(port())
    closed = simple(namespace())
    assert closed.nvmet is not None
    nqn, subsystem = next(iter(closed.nvmet.subsystems.items()))
    shut = subsystem._replace(attributes={**subsystem.attributes, "attr_allow_any_host": "0"})
    closed = replace(closed, nvmet=closed.nvmet._replace(subsystems={nqn: shut}))
    silent = Connections(0.0, debugfs=ABSENT)
    assert "host-still-connected" in hidden(replace(closed, connections=silent))
    assert "host-still-connected" not in hidden(replace(closed, connections=Connections(0.0, debugfs=True)))
    assert Undecided(Scene(replace(closed, connections=silent))).of_all() == ()
    assert "host-still-connected" not in hidden(replace(base, nvmet=None))


def test_a_user_sees_64_bytes_and_is_told_so_for_each_code() -> None:
    """On the demo host, as somebody who is not root."""
    assert "acs-redirect" in hidden(USER)
    assert "tls-optional" not in hidden(USER)
