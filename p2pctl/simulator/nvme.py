"""NVMe controllers, their namespaces and subsystems (drivers/nvme/host/sysfs.c, pci.c, multipath.c)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from p2pctl.simulator import blocks, identity
from p2pctl.simulator.blocks import BLOCK_MAJOR, Disk
from p2pctl.simulator.host import Host
from p2pctl.simulator.layout import Place
from p2pctl.simulator.nodes import Directory, File, Link, Node, relative, text
from p2pctl.simulator.pci import KIB

CONTROLLER_MAJOR = 244
GENERIC_MAJOR = 243

_SQE = 64
_PAGE = 4096

SQS = 0x01
"""CMBSZ bit 0: submission queues may lie in the buffer."""


def cmb_size(size: int, flags: int = 0x1D) -> int:
    """A CMBSZ register for a buffer of so many bytes, in the largest unit that divides it.

    ``flags`` are SQS, LISTS, RDS and WDS by default (NVM Express Base Specification, section 3.1.4.13).
    """
    unit = max(code for code in range(4) if size % (4 * KIB << 4 * code) == 0)
    return size // (4 * KIB << 4 * unit) << 12 | unit << 8 | flags


class Drive(NamedTuple):
    """One NVMe controller with its namespaces."""

    number: int
    """Of its controller and of its subsystem."""
    model: str
    serial: str
    firmware: str
    capacity: tuple[int, ...]
    """Bytes of each namespace, from nsid 1 on."""
    cmb: tuple[int, int] | None = None
    """CMBLOC and CMBSZ; None without a buffer, where the kernel shows no register."""
    queues: int = 65
    """With the admin queue."""
    depth: int = 1024
    """Entries of an I/O submission queue."""
    shared: bool = False
    """Whether its namespaces may be reached by other controllers, so that they get a multipath head."""
    holders: tuple[str, ...] = ()
    """Kernel paths of the block devices made of its first namespace."""

    @property
    def name(self) -> str:
        """``nvme0``."""
        return f"nvme{self.number}"

    @property
    def nqn(self) -> str:
        """Its subsystem's NQN."""
        return f"nqn.2014-08.org.nvmexpress:uuid:{identity.uuid('subsystem ' + self.serial)}"

    @property
    def subsystem(self) -> str:
        """Kernel path of its subsystem."""
        return f"/sys/devices/virtual/nvme-subsystem/nvme-subsys{self.number}"

    def queue_bytes(self) -> int:
        """Bytes that its I/O submission queues take of its own buffer: none unless CMBSZ.SQS is set."""
        if self.cmb is None or not self.cmb[1] & SQS:
            return 0
        return (self.queues - 1) * (-(-self.depth * _SQE // _PAGE) * _PAGE)

    def node(self, nsid: int) -> str:
        """The device node of a namespace."""
        return f"/dev/{self.name}n{nsid}"


def attach(host: Host, place: Place, drive: Drive) -> None:
    """Puts a controller on its PCI function and everything that comes with it into the tree."""
    path = f"{place.path}/nvme/{drive.name}"
    host.extend(place, lambda: {"nvme": Directory({drive.name: Directory(lambda: _controller(place, drive, path))})})
    host.add(drive.subsystem, Directory(lambda: _subsystem(drive, path)))
    host.register("nvme", path)
    host.register("nvme-subsystem", drive.subsystem)
    above = drive.subsystem if drive.shared else path
    for nsid in range(1, len(drive.capacity) + 1):
        host.register("nvme-generic", f"{above}/ng{drive.number}n{nsid}")
        blocks.register(host, *_disks(drive, path, nsid))


def namespace_path(place: Place, drive: Drive, nsid: int = 1) -> str:
    """Kernel path of the block device that users see for a namespace."""
    above = drive.subsystem if drive.shared else f"{place.path}/nvme/{drive.name}"
    return f"{above}/{drive.name}n{nsid}"


def _disks(drive: Drive, path: str, nsid: int) -> tuple[Disk, ...]:
    """The block devices of a namespace: itself, or the head and the path to it."""
    size = drive.capacity[nsid - 1]
    holders = drive.holders if nsid == 1 else ()
    minor = drive.number * 16 + nsid
    if not drive.shared:
        name = f"{drive.name}n{nsid}"
        return (Disk(path=f"{path}/{name}", number=(BLOCK_MAJOR, minor), size=size, sequence=8 + minor,
                     holders=holders),)  # fmt: skip
    number = drive.number
    return (
        Disk(path=f"{drive.subsystem}/nvme{number}n{nsid}", number=(BLOCK_MAJOR, minor), size=size,
             sequence=8 + minor, holders=holders),
        Disk(path=f"{path}/nvme{number}c{number}n{nsid}", number=(BLOCK_MAJOR, minor), size=size,
             sequence=512 + minor, hidden=True),
    )  # fmt: skip


def _controller(place: Place, drive: Drive, path: str) -> Mapping[str, Node]:
    minor = drive.number
    files: dict[str, Node] = {
        "address": text(place.address),
        "admin_timeout": text(60000, 0o644),
        "cntlid": text(drive.number * 4 + 1),
        "cntrltype": text("io"),
        "dctype": text("none"),
        "delete_controller": File(b"", 0o200),
        "dev": text(f"{CONTROLLER_MAJOR}:{minor}"),
        "device": Link(relative(place.path, path)),
        "firmware_rev": text(f"{drive.firmware:<8}"),
        "io_timeout": text(30000, 0o644),
        "kato": text(0),
        "model": text(f"{drive.model:<40}"),
        "numa_node": text(place.root.bus.node),
        "passthru_err_log_enabled": text("off", 0o644),
        "queue_count": text(drive.queues),
        "quirks": text("none"),
        "rescan_controller": File(b"", 0o200),
        "reset_controller": File(b"", 0o200),
        "serial": text(f"{drive.serial:<20}"),
        "sqsize": text(drive.depth - 1),
        "state": text("live"),
        "subsysnqn": text(drive.nqn),
        "subsystem": Link(relative("/sys/class/nvme", path)),
        "transport": text("pcie"),
        "uevent": File(
            f"MAJOR={CONTROLLER_MAJOR}\nMINOR={minor}\nDEVNAME={drive.name}\nNVME_TRTYPE=pcie\n".encode(), 0o644
        ),
    }
    if drive.cmb is not None:
        location, size = drive.cmb
        files["cmb"] = File(f"cmbloc : 0x{location:08x}\ncmbsz  : 0x{size:08x}\n".encode())
        files["cmbloc"] = text(location)
        files["cmbsz"] = text(size)
    for nsid in range(1, len(drive.capacity) + 1):
        visible = _disks(drive, path, nsid)[-1]
        files[visible.name] = Directory(partial(_namespace, drive, visible, nsid, path))
        if not drive.shared:
            files |= _generic(drive, nsid, path)
    return files


def _namespace(drive: Drive, disk: Disk, nsid: int, owner: str, hidden: Disk | None = None) -> dict[str, Node]:
    """A namespace's block device; ``owner`` is what it hangs on, ``hidden`` the path below a multipath head."""
    own: dict[str, Node] = {
        "csi": text(0),
        "device": Link(relative(owner, disk.path)),
        "metadata_bytes": text(0),
        "nsid": text(nsid),
        "nuse": text(disk.size // blocks.SECTOR),
        "passthru_err_log_enabled": text("off", 0o644),
        "wwid": text(f"uuid.{_uuid(drive, nsid)}"),
        "uuid": text(_uuid(drive, nsid)),
    }
    if hidden is not None:
        own["delayed_removal_secs"] = text(0, 0o644)
        own["multipath"] = Directory({hidden.name: Link(relative(hidden.path, f"{disk.path}/multipath"))})
    return blocks.files(disk) | own


def _uuid(drive: Drive, nsid: int) -> str:
    return identity.uuid(f"namespace {nsid} {drive.serial}")


def _generic(drive: Drive, nsid: int, owner: str) -> dict[str, Node]:
    """The character device of a namespace."""
    name = f"ng{drive.number}n{nsid}"
    minor = drive.number * 16 + nsid
    path = f"{owner}/{name}"
    return {
        name: Directory(
            {
                "dev": text(f"{GENERIC_MAJOR}:{minor}"),
                "device": Link(relative(owner, path)),
                "subsystem": Link(relative("/sys/class/nvme-generic", path)),
                "uevent": File(f"MAJOR={GENERIC_MAJOR}\nMINOR={minor}\nDEVNAME={name}\n".encode(), 0o644),
            }
        )
    }


def _subsystem(drive: Drive, controller: str) -> Mapping[str, Node]:
    files: dict[str, Node] = {
        "firmware_rev": text(f"{drive.firmware:<8}"),
        "iopolicy": text("numa", 0o644),
        "model": text(f"{drive.model:<40}"),
        drive.name: Link(relative(controller, drive.subsystem)),
        "serial": text(f"{drive.serial:<20}"),
        "subsysnqn": text(drive.nqn),
        "subsystem": Link(relative("/sys/class/nvme-subsystem", drive.subsystem)),
        "subsystype": text("nvm"),
        "uevent": File(b"", 0o644),
    }
    if drive.shared:
        for nsid in range(1, len(drive.capacity) + 1):
            head, hidden = _disks(drive, controller, nsid)
            files[head.name] = Directory(_namespace(drive, head, nsid, drive.subsystem, hidden))
            files |= _generic(drive, nsid, drive.subsystem)
    return files
