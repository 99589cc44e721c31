"""Several clients together, the kernel's search for a provider, and RDMA devices that it never serves."""

from __future__ import annotations

import pytest

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact
from p2pctl.model.rdma import RdmaDevice
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.providers import Ranking, rank_providers
from p2pctl.resolver.rdma import refuse_rdma
from p2pctl.resolver.selection import find_rules
from p2pctl.resolver.verdict import Client
from p2pctl.simulator.pci import RootBus
from tests.unit.test_resolver_hosts import (
    REDIRECTING,
    UNLISTED,
    ZEN,
    address,
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


def ranking(snapshot: Snapshot, *clients: str, rules: str = "linux-7.3") -> Ranking:
    assert snapshot.pools is not None
    found: list[Client] = [address(client) for client in clients]
    return rank_providers(resolver(snapshot, rules), snapshot.pools.pools.values(), found)


def places(found: Ranking) -> list[tuple[str, int | None]]:
    return [(str(one.address)[5:], one.rank) for one in found.candidates]


def four_drives() -> tuple[RootBus, ...]:
    """03:00.0, 04:00.0 and 05:00.0 below one switch, 06:00.0 below a root port."""
    below = switch(*(downstream(drive(), at=at) for at in range(3)))
    return (RootBus(0, 0, (first(UNLISTED), root_port(below), root_port(drive(), at=2))),)


def test_several_clients_together() -> None:
    """The sum of the distances; denied as soon as one is; the least direct way of all."""
    found = resolver(host(*four_drives()))
    provider = address("03:00.0")
    together = found.joint(provider, [address("03:00.0"), address("04:00.0"), address("05:00.0")])
    assert together[:3] == ("allowed", "bus-address", 8)
    assert [one.distance for one in together.outcomes] == [0, 4, 4]
    assert found.joint(provider, [address("04:00.0"), address("06:00.0")])[:3] == ("denied", "not-supported", 10)
    assert found.joint(provider, [address("04:00.0"), "md0"])[:3] == ("denied", "not-supported", None)
    assert found.joint(provider, [])[:3] == ("denied", "not-supported", None)


def test_several_clients_over_different_ways() -> None:
    """Bus addresses for one and the host bridge for the other is the host bridge; unknown beats allowed."""
    found = resolver(host(*four_drives(), cpu=ZEN))
    together = found.joint(address("03:00.0"), [address("04:00.0"), address("06:00.0")])
    assert together[:3] == ("allowed", "through-host-bridge", 10)
    hidden = resolver(edit(host(*four_drives()), "02:01.0", control=UNREADABLE))
    assert hidden.joint(address("03:00.0"), [address("03:00.0"), address("04:00.0")])[:2] == ("unknown", "unknown")
    assert hidden.joint(address("03:00.0"), [address("04:00.0"), address("06:00.0")])[:2] == ("denied", "not-supported")


def test_the_closest_provider() -> None:
    """A client's own pool first; a pool that the clients cannot all use is out."""
    snapshot = host(*four_drives(), published=dict.fromkeys(("03:00.0", "04:00.0", "06:00.0"), True))
    found = ranking(snapshot, "03:00.0")
    assert places(found) == [("03:00.0", 1), ("04:00.0", 2), ("06:00.0", None)]
    assert found.chosen == (address("03:00.0"),)
    assert found.certain


def test_ties_are_named() -> None:
    """The kernel takes one of them at random."""
    snapshot = host(*four_drives(), published=dict.fromkeys(("03:00.0", "04:00.0", "05:00.0"), True))
    found = ranking(snapshot, "03:00.0", "04:00.0")
    assert places(found) == [("03:00.0", 1), ("04:00.0", 1), ("05:00.0", 2)]
    assert found.chosen == (address("03:00.0"), address("04:00.0"))
    assert found.candidates[0].joint.distance == 4


def test_unpublished_pools_are_out() -> None:
    """However close they are; the answer still says what they would be."""
    found = ranking(host(*four_drives(), published={"03:00.0": False, "04:00.0": True}), "03:00.0")
    assert places(found) == [("04:00.0", 1), ("03:00.0", None)]
    assert found.chosen == (address("04:00.0"),)
    assert (found.candidates[1].published, found.candidates[1].joint.verdict) == (False, "allowed")


def test_no_provider_at_all() -> None:
    """Nothing published, nothing in reach, no clients."""
    assert ranking(host(*four_drives(), published={"03:00.0": False}), "03:00.0").chosen == ()
    assert ranking(host(*four_drives(), published={"06:00.0": True}), "03:00.0").chosen == ()
    assert ranking(host(*four_drives(), published={"06:00.0": True})).chosen == ()
    assert ranking(host(*four_drives()), "03:00.0") == Ranking((), (), certain=True)


@pytest.mark.parametrize(
    ("published", "hidden", "certain", "chosen"),
    [
        ({"04:00.0": UNREADABLE, "05:00.0": True}, None, False, "05:00.0"),
        ({"03:00.0": True, "04:00.0": UNREADABLE}, None, True, "03:00.0"),
        ({"04:00.0": True, "05:00.0": True}, "02:01.0", False, "05:00.0"),
        ({"03:00.0": True, "05:00.0": True}, "02:02.0", True, "03:00.0"),
        ({"04:00.0": True}, "02:01.0", False, None),
        ({"04:00.0": False, "05:00.0": True}, "02:01.0", True, "05:00.0"),
    ],
)
def test_what_is_not_known_may_change_the_choice(
    published: dict[str, Fact[bool]], hidden: str | None, certain: bool, chosen: str | None
) -> None:
    """Only if it is about a pool that would be as close as the chosen one, or closer."""
    snapshot = host(*four_drives(), published=published)
    if hidden:
        snapshot = edit(snapshot, hidden, control=UNREADABLE)
    found = ranking(snapshot, "03:00.0")
    assert found.certain == certain
    assert found.chosen == (() if chosen is None else (address(chosen),))


def test_far_host_bridges_lose_under_old_rules() -> None:
    """5.2 counts them 4096 steps further; since 5.4 a long way below switches may lose against them."""
    long = switch(downstream(switch(downstream(switch(downstream(drive()))))), downstream(drive(), at=1))
    snapshot = host(
        RootBus(0, 0, (first((0x1022, 0x1450)), root_port(long), root_port(drive(), at=2))),
        published={"07:00.0": True, "09:00.0": True},
    )
    for rules, chosen in (("linux-5.2", "07:00.0"), ("linux-5.4", "09:00.0")):
        assert ranking(snapshot, "08:00.0", rules=rules).chosen == (address(chosen),), rules


def test_redirection_changes_the_choice() -> None:
    """The provider whose port redirects drops out, also for itself and another together."""
    plain = two_drives(on=REDIRECTING)
    snapshot = host(*plain, published={"03:00.0": True, "04:00.0": True})
    assert ranking(snapshot, "03:00.0").chosen == (address("03:00.0"),)
    assert ranking(snapshot, "03:00.0", "04:00.0").chosen == ()


def rdma(name: str, where: Fact[Address], virtual: Fact[bool], reason: str | None = None) -> RdmaDevice:
    return RdmaDevice(name, where, ABSENT, ABSENT, virtual, reason, (), ())


def test_rdma_devices_without_dma_are_refused_by_name() -> None:
    """By the device's own registration, wherever it hangs in the tree; who refuses depends on the kernel."""
    soft = rdma("rxe0", ABSENT, virtual=True, reason="a software device: it hangs on no PCI function")
    trap = rdma("hfi1_0", address("03:00.0"), virtual=True, reason="driver hfi1 registers without a DMA device")
    for device in (soft, trap):
        for rules, who in (("linux-7.3", "NVMe target"), ("linux-5.4", "distance function"), ("linux-4.20", "first")):
            refusal = refuse_rdma(device, find_rules(rules))
            assert refusal is not None
            assert (refusal.refused, refusal.reason.code) == (True, "virtual-dma")
            assert refusal.reason.text.startswith(f"{device.name} is refused: {device.virtual_dma_reason}")
            assert who in refusal.reason.text
    refusal = refuse_rdma(trap, find_rules("linux-7.3"))
    assert refusal is not None
    assert refusal.reason.address == address("03:00.0")


def test_other_rdma_devices_are_not() -> None:
    """Unless their driver could not be read: then that is said."""
    rules = find_rules("linux-7.3")
    assert refuse_rdma(rdma("mlx5_0", address("03:00.0"), virtual=False), rules) is None
    refusal = refuse_rdma(rdma("mlx5_0", address("03:00.0"), UNREADABLE), rules)
    assert refusal is not None
    assert (refusal.refused, refusal.reason.code) == (None, "virtual-dma-unknown")
    bare = refuse_rdma(rdma("x0", ABSENT, virtual=True), rules)
    assert bare is not None
    assert "registers without a DMA device" in bare.reason.text
