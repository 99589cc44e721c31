"""The four proposals of the lists, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Fact
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.explain import resolve
from p2pctl.simulator.pci import RootBus
from tests.unit.test_resolver_hosts import (
    ANY_BRIDGE,
    REDIRECTING,
    UNLISTED,
    XEON,
    ZEN,
    adapter,
    address,
    answer,
    downstream,
    drive,
    first,
    host,
    resolver,
    root_port,
    switch,
    two_drives,
)

BUS, BRIDGE, NONE = "bus-address", "through-host-bridge", "not-supported"


def nested(on: int = 0) -> Snapshot:
    """05:00.0 and 06:00.0 below one switch, that and 07:00.0 below another; 08:00.0 below a root port."""
    inner = switch(downstream(drive(), on=on), downstream(drive(), at=1))
    outer = switch(downstream(inner), downstream(drive(), at=1))
    return host(RootBus(0, 0, (first(ANY_BRIDGE), root_port(outer), root_port(drive(), at=2))), cpu=ZEN)


def codes(snapshot: Snapshot, provider: str, client: str, rules: str) -> list[str]:
    verdict = resolve(resolver(snapshot, rules), address(provider), address(client))
    return [reason.code for reason in verdict.reasons]


@pytest.mark.parametrize(
    ("provider", "client", "allowed", "distance"),
    [
        ("05:00.0", "06:00.0", True, 4),
        ("05:00.0", "05:00.0", True, 0),
        ("05:00.0", "07:00.0", False, 6),
        ("05:00.0", "08:00.0", False, 8),
        ("08:00.0", "08:00.0", False, 0),
    ],
)
@pytest.mark.parametrize("on", [0, REDIRECTING])
def test_rfc_2017(provider: str, client: str, allowed: bool, distance: int, on: int) -> None:
    """The same switch, and the nearest one at that; ACS is nobody's business, and neither are host bridges."""
    expected = ("allowed", BUS, distance) if allowed else ("denied", NONE, distance)
    assert answer(nested(on), provider, client, "rfc-2017") == expected
    reasons = codes(nested(on), provider, client, "rfc-2017")
    assert reasons == (["no-common-switch"] if not allowed else ["same-function"] if distance == 0 else ["direct"])


def test_rfc_2017_without_a_switch() -> None:
    """What sits below a root port is refused, even two functions of one device."""
    snapshot = host(RootBus(0, 0, (first(UNLISTED), root_port(*adapter()))))
    assert answer(snapshot, "01:00.0", "01:00.2", "rfc-2017") == ("denied", NONE, 2)
    assert answer(snapshot, "01:00.0", "01:00.2", "v5-2018") == ("allowed", BUS, 2)


def test_rfc_2017_and_virtual_functions() -> None:
    """They count as plugged in where the physical one is."""
    below = switch(downstream(*adapter()), downstream(drive(), at=1))
    snapshot = host(RootBus(0, 0, (first(UNLISTED), root_port(below))))
    assert answer(snapshot, "03:00.2", "04:00.0", "rfc-2017") == ("allowed", BUS, 4)


@pytest.mark.parametrize(
    ("provider", "client", "on", "verdict"),
    [
        ("05:00.0", "06:00.0", 0, "allowed"),
        ("05:00.0", "07:00.0", 0, "allowed"),
        ("05:00.0", "05:00.0", REDIRECTING, "allowed"),
        ("05:00.0", "06:00.0", REDIRECTING, "denied"),
        ("07:00.0", "05:00.0", 0x20, "denied"),
        ("07:00.0", "05:00.0", 0x53, "allowed"),
        ("05:00.0", "08:00.0", 0, "denied"),
    ],
)
def test_v5_2018(provider: str, client: str, on: int, verdict: str) -> None:
    """A common bridge, and no redirection: neither the processor nor the host bridge makes up for it."""
    found = answer(nested(on), provider, client, "v5-2018")
    assert (found.verdict, found.map_type) == (verdict, BUS if verdict == "allowed" else NONE)
    assert found == answer(nested(on), provider, client, "linux-4.20")


@pytest.mark.parametrize(
    ("iommus", "on", "client", "verdict"),
    [
        ((), 0, "06:00.0", "allowed"),
        ((), 0, "07:00.0", "allowed"),
        ((), REDIRECTING, "06:00.0", "denied"),
        ((), 0, "08:00.0", "denied"),
        (("ivhd0",), 0, "06:00.0", "denied"),
        (("ivhd0",), 0, "05:00.0", "denied"),
    ],
)
def test_vma_2019(iommus: tuple[str, ...], on: int, client: str, verdict: str) -> None:
    """No IOMMU, no redirection, one subtree, the root complex not crossed."""
    snapshot = nested(on)
    assert snapshot.kernel is not None
    snapshot = replace(snapshot, kernel=replace(snapshot.kernel, iommus=iommus))
    assert answer(snapshot, "05:00.0", client, "vma-2019").verdict == verdict
    assert ("iommu-in-use" in codes(snapshot, "05:00.0", client, "vma-2019")) == bool(iommus)


def test_vma_2019_without_a_look_at_the_iommus() -> None:
    """Unknown where the rest would do, denied where it would not; groups alone show that there is one."""
    blind = replace(nested(), kernel=None)
    assert answer(blind, "05:00.0", "06:00.0", "vma-2019").verdict == "unknown"
    assert answer(blind, "05:00.0", "08:00.0", "vma-2019").verdict == "denied"
    verdict = resolve(resolver(blind, "vma-2019"), address("05:00.0"), address("06:00.0"))
    assert [gap.fact for gap in verdict.missing] == ["iommus"]
    assert [reason.code for reason in verdict.reasons] == ["iommu-unknown", "direct"]
    groups = host(*two_drives(), iommus=("dmar0",)).pci
    assert groups is not None
    grouped = replace(blind, pci=replace(groups, functions=blind.pci.functions if blind.pci else {}))
    assert answer(grouped, "05:00.0", "06:00.0", "vma-2019").verdict == "denied"


@pytest.mark.parametrize(
    ("iommus", "release", "verdict"),
    [
        ((), "6.2.0", "allowed"),
        (("dmar0", "dmar1"), "6.2.0", "allowed"),
        (("ivhd0",), "6.2.0", "allowed"),
        (("smmu3.0x0000000040200000",), "6.2.0", "denied"),
        (("iommu-phb0000",), "6.2.0", "denied"),
        (("dmar0", "smmu3.0x0"), "6.2.0", "denied"),
        ((), "6.2.0-1-686-pae", "denied"),
        ((), "6.2.0-1-amd64", "allowed"),
        ((), "6.2.0-odroid-armhf", "denied"),
        ((), "6.2.0-1-arm64", "allowed"),
    ],
)
def test_userspace_2022(iommus: tuple[str, ...], release: str, verdict: str) -> None:
    """What the kernel of its time allows, if it has 64 bits and a DMA backend that can map the memory."""
    p2pdma: Fact[bool] = NOT_READ if "-" in release else True
    snapshot = host(*two_drives(on=REDIRECTING, ids=ANY_BRIDGE), iommus=iommus, release=release, p2pdma=p2pdma)
    found = answer(snapshot, "03:00.0", "04:00.0", "userspace-2022")
    assert found == (verdict, BRIDGE if verdict == "allowed" else NONE, 4)


def test_userspace_2022_where_the_word_size_is_not_known() -> None:
    """A pool proves 64 bits, as P2PDMA itself does; a release without architecture says nothing."""
    plain = host(*two_drives(), release="6.2.0", p2pdma=ABSENT)
    assert answer(plain, "03:00.0", "04:00.0", "userspace-2022").verdict == "unknown"
    verdict = resolve(resolver(plain, "userspace-2022"), address("03:00.0"), address("04:00.0"))
    assert [gap.fact for gap in verdict.missing] == ["word size"]
    with_pool = host(*two_drives(), release="6.2.0", p2pdma=ABSENT, published={"03:00.0": True})
    assert answer(with_pool, "03:00.0", "04:00.0", "userspace-2022") == ("allowed", BUS, 4)


def test_userspace_2022_has_the_list_of_its_time() -> None:
    """Later entries are unknown to it; the processor rule is there."""
    for ids, verdict in ((ANY_BRIDGE, "allowed"), ((0x1AE0, 1), "denied"), ((0x10DE, 0x2F95), "denied")):
        assert answer(host(*two_drives(ids=ids)), "03:00.0", "43:00.0", "userspace-2022").verdict == verdict
    assert answer(host(*two_drives(), cpu=ZEN), "03:00.0", "43:00.0", "userspace-2022").verdict == "allowed"
    assert answer(host(*two_drives(), cpu=XEON), "03:00.0", "43:00.0", "userspace-2022").verdict == "denied"


def test_an_unreadable_list_of_iommus() -> None:
    """It is not taken for none."""
    snapshot = host(*two_drives())
    assert snapshot.kernel is not None
    snapshot = replace(snapshot, kernel=replace(snapshot.kernel, iommus=UNREADABLE))
    for rules in ("vma-2019", "userspace-2022"):
        assert answer(snapshot, "03:00.0", "04:00.0", rules).verdict == "unknown"
