"""Reads block devices, down to their PCI function or the reason why there is none."""

from __future__ import annotations

from p2pctl.hardware.reading import SECTOR, Reader, natural, pci_ancestor
from p2pctl.model.block import Block, BlockDevice
from p2pctl.model.facts import ABSENT, Missing

_BLOCK = "/sys/block"

_VIRTUAL = (
    ("dm-", "device mapper: the kernel sees no PCI device under it"),
    ("md", "md array: the kernel sees no PCI device under it"),
    ("loop", "loop device: backed by a file"),
    ("zram", "compressed memory"),
    ("ram", "memory disk"),
    ("nullb", "null_blk: no hardware"),
    ("nbd", "network block device"),
    ("rbd", "network block device (Ceph)"),
    ("rnbd", "network block device (RNBD)"),
    ("drbd", "replicated device (DRBD)"),
    ("bcache", "cache device"),
    ("zd", "ZFS volume"),
)


def read_block(reader: Reader, now: float) -> Block:
    """All whole disks that the kernel shows in /sys/block."""
    devices: dict[str, BlockDevice] = {}
    for name in sorted(reader.names(_BLOCK, "block devices"), key=natural):
        path = reader.device_path(f"{_BLOCK}/{name}", "block device", name)
        if isinstance(path, Missing):
            continue
        address = pci_ancestor(path)
        sectors = reader.number(f"{path}/size", "block device size", name)
        devices[name] = BlockDevice(
            name=name,
            size=sectors if isinstance(sectors, Missing) else sectors * SECTOR,
            address=address or ABSENT,
            reason=None if address else _reason(name, path),
            below=tuple(sorted(reader.names(f"{path}/slaves", "slaves", name), key=natural)),
        )
    return Block(now, devices, tuple(reader.gaps))


def _reason(name: str, path: str) -> str:
    if "/nvme-subsystem/" in path:
        return "multipath head: it stands above its paths and hangs on no PCI function itself"
    if "/nvme-fabrics/" in path:
        return "NVMe over fabrics: no PCI function of this host"
    for prefix, reason in _VIRTUAL:
        if name.startswith(prefix) and "/virtual/" in path:
            return reason
    return "virtual device" if "/virtual/" in path else "its bus hangs on no PCI function"
