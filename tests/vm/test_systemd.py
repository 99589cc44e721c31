"""p2pctl's units in a guest whose first process is systemd."""

from __future__ import annotations

from tests.vm.suite import Guest, GuestCheck

GUESTS = [Guest("7.3", "hotplug", "checks_systemd", seconds=1200)]


def test_guest(guest_check: GuestCheck) -> None:
    guest_check()
