"""Which whole disk a device path means, as the target and p2pctl go by it."""

from __future__ import annotations

import re

_PARTITION = re.compile(r"((?:nvme\d+(?:c\d+)?n|mmcblk|md|loop|nbd)\d+)p\d+|([a-z]+)\d+")
_WHOLE = re.compile(r"nvme\d+(?:c\d+)?n\d+|(?:mmcblk|md|loop|nbd|zram|ram|sr|dm-)\d+")


def whole_disk(device: str) -> str:
    """The kernel's name of the whole disk: the target goes by the disk of a partition, too."""
    name = device.rpartition("/")[2]
    match = _PARTITION.fullmatch(name)
    return (match[1] or match[2]) if match and not _WHOLE.fullmatch(name) else name
