"""p2pctl on real kernels: with P2PDMA (the newest and 6.18) and without (6.12)."""

from __future__ import annotations

import os

from tests.vm.suite import Guest, GuestCheck, matrix

HOST = "checks_host checks_devices checks_nvme"
TARGET = "checks_differential checks_target checks_target_large"
SCREEN = "checks_dashboard checks_screen checks_lab"
SEED = f"p2pctl-vm.seed={os.environ.get('P2PCTL_VM_SEED', '1')}"

GUESTS = [
    *matrix(["7.3"], ["switch-acs-iommu"], f"{HOST} checks_doctor checks_verify", seconds=1200),
    *matrix(["7.3"], ["multifunction"], f"{HOST} checks_verify", seconds=1200),
    *matrix(["7.3"], ["integrated", "unaligned"], HOST),
    *matrix(["6.18"], ["switch-acs-iommu"], HOST),
    Guest("7.3", "two-sockets", f"{HOST} {TARGET} checks_verify checks_bench", seconds=2100, append=SEED),
    Guest("6.18", "two-sockets", f"{HOST} {TARGET} checks_verify", seconds=2100, append=SEED),
    *matrix(["6.12"], ["flat"], HOST),
    *matrix(
        ["7.3"],
        ["rdma-switch"],
        "checks_devices checks_nvme checks_rdma checks_software checks_ansible checks_trace",
        seconds=1800,
    ),
    *matrix(["7.3"], ["hotplug"], f"checks_unplug {SCREEN} checks_unplug_all", seconds=2400),
    *matrix(["6.18"], ["hotplug"], f"checks_unplug {SCREEN}", seconds=1800),
    *matrix(["7.3"], ["hostile"], "checks_hostile"),
    *matrix(["7.3"], ["sriov"], "checks_devices checks_nvme checks_sriov"),
]


def test_guest(guest_check: GuestCheck) -> None:
    guest_check()
