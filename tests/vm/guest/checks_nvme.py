"""What p2pctl says of NVMe controllers is what the kernel's files say, and the drives themselves through ioctls."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from tests.vm.guest.api import Context
from tests.vm.guest.kernel_files import DEVICES, NVME, ask, pci_above, pools

BLOCK = Path("/sys/class/block")
NVME_IOCTL_ID = 0x4E40
ABILITIES = ("SQS", "CQS", "LISTS", "RDS", "WDS")
"""CMBSZ, from bit 0 (NVM Express Base Specification, section 3.1.4.13)."""


def controllers(context: Context) -> dict[str, dict[str, Any]]:
    """What p2pctl says of each controller, found under its function."""
    found = {}
    for item in ask(context, "device", "list", "--all")["items"]:
        for controller in item["nvme"]:
            assert pci_above(NVME / controller["name"]) == item["address"]
            found[controller["name"]] = controller
    assert sorted(found) == sorted(path.name for path in NVME.iterdir())
    assert len(found) >= len(context.drives)
    return found


def check_controllers_are_what_the_kernel_shows(context: Context) -> None:
    """Identity, state and queues; `sqsize` counts from 0."""
    for name, item in controllers(context).items():
        path = NVME / name
        for key, attribute in (
            ("transport", "transport"),
            ("model", "model"),
            ("serial", "serial"),
            ("firmware", "firmware_rev"),
            ("state", "state"),
            ("subsystem_nqn", "subsysnqn"),
        ):
            assert item[key] == (path / attribute).read_text().strip(), (name, key)
        assert item["queue_count"] == int((path / "queue_count").read_text())
        assert item["queue_depth"] == int((path / "sqsize").read_text()) + 1
    assert {item["serial"] for item in controllers(context).values()} == {drive.serial for drive in context.drives}


def check_memory_buffers_are_what_the_registers_say(context: Context) -> None:
    """CMBLOC and CMBSZ as the kernel read them, decoded anew, and the size that the topology asked for.

    A kernel without P2PDMA shows neither: see checks_host.
    """
    sizes = {}
    for name, item in controllers(context).items():
        files = [NVME / name / register for register in ("cmbloc", "cmbsz")]
        if not files[1].exists() or not int(files[1].read_text()):
            assert item["cmb"] is None, name
            continue
        location, size = (int(path.read_text()) for path in files)
        unit = 4096 << 4 * ((size & 0xF00) >> 8)
        told = item["cmb"]
        assert (told["cmbloc"], told["cmbsz"]) == (location, size)
        assert (told["bar"], told["offset"]) == (location & 7, (location & 0xFFFFF000) // 4096 * unit)
        assert told["size"] == (size & 0xFFFFF000) // 4096 * unit
        assert told["abilities"] == [word for bit, word in enumerate(ABILITIES) if size & 1 << bit]
        sizes[item["serial"]] = told["size"]
        pool = pools().get(pci_above(NVME / name) or "")
        assert pool is None or int((pool / "size").read_text()) == told["size"]
    promised = {drive.serial: drive.cmb_mb << 20 for drive in context.drives if drive.cmb_mb}
    assert sizes == (promised if context.has_p2pdma else {})


def check_namespaces_are_what_the_drives_say(context: Context) -> None:
    """Number and size as an ioctl and a seek tell them; a head of several paths is called one."""
    seen = 0
    for name, item in controllers(context).items():
        shown = [path for path in BLOCK.glob("nvme*n*") if (path / "nsid").exists() and not hidden(path)]
        expected = [path.name for path in shown if reaches(name, path)]
        assert sorted(space["name"] for space in item["namespaces"]) == sorted(expected), name
        for space in item["namespaces"]:
            seen += 1
            descriptor = os.open(f"/dev/{space['name']}", os.O_RDONLY)
            try:
                assert space["nsid"] == fcntl.ioctl(descriptor, NVME_IOCTL_ID)
                assert space["size"] == os.lseek(descriptor, 0, os.SEEK_END) > 0
            finally:
                os.close(descriptor)
            head = "nvme-subsystem" in (BLOCK / space["name"]).resolve().parts
            assert space["multipath"] == head
            assert name in space["controllers"]
            shared = context.topology == "sriov" and item["serial"] == context.drives[0].serial
            assert head == shared, "the drive in a subsystem of QEMU's, and no other, is a head"
    assert seen == len(context.drives)


def hidden(path: Path) -> bool:
    """Whether a disk is a path behind a head."""
    return (path / "hidden").read_text().strip() == "1"


def reaches(controller: str, disk: Path) -> bool:
    """Whether a disk is a controller's, or the head of a subsystem that it belongs to."""
    owner = (disk / "device").resolve()
    return owner.name == controller or (owner / controller).exists()


def check_disks_are_what_sysfs_shows(context: Context) -> None:
    """Every disk once, with its size and its function; a reason exactly where there is no function."""
    (host,) = ask(context, "status")["items"]
    found = {disk["name"]: disk for disk in host["block"]}
    assert sorted(found) == sorted(path.name for path in Path("/sys/block").iterdir())
    for name, disk in found.items():
        path = Path("/sys/block", name)
        assert disk["address"] == pci_above(path), name
        assert disk["size"] == int((path / "size").read_text()) * 512
        assert bool(disk["reason"]) == (disk["address"] is None), disk
        assert disk["made_of"] == sorted(below.name for below in (path / "slaves").iterdir())
    at_functions = {disk["address"] for disk in found.values() if disk["address"]}
    assert at_functions <= {path.name for path in DEVICES.iterdir()}
    for key, parameter in (
        ("nvme_queues_in_cmb", "nvme/parameters/use_cmb_sqes"),
        ("nvme_multipath", "nvme_core/parameters/multipath"),
    ):
        assert host[key] == (Path("/sys/module", parameter).read_text().strip() == "Y"), key
