"""More kernels and shapes than every change needs.

A kernel whose transfers fail although its verdict is positive; host bridges that are crossed; switches below switches;
drives that are pulled out in the middle of every command, on a second kernel.
"""

from __future__ import annotations

import pytest

from tests.vm.suite import Guest, GuestCheck, matrix

pytestmark = pytest.mark.full

GUESTS = [
    Guest("6.16", "switch", "checks_eio"),
    *matrix(["7.3"], ["cascade", "flat-amd"], "checks_verify", seconds=1200),
    *matrix(["6.18"], ["hotplug"], "checks_unplug_all", seconds=1200),
]


def test_guest(guest_check: GuestCheck) -> None:
    guest_check()
