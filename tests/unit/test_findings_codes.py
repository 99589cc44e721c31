"""Every code has a host that has it and one that has not, and an explanation; none is raised for nothing."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from p2pctl import findings as package
from p2pctl.findings.catalogue import ENTRIES
from p2pctl.findings.finding import Finding
from p2pctl.findings.rules import every_finding
from p2pctl.findings.scene import Scene
from p2pctl.model.pci import Link
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.boot import boot
from p2pctl.resolver.command_line import OptionCode
from p2pctl.resolver.host_bridge import BridgeCode
from p2pctl.simulator.pci import RootBus
from p2pctl.target.port_state import port_states
from tests.unit import finding_hosts
from tests.unit.finding_hosts import CASES, gpus, keys, line, of_board, pair, rnbd, target
from tests.unit.port_hosts import exporting, machine, namespace, port, simple, subsystem
from tests.unit.test_resolver_hosts import (
    ANY_BRIDGE,
    DIRECT,
    REDIRECTING,
    ZEN,
    adapter,
    downstream,
    drive,
    edit,
    first,
    host,
    root_port,
    switch,
    two_drives,
)

OF_CHANGES = {"change-interrupted", "change-unconfirmed", "disk-overwritten"}
"""No snapshot holds them: tests/cli/test_target_aftermath.py and test_verify.py have the hosts."""


def found_on(snapshot: Snapshot) -> tuple[Finding, ...]:
    return every_finding(Scene(snapshot), port_states(snapshot))


def severity(snapshot: Snapshot, code: str) -> str | None:
    return next((one.severity for one in found_on(snapshot) if one.code == code), None)


def literals() -> Iterator[str]:
    """The codes that stand in the code."""
    for path in Path(package.__file__).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Finding"
                and node.args
            ):
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    yield str(code.value)


def test_every_code_is_explained() -> None:
    """What the code can raise, and what the kernel's command line and host bridges can be found to be."""
    bridges = {code for code in get_args(BridgeCode) if code not in {"host-bridge-listed", "host-bridge-unknown"}}
    assert {*literals(), *get_args(OptionCode), *bridges} <= set(ENTRIES)


def test_every_code_has_its_hosts() -> None:
    assert set(CASES) == set(ENTRIES) - OF_CHANGES
    commands = Path(finding_hosts.__file__).parents[1] / "cli"
    aftermath = "".join(
        (commands / name).read_text() for name in ("test_target_aftermath.py", "test_verify_recover.py")
    )
    assert all(f'"{code}"' in aftermath or f"[{code}]" in aftermath for code in OF_CHANGES)


@pytest.mark.parametrize("code", CASES)
def test_a_host_that_has_it(code: str) -> None:
    """It is found, told with where it is known from, and what to do follows from its code."""
    mine = [one for one in found_on(CASES[code].has()) if one.code == code]
    assert mine
    for one in mine:
        assert one.text
        assert one.evidence
        assert not one.text.endswith(".")
        assert one.remedy or ENTRIES[code].remedy


@pytest.mark.parametrize("code", CASES)
def test_a_host_that_has_it_not(code: str) -> None:
    assert code not in {one.code for one in found_on(CASES[code].has_not())}


@pytest.mark.parametrize("code", ENTRIES)
def test_an_explanation_is_whole(code: str) -> None:
    """Every part of it, in sentences; the title without a full stop."""
    entry = ENTRIES[code]
    assert entry.code == code
    assert all(entry)
    assert not entry.title.endswith(".")
    for text in (entry.what, entry.why, entry.known_by):
        assert text.endswith(".")
        assert "  " not in text


def test_a_host_in_order_has_no_warning() -> None:
    """Pools, a target whose I/O goes through them, nothing in the way."""
    bus = pair(DIRECT, ANY_BRIDGE)
    assert [one.code for one in found_on(bus) if one.severity != "info"] == []
    assert found_on(simple()) == tuple(one for one in found_on(simple()) if one.code == "host-bridge-not-listed")


@pytest.mark.parametrize(
    ("snapshot", "code", "expected"),
    [
        (line("ro pci=noacs quiet"), "no-such-option", "warning"),
        (line("ro pci=noacs quiet", on=DIRECT), "no-such-option", "info"),
        (line("ro amd_iommu=pt"), "iommu-option-invalid", "info"),
        (line("pci=disable_acs_redir=0000:7f:00.0;0000:02:00.0", on=DIRECT), "acs-option-no-device", "info"),
        (rnbd("/srv", "nvme0n1"), "rnbd-without-p2p", "info"),
        (pair(REDIRECTING), "acs-redirect", "warning"),
        (pair(REDIRECTING, cpu=ZEN), "acs-detour", "info"),
        (host(*two_drives(on=REDIRECTING)), "acs-redirect", None),
        (host(*two_drives(on=REDIRECTING), published={"05:00.0": True}), "acs-redirect", None),
        (target(port(traddr="::")), "port-listens-everywhere", "warning"),
        (simple(namespace(p2pmem="0"), traddr="::"), "port-listens-everywhere", "info"),
        (simple(namespace(p2pmem="0"), machine(virtual=True)), "port-virtual-dma", "info"),
        (keys(0o644, filled=False), "dhchap-key-readable", None),
        (gpus(size=256 << 20, visible=256 << 20), "bar-small", "warning"),
    ],
)  # fmt: skip
def test_what_matters_to_nothing_is_no_warning(snapshot: Snapshot, code: str, expected: str | None) -> None:
    """The same thing is a warning where a pair or a port depends on it, and information, or nothing, elsewhere."""
    assert severity(snapshot, code) == expected


def test_one_transport_with_p2p_is_enough() -> None:
    """A TCP port beside an RDMA port is no mistake."""
    both = exporting(machine(), [port("1"), port("2", trtype="tcp")], [subsystem(namespace())])
    assert severity(both, "p2p-transport-cannot") == "info"
    assert severity(simple(trtype="tcp"), "p2p-transport-cannot") == "warning"


def test_a_gpu_that_idles_is_no_warning() -> None:
    """It slows down, but keeps its lanes."""
    slow = finding_hosts.function(gpus(), "03:00.0", link=Link(2.5, 16, 16.0, 16, 16.0, 16))
    narrow = finding_hosts.function(gpus(), "03:00.0", link=Link(16.0, 8, 16.0, 16, 16.0, 16))
    assert severity(slow, "link-below-best") == "info"
    assert severity(narrow, "link-below-best") == "warning"


def test_ports_above_the_common_bridge_do_not_count() -> None:
    """The kernel looks no further than where the ways meet."""
    redirecting = edit(pair(), "00:01.0", control=REDIRECTING)
    assert severity(redirecting, "acs-redirect") is None
    meeting = edit(pair(), "01:00.0", control=REDIRECTING)
    assert severity(meeting, "acs-redirect") == "warning"


def test_payloads_of_devices_that_never_meet_do_not_count() -> None:
    """Two drives below different root ports; and a switch that takes more than its devices send."""
    apart = host(RootBus(0, 0, (first(ANY_BRIDGE), root_port(drive()), root_port(drive(), at=2))),
                 published={"01:00.0": True})  # fmt: skip
    for at, size in (("01:00.0", 512), ("02:00.0", 128)):
        apart = finding_hosts.function(apart, at, config={"max_payload": size})
    assert severity(apart, "payload-mismatch") is None
    wide = pair()
    for at, size in (("01:00.0", 512), ("02:00.0", 512), ("02:01.0", 512), ("03:00.0", 128), ("04:00.0", 128)):
        wide = finding_hosts.function(wide, at, config={"max_payload": size})
    assert severity(wide, "payload-mismatch") is None


def test_virtual_functions_send_what_their_physical_one_does() -> None:
    """Their own register is reserved, and reads as the least there is (Single Root I/O Virtualization, 9.3.5)."""
    below = switch(downstream(*adapter()), downstream(drive(), at=1))
    base = host(RootBus(0, 0, (first(ANY_BRIDGE), root_port(below))), published={"04:00.0": True})
    for at, size in (("03:00.0", 256), ("03:00.2", 128), ("03:00.3", 128), ("04:00.0", 256)):
        base = finding_hosts.function(base, at, config={"max_payload": size})
    assert severity(base, "payload-mismatch") is None
    narrow = finding_hosts.function(base, "04:00.0", config={"max_payload": 128})
    assert severity(narrow, "payload-mismatch") == "warning"


def test_a_narrow_root_port_hides_no_narrow_device() -> None:
    """It is on no pair's way, and takes less than all others."""
    found = finding_hosts.payloads(512, 256)
    assert (
        severity(finding_hosts.function(found, "00:01.0", config={"max_payload": 128}), "payload-mismatch") == "warning"
    )
    equal = finding_hosts.payloads(256, 256)
    assert severity(finding_hosts.function(equal, "00:01.0", config={"max_payload": 128}), "payload-mismatch") is None


def test_board_and_bios_are_named_where_they_are_the_cause() -> None:
    """Of a host bridge, and of a small BAR."""
    (bridge,) = [
        one
        for one in found_on(of_board(host(*two_drives(), published={"43:00.0": True})))
        if one.code == "host-bridge-not-listed"
    ]
    assert "of Example X1 (BIOS 2.1 of 03/14/2025)" in bridge.text
    (small, *_) = [one for one in found_on(of_board(gpus(visible=1 << 28))) if one.code == "bar-small"]
    assert "Example X1" in (small.remedy or "")


def test_the_remedy_for_redirection_opens_the_pair() -> None:
    """What is proposed is one option with exactly the ports that redirect on the way."""
    both = host(*two_drives(on=REDIRECTING, other=REDIRECTING), published=finding_hosts.NEAR)
    (found,) = [one for one in found_on(both) if one.code == "acs-redirect"]
    assert found.commands[0] == "pci=disable_acs_redir=0000:00:01.0/00.0/00.0;0000:00:01.0/00.0/01.0"
    after, _ = boot(both, found.commands[0])
    assert severity(after, "acs-redirect") is None


def test_names_of_strangers_are_quoted_in_commands() -> None:
    """An NQN is any text; what is copied from here must not run it."""
    hostile = "nqn.x'; touch /tmp/owned; '"
    found = keys(0o644)
    assert found.nvmet is not None
    bad = found.nvmet._replace(hosts={hostile: next(iter(found.nvmet.hosts.values()))})
    (one,) = [one for one in found_on(replace(found, nvmet=bad)) if one.code == "dhchap-key-readable"]
    assert shlex.split(one.commands[0]) == ["chmod", "0600", f"/sys/kernel/config/nvmet/hosts/{hostile}/dhchap_key"]
