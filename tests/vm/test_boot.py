"""The harness works: guests boot on every kind of kernel and do what the tests will ask of them.

On kernels with P2PDMA the guests of test_p2pctl.py that have this machine end with the same checks.
"""

from __future__ import annotations

from tests.vm.suite import GuestCheck, matrix

GUESTS = matrix(["6.12"], ["hotplug"], "checks_lab")


def test_guest(guest_check: GuestCheck) -> None:
    guest_check()
