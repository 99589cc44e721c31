"""p2pctl on real kernels: with P2PDMA (the newest and 6.18) and without (6.12)."""

from __future__ import annotations

from tests.vm.suite import GuestCheck, matrix

GUESTS = [
    *matrix(["7.3"], ["switch-acs-iommu", "two-sockets", "multifunction", "integrated", "unaligned"], "checks_host"),
    *matrix(["6.18"], ["switch-acs-iommu", "two-sockets"], "checks_host"),
    *matrix(["6.12"], ["flat"], "checks_host"),
    *matrix(["7.3", "6.18"], ["hotplug"], "checks_unplug", seconds=900),
    *matrix(["7.3"], ["hostile"], "checks_hostile"),
    *matrix(["7.3"], ["sriov"], "checks_sriov"),
]


def test_guest(guest_check: GuestCheck) -> None:
    guest_check()
