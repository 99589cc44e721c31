"""What matters to nobody is no warning: devices of guests, links that no pair takes, kernels that nobody needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2pctl.findings.finding import Finding
from p2pctl.findings.rules import every_finding, findings
from p2pctl.findings.scene import Scene
from p2pctl.model.exporters import Exporter, Exporters
from p2pctl.model.facts import ABSENT
from p2pctl.model.nvme import Cmb, Nvme
from p2pctl.model.pci import Bar, Link
from p2pctl.model.snapshot import Snapshot
from p2pctl.simulator.nvme import cmb_size
from p2pctl.simulator.pci import GIB, MIB
from p2pctl.target.port_state import port_states
from tests.unit import finding_hosts
from tests.unit.finding_hosts import booted, function, gpus, keys, line, unregistered, with_unit
from tests.unit.port_hosts import namespace, simple
from tests.unit.test_resolver_hosts import DIRECT, REDIRECTING, address, host, two_drives

PORT = "0000:02:00.0"
SLOW = Link(8.0, 4, 16.0, 4, 16.0, 4)


def one(snapshot: Snapshot, code: str) -> Finding | None:
    return next((one for one in every_finding(Scene(snapshot), port_states(snapshot)) if one.code == code), None)


def severity(snapshot: Snapshot, code: str) -> str | None:
    found = one(snapshot, code)
    return None if found is None else found.severity


def lending(driver: str, *where: str, published: dict[str, bool] | None = None) -> Snapshot:
    """Two drives below a switch that redirects; some functions have a driver that can export their BARs."""
    found = host(*two_drives(on=REDIRECTING), published=published or {})
    cards = {}
    for text in where:
        found = function(found, text, driver=driver)
        cards[address(text)] = Exporter(address(text), driver, "memory", GIB, ABSENT, ABSENT, ())
    return replace(found, exporters=Exporters(0.0, cards, ()))


@pytest.mark.parametrize("driver", ["vfio-pci", "mlx5_vfio_pci", "nvgrace-gpu-vfio-pci"])
def test_what_was_given_to_a_guest_makes_no_pair(driver: str) -> None:
    """Nobody asked for its memory: no advice turns the isolation around it off."""
    found = findings(Scene(lending(driver, "03:00.0")))
    assert {"acs-redirect", "acs-detour", "host-bridge-not-listed"}.isdisjoint(one.code for one in found)
    assert not any("acs" in command for one in found for command in one.commands)
    assert severity(lending("xe", "03:00.0"), "acs-redirect") == "warning"
    assert severity(lending("xe", "03:00.0"), "host-bridge-not-listed") == "warning"


def test_what_was_given_to_a_guest_uses_no_pool_of_the_host() -> None:
    """A pool beside it is no reason to turn redirection off."""
    assert severity(lending("nvme", "04:00.0", published={"03:00.0": True}), "acs-redirect") == "warning"
    both = function(lending("vfio-pci", "04:00.0", published={"03:00.0": True}), "43:00.0", driver="vfio-pci")
    assert severity(both, "acs-redirect") is None


def test_a_slow_link_is_a_warning_where_a_pair_takes_it() -> None:
    """Without anybody who lends memory it is information; so it is where only others lend to themselves."""
    assert severity(finding_hosts.linked(8.0, 16.0), "link-below-best") == "warning"
    alone = function(host(*two_drives()), "03:00.0", link=SLOW)
    assert severity(alone, "link-below-best") == "info"
    assert severity(function(host(*two_drives(), published={"43:00.0": True}), "03:00.0", link=SLOW),
                    "link-below-best") == "warning"  # fmt: skip


def test_a_buffer_that_would_not_be_published_is_information() -> None:
    """The driver asks for RDS and WDS. What to do stands in the remedy."""
    assert severity(unregistered(), "cmb-not-registered") == "warning"
    base = unregistered()
    assert base.pools is not None
    (where, drive), *_ = base.pools.unregistered.items()
    unaligned = drive._replace(bars=(Bar(2, 1 << 40, MIB, memory=True, prefetchable=True, wide=True),))
    found = one(replace(base, pools=replace(base.pools, unregistered={where: unaligned})), "cmb-not-registered")
    assert found is not None
    assert found.text.endswith("as page-backed device memory has to be")
    assert found.remedy == "ask the vendor for a larger CMB"
    assert base.nvme is not None
    queues_only = finding_hosts.controller(Cmb(0x2, cmb_size(16 * MIB, 0x1)))
    small = replace(base, nvme=Nvme(0.0, {"nvme0": queues_only}, {}, True, True))
    assert severity(small, "cmb-not-registered") == "info"


def unbuilt(snapshot: Snapshot) -> Snapshot:
    """The same host on a kernel without P2PDMA, which shows no pool."""
    assert snapshot.kernel is not None
    assert snapshot.pools is not None
    kernel = replace(snapshot.kernel, p2pdma=False, p2pdma_evidence="/boot/config")
    read = {"nvme": Nvme(0.0, {}, {}, True, True)} if snapshot.nvme is None else {}
    exporters = snapshot.exporters or Exporters(0.0, {}, ())
    pools = replace(snapshot.pools, pools={})
    return replace(snapshot, kernel=kernel, pools=pools, exporters=exporters, **read)  # type: ignore[arg-type]


def test_a_kernel_without_p2pdma_is_an_error_where_somebody_needs_it() -> None:
    """A device that could lend memory, or a namespace that asks for some; and where that could not be read."""
    nobody = unbuilt(host(*two_drives()))
    assert severity(nobody, "kernel-without-p2pdma") == "info"
    assert severity(unbuilt(gpus()), "kernel-without-p2pdma") == "error"
    assert severity(unbuilt(unregistered()), "kernel-without-p2pdma") == "error"
    assert severity(unbuilt(simple()), "kernel-without-p2pdma") == "error"
    assert severity(unbuilt(simple(namespace(p2pmem="0"))), "kernel-without-p2pdma") == "info"
    assert severity(replace(nobody, exporters=None), "kernel-without-p2pdma") == "error"
    assert severity(unbuilt(lending("vfio-pci", "03:00.0")), "kernel-without-p2pdma") == "info"


def test_forced_bounce_buffers_are_a_warning_where_somebody_lends() -> None:
    assert severity(line("swiotlb=force"), "swiotlb-forced") == "warning"
    nobody = host(*two_drives())
    assert nobody.kernel is not None
    forced = replace(nobody, kernel=replace(nobody.kernel, command_line="swiotlb=force"))
    assert severity(forced, "swiotlb-forced") == "info"


@pytest.mark.parametrize(("release", "expected"), [("5.3.18", None), ("5.4.0", "info"), ("7.3.4", "info")])
@pytest.mark.parametrize("option", ["iommu=off", "intel_iommu=off", "amd_iommu=off"])
def test_an_iommu_that_is_off_is_no_more_than_information(option: str, release: str, expected: str | None) -> None:
    """And nothing on kernels that needed it off."""
    assert severity(line(f"ro {option}", release=release), "iommu-off-not-needed") == expected


ONE, BOTH = "pci=disable_acs_redir=0000:02:00.0", finding_hosts.WANTED


def test_a_list_that_grub_cut_is_told_from_one_that_was_meant() -> None:
    """GRUB's settings have more than the end of the line; without them, one device is a whole list."""
    cut = one(booted(ONE, BOTH), "acs-list-truncated")
    assert cut is not None
    assert (cut.severity, cut.evidence, cut.line) == ("warning", "/etc/default/grub:9", BOTH)
    assert '\\"' in cut.commands[0]
    assert one(booted(ONE, BOTH), "grub-option-not-in-force") is None
    for meant in (booted(ONE), booted(ONE, ONE), line(f"ro {ONE}")):
        assert one(meant, "acs-list-truncated") is None
        assert one(meant, "grub-option-not-in-force") is None
    assert severity(line("ro pci=disable_acs_redir="), "acs-list-truncated") is not None


def test_an_option_that_grub_did_not_hand_on_names_file_and_line() -> None:
    """Information where nothing depends on it; nothing where another loader has booted, or an entry for rescue."""
    found = one(booted("quiet", BOTH, "nvme_core.multipath=N"), "grub-option-not-in-force")
    assert found is not None
    assert (found.severity, found.evidence) == ("warning", "/etc/default/grub:9")
    assert severity(booted("quiet", "nvme_core.multipath=N"), "grub-option-not-in-force") == "info"
    assert severity(booted("quiet", BOTH, on=DIRECT), "grub-option-not-in-force") == "info"
    assert severity(booted("quiet", BOTH, loader="initrd=initrd "), "grub-option-not-in-force") is None
    assert severity(booted("single", BOTH), "grub-option-not-in-force") is None


def test_nvmetclis_unit_is_a_warning_where_it_could_take_a_target_away() -> None:
    """And never is it said to stop the unit, which would do so."""
    assert severity(with_unit(enabled=True), "nvmetcli-service") == "warning"
    assert severity(with_unit(enabled=False), "nvmetcli-service") == "info"
    assert severity(with_unit(enabled=True, live=False), "nvmetcli-service") == "info"
    found = one(with_unit(enabled=True), "nvmetcli-service")
    assert found is not None
    assert found.evidence == "/usr/lib/systemd/system/nvmet.service"
    assert not any(word in command for command in found.commands for word in ("--now", "stop", "mask"))


def test_config_acs_that_is_not_in_force_is_found_as_well() -> None:
    """Of the bits that it sets to 0; one that it leaves as firmware has it may be on."""
    all_off = f"pci=config_acs=x0x00xx@{PORT}"
    assert severity(line(f"ro {all_off}"), "acs-option-not-in-force") == "warning"
    assert severity(line(f"ro {all_off}", on=DIRECT), "acs-option-not-in-force") is None
    assert severity(line(f"ro pci=config_acs=xxxxxx0@{PORT}"), "acs-option-not-in-force") is None
    overruled = f"ro pci=disable_acs_redir={PORT} pci=config_acs=xxxxxx0@{PORT}"
    assert severity(line(overruled), "acs-option-not-in-force") is None


@pytest.mark.parametrize(
    ("mode", "words"),
    [(0o644, "every user"), (0o604, "every user"), (0o640, "its group"), (0o600, None), (0o622, None)],
)
def test_who_can_read_a_key_is_told_by_its_mode(mode: int, words: str | None) -> None:
    """A group is not everybody."""
    found = one(keys(mode), "dhchap-key-readable")
    assert (found is not None) == (words is not None)
    assert found is None or (words or "") in found.text
    assert found is None or ("every user" in found.text) == bool(mode & 0o004)
