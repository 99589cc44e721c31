"""Addresses, facts and small values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, known
from p2pctl.model.pci import Acs, acs_names

ADDRESSES = st.builds(
    Address, st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFF), st.integers(0, 0x1F), st.integers(0, 7)
)


@given(ADDRESSES)
def test_addresses_survive_being_written(address: Address) -> None:
    """str and parse are inverse, for every domain."""
    assert Address.parse(str(address)) == address
    assert Address.from_sysfs(str(address)) == address


@given(ADDRESSES, ADDRESSES)
def test_addresses_sort_as_the_kernel_numbers(one: Address, two: Address) -> None:
    """Domain, bus, device, function."""
    assert (one < two) == (tuple(one) < tuple(two))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("03:00.0", Address(0, 3, 0, 0)),
        ("0000:03:00.0", Address(0, 3, 0, 0)),
        ("0000:AB:1f.7", Address(0, 0xAB, 0x1F, 7)),
        ("10000:e0:06.0", Address(0x10000, 0xE0, 6, 0)),
        ("0000:03:20.0", None),
        ("0000:03:00.8", None),
        ("03:00", None),
        ("", None),
        ("0000:03:00.0\n", None),
        ("٠٣:00.0", None),
    ],
)
def test_what_is_an_address(text: str, address: Address | None) -> None:
    """The domain is optional; nothing else is."""
    assert Address.parse(text) == address


def test_missing_facts_have_no_value() -> None:
    """A default stands in where one is wanted."""
    assert known(5, 0) == 5
    assert known(ABSENT, 0) == 0
    assert known(UNREADABLE, None) is None


def test_acs_bits_by_name() -> None:
    """What an IOMMU's kernel sets, and which of it redirects."""
    assert acs_names(0x1D) == ("SV", "RR", "CR", "UF")
    assert Acs(0x5F, 0x1D).redirects
    assert not Acs(0x5F, 0x11).redirects
