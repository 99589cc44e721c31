"""What the samples say of a host, and what they must never say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from p2pctl.findings.holders import Holder
from p2pctl.findings.pools import pool_states
from p2pctl.metrics import pools as pool_metrics
from p2pctl.metrics.exposition import exposition
from p2pctl.metrics.families import FAMILIES, Sheet, place
from p2pctl.metrics.labels import LONGEST, MOST, label
from p2pctl.metrics.measure import CONCLUSIONS, PARTS, measure
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Gap
from p2pctl.model.network import Listener
from p2pctl.model.nvmet import ROOT
from p2pctl.target.port_state import port_states
from tests.dashboard import hostile
from tests.metrics.samples import Scrape, demo, scrape

SNAPSHOT = demo().snapshot
BOUND = 6 * 10**3
"""Series of one host, whatever is on it."""


def test_pools_are_told_in_bytes_and_add_up() -> None:
    """Size is what is available and what is used; what is used is what the holders hold."""
    told = scrape(SNAPSHOT)
    for pool in pool_states(SNAPSHOT):
        where = dict(zip(("segment", "bus", "device", "function"), place(pool.address), strict=True))
        if pool.state == "unregistered":
            assert told.value("p2pctl_pool_size_bytes", **where) is None
            assert told.value("p2pctl_pool_state", state="unregistered", **where) == 1
            continue
        size = told.value("p2pctl_pool_size_bytes", **where)
        used = told.value("p2pctl_pool_used_bytes", **where)
        available = told.value("p2pctl_pool_available_bytes", **where)
        assert size == pool.size
        assert (used or 0) + (available or 0) == size
        assert told.total("p2pctl_pool_held_bytes", **where) == used
        assert told.total("p2pctl_pool_state", **where) == 1
    assert told.total("p2pctl_pools") == len(pool_states(SNAPSHOT))


def test_memory_that_two_processes_share_counts_once() -> None:
    state = next(one for one in pool_states(SNAPSHOT) if one.state == "published")
    mapped = Holder("process", 4096, "mapped", "fio", 1, "root", "fio")
    sheet = Sheet()
    shared = (mapped, mapped._replace(pid=2, shared=True))
    pool_metrics.pool_samples(sheet, SNAPSHOT, (replace(state, holders=shared),))
    held = next(samples for family, samples in sheet if family.name == "p2pctl_pool_held_bytes")
    assert list(held.values()) == [4096]


def test_every_namespace_by_every_port_is_counted_once() -> None:
    told = scrape(SNAPSHOT)
    states = port_states(SNAPSHOT)
    assert told.total("p2pctl_port_namespaces") == len(states) == told.total("p2pctl_subsystem_namespaces")
    for word in {one.state for one in states}:
        assert told.total("p2pctl_port_namespaces", state=word) == sum(one.state == word for one in states)
    short = [one for one in states if one.state in {"falls-back", "not-eligible"}]
    assert told.total("p2pctl_namespace_without_p2p") == len(short) > 0


def test_an_address_is_split_as_node_exporter_splits_it() -> None:
    """Four digits or more, two, two, one: hexadecimal as the kernel writes them."""
    assert place(Address(0x10000, 0xE1, 0x1F, 7)) == ("10000", "e1", "1f", "7")
    assert place(Address(0, 3, 0, 0)) == ("0000", "03", "00", "0")


def _with_level(available: Any) -> Scrape:
    pools = SNAPSHOT.pools
    assert pools is not None
    address, pool = next(iter(pools.pools.items()))
    some = {address: replace(pool, available=available)}
    return scrape(replace(SNAPSHOT, pools=replace(pools, pools=some, unregistered={})))


def test_a_level_that_cannot_be_read_is_no_zero() -> None:
    assert _with_level(0).total("p2pctl_pool_available_bytes") == 0
    assert _with_level(0).all("p2pctl_pool_available_bytes")
    unread = _with_level(UNREADABLE)
    assert not unread.all("p2pctl_pool_available_bytes")
    assert not unread.all("p2pctl_pool_used_bytes")
    assert unread.all("p2pctl_pool_size_bytes")


def test_pools_are_not_counted_where_not_all_can_be_seen() -> None:
    pools = SNAPSHOT.pools
    assert pools is not None
    gap = Gap("pci functions", None, "/sys/bus/pci/devices", 13, "root")
    told = scrape(replace(SNAPSHOT, pools=replace(pools, pools={}, unregistered={}, gaps=(gap,))))
    assert not told.all("p2pctl_pools")
    assert told.value("p2pctl_gaps", part="pools") == 1


@pytest.mark.parametrize(
    ("path", "gone", "left"),
    [
        (f"{ROOT}/subsystems", {"subsystem", "namespace"}, {"port", "host"}),
        (f"{ROOT}/ports", {"port"}, {"subsystem", "namespace", "host"}),
        (f"{ROOT}/subsystems/nqn.x/namespaces", {"namespace"}, {"subsystem", "port", "host"}),
    ],
)
def test_objects_are_not_counted_where_a_directory_cannot_be_listed(path: str, gone: set[str], left: set[str]) -> None:
    nvmet = SNAPSHOT.nvmet
    assert nvmet is not None
    told = scrape(replace(SNAPSHOT, nvmet=nvmet._replace(gaps=(Gap("nvmet", None, path, 13, "root"),))))
    kinds = {one["kind"] for one in told.all("p2pctl_target_objects")}
    assert (kinds & gone, kinds & left) == (set(), left)
    assert bool(told.all("p2pctl_target_namespaces")) is ("namespace" in left)


def test_the_states_of_a_port_are_not_counted_where_its_links_cannot_be_read() -> None:
    nvmet = SNAPSHOT.nvmet
    assert nvmet is not None
    gap = Gap("nvmet", None, f"{ROOT}/ports/1/subsystems", 13, "root")
    told = scrape(replace(SNAPSHOT, nvmet=nvmet._replace(gaps=(gap,))))
    assert {one["port"] for one in told.all("p2pctl_port_namespaces")} == {"2", "3"}


def test_a_target_that_cannot_be_seen_has_no_samples_and_one_that_is_not_there_has_zeros() -> None:
    nvmet = SNAPSHOT.nvmet
    assert nvmet is not None
    empty = nvmet._replace(subsystems={}, ports={}, hosts={}, attributes={})
    hidden = scrape(replace(SNAPSHOT, nvmet=empty._replace(present=UNREADABLE)))
    assert not [name for name, _ in hidden.samples if name.startswith(("p2pctl_target", "p2pctl_port"))]
    missing = scrape(replace(SNAPSHOT, nvmet=empty._replace(present=False)))
    assert missing.value("p2pctl_target_present") == 0
    assert missing.value("p2pctl_target_objects", kind="namespace") == 0


def test_controllers_are_told_only_where_the_kernel_tells_of_them() -> None:
    connections = SNAPSHOT.connections
    assert connections is not None
    assert scrape(SNAPSHOT).total("p2pctl_port_controllers") == len(connections.controllers) > 0
    for unknown in (connections._replace(debugfs=UNREADABLE), connections._replace(debugfs=False), None):
        assert not scrape(replace(SNAPSHOT, connections=unknown)).all("p2pctl_port_controllers")


def _reached(**network: Any) -> Scrape:
    part = SNAPSHOT.network
    assert part is not None
    return scrape(replace(SNAPSHOT, network=part._replace(**network)))


def test_a_port_whose_address_has_gone_is_told() -> None:
    """Of each that exports by IP; whether it listens can be told of TCP alone."""
    network = SNAPSHOT.network
    assert network is not None
    assert isinstance(network.addresses, frozenset)
    there = _reached()
    assert [there.value("p2pctl_port_address_present", port=one) for one in "123"] == [1, 1, 1]
    assert there.value("p2pctl_port_listening", port="2") == 1
    assert len(there.all("p2pctl_port_listening")) == 1
    gone = _reached(addresses=network.addresses - {"198.51.100.10"}, listening=())
    assert [gone.value("p2pctl_port_address_present", port=one) for one in "123"] == [1, 1, 0]
    assert gone.value("p2pctl_port_listening", port="2") == 0
    elsewhere = _reached(listening=(Listener("192.0.2.11", 4421), Listener("192.0.2.10", 4420)))
    assert elsewhere.value("p2pctl_port_listening", port="2") == 0
    assert _reached(listening=(Listener("::", 4421),)).value("p2pctl_port_listening", port="2") == 1


def test_whether_a_port_can_be_reached_is_not_told_where_it_cannot_be_seen() -> None:
    """Another network namespace than the target's has other addresses: that is no reason for an alarm."""
    gap = Gap("network namespace", None, "/proc/1/net", 13, "root")
    for told in (
        _reached(addresses=UNREADABLE, listening=UNREADABLE),
        _reached(addresses=frozenset(), listening=(), gaps=(gap,)),
        scrape(replace(SNAPSHOT, network=None)),
    ):
        assert not told.all("p2pctl_port_address_present")
        assert not told.all("p2pctl_port_listening")


@pytest.mark.parametrize("part", PARTS)
def test_without_a_part_nothing_is_made_up(part: Any) -> None:
    """Every sample that is left says the same as before, or counts findings, of which fewer can be known."""
    whole = scrape(SNAPSHOT)
    less = scrape(hostile.without_part(SNAPSHOT, part), failed=part)
    assert less.value("p2pctl_scrape_success", part=part) == 0
    assert less.value("p2pctl_gaps", part=part) is None
    fewer = {"p2pctl_scrape_success", "p2pctl_scrape_duration_seconds", "p2pctl_findings"}
    # Without controllers it cannot be told whether a host that the log speaks of is still there.
    fewer |= {"p2pctl_port_stale_namespaces"} if part == "connections" else set()
    for key, value in less.samples.items():
        if key[0] not in fewer:
            assert whole.samples.get(key) == value, key


def test_without_the_devices_no_p2p_state_is_concluded() -> None:
    for part in ("pci", "rdma", "nvme", "pools", "block", "kernel"):
        told = scrape(hostile.without_part(SNAPSHOT, part))
        assert not told.all("p2pctl_port_namespaces"), part
        assert not told.all("p2pctl_namespace_without_p2p"), part


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_unknown_it_can_be_told(seed: int) -> None:
    """No fact is needed; and nothing that is unknown makes a sample that is no number."""
    told = scrape(hostile.blurred(SNAPSHOT, hostile.at_random(seed, 0.4)))
    assert all(value == value and value >= 0 for value in told.samples.values())  # noqa: PLR0124  NaN is not itself
    assert told.value("p2pctl_scrape_success", part=CONCLUSIONS) == 1


def test_a_host_with_nothing_on_it_can_be_told() -> None:
    for snapshot in (hostile.emptied(SNAPSHOT), hostile.without_parts(SNAPSHOT)):
        assert scrape(snapshot).value("p2pctl_build_info") == 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("everything", [True, False])
def test_names_of_strangers_stay_inside_their_labels(seed: int, *, everything: bool) -> None:
    """No line of theirs, nothing unseen, no name taken for another: the library's parser finds what was written."""
    told = scrape(hostile.renamed(SNAPSHOT, seed, everything=everything))
    assert all(line.isprintable() for line in told.text.splitlines())
    assert "\r" not in told.text
    names = {family.name for family in FAMILIES}
    assert {name for name, _ in told.samples} <= names
    assert all(len(value) <= LONGEST for _, labels in told.samples for _, value in labels)


def test_two_names_are_never_one_label() -> None:
    """Prometheus refuses a whole scrape in which a series stands twice."""
    names = [*hostile.EVIL, "\x1b", "\\x1b", "\\\\x1b", "a" * 5000, "a" * 4999 + "b", "\udcff", "\\udcff", "?", "-"]
    assert len({label(one) for one in names}) == len(set(names))
    assert label(ABSENT) == label(None) == ""
    assert label(UNREADABLE) == "?"


def test_ten_thousand_namespaces_make_no_more_series_than_a_host_may_have() -> None:
    """All are counted, the ones in trouble are named up to a number, and how many are not is told."""
    crowd = hostile.crowded(SNAPSHOT, pools=512, namespaces=10_000, subsystems=500)
    told = scrape(crowd)
    assert len(told.samples) < BOUND
    states = port_states(crowd)
    assert len(states) == 30_000
    assert told.total("p2pctl_port_namespaces") == 30_000
    assert told.value("p2pctl_target_objects", kind="namespace") == 10_000
    assert told.total("p2pctl_pools") == len(pool_states(crowd))
    assert len(told.all("p2pctl_pool_info")) == len(told.all("p2pctl_namespace_without_p2p")) == MOST
    short = sum(one.state in {"falls-back", "not-eligible", "unknown", "possibly-exhausted"} for one in states)
    assert told.value("p2pctl_left_out", kind="namespace") == short - MOST > 0
    assert told.value("p2pctl_left_out", kind="subsystem") == 1500 - MOST
    assert told.value("p2pctl_left_out", kind="pool") == len(pool_states(crowd)) - MOST


def test_conclusions_that_break_take_nothing_else_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is shown, a metric says that something is missing, and who runs it learns why."""
    broken = ValueError("broken")

    def breaks(*_: object, **__: object) -> None:
        raise broken

    monkeypatch.setattr("p2pctl.metrics.measure.port_states", breaks)
    errors: list[Exception] = []
    told = Scrape(exposition(measure(demo(), lambda: 0.0, errors.append)))
    assert errors == [broken]
    assert told.value("p2pctl_scrape_success", part=CONCLUSIONS) == 0
    assert told.all("p2pctl_pool_size_bytes")
    assert not told.all("p2pctl_port_namespaces")
