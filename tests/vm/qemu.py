"""Puts together QEMU's command line for a machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from tests.vm import packages
from tests.vm.topology import Topology, block_node

PROGRAM = "qemu-system-x86_64"
DISK_BYTES = 64 << 20
MEMORY_MB = 2048


class Setting(NamedTuple):
    """All that a machine is made of, besides its topology. `out` is the guest's /out."""

    image: Path
    ramdisk: Path
    accel: str
    out: Path


def command(topology: Topology, setting: Setting, scratch: Path) -> list[str]:
    """Returns QEMU's command line and creates the disks; they and the QMP socket `qmp` go to `scratch`.

    Raises UnavailableError without QEMU.
    """
    machine = "q35"
    if any(device["driver"] == "intel-iommu" for device in topology.devices):
        machine += ",kernel-irqchip=split"
    out = setting.out.resolve()
    append = f"console=ttyS0 panic=-1 oops=panic quiet p2pctl-vm.load={','.join(topology.load)} {topology.append}"
    shares = (("hostroot", Path("/"), "0x1d", ",readonly=on,multidevs=remap"), ("results", out, "0x1e", ""))
    return [
        packages.program(PROGRAM),
        *("-M", machine, "-accel", setting.accel, "-cpu", topology.cpu, "-smp", "1"),
        *_memory(topology.nodes),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-serial", f"file:{_escaped(out / 'console')}"),
        *("-qmp", f"unix:{_escaped(scratch / 'qmp')},server=on,wait=off"),
        *("-kernel", str(setting.image), "-initrd", str(setting.ramdisk), "-append", append.strip()),
        *(word for drive in topology.drives for word in _disk(drive.id, scratch)),
        *(word for net in topology.nets for word in ("-netdev", f"user,id={net},restrict=on")),
        *(word for device in topology.devices for word in ("-device", json.dumps(device))),
        # Last, since an IOMMU has to come first.
        *(word for share in shares for word in _share(*share)),
    ]


def _memory(nodes: int) -> list[str]:
    words = ["-m", f"{MEMORY_MB}M"]
    if nodes > 1:
        for node in range(nodes):
            words += ["-object", f"memory-backend-ram,id=ram{node},size={MEMORY_MB // nodes}M"]
            words += ["-numa", f"node,nodeid={node},memdev=ram{node}"]
    return words


def _share(tag: str, path: Path, slot: str, more: str) -> list[str]:
    # At a slot of its own, so that the addresses of the devices under test do not depend on it.
    device = {"driver": "virtio-9p-pci", "fsdev": tag, "mount_tag": tag, "bus": "pcie.0", "addr": slot}
    fsdev = f"local,id={tag},path={_escaped(path)},security_model=none{more}"
    return ["-fsdev", fsdev, "-device", json.dumps(device)]


def _disk(drive: str, scratch: Path) -> list[str]:
    path = scratch / f"{drive}.img"
    with path.open("wb") as handle:
        handle.truncate(DISK_BYTES)
    node = {"driver": "raw", "node-name": block_node(drive), "file": {"driver": "file", "filename": str(path)}}
    return ["-blockdev", json.dumps(node)]


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")
