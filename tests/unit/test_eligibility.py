"""What the kernel answers to a namespace that wants P2P memory, before a host is asked."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact
from p2pctl.target.eligibility import Eligibility, eligibility, setting
from tests.unit.port_hosts import NVME0, NVME1, NVME2, machine, namespace


def asked(device: str = "/dev/nvme1n1", p2pmem: str = "1", **others: str) -> Eligibility:
    return eligibility(machine(), namespace(1, device, p2pmem, **others).attributes)


def code(found: Eligibility) -> str:
    return found.reasons[0].code


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("1", "auto"), ("y", "auto"), ("yes", "auto"), ("on", "auto"), ("true", "auto"), ("e", "auto"),
        ("0", "off"), ("none", "off"), ("n", "off"), ("off", "off"), ("disable", "off"),
        ("0000:03:00.0", Address(0, 3, 0, 0)),
        ("ffff:01:01.0", Address(0xFFFF, 1, 1, 0)), ("eeee:01:01.0", Address(0xEEEE, 1, 1, 0)),
        ("auto", None), ("01", None), ("1 ", None), (" 1", None), ("00:01.0", None), ("", None), ("0000:03:00.8", None),
        (ABSENT, ABSENT), (UNREADABLE, UNREADABLE),
    ],
)  # fmt: skip
def test_settings_mean_what_they_mean_to_the_kernel(text: Fact[str], meaning: object) -> None:
    """Each was written to a real kernel."""
    assert setting(text) == meaning


def test_a_drive_with_memory_in_reach_is_eligible() -> None:
    found = asked()
    assert (found.word, found.disk, found.drive) == ("eligible", "nvme1n1", NVME1)
    assert found.providers[0] == NVME1
    assert set(found.providers) == {NVME0, NVME1}
    assert (found.errno, found.refused_by, found.reasons) == (None, None, ())


def test_a_partition_is_as_good_as_its_disk() -> None:
    assert asked("/dev/nvme1n1p3").drive == NVME1


@pytest.mark.parametrize(
    ("device", "others", "expected", "line"),
    [
        ("/srv/a.img", {}, "file-backed", "nvmet: peer-to-peer DMA is not supported by non-block device namespaces"),
        ("/dev/nvme1n1", {"buffered_io": "1"}, "buffered-io", "non-block device namespaces"),
        ("/dev/dm-0", {}, "driver-cannot", "nvmet: peer-to-peer DMA is not supported by the driver of /dev/dm-0"),
        ("/dev/loop0", {}, "driver-cannot", "not supported by the driver of /dev/loop0"),
        ("/dev/sda", {}, "driver-cannot", "not supported by the driver of /dev/sda"),
        ("/dev/nvme5n1", {}, "multipath-head", "nvmet: no peer-to-peer memory is available for /dev/nvme5n1"),
        ("/dev/md0", {}, "not-a-pci-device", "nvmet: no peer-to-peer memory is available for /dev/md0"),
    ],
)
def test_what_the_kernel_refuses_to_enable(device: str, others: dict[str, str], expected: str, line: str) -> None:
    """Each with EINVAL, and with the line that it logs."""
    found = asked(device, **others)
    assert (found.word, code(found), found.refused_by, found.errno) == (
        "not-eligible",
        expected,
        "enable",
        errno.EINVAL,
    )
    assert line in found.kernel_lines[0]


@pytest.mark.parametrize(
    ("p2pmem", "expected"),
    [("0000:77:00.0", "provider-unknown"), ("0000:05:00.0", "provider-unpublished"), ("auto", "setting-invalid")],
)
def test_what_the_kernel_refuses_to_store(p2pmem: str, expected: str) -> None:
    """With ENODEV, when p2pmem itself is written."""
    found = asked(p2pmem=p2pmem)
    assert (found.word, code(found), found.refused_by, found.errno) == (
        "not-eligible",
        expected,
        "p2pmem",
        errno.ENODEV,
    )


@pytest.mark.parametrize(("p2pmem", "taken_for"), [("ffff:01:01.0", "off"), ("eeee:01:01.0", "on")])
def test_a_function_that_is_not_there_is_no_boolean_whatever_its_first_letter(p2pmem: str, taken_for: str) -> None:
    """The kernel would take the rest of its name for one, and report success: no errno is claimed."""
    found = asked(p2pmem=p2pmem)
    assert (found.word, code(found), found.refused_by) == ("not-eligible", "provider-unknown", "p2pmem")
    assert (found.errno, found.kernel_lines) == (None, ())
    assert f"take the name for {taken_for}:" in found.reasons[0].text


def test_a_private_pool_is_not_offered() -> None:
    host = machine(published={"03:00.0": False, "04:00.0": True})
    found = eligibility(host, namespace(p2pmem=str(NVME0)).attributes)
    assert (code(found), found.errno) == ("provider-unpublished", errno.ENODEV)
    assert "keeps it to itself" in found.reasons[0].text


def test_a_pool_whose_state_is_unread_is_no_refusal() -> None:
    host = machine(published={"03:00.0": UNREADABLE})
    found = eligibility(host, namespace(p2pmem=str(NVME0)).attributes)
    assert (found.word, found.gaps[0].fact) == ("unknown", "pool")
    assert eligibility(host, namespace().attributes).word == "unknown"


def test_a_named_provider_that_the_disk_may_not_use() -> None:
    """Behind another root port: p2pdma says so about the disk."""
    found = asked(p2pmem=str(NVME2))
    assert (found.word, code(found), found.errno) == ("not-eligible", "provider-denied", errno.EINVAL)
    assert found.kernel_lines[0].startswith(f"{NVME1}: cannot be used for peer-to-peer DMA")
    assert str(NVME2) in found.kernel_lines[0]
    assert len(found.reasons) > 1


def test_without_any_pool_nothing_is_in_reach() -> None:
    found = eligibility(machine(published={}), namespace().attributes)
    assert (code(found), found.kernel_lines) == (
        "no-provider",
        ("nvmet: no peer-to-peer memory is available for /dev/nvme1n1",),
    )


def test_a_drive_can_use_its_own_memory_whatever_is_above_it() -> None:
    """ACS on the ports redirects what passes them; a function's own memory is on no way."""
    found = eligibility(machine(card=0x1D, drives=0x1D), namespace().attributes)
    assert (found.word, found.providers) == ("eligible", (NVME1,))


def test_off_is_off() -> None:
    assert (asked(p2pmem="0").word, asked("/srv/a.img", "0").word) == ("off", "off")


@pytest.mark.parametrize("device", ["", "(null)"])
def test_without_a_device_there_is_nothing_to_enable(device: str) -> None:
    found = asked(device)
    assert (code(found), found.errno) == ("no-device", errno.EINVAL)


def test_a_drive_that_is_not_there() -> None:
    found = asked("/dev/nvme77n1")
    assert (found.word, code(found), found.errno) == ("not-eligible", "no-such-device", errno.ENOENT)


def test_what_cannot_be_told_says_what_would_tell() -> None:
    """A device link that nobody followed; parts that nobody read."""
    link = asked("/dev/disk/by-id/nvme-EXAMPLE_1")
    assert (link.word, code(link), bool(link.gaps)) == ("unknown", "device-unknown", True)
    blind = replace(machine(), pools=None)
    assert eligibility(blind, namespace().attributes).word == "unknown"


def test_links_are_followed_where_they_are_known() -> None:
    path = "/dev/disk/by-id/nvme-EXAMPLE_1"
    found = eligibility(machine(), namespace(device=path).attributes, followed={path: "/dev/nvme1n1"})
    assert (found.word, found.disk) == ("eligible", "nvme1n1")


def test_rules_can_be_named() -> None:
    """Those of 2017 need a switch above both; a drive's own memory under a root port has none."""
    far = namespace(device="/dev/nvme2n1").attributes
    assert eligibility(machine(), far).word == "eligible"
    assert eligibility(machine(), far, rules="rfc-2017").word == "not-eligible"
