"""What a full verdict carries: the way, the questions, the reasons, what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.model.facts import NOT_READ, UNREADABLE, Gap
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.verdict import Verdict
from p2pctl.simulator.pci import RootBus
from tests.unit.test_resolver_hosts import (
    ANY_BRIDGE,
    REDIRECTING,
    SAME_BRIDGE,
    UNLISTED,
    ZEN,
    address,
    drive,
    edit,
    first,
    host,
    resolver,
    root_port,
    two_drives,
)


def full(snapshot: Snapshot, provider: str, client: str, rules: str = "linux-7.3") -> Verdict:
    return resolve(resolver(snapshot, rules), address(provider), address(client))


def codes(verdict: Verdict) -> list[tuple[str, str | None]]:
    return [(one.code, None if one.address is None else str(one.address)[5:]) for one in verdict.reasons]


def asked(verdict: Verdict) -> list[tuple[str, str]]:
    return [(one.rule, one.word) for one in verdict.asked]


def test_the_way_goes_up_and_down() -> None:
    """Each hop with its side, its role, its ACS bits by name, and whether they redirect."""
    verdict = full(host(*two_drives(on=REDIRECTING)), "03:00.0", "04:00.0")
    assert [(str(hop.address), hop.side, hop.role, hop.redirects) for hop in verdict.path] == [
        ("0000:03:00.0", "provider", "endpoint", False),
        ("0000:02:00.0", "provider", "downstream-port", True),
        ("0000:01:00.0", "common", "upstream-port", False),
        ("0000:02:01.0", "client", "downstream-port", False),
        ("0000:04:00.0", "client", "endpoint", False),
    ]
    assert verdict.common == address("01:00.0")
    assert verdict.path[1].acs_control == ("SV", "RR", "CR", "UF")
    assert verdict.path[1].acs_capability == ("SV", "TB", "RR", "CR", "UF", "EC", "DT")
    assert verdict.path[0].acs_control == verdict.path[0].acs_capability == ()
    assert all(hop.counts for hop in verdict.path)


def test_the_way_across_host_bridges() -> None:
    """Both chains up to their root buses; the bits are shown and do not count."""
    verdict = full(host(*two_drives(on=REDIRECTING), cpu=ZEN), "03:00.0", "43:00.0")
    assert [str(hop.address)[5:] for hop in verdict.path] == [
        "03:00.0", "02:00.0", "01:00.0", "00:01.0", "40:01.0", "41:00.0", "42:00.0", "43:00.0",
    ]  # fmt: skip
    assert [hop.side for hop in verdict.path] == ["provider"] * 4 + ["client"] * 4
    assert verdict.common is None
    assert not any(hop.counts for hop in verdict.path)
    assert verdict.path[1].redirects


def test_a_function_alone_is_its_own_way() -> None:
    verdict = full(host(*two_drives()), "03:00.0", "03:00.0")
    assert [(hop.side, str(hop.address)) for hop in verdict.path] == [("common", "0000:03:00.0")]
    assert codes(verdict) == [("same-function", "03:00.0")]


def test_a_direct_way() -> None:
    """Nothing else is asked."""
    verdict = full(host(*two_drives()), "03:00.0", "04:00.0")
    assert asked(verdict) == [("common-bridge", "yes"), ("acs-redirect", "no")]
    assert codes(verdict) == [("direct", "01:00.0")]
    assert (verdict.verdict, verdict.map_type, verdict.distance) == verdict.outcome
    assert verdict.missing == ()


def test_a_redirected_way_that_is_denied() -> None:
    """Every port that redirects is a reason, and the host bridge with its ids."""
    verdict = full(host(*two_drives(on=REDIRECTING, other=0x20)), "03:00.0", "04:00.0")
    assert asked(verdict) == [
        ("common-bridge", "yes"), ("acs-redirect", "yes"), ("cpu", "no"), ("host-bridge-list", "no"),
    ]  # fmt: skip
    assert codes(verdict) == [
        ("acs-redirect", "02:00.0"), ("acs-redirect", "02:01.0"), ("cpu-not-accepted", None),
        ("host-bridge-not-listed", "00:00.0"),
    ]  # fmt: skip
    assert verdict.reasons[0].text == "0000:02:00.0 has RR CR on"
    assert verdict.reasons[1].text == "0000:02:01.0 has EC on"
    assert "8086:29c0" in verdict.reasons[-1].text
    assert verdict.crossing is not None
    assert [(one.root, one.answer, one.vendor) for one in verdict.crossing.bridges] == [("pci0000:00", False, 0x8086)]


@pytest.mark.parametrize(
    ("ids", "client", "expected"),
    [
        (ANY_BRIDGE, "04:00.0", [("acs-redirect", "02:00.0"), ("host-bridge-listed", "00:00.0")]),
        (ANY_BRIDGE, "43:00.0", [
            ("no-common-bridge", None), ("host-bridge-listed", "00:00.0"), ("host-bridge-listed", "40:00.0"),
        ]),
        (SAME_BRIDGE, "43:00.0", [
            ("no-common-bridge", None), ("cpu-not-accepted", None),
            ("host-bridge-same-required", "00:00.0"), ("host-bridge-same-required", "40:00.0"),
        ]),
    ],
)  # fmt: skip
def test_reasons_at_the_host_bridge(ids: tuple[int, int], client: str, expected: list[tuple[str, str | None]]) -> None:
    """What opened the way, or everything that did not."""
    assert codes(full(host(*two_drives(on=0x08, ids=ids)), "03:00.0", client)) == expected


def test_only_the_host_bridge_that_fails_is_a_reason() -> None:
    """The other one is in the evidence."""
    buses = (
        RootBus(0, 0, (first(ANY_BRIDGE), root_port(drive()))),
        RootBus(0x40, 0, (first(UNLISTED), root_port(drive()))),
    )
    verdict = full(host(*buses), "01:00.0", "41:00.0")
    assert codes(verdict)[-1] == ("host-bridge-not-listed", "40:00.0")
    assert len(verdict.reasons) == 3
    assert verdict.crossing is not None
    assert [one.answer for one in verdict.crossing.bridges] == [True, False]
    assert [str(one.entry) for one in verdict.crossing.bridges] == ["8086:09a2", "None"]


def test_nothing_stands_for_the_host_bridge() -> None:
    snapshot = host(RootBus(0, 0, (drive((3, 0)), root_port(drive(), at=5))))
    verdict = full(snapshot, "00:03.0", "01:00.0")
    assert codes(verdict)[-1] == ("host-bridge-no-representative", "00:03.0")


def test_an_accepted_processor_ends_the_questions() -> None:
    """A kernel that is content with it never looks at the list."""
    verdict = full(host(*two_drives(on=REDIRECTING), cpu=ZEN), "03:00.0", "04:00.0")
    assert asked(verdict)[-1] == ("cpu", "yes")
    assert codes(verdict) == [("acs-redirect", "02:00.0"), ("cpu-accepted", None)]


def test_an_old_kernel_refuses_without_asking() -> None:
    """And says which rules do so."""
    verdict = full(host(*two_drives(on=REDIRECTING), cpu=ZEN), "03:00.0", "04:00.0", "linux-5.2")
    assert asked(verdict) == [("common-bridge", "yes"), ("acs-redirect", "yes")]
    assert codes(verdict) == [("acs-redirect", "02:00.0"), ("host-bridge-refused", None)]
    verdict = full(host(*two_drives()), "03:00.0", "43:00.0", "linux-4.20")
    assert codes(verdict) == [("no-common-bridge", None), ("host-bridge-refused", None)]
    assert verdict.crossing is None
    verdict = full(host(*two_drives()), "03:00.0", "04:00.0", "linux-before-4.20")
    assert codes(verdict) == [("kernel-without-p2pdma", None)]


def test_an_iommu_in_the_way() -> None:
    """Between listed host bridges under 5.2 that is the one reason besides the missing bridge."""
    snapshot = host(*two_drives(ids=(0x1022, 0x1450)), iommus=("ivhd0", "ivhd1"))
    verdict = full(snapshot, "03:00.0", "43:00.0", "linux-5.2")
    assert codes(verdict) == [("no-common-bridge", None), ("iommu-in-use", None)]
    assert "ivhd0, ivhd1" in verdict.reasons[1].text


def test_unread_registers_are_named() -> None:
    """With what the reader noted about them; where nobody asked, that."""
    snapshot = edit(edit(host(*two_drives()), "02:00.0", control=UNREADABLE), "04:00.0", control=NOT_READ)
    gap = Gap(
        "configuration space", "0000:02:00.0", "/x/config", None, "root (CAP_SYS_ADMIN): other users get 64 bytes"
    )
    assert snapshot.pci is not None
    snapshot = replace(snapshot, pci=replace(snapshot.pci, gaps=(gap,)))
    verdict = full(snapshot, "03:00.0", "04:00.0")
    assert verdict.verdict == "unknown"
    assert asked(verdict)[1:] == [("acs-redirect", "unknown"), ("cpu", "no"), ("host-bridge-list", "no")]
    assert verdict.missing[0] == gap
    assert (verdict.missing[1].address, verdict.missing[1].errno) == ("0000:04:00.0", None)
    assert codes(verdict)[:2] == [("acs-unreadable", "02:00.0"), ("acs-unreadable", "04:00.0")]
    assert verdict.path[1].redirects is None
    assert verdict.path[1].acs_control == ()


def test_a_certain_answer_lacks_nothing() -> None:
    """An unread register beside one that redirects, or where there is no common bridge, is no gap of the answer."""
    snapshot = edit(host(*two_drives(other=REDIRECTING)), "02:00.0", control=UNREADABLE)
    for client in ("04:00.0", "43:00.0"):
        verdict = full(snapshot, "03:00.0", client)
        assert (verdict.verdict, verdict.missing) == ("denied", ())
        assert "acs-unreadable" not in {reason.code for reason in verdict.reasons}


def test_an_open_map_type_lacks_something() -> None:
    """Allowed either way, but how is not known."""
    verdict = full(edit(host(*two_drives(), cpu=ZEN), "02:00.0", control=UNREADABLE), "03:00.0", "04:00.0")
    assert (verdict.verdict, verdict.map_type) == ("allowed", "unknown")
    assert [gap.address for gap in verdict.missing] == ["0000:02:00.0"]
    assert codes(verdict) == [("acs-unreadable", "02:00.0"), ("cpu-accepted", None)]
    listed = edit(host(*two_drives(ids=ANY_BRIDGE)), "02:00.0", control=UNREADABLE)
    verdict = full(listed, "03:00.0", "04:00.0")
    assert (verdict.verdict, verdict.map_type) == ("allowed", "unknown")
    assert codes(verdict) == [("acs-unreadable", "02:00.0"), ("host-bridge-listed", "00:00.0")]


def test_an_unknown_processor() -> None:
    """What to look at is /proc/cpuinfo."""
    verdict = full(host(*two_drives(), cpu=UNREADABLE), "03:00.0", "43:00.0")
    assert verdict.verdict == "unknown"
    assert [gap.path for gap in verdict.missing] == ["/proc/cpuinfo"]
    assert ("cpu-unknown", None) in codes(verdict)


def test_a_host_bridge_that_cannot_be_told() -> None:
    """The first function of its bus is what is missing."""
    snapshot = host(RootBus(0, 0, (root_port(drive(), at=2, ids=(0x8086, 0x2032)), root_port(drive(), at=5))))
    verdict = full(edit(snapshot, "00:02.0", port_type=UNREADABLE), "01:00.0", "02:00.0")
    assert verdict.verdict == "unknown"
    assert [gap.address for gap in verdict.missing] == ["0000:00:02.0"]
    assert codes(verdict)[-1] == ("host-bridge-unknown", "00:02.0")
    assert snapshot.pci is not None
    nothing = replace(snapshot, pci=replace(snapshot.pci, host_bridges={}))
    assert [gap.address for gap in full(nothing, "01:00.0", "02:00.0").missing] == ["pci0000:00"]


def test_a_client_that_is_no_pci_device() -> None:
    """Said so, with nothing else."""
    verdict = resolve(resolver(host(*two_drives())), address("03:00.0"), "md0")
    assert (verdict.outcome, verdict.path) == (("denied", "not-supported", None), ())
    assert codes(verdict) == [("not-a-pci-device", None)]
    assert asked(verdict) == [("pci-device", "no")]
