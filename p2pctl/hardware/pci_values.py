"""The formats of the PCI attributes in sysfs (drivers/pci/pci-sysfs.c, drivers/pci/pci-driver.c)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.pci import Bar, Link

_EMPTY_BAR = b"0x0000000000000000 0x0000000000000000 0x0000000000000000"
_IO, _MEMORY, _PREFETCH, _WIDE = 0x100, 0x200, 0x2000, 0x100000
"""IORESOURCE_* of include/linux/ioport.h."""

_DRIVER = re.compile(rb"DRIVER=(.+)\n")
_IDENTITY = re.compile(
    rb"^PCI_CLASS=([0-9A-F]{1,8})\nPCI_ID=([0-9A-F]{4}):([0-9A-F]{4})\nPCI_SUBSYS_ID=([0-9A-F]{4}):([0-9A-F]{4})$",
    re.MULTILINE,
)
"""The driver comes first (drivers/base/core.c), then these in this order (drivers/pci/pci-driver.c)."""

_SPEED = re.compile(rb"([0-9]{1,3}(?:\.[0-9]{1,2})?) GT/s")
_ROOT_BUS = re.compile(r"pci[0-9a-f]{4,8}:[0-9a-f]{2}")


class Identity(NamedTuple):
    """What a function is, and who drives it."""

    vendor: Fact[int]
    device: Fact[int]
    subsystem_vendor: Fact[int]
    subsystem_device: Fact[int]
    class_code: Fact[int]
    driver: Fact[str]


UNKNOWN_IDENTITY = Identity(*(UNREADABLE,) * 6)


def parse_uevent(data: bytes) -> Identity | None:
    """The identity in a PCI function's ``uevent`` file; None where there is none."""
    match = _IDENTITY.search(data)
    if match is None:
        return None
    class_code, vendor, device, subsystem_vendor, subsystem_device = match.groups()
    driver = _DRIVER.match(data)
    return Identity(
        int(vendor, 16),
        int(device, 16),
        int(subsystem_vendor, 16),
        int(subsystem_device, 16),
        int(class_code, 16),
        driver[1].decode("utf-8", "surrogateescape") if driver else ABSENT,
    )


def parse_resource(data: bytes) -> tuple[Bar, ...] | None:
    """The base address registers in a ``resource`` file, one line each; None where a line is none."""
    bars = []
    for index, line in enumerate(data.split(b"\n", 6)[:6]):
        if line == _EMPTY_BAR or not line:
            continue
        try:
            first, last, kind = line.split()
            start, end, flags = int(first, 16), int(last, 16), int(kind, 16)
        except ValueError:
            return None
        if flags & (_IO | _MEMORY) and end >= start:
            bars.append(
                Bar(index, start, end - start + 1, bool(flags & _MEMORY), bool(flags & _PREFETCH), bool(flags & _WIDE))
            )
    return tuple(bars)


LinkEnd: TypeAlias = tuple[Fact[bytes], Fact[bytes]]
"""Speed and width, as the attributes hold them."""


@lru_cache(maxsize=1024)
def parse_link(now: LinkEnd, most: LinkEnd, port: LinkEnd) -> Link:
    """A link: as it runs, what the function could do and what the port above could; "Unknown", no lanes: ABSENT."""
    return Link(_speed(now[0]), _width(now[1]), _speed(most[0]), _width(most[1]), _speed(port[0]), _width(port[1]))


def _speed(data: Fact[bytes]) -> Fact[float]:
    if isinstance(data, Missing):
        return data
    match = _SPEED.match(data)
    return float(match[1]) if match else ABSENT


def _width(data: Fact[bytes]) -> Fact[int]:
    if isinstance(data, Missing):
        return data
    try:
        lanes = int(data[:8])
    except ValueError:
        return UNREADABLE
    return lanes if 0 < lanes <= 32 else ABSENT  # 255 where the kernel does not know, 63 from a dead link


@lru_cache(maxsize=4096)
def parse_place(directory: str) -> tuple[Address | None, str]:
    """Bridge and root bus above a function in ``directory``, a path below /sys/devices.

    A root bus ends the climb, also below another function: a VMD controller has a root bus of its own under it.
    """
    parts = directory.split("/")
    root = next((part for part in reversed(parts) if _ROOT_BUS.fullmatch(part)), "")
    return (None if parts[-1] == root else Address.from_sysfs(parts[-1])), root
