"""What hangs on no PCI function: heads of NVMe over fabrics, loop and null disks, software RDMA devices."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from typing import Any

from p2pctl.hardware.live import LiveDoor
from p2pctl.hardware.snapshot import take
from p2pctl.model.facts import ABSENT
from tests.vm.guest.api import NVMET, Context, reset_nvmet, wait
from tests.vm.guest.kernel_files import NVME, ask, pci_above
from tests.vm.guest.rdma_cards import add_device, turn_on

NQN = "nqn.2026-01.io.example:software"
ADDRESS = "10.77.0.1"
LOOP_CTL_GET_FREE, LOOP_SET_FD, LOOP_CLR_FD = 0x4C82, 0x4C00, 0x4C01


def load(*modules: str) -> None:
    """Loads kernel modules."""
    for module in modules:
        subprocess.run(["modprobe", module], check=True, capture_output=True)


def disks(context: Context) -> dict[str, dict[str, Any]]:
    """What p2pctl says of each disk."""
    (host,) = ask(context, "status")["items"]
    return {disk["name"]: disk for disk in host["block"]}


def check_loop_and_null_disks_have_a_reason_and_no_address(context: Context) -> None:
    """A loop device with a file behind it, and a disk that is none."""
    load("loop", "null_blk")
    file = Path("/run/disk")
    with file.open("wb") as handle:
        handle.truncate(3 << 20)
    with Path("/dev/loop-control").open("rb") as control:
        number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
    device = Path(f"/dev/loop{number}")
    assert wait(device.exists)
    with device.open("r+b", buffering=0) as loop, file.open("r+b") as backing:
        fcntl.ioctl(loop, LOOP_SET_FD, backing.fileno())
        found = disks(context)
        fcntl.ioctl(loop, LOOP_CLR_FD)
    for name, word in ((device.name, "loop"), ("nullb0", "null_blk")):
        assert found[name]["address"] is None
        assert word in found[name]["reason"], found[name]
    assert found[device.name]["size"] == 3 << 20
    assert found["nullb0"]["size"] == int(Path("/sys/block/nullb0/size").read_text()) * 512 > 0


def check_a_drive_over_fabrics_has_a_reason_and_no_address(context: Context) -> None:
    """The target's namespace, connected over its loop transport: no function has it, and the disk says why."""
    subsystem, port = NVMET / "subsystems" / NQN, NVMET / "ports/9"
    subsystem.mkdir()
    (subsystem / "namespaces/5").mkdir()
    port.mkdir()
    before = set(NVME.iterdir())
    made: set[Path] = set()
    try:
        (subsystem / "attr_allow_any_host").write_text("1")
        (subsystem / "namespaces/5/device_path").write_text("/dev/nvme0n1")
        (subsystem / "namespaces/5/enable").write_text("1")
        (port / "addr_trtype").write_text("loop")
        (port / "subsystems" / NQN).symlink_to(subsystem)
        descriptor = os.open("/dev/nvme-fabrics", os.O_RDWR)
        try:
            os.write(descriptor, f"transport=loop,nqn={NQN}".encode())
        finally:
            os.close(descriptor)
        made = set(NVME.iterdir()) - before
        (controller,) = made
        assert wait(lambda: [p for p in Path("/sys/block").glob("nvme*") if pci_above(p) is None])
        found = disks(context)
        (host,) = ask(context, "status")["items"]
        at_functions = {c["name"] for item in ask(context, "device", "list", "--all")["items"] for c in item["nvme"]}
        snapshot = take(LiveDoor(), {"nvme"})
    finally:
        for path in made:
            (path / "delete_controller").write_text("1")
        reset_nvmet()
    remote = {name: disk for name, disk in found.items() if name.startswith("nvme") and disk["address"] is None}
    assert remote
    assert any("multipath head" in disk["reason"] or "fabrics" in disk["reason"] for disk in remote.values()), remote
    (over,) = host["nvme_fabrics"]
    assert (over["name"], over["transport"], over["subsystem_nqn"]) == (controller.name, "loop", NQN)
    (space,) = over["namespaces"]
    assert space["nsid"] == 5
    assert space["name"] in remote
    assert space["size"] == remote[space["name"]]["size"] == found["nvme0n1"]["size"]
    assert controller.name not in at_functions
    assert snapshot.nvme is not None
    assert snapshot.nvme.controllers[controller.name].address is ABSENT
    assert wait(lambda: set(NVME.iterdir()) == before)
    assert not (disks(context).keys() & remote.keys()), "it is gone again"


def check_a_software_rdma_device_cannot_do_p2p_and_says_why(context: Context) -> None:
    """An rxe device on a card's interface: it is on no function, its DMA is virtual, its GIDs are those of sysfs."""
    (interface,) = [path.name for path in Path("/sys/class/net").iterdir() if pci_above(path)]
    turn_on(interface, ADDRESS)
    load("rdma_rxe")
    add_device("rxe0", interface)
    ports = Path("/sys/class/infiniband/rxe0/ports")
    assert wait(lambda: len(gids(ports / "1")) >= 2), "an address of each family has a GID"
    assert wait(lambda: "ACTIVE" in (ports / "1/state").read_text(), 30), "the card has found its network"
    (host,) = ask(context, "status")["items"]
    (device,) = host["rdma"]
    assert (device["name"], device["address"], device["driver"]) == ("rxe0", None, None)
    assert device["virtual_dma"] is True
    assert "software" in device["virtual_dma_reason"]
    assert device["interfaces"] == [interface]
    items = ask(context, "device", "list", "--all")["items"]
    assert not [item["address"] for item in items if item["rdma"]]
    (card,) = [item for item in items if item["interfaces"]]
    assert card["kind"] == "network"
    snapshot = take(LiveDoor(), {"rdma"})
    assert snapshot.rdma is not None
    read = snapshot.rdma.devices["rxe0"]
    assert read.node_guid == Path("/sys/class/infiniband/rxe0/node_guid").read_text().strip()
    assert [port.number for port in read.ports] == sorted(int(path.name) for path in ports.iterdir())
    for port in read.ports:
        path = ports / str(port.number)
        assert {gid.index: (gid.gid, gid.type, gid.interface) for gid in port.gids} == gids(path)
        assert port.state == (path / "state").read_text().split(": ")[1].strip()
        assert port.link_layer == (path / "link_layer").read_text().strip() == "Ethernet"


def gids(port: Path) -> dict[int, tuple[str, str, str]]:
    """The GIDs in use, by index: address, type and interface."""
    found = {}
    for path in (port / "gids").iterdir():
        gid = path.read_text().strip()
        if gid.strip("0:"):
            kind, interface = (port / "gid_attrs" / what / path.name for what in ("types", "ndevs"))
            found[int(path.name)] = (gid, kind.read_text().strip(), interface.read_text().strip())
    return found
