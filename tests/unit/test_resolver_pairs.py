"""Verdicts rule by rule, on hosts small enough to see through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.errors import NotFoundError
from p2pctl.hardware.snapshot import take
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Fact
from p2pctl.model.kernel import Cpu
from p2pctl.model.pci import PortType
from p2pctl.resolver.conclude import Way
from p2pctl.resolver.topology import Topology
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.pci import Device, RootBus
from tests.unit.test_resolver_hosts import (
    ANY_BRIDGE,
    ARM,
    DIRECT,
    REDIRECTING,
    SAME_BRIDGE,
    UNLISTED,
    XEON,
    ZEN,
    adapter,
    address,
    answer,
    downstream,
    drive,
    edit,
    first,
    host,
    resolver,
    root_port,
    switch,
    two_drives,
)

BUS, BRIDGE, NONE = "bus-address", "through-host-bridge", "not-supported"


def test_the_same_switch() -> None:
    """Four steps, and bus addresses."""
    assert answer(host(*two_drives()), "03:00.0", "04:00.0") == ("allowed", BUS, 4)


def test_a_function_and_itself() -> None:
    """No step at all."""
    assert answer(host(*two_drives()), "03:00.0", "03:00.0") == ("allowed", BUS, 0)


def test_a_function_that_redirects_does_not_reach_itself() -> None:
    """Its own bits are looked at, although no port is in between."""
    snapshot = host(RootBus(0, 0, (first(UNLISTED), root_port(drive(on=REDIRECTING)))))
    assert answer(snapshot, "01:00.0", "01:00.0") == ("denied", NONE, 0)


def test_two_functions_of_one_device() -> None:
    """Two steps through the port above; its bits count, since it is what both share."""
    for on, expected in ((0, ("allowed", BUS, 2)), (REDIRECTING, ("denied", NONE, 2))):
        snapshot = host(RootBus(0, 0, (first(UNLISTED), root_port(drive(), drive((0, 1)), on=on))))
        assert answer(snapshot, "01:00.0", "01:00.1") == expected


@pytest.mark.parametrize(
    ("bits", "denied"),
    [(0x00, False), (0x01, False), (0x02, False), (0x04, True), (0x08, True), (0x10, False), (0x20, True),
     (0x40, False), (0x53, False), (REDIRECTING, True), (DIRECT, False)],
)  # fmt: skip
def test_the_bits_that_redirect(bits: int, denied: bool) -> None:
    """Request and completion redirect and egress control; on the provider's side, on the client's, above both."""
    expected = ("denied", NONE, 4) if denied else ("allowed", BUS, 4)
    plain = host(*two_drives())
    for where in ("02:00.0", "02:01.0", "01:00.0", "03:00.0", "04:00.0"):
        assert answer(edit(plain, where, control=bits), "03:00.0", "04:00.0") == expected, where


def test_what_is_above_the_common_bridge_does_not_matter() -> None:
    """The root port may redirect as it likes."""
    assert answer(edit(host(*two_drives()), "00:01.0", control=0x7F), "03:00.0", "04:00.0") == ("allowed", BUS, 4)


def test_a_port_without_the_capability_does_not_redirect() -> None:
    assert answer(host(*two_drives(on=None, other=None)), "03:00.0", "04:00.0") == ("allowed", BUS, 4)


def test_distances() -> None:
    """Steps up from both ends; without a common bridge all of both chains."""
    snapshot = host(*two_drives())
    assert answer(snapshot, "03:00.0", "05:00.0")[2] == 6
    assert answer(snapshot, "05:00.0", "05:00.0")[2] == 0
    assert answer(snapshot, "03:00.0", "43:00.0")[2] == 8
    assert answer(snapshot, "03:00.0", "02:00.0")[2] == 1
    assert answer(snapshot, "00:01.0", "04:00.0")[2] == 3


def test_a_switch_below_a_switch() -> None:
    """Six steps where the ways meet in the upper one: four from the drive of the lower, two from the other."""
    inner = switch(downstream(drive()))
    snapshot = host(RootBus(0, 0, (first(UNLISTED), root_port(switch(downstream(inner), downstream(drive(), at=1))))))
    assert answer(snapshot, "05:00.0", "06:00.0") == ("allowed", BUS, 6)


def test_a_virtual_function() -> None:
    """What is above it is what is above the physical one; its own ACS register is the one that is read."""
    snapshot = host(
        RootBus(0, 0, (first(UNLISTED), root_port(switch(downstream(*adapter()), downstream(drive(), at=1)))))
    )
    chain = resolver(snapshot).topology.chain(address("03:00.2"))
    assert [str(one) for one in chain] == ["0000:03:00.2", "0000:02:00.0", "0000:01:00.0", "0000:00:01.0"]
    assert answer(snapshot, "03:00.0", "03:00.2") == ("allowed", BUS, 2)
    assert answer(snapshot, "03:00.2", "03:00.3") == ("allowed", BUS, 2)
    assert answer(snapshot, "04:00.0", "03:00.3") == ("allowed", BUS, 4)
    assert answer(edit(snapshot, "03:00.2", control=0x04), "04:00.0", "03:00.2") == ("denied", NONE, 4)
    assert answer(edit(snapshot, "03:00.0", control=0x04), "04:00.0", "03:00.2") == ("allowed", BUS, 4)


def test_a_virtual_function_on_a_bus_of_its_own() -> None:
    """With many of them they get bus numbers that no bridge has; the climb starts from the physical function."""
    snapshot = host(
        RootBus(0, 0, (first(UNLISTED), root_port(switch(downstream(*adapter()), downstream(drive(), at=1)))))
    )
    assert snapshot.pci is not None
    functions = dict(snapshot.pci.functions)
    moved = functions.pop(address("03:00.3"))._replace(address=address("09:00.3"), parent=address("08:00.0"))
    functions[moved.address] = moved
    snapshot = replace(snapshot, pci=replace(snapshot.pci, functions=functions))
    assert answer(snapshot, "04:00.0", "09:00.3") == ("allowed", BUS, 4)


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [
        (XEON, "denied"),
        (ZEN, "allowed"),
        (Cpu("AuthenticAMD", 0x19, "", 1), "allowed"),
        (Cpu("AuthenticAMD", 0x16, "", 1), "denied"),
        (Cpu("AuthenticAMD", 15, "", 1), "denied"),
        (Cpu("HygonGenuine", 0x18, "", 1), "denied"),
        (Cpu("AuthenticAMD", None, "", 1), "unknown"),
        (ARM, "denied"),
        (UNREADABLE, "unknown"),
        (ABSENT, "unknown"),
        (NOT_READ, "unknown"),
    ],
)
def test_the_processor(cpu: Fact[Cpu], expected: str) -> None:
    """AMD from Zen on, whatever the host bridges, also across them; nobody else."""
    redirecting = host(*two_drives(on=REDIRECTING), cpu=cpu)
    for client, distance in (("04:00.0", 4), ("05:00.0", 6), ("43:00.0", 8)):
        verdict, map_type, found = answer(redirecting, "03:00.0", client)
        assert (verdict, found) == (expected, distance)
        assert map_type == {"denied": NONE, "allowed": BRIDGE, "unknown": "unknown"}[expected]


@pytest.mark.parametrize(
    ("ids", "near", "far"),
    [
        (UNLISTED, "denied", "denied"),
        (ANY_BRIDGE, "allowed", "allowed"),
        (SAME_BRIDGE, "allowed", "denied"),
        ((0x1AE0, 0x1234), "allowed", "allowed"),
        ((0x10DE, 0x2F98), "allowed", "allowed"),
        ((0x10DE, 0x2F99), "denied", "denied"),
        ((0x1022, 0x1450), "denied", "denied"),
    ],
)
def test_the_list_of_host_bridges(ids: tuple[int, int], near: str, far: str) -> None:
    """Below one host bridge, redirected or without a common bridge, and across two."""
    snapshot = host(*two_drives(on=REDIRECTING, ids=ids))
    assert answer(snapshot, "03:00.0", "04:00.0")[0] == near
    assert answer(snapshot, "03:00.0", "05:00.0")[0] == near
    assert answer(snapshot, "03:00.0", "43:00.0")[0] == far


def test_both_host_bridges_must_be_listed() -> None:
    buses = (
        RootBus(0, 0, (first(ANY_BRIDGE), root_port(drive()))),
        RootBus(0x40, 0, (first(UNLISTED), root_port(drive()))),
    )
    assert answer(host(*buses), "01:00.0", "41:00.0")[0] == "denied"
    assert answer(host(*buses), "41:00.0", "01:00.0")[0] == "denied"


def _started_by(*devices: Device) -> RootBus:
    return RootBus(0, 0, (*devices, root_port(drive(), at=5), root_port(drive(), at=6)))


@pytest.mark.parametrize(
    ("device", "since_5_19", "before"),
    [
        (first(ANY_BRIDGE), "allowed", "allowed"),
        (first(ANY_BRIDGE, (0, 1)), "denied", "denied"),
        (root_port(at=2, ids=(0x8086, 0x2032)), "allowed", "denied"),
        (root_port(at=0, ids=(0x8086, 0x2030)), "allowed", "allowed"),
        (drive((3, 0))._replace(ids=(0x8086, 0x0B25), port=PortType.INTEGRATED), "denied", "denied"),
        (drive((0, 0))._replace(ids=(0x8086, 0x0B25), port=PortType.INTEGRATED), "allowed", "denied"),
    ],
)
def test_what_stands_for_a_host_bridge(device: Device, since_5_19: str, before: str) -> None:
    """The first function of the bus, if it is 00.0; since 5.19 also a root port anywhere."""
    snapshot = host(_started_by(device))
    assert snapshot.pci is not None
    one, other = list(snapshot.pci.functions)[-2:]
    assert resolver(snapshot).verdict(one, other).verdict == since_5_19
    assert resolver(snapshot, "linux-5.18").verdict(one, other).verdict == before


def test_only_the_first_function_of_a_root_bus_is_asked() -> None:
    """A listed one that comes second does not help."""
    assert answer(host(_started_by(first(UNLISTED), first(ANY_BRIDGE, (1, 0)))), "01:00.0", "02:00.0")[0] == "denied"


def test_an_unread_port_type_matters_only_for_ids_that_are_listed() -> None:
    """Otherwise the answer is no either way."""
    for ids, expected in (((0x8086, 0x2032), "unknown"), ((0x8086, 0x352A), "denied")):
        snapshot = edit(host(_started_by(root_port(at=2, ids=ids))), "00:02.0", port_type=UNREADABLE)
        assert answer(snapshot, "02:00.0", "03:00.0")[0] == expected
        assert answer(snapshot, "02:00.0", "03:00.0", "linux-5.18")[0] == "denied"


def test_unread_ids_of_the_first_function() -> None:
    """The list cannot be asked; the processor can."""
    for cpu, expected in ((XEON, "unknown"), (ZEN, "allowed")):
        snapshot = host(*two_drives(), cpu=cpu)
        assert snapshot.pci is not None
        functions = dict(snapshot.pci.functions)
        functions[address("00:00.0")] = functions[address("00:00.0")]._replace(vendor=UNREADABLE, device=UNREADABLE)
        snapshot = replace(snapshot, pci=replace(snapshot.pci, functions=functions))
        assert answer(snapshot, "03:00.0", "05:00.0")[0] == expected


def test_a_function_on_the_root_bus() -> None:
    """It is its whole chain; three steps to one below a root port."""
    integrated = drive((3, 0))._replace(port=PortType.INTEGRATED)
    snapshot = host(RootBus(0, 0, (first(UNLISTED), root_port(drive()), integrated)), cpu=ZEN)
    assert answer(snapshot, "00:03.0", "01:00.0") == ("allowed", BRIDGE, 3)
    assert answer(snapshot, "00:03.0", "00:03.0") == ("allowed", BUS, 0)


def test_a_domain_below_a_function_is_a_host_bridge_of_its_own() -> None:
    """Behind a volume management device the chain ends on that domain's root bus."""
    inside = RootBus(0, 0, (root_port(drive(), at=0), root_port(drive(), at=1)), domain=0x10000)
    outer = drive((5, 0))._replace(class_code=0x010400, domain=inside)
    snapshot = host(RootBus(0, 0, (first(ANY_BRIDGE), root_port(drive()), outer)))
    topology = resolver(snapshot).topology
    assert topology.root(address("10000:01:00.0")) == "pci10000:00"
    assert answer(snapshot, "10000:01:00.0", "10000:02:00.0") == ("denied", NONE, 4)
    assert answer(snapshot, "01:00.0", "10000:02:00.0") == ("denied", NONE, 4)


@pytest.mark.parametrize("missing", [UNREADABLE, NOT_READ])
def test_an_unread_register_leaves_the_verdict_open(missing: Fact[int]) -> None:
    """If the bits decide. They do not where the way is refused, or redirected elsewhere, or where all ways are open."""
    for where in ("02:00.0", "02:01.0", "01:00.0", "03:00.0", "04:00.0"):
        snapshot = edit(host(*two_drives()), where, control=missing)
        assert answer(snapshot, "03:00.0", "04:00.0") == ("unknown", "unknown", 4)
        assert answer(snapshot, "03:00.0", "43:00.0") == ("denied", NONE, 8)
        assert answer(edit(snapshot, "00:01.0", control=missing), "03:00.0", "03:00.0") == (
            ("unknown", "unknown", 0) if where == "03:00.0" else ("allowed", BUS, 0)
        )
        known = edit(snapshot, "02:01.0" if where == "02:00.0" else "02:00.0", control=REDIRECTING)
        assert answer(known, "03:00.0", "04:00.0") == ("denied", NONE, 4)
        open_anyway = edit(host(*two_drives(), cpu=ZEN), where, control=missing)
        assert answer(open_anyway, "03:00.0", "04:00.0") == ("allowed", "unknown", 4)


def test_a_client_that_is_no_pci_device() -> None:
    """Denied, and no distance."""
    found = resolver(host(*two_drives())).verdict(address("03:00.0"), "nvme5n1")
    assert found == ("denied", NONE, None)


def test_functions_that_are_not_there() -> None:
    """An error that names the address."""
    for provider, client in (("09:00.0", "03:00.0"), ("03:00.0", "09:00.0")):
        with pytest.raises(NotFoundError, match=r"no PCI function 0000:09:00\.0"):
            answer(host(*two_drives()), provider, client)
    with pytest.raises(NotFoundError):
        resolver(host(*two_drives())).verdict(address("09:00.0"), "nvme5n1")


def test_a_bridge_that_went_away_while_reading() -> None:
    """Its place is known from the directory below it, its register is not."""
    snapshot = host(*two_drives())
    assert snapshot.pci is not None
    functions = {where: one for where, one in snapshot.pci.functions.items() if where != address("02:00.0")}
    snapshot = replace(snapshot, pci=replace(snapshot.pci, functions=functions))
    assert answer(snapshot, "03:00.0", "04:00.0") == ("unknown", "unknown", 4)
    assert resolver(snapshot).way(address("03:00.0"), address("04:00.0")) is Way.UNSURE


def test_a_tree_that_bites_its_tail() -> None:
    """A made-up capture may have a function above itself; the climb ends all the same."""
    snapshot = host(*two_drives())
    assert snapshot.pci is not None
    functions = dict(snapshot.pci.functions)
    functions[address("00:01.0")] = functions[address("00:01.0")]._replace(parent=address("02:00.0"))
    snapshot = replace(snapshot, pci=replace(snapshot.pci, functions=functions))
    assert answer(snapshot, "03:00.0", "04:00.0")[0] == "allowed"


def test_a_snapshot_without_the_host() -> None:
    """What hangs on the processor is unknown; what does not is known. Without the tree there is nothing to say."""
    snapshot = replace(host(*two_drives()), kernel=None)
    assert answer(snapshot, "03:00.0", "04:00.0") == ("allowed", BUS, 4)
    assert answer(snapshot, "03:00.0", "05:00.0")[0] == "unknown"
    with pytest.raises(ValueError, match="pci"):
        Topology.of(replace(snapshot, pci=None))


def test_the_demo_host() -> None:
    """Some pairs go straight, some through a listed host bridge, some not at all; read through the simulator."""
    snapshot = take(DemoDoor(lambda: 0.0), {"pci", "kernel", "pools"})
    assert snapshot.pci is not None
    assert snapshot.pools is not None
    assert answer(snapshot, "18:00.0", "19:00.0") == ("allowed", BUS, 4)
    kinds = {
        outcome.map_type
        for row in resolver(snapshot).matrix(list(snapshot.pools.pools), list(snapshot.pci.functions))
        for outcome in row
    }  # fmt: skip
    assert kinds == {BUS, BRIDGE, NONE}
