"""Block devices: the directory of a disk (block/genhd.c, block/blk-sysfs.c), and disks that have no PCI function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from p2pctl.simulator.host import Host
from p2pctl.simulator.layout import Place
from p2pctl.simulator.nodes import Directory, File, Link, Node, relative, text

SECTOR = 512
"""Bytes; the kernel counts in these whatever the disk does."""

BLOCK_MAJOR = 259
"""Major number of NVMe namespaces and of what else has no number of its own (include/uapi/linux/major.h)."""

_QUEUE = {
    "dax": "0", "discard_granularity": "4096", "dma_alignment": "3", "fua": "1", "hw_sector_size": "512",
    "io_poll": "0", "iostats": "1", "logical_block_size": "512", "max_hw_sectors_kb": "1024",
    "max_sectors_kb": "1024", "max_segments": "127", "minimum_io_size": "4096", "nomerges": "0",
    "nr_requests": "1023", "nr_zones": "0", "optimal_io_size": "0", "physical_block_size": "4096",
    "read_ahead_kb": "128", "rq_affinity": "1", "scheduler": "[none] mq-deadline", "stable_writes": "0",
    "write_cache": "write through", "zoned": "none",
}  # fmt: skip
_QUEUE_WRITABLE = frozenset({"io_poll", "iostats", "max_sectors_kb", "nomerges", "nr_requests", "read_ahead_kb",
                             "rq_affinity", "scheduler", "stable_writes", "write_cache"})  # fmt: skip


class Disk(NamedTuple):
    """A whole disk, or a partition where ``partition`` is its number."""

    path: str
    """Its directory, a kernel path; the last part is its name."""
    number: tuple[int, int]
    """Major and minor."""
    size: int
    """Bytes."""
    sequence: int = 0
    """``diskseq``."""
    hidden: bool = False
    """A path below a multipath head: no device node, so no number either."""
    rotational: bool = False
    slaves: tuple[str, ...] = ()
    """Kernel paths of what it is made of."""
    holders: tuple[str, ...] = ()
    """Kernel paths of what is made of it."""
    partition: int = 0
    start: int = 0
    """First sector of a partition."""

    @property
    def name(self) -> str:
        """``nvme0n1``."""
        return self.path.rpartition("/")[2]


def files(disk: Disk) -> dict[str, Node]:
    """What every disk and partition has."""
    major, minor = disk.number
    node = "" if disk.hidden else f"MAJOR={major}\nMINOR={minor}\nDEVNAME={disk.name}\n"
    kind = f"DEVTYPE={'partition' if disk.partition else 'disk'}\nDISKSEQ={disk.sequence}\n"
    part = f"PARTN={disk.partition}\n" if disk.partition else ""
    found: dict[str, Node] = {
        "alignment_offset": text(0),
        "discard_alignment": text(0),
        "holders": _links(f"{disk.path}/holders", disk.holders),
        "inflight": File(b"       0        0\n"),
        "ro": text(0),
        "size": text(disk.size // SECTOR),
        "stat": File((" ".join(["%8d"] * 17) % ((0,) * 17) + "\n").encode()),
        "subsystem": Link(relative("/sys/class/block", disk.path)),
        "uevent": File((node + kind + part).encode(), 0o644),
    }
    if not disk.hidden:
        found["dev"] = text(f"{major}:{minor}")
    if disk.partition:
        return found | {"partition": text(disk.partition), "start": text(disk.start)}
    queue = _QUEUE | {"rotational": str(int(disk.rotational))}
    return found | {
        "capability": text(0),
        "diskseq": text(disk.sequence),
        "ext_range": text(256),
        "hidden": text(int(disk.hidden)),
        "queue": Directory(
            lambda: {name: text(value, 0o644 if name in _QUEUE_WRITABLE else 0o444) for name, value in queue.items()}
        ),
        "range": text(0),
        "removable": text(0),
        "slaves": _links(f"{disk.path}/slaves", disk.slaves),
    }


def _links(here: str, paths: Sequence[str]) -> Directory:
    return Directory({path.rpartition("/")[2]: Link(relative(path, here)) for path in paths})


def add_virtual(host: Host, disk: Disk, extra: Mapping[str, Node] | None = None) -> None:
    """A disk without a device above it: device mapper, md, loop, a multipath head's sibling."""
    host.add(disk.path, Directory(lambda: files(disk) | dict(extra or {})))
    register(host, disk)


def register(host: Host, *disks: Disk) -> None:
    """Lists disks in /sys/class/block, and whole ones in /sys/block."""
    for disk in disks:
        host.register("block", disk.path)
    here = "/sys/block"
    for disk in disks:
        if not disk.partition:
            host.add(f"{here}/{disk.name}", Link(relative(disk.path, here)))


def sata(host: Host, place: Place, size: int, parts: Sequence[int]) -> tuple[Disk, ...]:
    """A SATA disk ``sda`` on an AHCI function, with partitions of so many bytes; gives back disk and partitions."""
    port = f"{place.path}/ata1"
    target = f"{port}/host0/target0:0:0/0:0:0:0"
    path = f"{target}/block/sda"
    disk = Disk(path=path, number=(8, 0), size=size, sequence=1)
    disks = [disk]
    start = 2048
    for number, part in enumerate(parts, start=1):
        holders = ("/sys/devices/virtual/block/dm-0",) if number == len(parts) else ()
        disks.append(
            Disk(
                path=f"{path}/sda{number}",
                number=(8, number),
                size=part,
                sequence=1,
                partition=number,
                start=start,
                holders=holders,
            )
        )
        start += part // SECTOR

    def extra() -> Mapping[str, Node]:
        whole = files(disk) | {part.name: Directory(files(part)) for part in disks[1:]}
        whole["device"] = Link(relative(target, path))
        lun: dict[str, Node] = {
            "block": Directory({"sda": Directory(whole)}),
            "model": text("SSDSC2KB480G8   "),
            "rev": text("0132"),
            "state": text("running", 0o644),
            "subsystem": Link(relative("/sys/bus/scsi", target)),
            "type": text(0),
            "vendor": text("ATA     "),
        }
        below = Directory({"0:0:0:0": Directory(lun)})
        return {"ata1": Directory({"host0": Directory({"target0:0:0": below})})}

    host.extend(place, extra)
    host.add("/sys/bus/scsi/devices/0:0:0:0", Link(relative(target, "/sys/bus/scsi/devices")))
    register(host, *disks)
    return tuple(disks)
