"""Proves the harness itself, without p2pctl, on the `hotplug` topology and any kernel."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.vm.guest.api import NVMET, PCI, Context, Drive, as_user, reset_nvmet, wait

NOBODY = 65534


def _providers(context: Context) -> list[Drive]:
    """Returns the drives whose CMB this kernel can register."""
    return [drive for drive in context.drives if drive.cmb_mb and context.has_p2pdma]


def _settled(context: Context, identity: str) -> bool:
    """Tells whether a drive is up, its pool included if it should have one."""
    if context.find(identity) is None:
        return False
    pool = context.pci(identity) / "p2pmem"
    return pool.exists() or context.drive(identity) not in _providers(context)


def check_kernel_is_the_one_asked_for(context: Context) -> None:
    """The guest runs the kernel that the host unpacked."""
    assert os.uname().release == context.release


def check_root_is_writable_and_tmp_is_the_hosts(context: Context) -> None:
    """Anything may be written in the guest, and the checkout is in sight wherever it is."""
    Path("/etc/p2pctl-vm-was-here").write_text("x")
    Path("/tmp/p2pctl-vm-was-here").write_text("x")
    assert Path(__file__).exists()
    assert Path("/run").is_mount()
    assert Path("/dev/shm").is_mount()
    assert (context.out / "machine.json").exists()


def check_loopback_is_up() -> None:
    """The NVMe target can be reached from its own machine."""
    assert int(Path("/sys/class/net/lo/flags").read_text(), 16) & 1


def check_every_drive_is_there(context: Context) -> None:
    """Each drive of the topology is found by its serial number."""
    found = [context.bdf(drive.id) for drive in context.drives]
    assert len(set(found)) == len(context.drives)


def check_pools_have_the_size_of_their_cmb(context: Context) -> None:
    """A CMB becomes a pool of its size, and nothing else does; no kernel without P2PDMA has any."""
    for drive in context.drives:
        pool = context.pci(drive.id) / "p2pmem"
        if drive in _providers(context):
            assert int((pool / "size").read_text()) == drive.cmb_mb << 20
            assert (pool / "published").read_text().strip() == "1"
        else:
            assert not pool.exists()


def check_nvmet_offers_p2pmem_where_the_kernel_can(context: Context) -> None:
    """The NVMe target's configfs tree works, and has the p2pmem attribute exactly with P2PDMA."""
    subsystem = NVMET / "subsystems/nqn.2026-01.io.example:lab"
    namespace = subsystem / "namespaces/1"
    subsystem.mkdir()
    namespace.mkdir()
    try:
        assert (namespace / "p2pmem").exists() == context.has_p2pdma
        for drive in _providers(context):
            address = context.bdf(drive.id)
            (namespace / "p2pmem").write_text(address)
            assert (namespace / "p2pmem").read_text().strip() == address
    finally:
        reset_nvmet()
    assert not subsystem.exists()


def check_nobody_sees_devices_and_64_bytes_of_config(context: Context) -> None:
    """Without privileges sysfs can be read, and of config space only the header."""
    config = PCI / "devices" / context.bdf("n1") / "config"

    def look() -> list[int]:
        with config.open("rb", buffering=0) as handle:
            return [os.getuid(), len(list((PCI / "devices").iterdir())), len(handle.read(4096))]

    uid, devices, length = as_user(NOBODY, look)
    assert uid == NOBODY
    assert devices > len(context.drives)
    assert length == 64
    assert len(config.read_bytes()) == 4096


def check_nobody_can_start_python() -> None:
    """What the checkout needs is within reach without privileges, even where it is in root's home."""
    command = [sys.executable, "-c", "import os, typing; print(os.getuid())"]
    ran = subprocess.run(command, user=NOBODY, group=NOBODY, extra_groups=[], check=False, capture_output=True)
    assert ran.stdout == b"65534\n", ran


def check_driver_unbind_and_bind(context: Context) -> None:
    """A drive taken from its driver loses its pool and gets it back."""
    address = context.bdf("n1")
    driver = PCI / "drivers/nvme"
    (driver / "unbind").write_text(address)
    assert context.find("n1") is None
    assert not (PCI / "devices" / address / "p2pmem").exists()
    (driver / "bind").write_text(address)
    assert wait(lambda: _settled(context, "n1"))
    assert context.bdf("n1") == address


def check_remove_and_rescan(context: Context) -> None:
    """A device removed through sysfs is gone, and comes back at its address."""
    device = context.pci("n2")
    (device / "remove").write_text("1")
    assert not device.exists()
    (PCI / "rescan").write_text("1")
    assert wait(lambda: _settled(context, "n2"))
    assert context.pci("n2") == device


def check_unplug_and_plug_at_a_root_port(context: Context) -> None:
    """The host pulls a drive out of a root port and puts it back."""
    _unplug_and_plug(context, "n1")


def check_unplug_and_plug_behind_a_switch(context: Context) -> None:
    """The host pulls a drive out of a switch and puts it back."""
    _unplug_and_plug(context, "n2")


def check_a_bad_host_action_is_told(context: Context) -> None:
    """A host action that fails says why, and the next one works."""
    told = ""
    try:
        context.host_action("unplug", "no-such-device")
    except RuntimeError as error:
        told = str(error)
    assert "no-such-device" in told


def _unplug_and_plug(context: Context, identity: str) -> None:
    device = context.pci(identity)
    context.host_action("unplug", identity)
    assert wait(lambda: not device.exists())
    assert context.find(identity) is None
    time.sleep(0.1)
    context.host_action("plug", identity)
    assert wait(lambda: _settled(context, identity), 30)
    assert context.pci(identity) == device
