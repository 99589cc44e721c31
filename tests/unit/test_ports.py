"""From a port of the target to the RDMA devices that may serve it."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from p2pctl.hardware.snapshot import take
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Gap
from p2pctl.model.nvmet import Port
from p2pctl.model.rdma import Gid, Interface, Rdma, RdmaDevice, RdmaPort
from p2pctl.resolver.ports import PortDevices, gid_of, named_port, port_devices
from p2pctl.resolver.selection import find_rules
from p2pctl.simulator.door import DemoDoor

RULES = find_rules("linux-7.3")
ONE, TWO = Address(0, 3, 0, 0), Address(0, 4, 0, 0)
V1, V2 = "IB/RoCE v1", "RoCE v2"


def port(traddr: Fact[str], trtype: Fact[str] = "rdma") -> Port:
    return Port("1", {"addr_trtype": trtype, "addr_traddr": traddr})


def device(
    name: str,
    *texts: str,
    address: Fact[Address] = ONE,
    interface: str = "eth0",
    kind: str = V2,
    layer: str = "Ethernet",
    virtual: Fact[bool] = False,
) -> RdmaDevice:
    """An RDMA device with these IP addresses, or GIDs, in its table."""
    gids = tuple(Gid(at, gid_of(ip_address(text)), kind, interface) for at, text in enumerate(texts))
    reason = "rxe registers without a DMA device" if virtual is True else None
    ports = (RdmaPort(1, "ACTIVE", layer, gids),)
    return RdmaDevice(name, address, "mlx5_core", "guid", virtual, reason, ports, (interface,))


def rdma(*devices: RdmaDevice, gaps: tuple[Gap, ...] = (), virtual: str | None = None) -> Rdma:
    interfaces = {"eth0": Interface("eth0", ONE, "up"), "eth1": Interface("eth1", TWO, "up")}
    if virtual is not None:
        interfaces[virtual] = Interface(virtual, ABSENT, "up")
    return Rdma(0.0, {one.name: one for one in devices}, interfaces, gaps)


def names(found: PortDevices) -> list[tuple[str, str]]:
    return [(one.name, one.basis) for one in found.devices]


def codes(found: PortDevices) -> list[str]:
    return [one.code for one in (*found.reasons, *found.warnings)]


@pytest.mark.parametrize(
    ("text", "gid"),
    [
        ("192.0.2.10", "0000:0000:0000:0000:0000:ffff:c000:020a"),
        ("2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001"),
        ("fe80::1%eth0", "fe80:0000:0000:0000:0000:0000:0000:0001"),
    ],
)
def test_addresses_as_gids(text: str, gid: str) -> None:
    """As sysfs writes them."""
    assert gid_of(ip_address(text)) == gid


@pytest.mark.parametrize("kind", ["tcp", "loop", "fc"])
def test_other_transports_cannot(kind: str) -> None:
    found = port_devices(port("192.0.2.10", kind), rdma(device("mlx5_0", "192.0.2.10")), RULES)
    assert (found.possible, found.certain, codes(found)) == (False, True, ["transport-cannot"])
    assert kind in found.reasons[0].text


@pytest.mark.parametrize(
    ("given", "code", "certain"),
    [
        (port("", ""), "transport-unknown", True),
        (port("192.0.2.1", UNREADABLE), "transport-unknown", False),
        (port("", "rdma"), "address-unknown", True),
        (port("host.example", "rdma"), "address-unknown", True),
        (port(UNREADABLE), "address-unknown", False),
    ],
)
def test_ports_that_are_not_told(given: Port, code: str, certain: bool) -> None:
    found = port_devices(given, rdma(device("mlx5_0", "192.0.2.10")), RULES)
    assert (codes(found), found.certain, found.clients) == ([code], certain, ())
    assert found.possible is (False if certain else None)


def test_nothing_read() -> None:
    found = port_devices(port("192.0.2.10"), None, RULES)
    assert (codes(found), found.possible) == (["rdma-not-read"], None)


@pytest.mark.parametrize("text", ["192.0.2.10", "2001:db8::1"])
def test_roce_by_its_gid(text: str) -> None:
    other = device("mlx5_1", "192.0.2.11", address=TWO, interface="eth1")
    found = port_devices(port(text), rdma(device("mlx5_0", text), other), RULES)
    assert names(found) == [("mlx5_0", "gid")]
    assert found.clients == (ONE,)
    assert (found.possible, codes(found)) == (True, [])


def test_a_vlan_changes_nothing() -> None:
    """Its address is in the table of the base device."""
    tagged = device("mlx5_0", "192.0.2.10", interface="eth0.100")
    found = port_devices(port("192.0.2.10"), rdma(tagged, virtual="eth0.100"), RULES)
    assert (found.clients, codes(found)) == ((ONE,), [])


def test_a_bond_moves() -> None:
    """The address is in the tables of those legs that are active: all count, and a failover may change them."""
    legs = (
        device("mlx5_0", "192.0.2.10", interface="bond0"),
        device("mlx5_1", "192.0.2.10", interface="bond0", address=TWO),
    )
    found = port_devices(port("192.0.2.10"), rdma(*legs, virtual="bond0"), RULES)
    assert found.clients == (ONE, TWO)
    assert codes(found) == ["upper-interface"]
    assert "failover" in found.warnings[0].text


def test_link_local_addresses_have_an_interface() -> None:
    """The same address on two interfaces: the scope decides; without one both are possible."""
    both = (device("mlx5_0", "fe80::1"), device("mlx5_1", "fe80::1", interface="eth1", address=TWO))
    assert port_devices(port("fe80::1%eth1"), rdma(*both), RULES).clients == (TWO,)
    assert port_devices(port("fe80::1"), rdma(*both), RULES).clients == (ONE, TWO)


def test_ipoib_through_its_scope() -> None:
    """The one address that names its interface."""
    infiniband = device("mlx5_0", "fe80::99", interface="ib0", layer="InfiniBand", kind=V1)
    found = port_devices(port("fe80::7%ib0"), rdma(infiniband), RULES)
    assert names(found) == [("mlx5_0", "interface")]


@pytest.mark.parametrize(("layer", "kind"), [("InfiniBand", V1), ("Ethernet", V1)])
def test_ipoib_and_iwarp_remain_possible(layer: str, kind: str) -> None:
    """Their addresses are in no table, and the interfaces' own are not read: said, and not guessed away."""
    silent = device("hca0", "fe80::99", interface="ib0", layer=layer, kind=kind)
    found = port_devices(port("192.0.2.10"), rdma(silent, device("mlx5_1", "192.0.2.11", address=TWO)), RULES)
    assert names(found) == [("hca0", "possible")]
    assert not found.certain
    assert codes(found) == ["interface-addresses-not-read"]


def test_nobody_has_the_address() -> None:
    found = port_devices(port("192.0.2.99"), rdma(device("mlx5_0", "192.0.2.10")), RULES)
    assert (codes(found), found.possible) == (["no-rdma-device"], False)
    gap = Gap("gids", "mlx5_0", "/sys/class/infiniband/mlx5_0/ports/1/gids", 13, "root")
    hidden = port_devices(port("192.0.2.99"), rdma(device("mlx5_0", "192.0.2.10"), gaps=(gap,)), RULES)
    assert (codes(hidden), hidden.possible) == (["gids-unknown"], None)


@pytest.mark.parametrize("text", ["0.0.0.0", "::"])  # noqa: S104
def test_wildcards_are_all_of_them(text: str) -> None:
    """With a warning."""
    both = (device("mlx5_0", "192.0.2.10"), device("mlx5_1", "192.0.2.11", address=TWO))
    found = port_devices(port(text), rdma(*both), RULES)
    assert names(found) == [("mlx5_0", "wildcard"), ("mlx5_1", "wildcard")]
    assert (found.clients, codes(found)) == ((ONE, TWO), ["wildcard"])
    assert codes(port_devices(port(text), rdma(), RULES)) == ["no-rdma-device", "wildcard"]


def test_virtual_dma_is_refused_by_name() -> None:
    """Whatever its place in the tree; another device on the same address stays."""
    soft = device("rxe0", "192.0.2.10", address=ABSENT, virtual=True)
    found = port_devices(port("192.0.2.10"), rdma(soft), RULES)
    assert (found.possible, codes(found), found.clients) == (False, ["virtual-dma"], ())
    assert found.reasons[0].text.startswith("rxe0 is refused: rxe registers without a DMA device")
    beside = port_devices(port("192.0.2.10"), rdma(soft, device("mlx5_0", "192.0.2.10")), RULES)
    assert (beside.possible, beside.clients) == (True, (ONE,))
    hfi = port_devices(port("192.0.2.10"), rdma(device("hfi1_0", "192.0.2.10", virtual=True)), RULES)
    assert (hfi.possible, hfi.clients) == (False, ())
    unsure = port_devices(port("192.0.2.10"), rdma(device("x0", "192.0.2.10", virtual=UNREADABLE)), RULES)
    assert (unsure.possible, codes(unsure)) == (None, ["virtual-dma-unknown"])


@pytest.mark.parametrize(("at", "possible"), [(ABSENT, False), (UNREADABLE, None)])
def test_devices_without_a_function(at: Fact[Address], possible: bool | None) -> None:
    found = port_devices(port("192.0.2.10"), rdma(device("hns_0", "192.0.2.10", address=at)), RULES)
    assert (found.possible, codes(found)) == (possible, ["not-a-pci-device"])


def test_named_ports() -> None:
    """An RDMA device, an interface of one, or its function; anything else is none."""
    host = rdma(device("mlx5_0", "192.0.2.10"), device("mlx5_1", interface="eth1", address=TWO))
    assert named_port("mlx5_1", None, host, RULES).clients == (TWO,)
    assert named_port("eth1", TWO, host, RULES).clients == (TWO,)
    assert named_port("0000:03:00.0", ONE, host, RULES).clients == (ONE,)
    other = named_port("nvme0", Address(0, 5, 0, 0), host, RULES)
    assert (other.possible, codes(other)) == (False, ["no-rdma-device"])
    assert named_port("rxe0", None, rdma(device("rxe0", virtual=True)), RULES).possible is False


def test_the_demo_host() -> None:
    """Port 1 is on switch A, port 2 is TCP, port 3 on the other socket; rxe0 has an address of its own."""
    snapshot = take(DemoDoor(lambda: 0.0), {"rdma", "nvmet"})
    assert snapshot.nvmet is not None
    found = [port_devices(one, snapshot.rdma, RULES) for one in snapshot.nvmet.ports.values()]
    assert [[str(at) for at in one.clients] for one in found] == [["0000:1a:00.0"], [], ["0000:81:00.0"]]
    soft = port_devices(port("203.0.113.10"), snapshot.rdma, RULES)
    assert [one.name for one in soft.devices] == ["rxe0"]
    assert soft.possible is False
