"""p2pctl on real kernels: with P2PDMA (the newest and 6.18) and without (6.12)."""

from __future__ import annotations

import os

from tests.vm.suite import Guest, GuestCheck, matrix

HOST = "checks_host checks_devices checks_nvme"
TARGET = "checks_differential checks_target checks_target_large"
SEED = f"p2pctl-vm.seed={os.environ.get('P2PCTL_VM_SEED', '1')}"

GUESTS = [
    *matrix(["7.3"], ["switch-acs-iommu", "multifunction", "integrated", "unaligned"], HOST),
    *matrix(["6.18"], ["switch-acs-iommu"], HOST),
    *(Guest(series, "two-sockets", f"{HOST} {TARGET}", seconds=1500, append=SEED) for series in ("7.3", "6.18")),
    *matrix(["6.12"], ["flat"], HOST),
    *matrix(["7.3"], ["rdma-switch"], "checks_devices checks_nvme checks_rdma checks_software"),
    *matrix(["7.3", "6.18"], ["hotplug"], "checks_unplug", seconds=900),
    *matrix(["7.3"], ["hostile"], "checks_hostile"),
    *matrix(["7.3"], ["sriov"], "checks_devices checks_nvme checks_sriov"),
]


def test_guest(guest_check: GuestCheck) -> None:
    guest_check()
