"""What the kernel's log, the pools' levels and debugfs make of a prediction."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2pctl.model.facts import UNREADABLE
from p2pctl.model.log import KernelLog, Record
from p2pctl.model.snapshot import Snapshot
from p2pctl.simulator.pci import MIB
from p2pctl.target.log_lines import Created, Using, events
from p2pctl.target.port_state import StateWord, port_states
from tests.unit.port_hosts import (
    HOST,
    NQN,
    NVME0,
    NVME1,
    NVME2,
    OTHER,
    created,
    denied,
    exporting,
    listening,
    logged,
    machine,
    namespace,
    nothing,
    port,
    shown,
    simple,
    state,
    subsystem,
    using,
)


def two(first: str = "1", second: str = "1") -> Snapshot:
    """Two subsystems, each with a namespace 1, on one port."""
    one, other = namespace(p2pmem=first), namespace(device="/dev/nvme0n1", p2pmem=second)
    return exporting(machine(), [port("1", NQN, OTHER)], [subsystem(one), subsystem(other, nqn=OTHER)])


def test_the_kernels_line_confirms() -> None:
    found = state(logged(simple(), listening(), using(NVME1), created()))
    assert (found.state, found.providers, found.since, found.predicted) == ("confirmed", (NVME1,), 100.1, "predicted")
    (line,) = [one for one in found.evidence if one.kind == "log"]
    assert (line.text, line.time, line.sure) == (using(NVME1), 100.1, True)
    assert found.stale is not None
    assert "may be gone" in found.stale.reasons[0]


def test_the_kernels_line_tells_of_falling_back_whatever_was_predicted() -> None:
    """And it is said that the next host would fare better."""
    found = state(logged(simple(), nothing(), created()))
    assert (found.state, found.predicted, found.since) == ("falls-back", "predicted", 100.0)
    assert found.stale is not None
    assert any("next host would get P2P memory" in one for one in found.stale.reasons)


def test_a_named_provider_is_refused_by_p2pdma_itself() -> None:
    snapshot = simple(namespace(p2pmem=str(NVME0)))
    assert state(logged(snapshot, denied(NVME0), created())).state == "falls-back"
    assert state(logged(snapshot, using(NVME0), created())).state == "confirmed"


def test_a_disk_that_is_refused_says_nothing_about_the_card() -> None:
    """The same words are logged when a namespace cannot be enabled."""
    snapshot = simple(namespace(p2pmem=str(NVME0)))
    assert state(logged(snapshot, denied(NVME0, client=NVME2), created())).state == "predicted"


def test_a_line_about_another_provider_is_of_another_setting() -> None:
    found = state(logged(simple(namespace(p2pmem=str(NVME0))), using(NVME1), created()))
    assert (found.state, found.since) == ("predicted", None)


def test_a_namespace_that_is_disabled_now_is_a_prediction_again() -> None:
    assert state(logged(simple(namespace(enable="0")), using(NVME1), created())).state == "predicted"


def test_lines_belong_to_the_subsystem_that_is_announced_after_them() -> None:
    """Namespace 1 of one says nothing about namespace 1 of the other."""
    snapshot = logged(two(), using(NVME1), created(1))
    assert state(snapshot).state == "confirmed"
    assert state(snapshot, nqn=OTHER).state == "predicted"
    turned = logged(two(), using(NVME0), created(1, OTHER))
    assert (state(turned).state, state(turned, nqn=OTHER).state) == ("predicted", "confirmed")


def test_two_hosts_one_after_the_other() -> None:
    snapshot = logged(two(), using(NVME1), created(1), using(NVME0), created(2, OTHER))
    assert (state(snapshot).providers, state(snapshot, nqn=OTHER).providers) == ((NVME1,), (NVME0,))


def test_connects_at_once_confirm_nothing_that_is_not_sure() -> None:
    """Both lines stand before both announcements: whichever belongs to whom, what is sure is true of both orders."""
    lines = [using(NVME1), nothing("/dev/nvme0n1"), created(1), created(2, OTHER)]
    for head in permutations(lines[:2]):
        for tail in permutations(lines[2:]):
            snapshot = logged(two(), *head, *tail)
            assert state(snapshot).state in {"confirmed", "predicted"}
            assert state(snapshot, nqn=OTHER).state in {"falls-back", "predicted"}


def test_connects_at_once_with_different_providers_confirm_neither() -> None:
    """Both got memory, but whose is whose, nothing tells; where both got the same, nothing need."""
    for tail in permutations([created(1), created(2, OTHER)]):
        snapshot = logged(two(), using(NVME1), using(NVME0), *tail)
        assert [one.state for one in port_states(snapshot)] == ["predicted", "predicted"]
        same = logged(two(), using(NVME0), using(NVME0), *tail)
        assert [one.state for one in port_states(same)] == ["confirmed", "confirmed"]


@pytest.mark.parametrize(("transport", "expected"), [("tcp", "predicted"), ("rdma", "confirmed")])
def test_a_host_that_need_not_have_had_a_line_may_have_taken_anothers(transport: str, expected: StateWord) -> None:
    """A host of the first by TCP gets no line: what stands before it may be of the second, who is announced next."""
    base = two()
    assert base.nvmet is not None
    snapshot = exporting(
        machine(),
        [port("1", NQN, OTHER), port("2", NQN, trtype=transport, traddr="192.0.2.11")],
        base.nvmet.subsystems.values(),
    )
    lines = logged(snapshot, using(NVME1), created(1), created(2, OTHER))
    assert state(lines).state == expected


def test_a_line_that_may_be_of_either_confirms_neither() -> None:
    """A namespace was enabled under connected hosts: the line names no subsystem, and no announcement follows."""
    snapshot = logged(two(), created(1), created(2, OTHER), (500.0, using(NVME1)))
    for nqn in (NQN, OTHER):
        found = state(snapshot, nqn=nqn)
        assert found.state == "predicted"
        (line,) = [one for one in found.evidence if one.kind == "log"]
        assert not line.sure
        assert "does not tell" in line.text
        assert "evidence-ambiguous" in [one.code for one in found.warnings]


def test_a_namespace_enabled_under_a_connected_host_is_confirmed_where_only_it_can_be_meant() -> None:
    snapshot = logged(two(second="0"), created(1), (500.0, using(NVME1)))
    assert (state(snapshot).state, state(snapshot).since) == ("confirmed", 500.0)


def test_enabling_it_anew_makes_what_was_said_before_past() -> None:
    snapshot = logged(simple(), nothing(), created(1), (500.0, using(NVME1)))
    found = state(snapshot)
    assert (found.state, found.since) == ("confirmed", 500.0)


def test_the_number_of_a_controller_is_given_out_again_when_it_ended() -> None:
    """What was said of the earlier one is past."""
    snapshot = logged(simple(), nothing(), created(1), (500.0, using(NVME1)), (500.1, created(1)))
    assert state(snapshot).state == "confirmed"
    back = logged(simple(), using(NVME1), created(1), (500.0, nothing()), (500.1, created(1)))
    assert state(back).state == "falls-back"


def test_a_controller_that_timed_out_is_gone() -> None:
    ended = "nvmet: ctrl 1 keep-alive timer (5 seconds) expired!"
    assert state(logged(simple(), using(NVME1), created(1), (900.0, ended))).state == "predicted"
    other = "nvmet: ctrl 2 keep-alive timer (5 seconds) expired!"
    assert state(logged(simple(), using(NVME1), created(1), (900.0, other))).state == "confirmed"


def test_a_port_that_began_to_listen_anew_has_no_hosts_of_before() -> None:
    assert state(logged(simple(), listening(), using(NVME1), created(1), (900.0, listening()))).state == "predicted"
    assert state(logged(simple(), using(NVME1), created(1), (900.0, listening(2)))).state == "confirmed"


def test_a_namespace_enabled_just_before_its_port_listened_anew() -> None:
    """As a kernel logged it: what came after the older line is not undone by it, however close together they are."""
    snapshot = logged(
        simple(),
        (30.1, listening()),
        (31.117, created(1)),
        (31.130, using(NVME1)),
        (31.909, listening()),
        (31.979, using(NVME1)),
        (31.979, created(1)),
    )
    assert (state(snapshot).state, state(snapshot).since) == ("confirmed", 31.979)


def test_hosts_of_before_a_port_listened_anew_are_no_hosts() -> None:
    found = state(logged(simple(), created(1), (900.0, listening())))
    assert "no-host" in [one.code for one in found.warnings]


def test_authentication_that_failed_leaves_no_controller() -> None:
    failed = "nvmet: Failed to setup authentication, dhchap status 1"
    assert state(logged(simple(), using(NVME1), failed)).state == "predicted"


def test_of_several_hosts_the_worst_counts() -> None:
    snapshot = logged(simple(), using(NVME1), created(1), (500.0, nothing()), (500.1, created(2)))
    found = state(snapshot)
    assert (found.state, found.since) == ("falls-back", 500.0)
    assert len([one for one in found.evidence if one.kind == "log"]) == 2


def two_ports() -> Snapshot:
    """Two ports of the same card's address and another's: the second card is far from all memory below the switch."""
    ports = [port("1", NQN), port("2", NQN, traddr="192.0.2.11"), port("3", NQN, trtype="tcp")]
    return exporting(machine(), ports, [subsystem(namespace())])


def test_ports_are_told_apart_by_what_they_could_have_used() -> None:
    """The line names no port; only the first could have got this memory."""
    snapshot = logged(two_ports(), using(NVME1), created(1))
    assert [one.state for one in port_states(snapshot)] == ["confirmed", "falls-back", "transport-cannot"]


def test_a_failure_names_the_card_and_so_the_port() -> None:
    snapshot = logged(two_ports(), nothing(device="mlx5_1"), created(1))
    first, second, _ = port_states(snapshot)
    assert (first.state, second.state, second.since) == ("predicted", "falls-back", 100.0)


def test_twin_ports_are_not_confirmed_by_one_line() -> None:
    """Unless debugfs tells by which of them the controller came in."""
    twins = exporting(machine(), [port("1"), port("2", NQN, addr_trsvcid="4421")], [subsystem(namespace())])
    snapshot = logged(twins, using(NVME1), created(1))
    assert [one.state for one in port_states(snapshot)] == ["predicted", "predicted"]
    told = shown(snapshot, (1, NQN, "2"))
    assert [one.state for one in port_states(told)] == ["predicted", "confirmed"]


def test_debugfs_tells_who_is_gone() -> None:
    snapshot = logged(simple(), using(NVME1), created(1))
    assert state(shown(snapshot)).state == "predicted"
    there = state(shown(snapshot, (1, NQN, "1")))
    assert (there.state, there.stale) == ("confirmed", None)
    assert "debugfs" in [one.kind for one in there.evidence]


@pytest.mark.parametrize(
    ("level", "expected"), [(0, "possibly-exhausted"), (MIB - 4096, "possibly-exhausted"), (MIB, "confirmed")]
)
def test_a_pool_without_room_for_one_request_is_possibly_exhausted(level: int, expected: StateWord) -> None:
    """Only once it is confirmed that it is used; a request takes up to 1 MiB (NVMET_RDMA_MAX_MDTS)."""
    snapshot = logged(simple(), using(NVME1), created())
    assert snapshot.pools is not None
    pools = {at: replace(pool, available=level) for at, pool in snapshot.pools.pools.items()}
    found = state(replace(snapshot, pools=replace(snapshot.pools, pools=pools)))
    assert found.state == expected
    assert ("level" in [one.kind for one in found.evidence]) is (expected == "possibly-exhausted")


def test_a_smaller_limit_of_the_port_counts() -> None:
    """param_mdts is a power of two, in units of 4 KiB."""
    snapshot = logged(simple(param_mdts="2"), using(NVME1), created())
    assert snapshot.pools is not None
    pools = {at: replace(pool, available=16384) for at, pool in snapshot.pools.pools.items()}
    assert state(replace(snapshot, pools=replace(snapshot.pools, pools=pools))).state == "confirmed"


def test_a_pool_that_vanished_under_a_connected_host() -> None:
    snapshot = logged(simple(snapshot=machine(published={"03:00.0": True})), using(NVME1), created())
    found = state(snapshot)
    assert (found.state, [one.code for one in found.reasons]) == ("falls-back", ["pool-vanished"])


def test_a_log_that_wrapped_is_mentioned() -> None:
    assert "log-wrapped" in [one.code for one in state(logged(simple(), complete=False)).warnings]
    assert "no-host" in [one.code for one in state(logged(simple())).warnings]


NAMES = [
    f"x\n{using(NVME1)}",
    f"x.\n{using(NVME1)}\nnvmet: Created nvm controller 1 for subsystem {NQN} for NQN y",
    using(NVME1),
    f"y for NQN {NQN}",
    "z with DH-HMAC-CHAP, TLS",
    "",
    " ",
    "\x00\x1b[31m",
    "using p2pmem on 0000:04:00.0 for nsid 1",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_hosts_name_forges_nothing(name: str) -> None:
    """A host calls itself what it likes, and the kernel logs that as it is."""
    snapshot = logged(two(), created(7, OTHER, name), created(8, NQN, name))
    assert state(snapshot).state == "predicted"
    assert state(snapshot, nqn=OTHER).state == "predicted"


def test_a_name_that_pretends_to_be_another_subsystem() -> None:
    """``A for NQN B`` may be a host of A called B, or a host of a subsystem that is really called so: then nobody is
    believed."""
    trap = f"{NQN} for NQN x"
    snapshot = exporting(machine(), [port("1", NQN, trap)], [subsystem(namespace()), subsystem(namespace(), nqn=trap)])
    lines = logged(snapshot, using(NVME1), created(1, NQN, "x for NQN y"))
    assert state(lines).state == "predicted"
    assert state(lines, nqn=trap).state == "predicted"
    alone = logged(simple(), using(NVME1), created(1, NQN, "x for NQN y"))
    assert state(alone).state == "confirmed"


ANY_TEXT = st.one_of(
    st.text(max_size=80),
    st.builds(created, st.integers(0, 70000), st.sampled_from([NQN, OTHER, "gone"]), st.text(max_size=40)),
    st.builds(using, st.sampled_from([NVME0, NVME1, NVME2]), st.integers(0, 5)),
    st.builds(nothing, st.sampled_from(["/dev/nvme1n1", "/dev/nvme0n1", "x"]), st.sampled_from(["mlx5_0", "mlx5_1"])),
    st.builds(denied, st.sampled_from([NVME0, NVME1])),
    st.sampled_from([listening(), listening(2), "nvmet: ctrl 1 fatal error occurred!"]),
)
RECORDS = st.lists(st.tuples(st.floats(0, 10), ANY_TEXT), max_size=12)


@settings(max_examples=200, deadline=None)
@given(RECORDS)
def test_whatever_the_log_says_there_is_an_answer(lines: list[tuple[float, str]]) -> None:
    """It never fails, and what is confirmed was said by a line of its own, about a provider that the setting allows."""
    snapshot = logged(two(second=str(NVME0)), *lines)
    texts = [text for _, text in lines]
    for found in port_states(snapshot):
        assert found.nsid == 1
        if found.state == "confirmed":
            assert using(found.providers[0]) in texts
        if found.since is not None:
            assert any(one.sure and one.kind == "log" for one in found.evidence)
        if found.subsystem == OTHER and found.state == "confirmed":
            assert found.providers == (NVME0,)


@given(st.text(max_size=200))
def test_a_line_is_read_whole_or_not_at_all(text: str) -> None:
    """Whatever stands before or after makes another line of it."""
    for before, after in ((text, ""), ("", text)):
        line = before + using(NVME1) + after
        found = list(events([Record(0, 0.0, line)]))
        exact = line.removesuffix("\n") == using(NVME1) or (after.isascii() and after.isdigit() and len(after) < 10)
        assert bool(found) is exact
        assert all(isinstance(one, Using) for one in found)


@given(st.text(max_size=60))
def test_the_hosts_name_is_kept(name: str) -> None:
    """But for what the kernel itself appends, which cannot be told from a name that ends so."""
    (found,) = events([Record(0, 0.0, created(3, NQN, f"{name}#"))], [NQN])
    assert isinstance(found, Created)
    assert (found.cntlid, found.subsystems, found.host) == (3, (NQN,), f"{name}#")


def test_older_kernels_words() -> None:
    """``creating controller``, without the kind of controller and with it."""
    for words in ("creating controller", "creating nvm controller", "Created nvm controller"):
        text = f"nvmet: {words} 1 for subsystem {NQN} for NQN {HOST}."
        assert state(logged(simple(), using(NVME1), text)).state == "confirmed"


def test_an_unread_log_is_no_empty_one() -> None:
    snapshot = replace(simple(), log=KernelLog(0.0, UNREADABLE, complete=False))
    assert "log-unread" in [one.code for one in state(snapshot).warnings]
