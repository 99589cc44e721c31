"""Remedies: for each cause the exact change, proved by resolving again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.model.facts import NOT_READ, UNREADABLE
from p2pctl.model.rdma import Rdma, RdmaDevice
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.assume import assume
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.remedies import Remedy, advice, remedies
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import find_rules
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Verdict
from p2pctl.simulator.pci import RootBus
from tests.captures.recorded import snapshot_of
from tests.unit.test_resolver_hosts import (
    ANY_BRIDGE,
    OLD_ZEN,
    REDIRECTING,
    SAME_BRIDGE,
    UNLISTED,
    ZEN,
    address,
    downstream,
    drive,
    edit,
    first,
    host,
    root_port,
    switch,
    two_drives,
)

A, B = "0000:00:01.0/00.0/00.0", "0000:00:01.0/00.0/01.0"


def ask(snapshot: Snapshot, provider: str = "03:00.0", client: str = "04:00.0", rules: str = "linux-7.3") -> Verdict:
    return resolve(Resolver(Topology.of(snapshot), find_rules(rules)), address(provider), address(client))


def found(
    snapshot: Snapshot, provider: str = "03:00.0", client: str = "04:00.0", rules: str = "linux-7.3"
) -> dict[str, Remedy]:
    return {one.code: one for one in remedies(snapshot, ask(snapshot, provider, client, rules))}


def advised(
    snapshot: Snapshot, provider: str = "03:00.0", client: str = "04:00.0", rules: str = "linux-7.3"
) -> dict[str, str]:
    return {one.code: one.text for one in advice(snapshot, ask(snapshot, provider, client, rules))}


def booted(snapshot: Snapshot, **kernel: object) -> Snapshot:
    assert snapshot.kernel is not None
    return replace(snapshot, kernel=replace(snapshot.kernel, **kernel))  # type: ignore[arg-type]


def redirecting(**more: object) -> Snapshot:
    return host(*two_drives(on=REDIRECTING, other=REDIRECTING), iommus=("dmar0",), **more)  # type: ignore[arg-type]


def test_ports_that_redirect_three_ways() -> None:
    """One option in the form that survives renumbering, the finer one, and the change of the running system."""
    by_code = found(redirecting())
    assert list(by_code) == ["disable-acs-redirect", "configure-acs", "clear-acs-now"]
    option = f"pci=disable_acs_redir={A};{B}"
    assert by_code["disable-acs-redirect"].commands == (
        option,
        f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX \\"{option}\\""',
    )
    assert by_code["configure-acs"].commands[0] == f"pci=config_acs=0100x1@{A};0100x1@{B}"
    assert by_code["clear-acs-now"].commands == (
        "setpci -s 0000:02:00.0 ECAP_ACS+6.w=0:2c",
        "setpci -s 0000:02:01.0 ECAP_ACS+6.w=0:2c",
    )
    for one in by_code.values():
        assert one.result == ("allowed", "bus-address", 4)
        assert [str(port) for port in one.ports] == ["0000:02:00.0", "0000:02:01.0"]
        assert "p2pctl explain 0000:03:00.0 0000:04:00.0  # allowed" in one.verify


def test_ports_that_redirect_nothing_are_left_alone() -> None:
    """And so are those above the common bridge."""
    snapshot = edit(host(*two_drives(on=REDIRECTING)), "00:01.0", control=REDIRECTING)
    assert [str(port)[5:] for port in found(snapshot)["clear-acs-now"].ports] == ["02:00.0"]


def test_config_acs_keeps_what_is_on_and_leaves_the_rest_to_firmware() -> None:
    snapshot = host(*two_drives(on=0x0C, other=0x2F))
    assert found(snapshot)["configure-acs"].commands[0] == f"pci=config_acs=0x00xx@{A};0x0011@{B}"


def test_an_older_kernel_has_no_config_acs_and_says_another_thing() -> None:
    by_code = found(redirecting(release="6.10.1"), rules="linux-5.19")
    assert list(by_code)[:2] == ["disable-acs-redirect", "clear-acs-now"]
    assert "disabled ACS redirect" in by_code["disable-acs-redirect"].verify[1]
    assert "Configured ACS" in found(redirecting())["disable-acs-redirect"].verify[1]


@pytest.mark.parametrize("release", ["6.11.4", "6.12.1-amd64", "6.14.0"])
def test_kernels_that_misread_the_parameter_get_setpci_alone(release: str) -> None:
    snapshot = redirecting(release=release)
    assert list(found(snapshot, rules="linux-5.19")) == ["clear-acs-now"]
    assert "acs-parameter-broken" in advised(snapshot, rules="linux-5.19")


def test_a_locked_down_kernel_refuses_setpci() -> None:
    snapshot = booted(redirecting(), lockdown="integrity")
    assert list(found(snapshot)) == ["disable-acs-redirect", "configure-acs"]
    assert "refuses setpci" in advised(snapshot)["setpci-locked-down"]


def test_what_the_command_line_turns_off_already_stays_off() -> None:
    snapshot = booted(redirecting(), command_line="quiet pci=nommconf,disable_acs_redir=0000:00:02.0;0000:02:01.0")
    by_code = found(snapshot)
    assert by_code["disable-acs-redirect"].commands[0] == f"pci=disable_acs_redir=0000:00:02.0;{A};{B}"
    assert by_code["configure-acs"].commands[0] == f"pci=config_acs=0100x1@{A};0100x1@{B};0x00xx@0000:00:02.0"
    assert "must go" in by_code["disable-acs-redirect"].text


def test_a_command_line_that_could_not_be_read() -> None:
    snapshot = booted(redirecting(), command_line=UNREADABLE)
    assert "could not be read" in found(snapshot)["disable-acs-redirect"].text


def test_the_list_is_no_use_where_config_acs_decides() -> None:
    """The remedy would not open the pair, and so is none."""
    snapshot = booted(redirecting(), command_line="pci=config_acs=0111x1@02:00.0 quiet")
    by_code = found(snapshot)
    assert "disable-acs-redirect" not in by_code
    assert by_code["configure-acs"].commands[0] == f"pci=config_acs=0100x1@{A};0100x1@{B}"


def test_the_risk_names_the_groups_and_the_guests() -> None:
    snapshot = snapshot_of("switch-acs-iommu")
    assert snapshot.pci is not None
    where = address("03:00.0")
    functions = {**snapshot.pci.functions, where: snapshot.pci.functions[where]._replace(driver="vfio-pci")}
    snapshot = replace(snapshot, pci=replace(snapshot.pci, functions=functions))
    one = found(snapshot)["disable-acs-redirect"]
    assert "7 and 10 (0000:02:00.0, 0000:03:00.0); 8 and 11 (0000:02:01.0, 0000:04:00.0)" in one.risk
    assert "Held by vfio, to be given to one guest together or not at all: 0000:03:00.0" in one.risk
    assert "The groups go on looking separate" in found(snapshot)["clear-acs-now"].risk


def test_functions_of_one_card_that_redirect_to_themselves() -> None:
    buses = (RootBus(0, 0, (first(UNLISTED), root_port(drive((0, 0), REDIRECTING), drive((0, 1), REDIRECTING)))),)
    by_code = found(host(*buses), "01:00.0", "01:00.1")
    assert by_code["disable-acs-redirect"].commands[0] == ("pci=disable_acs_redir=0000:00:01.0/00.0;0000:00:01.0/00.1")
    alone = found(host(*buses), "01:00.0", "01:00.0")
    assert alone["disable-acs-redirect"].commands[0] == "pci=disable_acs_redir=0000:00:01.0/00.0"


def test_a_way_through_the_host_bridge_can_be_made_direct() -> None:
    snapshot = redirecting(cpu=ZEN)
    assert ask(snapshot).map_type == "through-host-bridge"
    assert found(snapshot)["clear-acs-now"].result.map_type == "bus-address"


def test_an_allowed_pair_needs_nothing() -> None:
    assert found(host(*two_drives())) == {}
    assert found(host(*two_drives(), cpu=ZEN), "03:00.0", "43:00.0") == {}


def test_a_newer_kernel_that_lists_the_host_bridge() -> None:
    snapshot = host(*two_drives(ids=ANY_BRIDGE), release="5.10.0")
    one = found(snapshot, "03:00.0", "43:00.0", rules="linux-5.9")["newer-kernel"]
    assert "Linux 5.18 or later" in one.text
    assert one.result.map_type == "through-host-bridge"
    assert "newer-kernel" not in found(host(*two_drives()), "03:00.0", "43:00.0", rules="linux-5.9")


def test_a_kernel_without_p2pdma() -> None:
    by_code = found(host(*two_drives(), release="4.18.0"), rules="linux-before-4.20")
    assert "Linux 4.20 or later" in by_code["kernel-with-p2pdma"].text
    assert "kernel-without-p2pdma" in advised(host(*two_drives(), p2pdma=False))


def test_a_host_bridge_that_is_not_listed() -> None:
    """Another slot, taken or free; never a list of one's own."""
    snapshot = host(*two_drives())
    by_code = found(snapshot, "03:00.0", "43:00.0")
    assert by_code["move-below-one-switch"].text == (
        "move 0000:43:00.0 to the slot below 0000:02:01.0; what is there now is taken out: 0000:04:00.0"
    )
    assert "move-to-one-root-bus" not in by_code
    told = advised(snapshot, "03:00.0", "43:00.0")
    assert "8086:29c0" in told["report-host-bridge"]
    assert "corrupts" in told["never-override"]


def test_a_free_slot_comes_first() -> None:
    below = switch(downstream(drive()), downstream(drive(), at=1), downstream(at=2))
    snapshot = host(RootBus(0, 0, (first(UNLISTED), root_port(below), root_port(drive(), at=2))))
    one = found(snapshot, "03:00.0", "06:00.0")["move-below-one-switch"]
    assert one.text == "move 0000:06:00.0 to the free slot below 0000:02:02.0"
    again = assume(snapshot, ["move:06:00.0=02:02.0"]).snapshot
    assert ask(again, "03:00.0", "06:00.0").outcome == one.result


def test_a_slot_below_ports_that_redirect_needs_the_option_too() -> None:
    ports = (downstream(drive(), on=REDIRECTING), downstream(at=1, on=REDIRECTING))
    snapshot = host(RootBus(0, 0, (first(UNLISTED), root_port(switch(*ports)), root_port(drive(), at=2))))
    one = found(snapshot, "03:00.0", "05:00.0")["move-below-one-switch"]
    assert one.commands[0] == f"pci=disable_acs_redir={A};{B}"
    assert one.result.map_type == "bus-address"


def test_a_host_bridge_that_is_listed_for_its_own_pairs() -> None:
    snapshot = host(*two_drives(ids=SAME_BRIDGE))
    one = found(snapshot, "03:00.0", "43:00.0")["move-to-one-root-bus"]
    assert one.text.startswith("move 0000:43:00.0 to the slot below 0000:00:02.0")
    assert one.result.map_type == "through-host-bridge"


def test_rules_that_want_no_iommu() -> None:
    snapshot = host(*two_drives(ids=OLD_ZEN), iommus=("ivhd0",), release="5.3.0", cpu=ZEN)
    one = found(snapshot, "03:00.0", "43:00.0", rules="linux-5.2")["iommu-off"]
    assert one.commands == ("amd_iommu=off",)
    arm = host(*two_drives(ids=OLD_ZEN), iommus=("smmu3.0x0",), release="5.3.0")
    assert "iommu-off" not in found(arm, "03:00.0", "43:00.0", rules="linux-5.2")


def test_what_could_not_be_read_gets_advice() -> None:
    snapshot = edit(host(*two_drives()), "02:00.0", control=UNREADABLE)
    assert found(snapshot) == {}
    assert "as root" in advised(snapshot)["acs-unreadable"]


def test_different_sockets() -> None:
    snapshot = host(*two_drives())
    assert snapshot.pci is not None
    functions = {where: one._replace(numa_node=int(where.bus >= 0x40)) for where, one in snapshot.pci.functions.items()}
    snapshot = replace(snapshot, pci=replace(snapshot.pci, functions=functions))
    assert "different-sockets" in advised(snapshot, "03:00.0", "43:00.0")
    assert "different-sockets" not in advised(snapshot)


def test_clients_that_no_change_of_this_host_helps() -> None:
    snapshot = host(*two_drives(), published={"03:00.0": False})
    verdict = resolve(Resolver(Topology.of(snapshot), find_rules("linux-7.3")), address("03:00.0"), "loop0")
    assert remedies(snapshot, verdict) == ()
    assert {one.code for one in advice(snapshot, verdict)} == {"no-pci-ancestor", "private-pool"}


def test_an_rdma_device_without_dma_of_its_own() -> None:
    device = RdmaDevice(
        "rxe0",
        address("04:00.0"),
        "rdma_rxe",
        NOT_READ,
        virtual_dma=True,
        virtual_dma_reason=None,
        ports=(),
        interfaces=(),
    )
    snapshot = replace(host(*two_drives()), rdma=Rdma(0.0, {"rxe0": device}, {}))
    assert "virtual-dma" in advised(snapshot)
    assert "virtual-dma" not in advised(snapshot, "03:00.0", "05:00.0")
