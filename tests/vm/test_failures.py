"""What goes wrong in a guest is told on the host, for each check and with its reason."""

from __future__ import annotations

import pytest

from tests.vm.suite import Fleet, Guest

pytestmark = [pytest.mark.vm, pytest.mark.full]


def outcome(fleet: Fleet, guest: Guest, check: str) -> str:
    return fleet.outcome(guest, check).error or "passed"


def test_every_way_to_fail_is_told(vm_fleet: Fleet) -> None:
    guest = Guest("7.3", "bare", "checks_broken")
    assert outcome(vm_fleet, guest, "check_that_passes") == "passed"
    assert "nowhere is not there" in outcome(vm_fleet, guest, "check_that_fails")
    assert "SystemExit" in outcome(vm_fleet, guest, "check_that_exits")
    assert "longer than its limit" in outcome(vm_fleet, guest, "check_that_takes_too_long")
    assert "p1-that-never-was" in outcome(vm_fleet, guest, "check_that_asks_for_the_impossible")
    for check in ("check_that_panics", "check_that_never_runs"):
        told = outcome(vm_fleet, guest, check)
        assert "did not run (it died in check_that_panics)" in told
        assert "sysrq triggered crash" in told
    (booted,) = [one for one in vm_fleet.booted if one["guest"] == guest.group]
    assert booted["boots"] == 1


def test_a_guest_that_hangs_is_stopped(vm_fleet: Fleet) -> None:
    told = outcome(vm_fleet, Guest("7.3", "bare", "checks_stuck", seconds=5), "check_that_hangs")
    assert "it died in check_that_hangs" in told
    assert "was stopped at its time limit" in told


def test_checks_that_cannot_be_imported_fail_with_the_reason(vm_fleet: Fleet) -> None:
    told = outcome(vm_fleet, Guest("7.3", "bare", "checks_unimportable"), "check_that_cannot_run")
    assert "no such luck" in told
