"""IOMMU groups: what real kernels made of recorded trees, and what a change of ACS would make of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.model.facts import ABSENT, Missing
from p2pctl.model.pci import Acs, PortType
from p2pctl.model.snapshot import Snapshot
from p2pctl.model.tree import IommuGroup, Pci
from p2pctl.resolver.boot import boot, command_line_of
from p2pctl.resolver.groups import group_merges, predict_groups, recorded_groups
from p2pctl.simulator.pci import RootBus
from tests.captures.recorded import NAMES, snapshot_of
from tests.unit.test_resolver_hosts import REDIRECTING, adapter, address, downstream, drive, host, root_port, switch

WITH_IOMMU = [name for name in NAMES if "iommu" in name]

PORTS = "pci=disable_acs_redir=0000:02:00.0;0000:02:01.0"


def tree(snapshot: Snapshot) -> Pci:
    assert snapshot.pci is not None
    return snapshot.pci


def names(groups: tuple[tuple[object, ...], ...]) -> list[list[str]]:
    return [[str(one)[5:] for one in group] for group in groups]


@pytest.mark.parametrize("name", WITH_IOMMU)
def test_the_groups_are_those_of_the_kernel(name: str) -> None:
    pci = tree(snapshot_of(name))
    assert predict_groups(pci) == recorded_groups(pci)


def test_the_groups_after_a_change_are_those_of_the_kernel_that_was_booted_with_it() -> None:
    before = snapshot_of("switch-acs-iommu")
    after, _ = boot(before, f"{command_line_of(before)} {PORTS}")
    booted = tree(snapshot_of("switch-acs-iommu-fixed"))
    assert predict_groups(tree(after)) == recorded_groups(booted)
    for one in booted.functions.values():
        assert tree(after).functions[one.address].config.acs == one.config.acs, one.address


def test_merges_name_the_groups_and_who_sits_in_them() -> None:
    before = snapshot_of("switch-acs-iommu")
    drive_below = address("03:00.0")
    functions = dict(tree(before).functions)
    functions[drive_below] = functions[drive_below]._replace(driver="vfio-pci")
    before = replace(before, pci=replace(tree(before), functions=functions))
    after, _ = boot(before, f"{command_line_of(before)} {PORTS}")
    merges = group_merges(tree(before), tree(after))
    assert [(merge.numbers, names((merge.members,))[0], names((merge.guests,))[0]) for merge in merges] == [
        ((7, 10), ["02:00.0", "03:00.0"], ["03:00.0"]),
        ((8, 11), ["02:01.0", "04:00.0"], []),
    ]
    assert names(merges[0].before) == [["02:00.0"], ["03:00.0"]]


def test_nothing_merges_without_an_iommu() -> None:
    before = snapshot_of("switch-acs")
    after, _ = boot(before, PORTS)
    assert group_merges(tree(before), tree(after)) == ()


def one_bus(*devices: object) -> Pci:
    return tree(host(RootBus(0, 0, devices)))  # type: ignore[arg-type]


def test_a_port_that_does_not_isolate_takes_all_below_it() -> None:
    below = switch(downstream(drive(), on=REDIRECTING), downstream(drive(), at=1, on=REDIRECTING))
    assert len(predict_groups(one_bus(root_port(below, on=0)))) == 1
    assert len(predict_groups(one_bus(root_port(below, on=REDIRECTING)))) == 6


def test_functions_of_one_device_share_a_group_unless_they_isolate() -> None:
    together = root_port(drive((0, 0)), drive((0, 1)), on=REDIRECTING)
    assert names(predict_groups(one_bus(together))) == [["00:01.0"], ["01:00.0", "01:00.1"]]
    apart = root_port(drive((0, 0), REDIRECTING), drive((0, 1), REDIRECTING), on=REDIRECTING)
    assert len(predict_groups(one_bus(apart))) == 3


def test_virtual_functions_are_on_their_own() -> None:
    groups = predict_groups(one_bus(root_port(*adapter(), on=REDIRECTING)))
    assert len(groups) == 4


def test_a_conventional_bridge_speaks_for_all_below_it() -> None:
    bridge = downstream(drive(), on=None)._replace(port=PortType.PCIE_TO_PCI)
    groups = predict_groups(one_bus(root_port(bridge, on=REDIRECTING)))
    assert names(groups) == [["00:01.0"], ["01:00.0", "02:00.0"]]


def test_a_capability_without_a_bit_is_not_asked_for_it() -> None:
    """``pci_acs_flags_enabled``: what a port cannot do is not demanded."""
    pci = one_bus(root_port(drive(), on=0))
    port = address("00:01.0")
    functions = dict(pci.functions)
    functions[port] = functions[port]._replace(config=functions[port].config._replace(acs=Acs(0x01, 0x01)))
    assert len(predict_groups(replace(pci, functions=functions))) == 2


def test_an_exception_that_the_kernel_makes_is_no_merge() -> None:
    """The prediction is coarser than the groups: what counts is how it changes."""
    snapshot = host(RootBus(0, 0, (root_port(drive(), on=None), root_port(drive(), at=2, on=REDIRECTING))))
    pci = tree(snapshot)
    functions = {a: one._replace(iommu_group=nth) for nth, (a, one) in enumerate(pci.functions.items())}
    pci = replace(pci, functions=functions, iommu_groups={nth: IommuGroup(nth, "DMA") for nth in range(4)})
    after, _ = boot(replace(snapshot, pci=pci), "pci=disable_acs_redir=0000:00:02.0")
    merges = group_merges(pci, tree(after))
    assert [names((merge.members,))[0] for merge in merges] == [["00:02.0", "02:00.0"]]


def test_recorded_groups_leave_out_what_has_none() -> None:
    assert recorded_groups(tree(snapshot_of("switch-acs"))) == ()
    assert all(
        isinstance(one.iommu_group, Missing) and one.iommu_group is ABSENT
        for one in tree(snapshot_of("switch-acs")).functions.values()
    )
