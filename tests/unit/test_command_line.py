"""The kernel command line as the kernel reads it, and what is wrong with what people write there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.resolver.command_line import read_command_line, replaced
from p2pctl.resolver.device_strings import names_device, path_form
from p2pctl.resolver.releases import has_config_acs, has_kernel_parameter_bug
from p2pctl.resolver.topology import Topology
from tests.unit.test_resolver_hosts import address, host, two_drives

A, B = "0000:02:00.0", "0000:02:01.0"


def codes(text: str, release: str | None = "7.3.4") -> list[tuple[str, str | None]]:
    return [(one.code, one.corrected) for one in read_command_line(text, release=release).findings]


def test_one_option_with_semicolons_is_right() -> None:
    line = read_command_line(f"quiet pci=disable_acs_redir={A};{B} iommu=pt", release="7.3.4")
    assert line.disable_acs_redir == (A, B)
    assert line.passthrough
    assert line.findings == ()


def test_commas_cut_the_list() -> None:
    """The kernel cuts pci= at commas before it looks at the option."""
    text = f"pci=nommconf,disable_acs_redir={A},{B} quiet"
    assert read_command_line(text).disable_acs_redir == (A,)
    assert codes(text) == [("acs-list-with-commas", f"pci=nommconf,disable_acs_redir={A};{B}")]


def test_an_option_behind_the_list_is_no_lost_device() -> None:
    assert codes(f"pci=disable_acs_redir={A};{B},realloc quiet") == []


def test_only_the_last_of_several_counts() -> None:
    text = f"pci=disable_acs_redir={A} pci=disable_acs_redir={B} quiet"
    assert read_command_line(text).disable_acs_redir == (B,)
    assert codes(text) == [("acs-option-repeated", f"pci=disable_acs_redir={A};{B}")]


def test_a_list_that_ends_the_line_may_have_been_cut() -> None:
    """GRUB ends the line at a semicolon that is not quoted."""
    assert codes(f"quiet pci=disable_acs_redir={A}") == [("acs-list-truncated", None)]
    assert codes(f"pci=disable_acs_redir={A} quiet") == []


def test_reading_stops_at_what_is_no_device() -> None:
    text = f"pci=disable_acs_redir={A};nonsense;{B} quiet"
    assert read_command_line(text).disable_acs_redir == (A,)
    assert codes(text) == [("acs-list-malformed", None)]
    assert codes(f"pci=disable_acs_redir={A};;{B} quiet") == [("acs-list-malformed", f"pci=disable_acs_redir={A};{B}")]


def test_config_acs() -> None:
    line = read_command_line(f"pci=config_acs=0x00xx@{A};0100X1@pci:8086:352a quiet", release="6.15.0")
    assert line.config_acs == (("0x00xx", A), ("0100x1", "pci:8086:352a"))
    assert line.findings == ()
    assert codes(f"pci=config_acs=0x00xx@{A};{B} quiet") == [("acs-list-malformed", None)]


def test_config_acs_came_with_6_11() -> None:
    line = read_command_line(f"pci=config_acs=0x00xx@{A} quiet", release="6.8.0")
    assert line.config_acs == ()
    assert [one.code for one in line.findings] == ["acs-option-too-new"]


@pytest.mark.parametrize(
    ("release", "broken"),
    [
        ("6.10.14", False),
        ("6.11.0", True),
        ("6.11.11", True),
        ("6.12.22", True),
        ("6.12.23", False),
        ("6.13.10", True),
        ("6.13.11", False),
        ("6.14.1", True),
        ("6.14.2", False),
        ("6.15.0", False),
        ("6.14", True),
        (None, False),
    ],
)
def test_kernels_that_misread_the_parameters(release: str | None, broken: bool) -> None:
    assert has_kernel_parameter_bug(release) is broken
    found = codes(f"pci=disable_acs_redir={A};{B} quiet", release)
    assert found == ([("acs-parameter-broken", None)] if broken else [])


def test_a_release_that_is_not_known() -> None:
    assert has_config_acs(None) is None
    assert has_config_acs("nonsense") is None


@pytest.mark.parametrize(
    ("option", "code", "corrected"),
    [
        ("pci=noacs", "no-such-option", ""),
        ("pci=noacs,realloc", "no-such-option", "pci=realloc"),
        ("pci=acs_disable", "no-such-option", ""),
        ("pcie_acs_override=downstream,multifunction", "acs-override", ""),
        ("amd_iommu=pt", "iommu-option-invalid", "iommu=pt"),
        ("intel_iommu=pt", "iommu-option-invalid", "iommu=pt"),
    ],
)
def test_options_that_people_recommend_and_no_kernel_has(option: str, code: str, corrected: str) -> None:
    assert codes(f"{option} quiet") == [(code, corrected)]


def test_a_device_in_both_lists_goes_by_config_acs() -> None:
    """However it is spelled."""
    text = f"pci=disable_acs_redir={A};{B} pci=config_acs=0x00xx@02:00.0 quiet"
    assert codes(text) == [("acs-options-overlap", f"pci=disable_acs_redir={B} pci=config_acs=0x00xx@02:00.0")]


def test_quotes_hold_blanks_together() -> None:
    line = read_command_line(f'dyndbg="file p2pdma.c +p" "pci=disable_acs_redir={A};{B}" -- pci=noacs')
    assert line.options == ("dyndbg=file p2pdma.c +p", f"pci=disable_acs_redir={A};{B}")
    assert line.disable_acs_redir == (A, B)
    assert line.findings == ()


def test_a_line_with_other_lists_keeps_its_other_options() -> None:
    line = read_command_line(f'ro "a=b c" pci=nommconf,disable_acs_redir={A},{B} pci=disable_acs_redir={B} x')
    assert replaced(line, devices=(A, B), flags=()) == f'ro "a=b c" pci=nommconf x pci=disable_acs_redir={A};{B}'


@pytest.mark.parametrize("option", ["iommu=off", "intel_iommu=off", "amd_iommu=off"])
def test_options_that_turn_the_iommu_off(option: str) -> None:
    assert read_command_line(option).iommu_off


@given(st.text(alphabet='pci=disable_acs_redir;:,.0123/@x "-', max_size=80))
def test_any_line_can_be_read(text: str) -> None:
    line = read_command_line(text)
    assert set(line.findings) >= set()


def test_devices_by_path_bus_and_ids() -> None:
    topology = Topology.of(host(*two_drives()))
    port = address("02:01.0")
    assert path_form(topology, port) == "0000:00:01.0/00.0/01.0"
    for text in ("0000:00:01.0/00.0/01.0", "0:0:1.0/0.0/1.0", "02:01.0", "0000:02:01.0", "pci:1000:c030", "pci:0:0"):
        assert names_device(topology, text, port), text
    for text in ("0001:02:01.0", "02:00.0", "0000:00:02.0/00.0/01.0", "0:0:1.0/1.0", "pci:1000:1", "1:0.0/0.0/0.0/1.0"):
        assert not names_device(topology, text, port), text


def test_every_function_is_named_by_its_path_alone() -> None:
    snapshot = host(*two_drives())
    topology = Topology.of(snapshot)
    assert snapshot.pci is not None
    for one in snapshot.pci.functions:
        named = [other for other in snapshot.pci.functions if names_device(topology, path_form(topology, one), other)]
        assert named == [one]
