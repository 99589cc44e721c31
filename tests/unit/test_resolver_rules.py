"""The rules of each kernel release: which one has which, and what each changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.errors import NotFoundError
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact
from p2pctl.resolver.kernel_rules import KERNEL_RULES, NEWEST
from p2pctl.resolver.proposed_rules import PROPOSED_RULES
from p2pctl.resolver.selection import ALL_RULES, find_rules, parse_release, select
from tests.unit.test_resolver_hosts import ANY_BRIDGE, OLD_ZEN, SAME_BRIDGE, ZEN, answer, host, two_drives

AMD, INTEL = 0x1022, 0x8086


@pytest.mark.parametrize(
    ("release", "rules", "notes"),
    [
        ("7.3.4+deb13-amd64", "linux-7.3", {"distribution-kernel"}),
        ("6.18.15+deb13-amd64", "linux-5.19", {"distribution-kernel"}),
        ("5.15.0-91-generic", "linux-5.11", {"distribution-kernel"}),
        ("6.8.0-41-generic", "linux-5.19", {"distribution-kernel"}),
        ("5.14.0-427.13.1.el9_4.x86_64", "linux-5.11", {"distribution-kernel"}),
        ("7.3.4", "linux-7.3", set()),
        ("7.3", "linux-7.3", set()),
        ("7.2.13", "linux-7.2", set()),
        ("7.1.2", "linux-7.1", {"backports"}),
        ("7.0.14", "linux-5.19", {"backports"}),
        ("6.16.12", "linux-5.19", set()),
        ("5.19.17", "linux-5.19", set()),
        ("5.18.1", "linux-5.18", set()),
        ("5.17.9", "linux-5.11", set()),
        ("5.11.22", "linux-5.11", set()),
        ("5.10.262", "linux-5.9", {"backports"}),
        ("5.9.1", "linux-5.9", set()),
        ("5.8.1", "linux-5.8", set()),
        ("5.7.1", "linux-5.7", set()),
        ("5.6.19", "linux-5.6", set()),
        ("5.5.19", "linux-5.4", set()),
        ("5.4.291", "linux-5.4", set()),
        ("5.3.18", "linux-5.2", set()),
        ("5.2.0", "linux-5.2", set()),
        ("5.1.21", "linux-4.20", set()),
        ("5.0.21", "linux-4.20", set()),
        ("4.20.17", "linux-4.20", set()),
        ("4.19.325", "linux-before-4.20", {"kernel-without-p2pdma"}),
        ("4.18.0-553.el8_10.x86_64", "linux-before-4.20", {"kernel-without-p2pdma", "distribution-kernel"}),
        ("2.6.32", "linux-before-4.20", {"kernel-without-p2pdma"}),
        ("7.4.0", "linux-7.3", {"newer-than-known"}),
        ("8.0-rc1", "linux-7.3", {"newer-than-known", "release-candidate"}),
        ("7.2.0-rc3", "linux-7.2", {"release-candidate"}),
        ("6.12.0-rc7-custom+", "linux-5.19", {"release-candidate", "distribution-kernel"}),
        ("6.6.9+", "linux-5.19", {"distribution-kernel"}),
        ("6.9.1-arch1-1", "linux-5.19", {"distribution-kernel"}),
        ("banana", "linux-7.3", {"release-unknown"}),
        ("", "linux-7.3", {"release-unknown"}),
        (UNREADABLE, "linux-7.3", {"release-unknown"}),
        (ABSENT, "linux-7.3", {"release-unknown"}),
    ],
)
def test_the_rules_of_a_release(release: Fact[str], rules: str, notes: set[str]) -> None:
    """The newest set that is not newer; a kernel that somebody may have changed, or that is too new, is said to be."""
    selection = select(release)
    assert selection.rules.name == rules
    assert {note.code for note in selection.notes} == notes
    assert selection.by == ("default" if "release-unknown" in notes else "release")


def test_rules_by_name() -> None:
    """An exact name, or a kernel release; the note says what the kernel itself has."""
    for name, expected in (
        ("linux-5.4", "linux-5.4"), ("rfc-2017", "rfc-2017"), ("5.4", "linux-5.4"), ("6.12", "linux-5.19"),
        ("linux-6.12", "linux-5.19"), ("6.8.0-41-generic", "linux-5.19"), ("linux-4.4", "linux-before-4.20"),
    ):  # fmt: skip
        assert find_rules(name).name == expected
    assert [note.code for note in select("7.3.4", name="v5-2018").notes] == ["rules-overridden"]
    assert select("7.3.4", name="7.3").notes == ()
    assert select(UNREADABLE, name="linux-5.4").notes == ()


@pytest.mark.parametrize("name", ["rfc-2018", "linux", "linux-", "7", "", "5.x"])
def test_a_rule_set_that_does_not_exist(name: str) -> None:
    """The error says how to find those that do."""
    with pytest.raises(NotFoundError, match="no rule set is called") as caught:
        select("7.3.4", name=name)
    assert caught.value.hint


def test_parts_of_a_release() -> None:
    """A version, whether it is a candidate, and what others put behind it."""
    found = parse_release("6.18.15+deb13-amd64")
    assert found is not None
    assert (found.version, found.candidate, found.suffix) == ((6, 18), False, "+deb13-amd64")
    found = parse_release("6.12-rc1")
    assert found is not None
    assert (found.candidate, found.suffix) == (True, "")
    assert parse_release("v6.12") is None


def test_names_and_releases_are_in_order() -> None:
    """So that the newest that fits is the last that fits; names say their release."""
    releases = [rules.since for rules in KERNEL_RULES if rules.since is not None]
    assert releases == sorted(set(releases))
    assert len(releases) == len(KERNEL_RULES)
    assert releases[-1] <= NEWEST
    assert [rules.name for rules in KERNEL_RULES[1:]] == [f"linux-{rules.release}" for rules in KERNEL_RULES[1:]]
    assert len({rules.name for rules in ALL_RULES}) == len(ALL_RULES)
    assert all(rules.change and rules.source for rules in ALL_RULES)
    assert [rules.name for rules in PROPOSED_RULES] == ["rfc-2017", "v5-2018", "vma-2019", "userspace-2022"]
    assert all(rules.release is None for rules in PROPOSED_RULES)


LISTED = {
    "linux-4.20": "",
    "linux-5.2": "1022:1450",
    "linux-5.4": "1022:1450 =8086:3c00 =8086:3c01 =8086:2f00 =8086:2f01",
    "linux-5.6": "1022:1450 =8086:3c00 =8086:3c01 =8086:2f00 =8086:2f01 8086:2030 8086:2020",
    "linux-5.8": "1022:1450 =8086:3c00 =8086:3c01 =8086:2f00 =8086:2f01 8086:2030 8086:2020 8086:2031 8086:2032"
    " 8086:2033 1022:15d0 1022:1630",
    "linux-5.9": "=8086:3c00 =8086:3c01 =8086:2f00 =8086:2f01 8086:2030 8086:2020 8086:2031 8086:2032 8086:2033",
    "linux-5.18": "=8086:3c00 =8086:3c01 =8086:2f00 =8086:2f01 8086:2030 8086:2020 8086:2031 8086:2032 8086:2033"
    " 8086:09a2",
    "linux-7.3": "=8086:3c00 =8086:3c01 =8086:2f00 =8086:2f01 8086:2030 8086:2020 8086:2031 8086:2032 8086:2033"
    " 8086:09a2 1ae0:* 8086:0b25 8086:11fb 8086:1212 8086:0cfe 8086:1216 8086:4940 8086:4942 8086:4944 8086:4946"
    " 8086:4948 10de:2f95 10de:2f96 10de:2f97 10de:2f98",
}
"""With = for entries that want both functions below the one host bridge."""


@pytest.mark.parametrize("name", LISTED)
def test_the_list_of_host_bridges_in_a_release(name: str) -> None:
    """As the tables of the facts have it."""
    found = " ".join(f"{'=' if entry.same_only else ''}{entry}" for entry in find_rules(name).listed)
    assert found == LISTED[name]


def test_no_two_entries_mean_the_same_host_bridge() -> None:
    """The kernel takes the first that matches; here the order can never matter."""
    for rules in ALL_RULES:
        exact = [(entry.vendor, entry.device) for entry in rules.listed]
        assert len(set(exact)) == len(exact)
        assert not {vendor for vendor, device in exact if device is None} & {
            vendor for vendor, device in exact if device is not None
        }


RULES = ["4.20", "5.2", "5.4", "5.6", "5.7", "5.8", "5.9", "5.11", "5.18", "5.19", "7.1", "7.2", "7.3"]


def _since(first: str) -> dict[str, bool]:
    return {release: RULES.index(release) >= RULES.index(first) for release in RULES}


@pytest.mark.parametrize("release", RULES)
def test_redirected_below_a_listed_host_bridge(release: str) -> None:
    """Refused until 5.4; from then on the list decides, which has got longer."""
    for ids, first in (
        (SAME_BRIDGE, "5.4"), ((INTEL, 0x2030), "5.6"), ((INTEL, 0x2031), "5.7"), (ANY_BRIDGE, "5.18"),
        ((0x1AE0, 1), "7.1"), ((INTEL, 0x4940), "7.2"), ((0x10DE, 0x2F95), "7.3"),
    ):  # fmt: skip
        snapshot = host(*two_drives(on=0x04, ids=ids))
        allowed = _since(first)[release]
        expected = ("allowed", "through-host-bridge", 4) if allowed else ("denied", "not-supported", 4)
        assert answer(snapshot, "03:00.0", "04:00.0", f"linux-{release}") == expected


@pytest.mark.parametrize("release", RULES)
def test_across_zen_host_bridges(release: str) -> None:
    """Not at first; 5.2 and 5.3 without an IOMMU and far away; then by id; from 5.9 on by the processor."""
    distance = 8 + 0x1000 if release == "5.2" else 8
    for iommus in ((), ("ivhd0",)):
        snapshot = host(*two_drives(ids=OLD_ZEN), cpu=ZEN, iommus=iommus)
        allowed = release != "4.20" and not (release == "5.2" and iommus)
        expected = ("allowed", "through-host-bridge", distance) if allowed else ("denied", "not-supported", 8)
        assert answer(snapshot, "03:00.0", "43:00.0", f"linux-{release}") == expected


@pytest.mark.parametrize("release", RULES)
def test_the_way_that_never_changed(release: str) -> None:
    """A switch that does not redirect: always. An unlisted host bridge: never."""
    rules = f"linux-{release}"
    assert answer(host(*two_drives()), "03:00.0", "04:00.0", rules) == ("allowed", "bus-address", 4)
    assert answer(host(*two_drives()), "03:00.0", "05:00.0", rules) == ("denied", "not-supported", 6)
    assert answer(host(*two_drives(on=0x20)), "03:00.0", "04:00.0", rules) == ("denied", "not-supported", 4)


def test_renoir_was_listed_for_one_release() -> None:
    """5.9 looks at the processor instead, which in a guest may say something else."""
    snapshot = host(*two_drives(ids=(AMD, 0x1630)))
    found = {release: answer(snapshot, "03:00.0", "05:00.0", f"linux-{release}").verdict for release in RULES}
    assert [release for release, verdict in found.items() if verdict == "allowed"] == ["5.8"]


def test_an_iommu_that_nobody_could_look_for() -> None:
    """5.2 asks for it only across host bridges that are listed."""
    unknown = host(*two_drives(ids=OLD_ZEN))
    assert unknown.kernel is not None
    unknown = replace(unknown, kernel=replace(unknown.kernel, iommus=UNREADABLE))
    assert answer(unknown, "03:00.0", "43:00.0", "linux-5.2").verdict == "unknown"
    assert answer(unknown, "03:00.0", "04:00.0", "linux-5.2").verdict == "allowed"
    assert answer(unknown, "03:00.0", "43:00.0", "linux-5.4").verdict == "allowed"


def test_a_kernel_without_p2pdma() -> None:
    """Refuses everything, a function to itself included; the steps can still be counted."""
    for client, steps in (("03:00.0", 0), ("04:00.0", 4), ("43:00.0", 8)):
        found = answer(host(*two_drives(), cpu=ZEN), "03:00.0", client, "linux-before-4.20")
        assert found == ("denied", "not-supported", steps)
