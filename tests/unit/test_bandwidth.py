"""Ceilings of paths: the table of generations, the link that limits, what is no number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.model.facts import NOT_READ
from p2pctl.model.pci import Link
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.bandwidth import Bandwidth, bandwidth, efficiency, line_rate
from p2pctl.resolver.explain import resolve
from tests.unit.test_resolver_hosts import (
    ANY_BRIDGE,
    REDIRECTING,
    SAME_BRIDGE,
    UNLISTED,
    ZEN,
    address,
    host,
    resolver,
    two_drives,
)

GEN3, GEN4 = Link(8.0, 4, 8.0, 4, 8.0, 4), Link(16.0, 4, 16.0, 4, 16.0, 4)


def linked(snapshot: Snapshot, payload: int | None = 256, numa: int = 0, **links: Link) -> Snapshot:
    """Every function with a fast link and this payload; those named ``b03`` (their bus) with another link."""
    assert snapshot.pci is not None
    functions = {}
    for where, one in snapshot.pci.functions.items():
        config = one.config._replace(max_payload=NOT_READ if payload is None else payload)
        link = links.get(f"b{where.bus:02x}", Link(32.0, 16, 32.0, 16, 32.0, 16))
        functions[where] = one._replace(config=config, link=link, numa_node=numa if where.bus >= 0x40 else 0)
    return replace(snapshot, pci=replace(snapshot.pci, functions=functions))


def between(snapshot: Snapshot, provider: str = "03:00.0", client: str = "04:00.0") -> Bandwidth:
    found = bandwidth(snapshot, resolve(resolver(snapshot), address(provider), address(client)))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("speed", "width", "raw", "at"),
    [
        (2.5, 16, 4.0, (3.4, 3.7, 3.8)),
        (5.0, 16, 8.0, (6.7, 7.3, 7.6)),
        (8.0, 16, 15.75, (13.3, 14.4, 15.1)),
        (16.0, 16, 31.5, (26.5, 28.8, 30.1)),
        (32.0, 16, 63.0, (53.1, 57.6, 60.2)),
        (64.0, 16, 118.0, (105.0, 111.0, 114.0)),
        (8.0, 4, 3.94, (3.32, 3.60, 3.76)),
    ],
)
def test_the_table_of_generations(speed: float, width: int, raw: float, at: tuple[float, ...]) -> None:
    assert line_rate(speed, width) == pytest.approx(raw, rel=0.005)
    for payload, expected in zip((128, 256, 512), at, strict=True):
        assert line_rate(speed, width) * efficiency(payload, speed) == pytest.approx(expected, rel=0.015)


def test_the_slowest_link_limits_a_direct_path() -> None:
    found = between(linked(host(*two_drives()), b03=GEN4, b04=GEN3))
    assert (found.kind, found.low, str(found.limiting)) == ("ceiling", None, "0000:04:00.0")
    assert found.high == pytest.approx(3.938 * 256 / 280 * 0.95, rel=0.001)
    assert [str(link.address) for link in found.links] == ["0000:03:00.0", "0000:04:00.0"]
    assert found.payload == 256
    assert found.warnings == ()


def test_links_below_their_best_are_named() -> None:
    found = between(linked(host(*two_drives()), b03=GEN4._replace(speed=8.0)))
    assert [str(one) for one in found.below_best] == ["0000:03:00.0"]


def test_the_least_payload_on_the_way_counts_for_all() -> None:
    snapshot = linked(host(*two_drives()), 512)
    assert snapshot.pci is not None
    port = address("02:00.0")
    functions = dict(snapshot.pci.functions)
    functions[port] = functions[port]._replace(config=functions[port].config._replace(max_payload=128))
    found = between(replace(snapshot, pci=replace(snapshot.pci, functions=functions)))
    assert found.payload == 128
    assert "Malformed TLP" in found.warnings[0]


def test_through_a_host_bridge_there_is_a_range_and_a_warning() -> None:
    found = between(linked(host(*two_drives(), cpu=ZEN), b05=GEN4), "03:00.0", "05:00.0")
    assert found.kind == "measured-range"
    assert found.low == pytest.approx(7.877 * 0.65, rel=0.001)
    assert found.high == pytest.approx(7.877 * 0.85, rel=0.001)
    assert "65 to 85 %" in found.warnings[0]


def test_a_path_that_is_redirected_uses_the_links_above_the_common_bridge() -> None:
    found = between(linked(host(*two_drives(on=REDIRECTING), cpu=ZEN), b01=GEN3))
    assert [str(link.address) for link in found.links] == ["0000:03:00.0", "0000:01:00.0", "0000:04:00.0"]
    assert str(found.limiting) == "0000:01:00.0"


def test_between_sockets_there_is_no_prediction() -> None:
    found = between(linked(host(*two_drives(ids=ANY_BRIDGE)), numa=1), "03:00.0", "43:00.0")
    assert (found.kind, found.low, found.high) == ("no-prediction", None, None)
    assert "NUMA" in found.warnings[0]


def test_old_host_bridges_read_slowly() -> None:
    found = between(linked(host(*two_drives(ids=SAME_BRIDGE))), "03:00.0", "05:00.0")
    assert any("read far slower" in one for one in found.warnings)


def test_what_could_not_be_read_is_said() -> None:
    found = between(linked(host(*two_drives()), None, b03=Link()))
    assert [one.split(":")[0] for one in found.warnings] == [
        "how much a packet carries (MPS) could not be read",
        "the speed or width of these links is not known",
    ]
    assert found.kind == "ceiling"
    nothing = between(linked(host(*two_drives()), b03=Link(), b04=Link()))
    assert (nothing.kind, nothing.limiting) == ("no-prediction", None)


def test_no_ceiling_without_a_path() -> None:
    snapshot = host(*two_drives(on=REDIRECTING, ids=UNLISTED))
    assert bandwidth(snapshot, resolve(resolver(snapshot), address("03:00.0"), address("04:00.0"))) is None
    assert bandwidth(snapshot, resolve(resolver(snapshot), address("03:00.0"), address("03:00.0"))) is None
    allowed = resolve(resolver(host(*two_drives())), address("03:00.0"), address("04:00.0"))
    with pytest.raises(ValueError, match="part pci"):
        bandwidth(replace(snapshot, pci=None), allowed)
