"""p2pctl on real kernels: with P2PDMA (the newest and 6.18) and without (6.12)."""

from __future__ import annotations

from tests.vm.suite import GuestCheck, matrix

HOST = "checks_host checks_devices checks_nvme"

GUESTS = [
    *matrix(["7.3"], ["switch-acs-iommu", "two-sockets", "multifunction", "integrated", "unaligned"], HOST),
    *matrix(["6.18"], ["switch-acs-iommu", "two-sockets"], HOST),
    *matrix(["6.12"], ["flat"], HOST),
    *matrix(["7.3"], ["rdma-switch"], "checks_devices checks_nvme checks_software"),
    *matrix(["7.3", "6.18"], ["hotplug"], "checks_unplug", seconds=900),
    *matrix(["7.3"], ["hostile"], "checks_hostile"),
    *matrix(["7.3"], ["sriov"], "checks_devices checks_nvme checks_sriov"),
]


def test_guest(guest_check: GuestCheck) -> None:
    guest_check()
