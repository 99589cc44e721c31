"""What is predicted of a namespace by a port: the truth table over small hosts, without anything observed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Gap
from p2pctl.model.nvmet import Port, Subsystem
from p2pctl.model.pci import Config
from p2pctl.model.snapshot import Snapshot
from p2pctl.simulator.pci import MIB
from p2pctl.target.port_state import PortState, evidence_needed, port_states
from tests.unit.port_hosts import (
    CARD,
    NQN,
    NVME0,
    NVME1,
    NVME2,
    exporting,
    logged,
    machine,
    namespace,
    port,
    simple,
    state,
    subsystem,
    using,
)


def codes(found: PortState) -> list[str]:
    return [one.code for one in found.reasons]


def test_auto_takes_the_drives_own_memory_where_that_is_closest() -> None:
    """As a kernel did (distances summed over card and disk): the disk's own pool, not its neighbour's."""
    found = state(simple())
    assert (found.state, found.providers, found.map_type, found.distance) == ("predicted", (NVME1,), "bus-address", 4)
    assert (found.since, found.stale, [one.kind for one in found.evidence]) == (None, None, ["prediction"])


def test_equally_close_providers_are_all_named() -> None:
    """The kernel takes any of them: the disk's own pool and the card's are four steps away in all."""
    found = state(simple(snapshot=machine(published={"04:00.0": True, "05:00.0": True, "03:00.0": True})))
    assert found.providers == (NVME1, CARD)
    assert "tie" in [one.code for one in found.warnings]


def test_only_published_pools_count() -> None:
    assert state(simple(snapshot=machine(published={"03:00.0": True, "04:00.0": False}))).providers == (NVME0,)
    far = simple(namespace(device="/dev/nvme2n1", enable="0"), machine(published={"03:00.0": True, "06:00.0": False}))
    assert (state(far).state, codes(state(far))) == ("not-eligible", ["no-provider"])


def test_what_the_kernel_has_enabled_is_not_called_ineligible() -> None:
    """The rules say that it could not have been: then they differ, and the card still decides at a connect."""
    found = state(simple(namespace(device="/dev/nvme2n1"), machine(published={"03:00.0": True})))
    assert found.state == "falls-back"
    assert "enabled-all-the-same" in [one.code for one in found.warnings]


def test_a_named_provider_is_used_if_the_card_may() -> None:
    found = state(simple(namespace(p2pmem=str(NVME0))))
    assert (found.state, found.providers, found.p2pmem) == ("predicted", (NVME0,), str(NVME0))


def test_acs_above_the_card_makes_hosts_fall_back() -> None:
    """The namespace is enabled all the same: the card is asked when a host connects."""
    automatic = state(simple(snapshot=machine(card=0x1D)))
    assert (automatic.state, automatic.providers) == ("falls-back", ())
    assert codes(automatic)[0] == "no-common-provider"
    assert "acs-redirect" in codes(automatic)
    named = state(simple(namespace(p2pmem=str(NVME0)), machine(card=0x1D)))
    assert (named.state, codes(named)[0]) == ("falls-back", "card-denied")


def test_acs_above_the_drives_leaves_each_its_own() -> None:
    """Whatever redirects above it, a function reaches its own memory only as far as its own ACS goes: the enable
    passes, and at the connect nothing is found for both."""
    found = state(simple(snapshot=machine(card=0x1D, drives=0x1D)))
    assert found.state == "falls-back"


@pytest.mark.parametrize("transport", ["tcp", "loop", "fc", "pci"])
def test_other_transports_cannot(transport: str) -> None:
    found = state(simple(trtype=transport))
    assert (found.state, codes(found)) == ("transport-cannot", ["transport-cannot"])


def test_what_is_off_is_off_on_every_transport() -> None:
    for transport in ("rdma", "tcp"):
        assert state(simple(namespace(p2pmem="0"), trtype=transport)).state == "off"


def test_without_the_attribute_the_kernel_has_no_p2pdma() -> None:
    one = namespace()
    bare = one._replace(attributes={key: value for key, value in one.attributes.items() if key != "p2pmem"})
    assert (state(simple(bare)).state, codes(state(simple(bare)))) == ("off", ["kernel-without-p2pdma"])


def test_a_card_without_dma_of_its_own_falls_back() -> None:
    found = state(simple(snapshot=machine(virtual=True)))
    assert (found.state, codes(found)) == ("falls-back", ["virtual-dma"])


def test_a_card_that_nobody_knows_makes_it_unknown() -> None:
    found = state(simple(snapshot=machine(virtual=UNREADABLE)))
    assert (found.state, codes(found)) == ("unknown", ["virtual-dma-unknown"])


def test_an_address_that_no_card_has() -> None:
    found = state(simple(traddr="127.0.0.1"))
    assert (found.state, codes(found)) == ("transport-cannot", ["no-rdma-device"])


def test_a_port_on_every_address_is_as_good_as_its_worst_card() -> None:
    """The far card may not use the memory below the switch: a host that comes in by it falls back."""
    found = state(simple(traddr="0.0.0.0"))  # noqa: S104  an address in a document
    assert (found.state, codes(found)[0]) == ("falls-back", "depends-on-device")
    assert "mlx5_0: predicted; mlx5_1: falls-back" in found.reasons[0].text


def test_unreadable_acs_is_unknown_and_not_off() -> None:
    """Of a user without privilege."""
    snapshot = simple()
    assert snapshot.pci is not None
    functions = {at: one._replace(config=Config()) for at, one in snapshot.pci.functions.items()}
    blind = replace(snapshot, pci=replace(snapshot.pci, functions=functions))
    found = state(blind)
    assert (found.state, found.predicted) == ("unknown", "unknown")
    assert found.providers


def test_a_pool_that_is_gone_under_an_enabled_namespace_falls_back() -> None:
    """The namespace stays enabled; requests find no memory."""
    gone = simple(namespace(p2pmem=str(NVME0)), machine(published={"04:00.0": True}))
    assert (state(gone).state, codes(state(gone))) == ("falls-back", ["pool-vanished"])
    disabled = simple(namespace(p2pmem=str(NVME0), enable="0"), machine(published={"04:00.0": True}))
    assert (state(disabled).state, codes(state(disabled))) == ("not-eligible", ["provider-unpublished"])


def test_disabled_namespaces_are_judged_too() -> None:
    """What would happen, refusals included."""
    found = state(simple(namespace(enable="0")))
    assert (found.state, found.enabled) == ("predicted", False)
    refused = state(simple(namespace(device="/dev/nvme5n1", enable="0")))
    assert (refused.state, codes(refused)) == ("not-eligible", ["multipath-head"])


def test_passthru_never_uses_it() -> None:
    snapshot = exporting(
        machine(), [port()], [Subsystem(NQN, {}, {}, passthru={"enable": "1", "device_path": "/dev/nvme3"})]
    )
    found = state(snapshot, nsid=None)
    assert (found.state, codes(found), found.device) == ("not-eligible", ["passthru"], "/dev/nvme3")


def test_target_offload_is_the_drivers_decision() -> None:
    snapshot = exporting(machine(), [port()], [subsystem(namespace(), attr_offload="1")])
    assert (state(snapshot).state, codes(state(snapshot))) == ("unknown", ["target-offload"])
    off = exporting(machine(), [port()], [subsystem(namespace(), attr_offload="0")])
    assert state(off).state == "predicted"


@pytest.mark.parametrize(("size", "told"), [("0", False), ("4096", True), ("-1", True), (ABSENT, False)])
def test_inline_writes_are_pointed_out(size: Fact[str], told: bool) -> None:
    base = port()
    one = Port("1", {**base.attributes, "param_inline_data_size": size}, base.links)
    found = state(exporting(machine(), [one], [subsystem(namespace())]))
    assert ("inline-writes" in [warning.code for warning in found.warnings]) is told


@pytest.mark.parametrize("name", ["p2pmem", "allow_p2pmem"])
@pytest.mark.parametrize(
    ("value", "expected"), [("1", "predicted"), ("0", "off"), ("none", "off"), ("auto", "predicted")]
)
def test_the_ports_own_switch_decides_where_a_kernel_has_one(name: str, value: str, expected: str) -> None:
    """The proposals of 2017 and 2018: namespaces have no attribute there."""
    one = namespace()
    bare = one._replace(attributes={key: text for key, text in one.attributes.items() if key != "p2pmem"})
    snapshot = exporting(machine(), [port("1", NQN, **{name: value})], [subsystem(bare)])
    assert state(snapshot).state == expected


def test_the_wanted_target_is_judged_in_place_of_the_live_one() -> None:
    """For a preflight: predictions only, whatever the log says."""
    snapshot = logged(simple(namespace(p2pmem="0")), using(NVME1))
    wanted = simple().nvmet
    (found,) = port_states(snapshot, nvmet=wanted, observed=False)
    assert (found.state, found.predicted, found.since) == ("predicted", "predicted", None)


def test_evidence_is_read_only_where_somebody_wants_memory_by_rdma() -> None:
    assert evidence_needed(simple()) == {"log", "connections"}
    assert evidence_needed(simple(trtype="tcp")) == set()
    assert evidence_needed(simple(namespace(p2pmem="0"))) == set()
    assert evidence_needed(machine()) == set()


def test_without_a_log_nothing_is_confirmed_and_the_user_is_told() -> None:
    snapshot = simple()
    assert snapshot.log is not None
    unread = replace(snapshot, log=snapshot.log._replace(records=UNREADABLE, gaps=(Gap("log", None, None, 1, "root"),)))
    assert "log-unread" in [one.code for one in state(unread).warnings]


def test_a_link_is_followed_where_the_caller_knows_it() -> None:
    """/dev/disk/by-id/... is what a document should name."""
    snapshot = simple(namespace(device="/dev/disk/by-id/nvme-EXAMPLE_1"))
    assert state(snapshot).state == "unknown"
    (found,) = port_states(snapshot, followed={"/dev/disk/by-id/nvme-EXAMPLE_1": "/dev/nvme1n1"})
    assert (found.state, found.providers) == ("predicted", (NVME1,))


def with_level(snapshot: Snapshot, level: int) -> Snapshot:
    assert snapshot.pools is not None
    pools = {at: replace(pool, available=level) for at, pool in snapshot.pools.pools.items()}
    return replace(snapshot, pools=replace(snapshot.pools, pools=pools))


def test_a_low_pool_alone_is_no_exhaustion() -> None:
    """Without a host that uses it, it is a prediction still."""
    assert state(with_level(simple(), 4096)).state == "predicted"
    assert state(with_level(simple(), 16 * MIB)).state == "predicted"


def test_the_far_drive_has_no_provider_in_reach_but_its_own() -> None:
    found = state(simple(namespace(device="/dev/nvme2n1")))
    assert (found.state, codes(found)[0]) == ("falls-back", "no-common-provider")
    assert CARD in {reason.address for reason in found.reasons}
    named = state(simple(namespace(device="/dev/nvme2n1", p2pmem=str(NVME2), enable="0")))
    assert named.state == "falls-back"
