"""What if: each edit, what it says it means, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.errors import NotFoundError, P2pctlError, UsageError
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Fact, Missing
from p2pctl.model.pci import Acs
from p2pctl.model.snapshot import Snapshot
from p2pctl.model.tree import IommuGroup
from p2pctl.resolver.assume import assume
from p2pctl.resolver.host import host_facts
from p2pctl.resolver.selection import select
from p2pctl.simulator.pci import RootBus
from tests.captures.recorded import snapshot_of
from tests.unit.test_resolver_hosts import (
    REDIRECTING,
    ZEN,
    adapter,
    address,
    answer,
    downstream,
    drive,
    edit,
    host,
    root_port,
    switch,
    two_drives,
)

A, B = "0000:02:00.0", "0000:02:01.0"


def control(snapshot: Snapshot, text: str) -> Fact[int]:
    assert snapshot.pci is not None
    acs = snapshot.pci.functions[address(text)].config.acs
    return acs if isinstance(acs, Missing) else acs.control


def redirecting(*, iommus: tuple[str, ...] = ("dmar0",), release: str = "7.3.4") -> Snapshot:
    return host(*two_drives(on=REDIRECTING, other=REDIRECTING), iommus=iommus, release=release)


def test_nothing_is_assumed() -> None:
    snapshot = redirecting()
    assert assume(snapshot, []).snapshot == snapshot


def test_the_original_stays_as_it_is() -> None:
    snapshot = redirecting()
    assume(snapshot, [f"acs:{A}=0", "move:03:00.0=0000:00:02.0", "iommu=off"])
    assert snapshot == redirecting()


def test_acs_of_a_port() -> None:
    found = assume(redirecting(), [f"acs:{A}=11", "acs:02:01.0=0x00"])
    assert answer(found.snapshot, "03:00.0", "04:00.0").map_type == "bus-address"
    assert found.sentences == (
        "ACS Control of 0000:02:00.0 is 0x11: SV UF",
        "ACS Control of 0000:02:01.0 is 0x00: nothing is on",
    )


def test_acs_that_was_not_read_and_that_a_port_cannot_do() -> None:
    found = assume(edit(redirecting(), A, control=UNREADABLE), [f"acs:{A}=0"])
    assert control(found.snapshot, A) == 0
    snapshot = redirecting()
    assert snapshot.pci is not None
    port = snapshot.pci.functions[address(A)]
    weak = port._replace(config=port.config._replace(acs=Acs(0x01, 0)))
    snapshot = replace(snapshot, pci=replace(snapshot.pci, functions={**snapshot.pci.functions, address(A): weak}))
    found = assume(snapshot, [f"acs:{A}=1d"])
    assert control(found.snapshot, A) == 0x01
    assert found.sentences[1] == "it cannot do RR CR UF"


def test_another_kernel_has_other_rules() -> None:
    found = assume(redirecting(), ["kernel=5.3"])
    assert found.snapshot.kernel is not None
    assert select(found.snapshot.kernel.release).rules.name == "linux-5.2"
    assert found.sentences == ("the kernel is 5.3: its rules are linux-5.2, its ACS settings those of now",)
    assert assume(replace(redirecting(), kernel=None), ["kernel=5.3"]).snapshot.kernel is not None


def test_a_command_line_turns_redirection_off_where_it_says() -> None:
    """From 6.11 on the other bits are the firmware's, before the kernel's own."""
    line = f"cmdline=pci=disable_acs_redir=0000:00:01.0/00.0/00.0;{B}"
    for release, left in (("7.3.4", 0x00), ("6.10.1", 0x11)):
        found = assume(redirecting(release=release), [line])
        assert (control(found.snapshot, A), control(found.snapshot, B)) == (left, left)
        assert answer(found.snapshot, "03:00.0", "04:00.0").map_type == "bus-address"


def test_a_command_line_that_drops_an_option_gives_the_kernels_bits_back() -> None:
    fixed = assume(snapshot_of("switch-acs-iommu-fixed"), ["cmdline=quiet intel_iommu=on"]).snapshot
    before = snapshot_of("switch-acs-iommu")
    assert fixed.pci is not None
    assert before.pci is not None
    assert {a: f.config.acs for a, f in fixed.pci.functions.items()} == {
        a: f.config.acs for a, f in before.pci.functions.items()
    }


def test_what_only_firmware_knows_is_not_read() -> None:
    snapshot = assume(redirecting(iommus=()), [f"cmdline=pci=disable_acs_redir={A}"]).snapshot
    assert control(assume(snapshot, ["cmdline=quiet"]).snapshot, A) is NOT_READ
    flags = assume(redirecting(), [f"cmdline=pci=config_acs=0xxxxx@{A}"]).snapshot
    assert control(flags, A) is NOT_READ
    assert control(assume(redirecting(iommus=()), [f"cmdline=pci=config_acs=0xx0xx@{A}"]).snapshot, A) == 0x19


def test_config_acs_decides_alone() -> None:
    line = f"cmdline=pci=disable_acs_redir={A} pci=config_acs=0111x1@{A};0100x1@{B}"
    found = assume(redirecting(), [line]).snapshot
    assert (control(found, A), control(found, B)) == (0x1D, 0x11)
    hidden = assume(edit(redirecting(), A, control=UNREADABLE), [f"cmdline=pci=config_acs=0100x1@{A}"])
    assert control(hidden.snapshot, A) == 0x11


def test_a_kernel_that_misreads_the_parameter_promises_nothing() -> None:
    found = assume(redirecting(release="6.12.10"), [f"cmdline=pci=disable_acs_redir={A};{B}"]).snapshot
    assert control(found, A) is NOT_READ
    assert answer(found, "03:00.0", "04:00.0").verdict == "unknown"


def test_the_iommu_off_and_on() -> None:
    off = assume(redirecting(), ["iommu=off"])
    assert host_facts(off.snapshot).iommu is False
    assert (control(off.snapshot, A), control(off.snapshot, B)) == (0, 0)
    assert "firmware" in off.sentences[0]
    on = assume(off.snapshot, ["iommu=on"])
    assert host_facts(on.snapshot).iommus == ("dmar0",)
    assert control(on.snapshot, A) == REDIRECTING
    assert on.snapshot.pci is not None
    assert isinstance(on.snapshot.pci.iommu_groups[0], IommuGroup)
    assert assume(on.snapshot, ["iommu=on"]).sentences == ("the IOMMU is on already",)
    assert host_facts(assume(host(*two_drives(), cpu=ZEN), ["iommu=on"]).snapshot).iommus == ("ivhd0",)


def test_command_lines_that_turn_the_iommu_off_and_on() -> None:
    off = assume(redirecting(), ["cmdline=intel_iommu=off"]).snapshot
    assert host_facts(off).iommu is False
    assert host_facts(assume(off, ["cmdline=quiet"]).snapshot).iommu is True
    assert host_facts(assume(off, ["cmdline=quiet iommu=off"]).snapshot).iommu is False
    assert host_facts(assume(host(*two_drives()), ["cmdline=intel_iommu=on"]).snapshot).iommu is True


def spacious() -> Snapshot:
    """03:00.0 below a switch with a free port (02:01.0), an adapter with virtual functions below a root port."""
    below = switch(downstream(drive()), downstream(at=1))
    return host(RootBus(0, 0, (root_port(below), root_port(*adapter(), at=2))))


def test_a_device_goes_to_a_free_port() -> None:
    snapshot = spacious()
    assert answer(snapshot, "03:00.0", "05:00.0").verdict == "denied"
    found = assume(snapshot, ["move:05:00.0=02:01.0"])
    assert answer(found.snapshot, "03:00.0", "05:00.0") == ("allowed", "bus-address", 4)
    assert answer(found.snapshot, "03:00.0", "05:00.2") == ("allowed", "bus-address", 4)  # its virtual functions go too
    assert found.sentences == (
        "0000:05:00.0 is plugged in below 0000:02:01.0; it keeps its address here, a real host gives it another",
    )
    moved = found.snapshot.pci
    assert moved is not None
    assert moved.functions[address("05:00.0")].path.endswith("/0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:05:00.0")


def test_a_device_goes_where_another_one_is() -> None:
    found = assume(host(*two_drives()), ["move:43:00.0=02:01.0"])
    assert found.sentences[1] == "what is there now is taken out: 0000:04:00.0"
    assert answer(found.snapshot, "03:00.0", "43:00.0").map_type == "bus-address"
    with pytest.raises(NotFoundError):
        answer(found.snapshot, "03:00.0", "04:00.0")


def test_a_slot_may_be_named() -> None:
    snapshot = host(*two_drives())
    assert snapshot.pci is not None
    there = address("04:00.0")
    functions = {**snapshot.pci.functions, there: snapshot.pci.functions[there]._replace(slot="Slot 4")}
    named = replace(snapshot, pci=replace(snapshot.pci, functions=functions))
    assert answer(assume(named, ["move:43:00.0=Slot 4"]).snapshot, "03:00.0", "43:00.0").verdict == "allowed"
    twice = {**functions, address("05:00.0"): functions[address("05:00.0")]._replace(slot="Slot 4")}
    with pytest.raises(UsageError, match="ambiguous"):
        assume(replace(snapshot, pci=replace(snapshot.pci, functions=twice)), ["move:43:00.0=Slot 4"])


def test_a_whole_switch_can_be_moved() -> None:
    found = assume(host(*two_drives()), ["move:41:00.0=00:02.0"])
    assert found.snapshot.pci is not None
    assert found.snapshot.pci.functions[address("43:00.0")].root == "pci0000:00"
    assert answer(found.snapshot, "43:00.0", "43:00.0").verdict == "allowed"


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "acs=1", "acs:=1", f"acs:{A}=", f"acs:{A}=100", f"acs:{A}=xyz", f"acs:{A}=-1", "acs:03:00.0=1",
        "kernel=", "kernel=new", "iommu=", "iommu=pt", "move:03:00.0=", "move:03:00.0=04:00.0", "move:01:00.0=02:00.0",
        "cmdline", "cmdline:x=1x", "weather=fine",
    ],
)  # fmt: skip
def test_what_is_no_edit_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        assume(redirecting(), [text])
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["acs:09:00.0=1", "move:09:00.0=02:00.0", "move:03:00.0=09:00.0", "move:03:00.0=Bay 9"]
)
def test_what_is_not_there_is_not_found(text: str) -> None:
    with pytest.raises(NotFoundError):
        assume(redirecting(), [text])


@given(st.lists(st.text(alphabet="acs:move=kerniu.0123 /;@xdlp_", max_size=30), max_size=3))
def test_any_text_is_an_edit_or_refused(edits: list[str]) -> None:
    try:
        assume(redirecting(), edits)
    except P2pctlError as error:
        assert error.message  # noqa: PT017  most are refused
    assert ABSENT is not NOT_READ
