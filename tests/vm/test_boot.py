"""The harness works: guests boot on every kind of kernel and do what the tests will ask of them."""

from __future__ import annotations

from tests.vm.suite import GuestCheck, matrix

GUESTS = matrix(["7.3", "6.12"], ["hotplug"], "checks_lab")


def test_guest(guest_check: GuestCheck) -> None:
    guest_check()
