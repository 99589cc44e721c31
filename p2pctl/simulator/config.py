"""PCI configuration space as bytes.

Offsets and fields: PCI Express Base Specification 6.0, section 7.5 (headers, PCI Express capability) and 7.7-7.9.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from p2pctl.model.facts import known
from p2pctl.model.pci import Bar, PortType
from p2pctl.simulator.layout import IO, MEMORY, PREFETCHABLE, Place
from p2pctl.simulator.pci import PORTS

CONVENTIONAL_SIZE = 256
EXTENDED_SIZE = 4096

SPEED_CODES = {2.5: 1, 5.0: 2, 8.0: 3, 16.0: 4, 32.0: 5, 64.0: 6}
"""GT/s to the code of Link Capabilities and Link Status."""

_POWER, _MSIX, _EXPRESS, _SUBSYSTEM_ID = 0x01, 0x11, 0x10, 0x0D
_AER, _ACS, _ARI, _ATS, _SRIOV, _REBAR = 0x0001, 0x000D, 0x000E, 0x000F, 0x0010, 0x0015
_EXTENDED_VERSION = {_AER: 2, _ACS: 1, _ARI: 1, _ATS: 1, _SRIOV: 1, _REBAR: 1}


def build(place: Place) -> bytes:
    """All of a function's configuration space: 4096 bytes with a PCI Express capability, 256 without."""
    device = place.device
    space = bytearray(EXTENDED_SIZE if device.port is not None else CONVENTIONAL_SIZE)
    # A virtual function has no ids of its own in its registers (Single Root I/O Virtualization, section 9.3.4.1).
    vendor, number = (0xFFFF, 0xFFFF) if place.physical else device.ids
    master = device.driver is not None and not device.sleeps
    bars = () if place.physical else place.bars
    command = (
        (0x1 if any(not bar.memory for bar in bars) or place.windows[IO] else 0)
        | (0x2 if bars or place.windows[MEMORY] or place.windows[PREFETCHABLE] else 0)
        | (0x404 if master else 0)
    )
    capabilities = _capabilities(place)
    struct.pack_into("<HHHH", space, 0, vendor, number, command, 0x10 if capabilities else 0)
    struct.pack_into("<I", space, 8, device.class_code << 8 | device.revision)
    space[0x0C] = 0x10
    space[0x0E] = (1 if device.is_bridge else 0) | (0x80 if place.multifunction else 0)
    for bar in bars:
        _bar(space, bar)
    if device.is_bridge:
        _bridge(space, place)
    else:
        struct.pack_into("<HH", space, 0x2C, *device.subsystem)
    _chain(space, capabilities)
    if device.port is not None:
        _extended(space, place)
    return bytes(space)


def _bar(space: bytearray, bar: Bar) -> None:
    if bar.number > 5:
        return
    offset = 0x10 + 4 * bar.number
    if not bar.memory:
        struct.pack_into("<I", space, offset, bar.start | 1)
        return
    flags = (4 if bar.wide else 0) | (8 if bar.prefetchable else 0)
    struct.pack_into("<I", space, offset, bar.start & 0xFFFFFFFF | flags)
    if bar.wide:
        struct.pack_into("<I", space, offset + 4, bar.start >> 32)


def _bridge(space: bytearray, place: Place) -> None:
    struct.pack_into("<BBB", space, 0x18, place.address.bus, place.secondary, place.subordinate)
    # A window that is closed has a base above its limit.
    io, memory, prefetchable = place.windows
    first, last = io or (0xF000, 0x0FFF)
    struct.pack_into("<BB", space, 0x1C, first >> 8 & 0xF0 | 1, last >> 8 & 0xF0 | 1)
    first, last = memory or (0xFFF00000, 0x000FFFFF)
    struct.pack_into("<HH", space, 0x20, first >> 16 & 0xFFF0, last >> 16 & 0xFFF0)
    first, last = prefetchable or (0xFFF00000, 0x000FFFFF)
    struct.pack_into("<HH", space, 0x24, first >> 16 & 0xFFF0 | 1, last >> 16 & 0xFFF0 | 1)
    struct.pack_into("<II", space, 0x28, first >> 32, last >> 32)


def _chain(space: bytearray, capabilities: list[tuple[int, int, bytes]]) -> None:
    """Writes the classic capability list: each with its offset, its id, and what follows the two bytes of the list."""
    pointer = 0x34
    for offset, number, body in capabilities:
        space[pointer] = offset
        space[offset] = number
        space[offset + 2 : offset + 2 + len(body)] = body
        pointer = offset + 1


def _capabilities(place: Place) -> list[tuple[int, int, bytes]]:
    device = place.device
    found: list[tuple[int, int, bytes]] = []
    if device.class_code >> 16 != 0x06 or device.is_bridge:
        found.append((0x40, _POWER, struct.pack("<HH", 0xC803, 3 if device.sleeps else 0)))
    if device.vectors:
        table = next((bar.number for bar in place.bars if bar.memory and bar.number <= 5), 0)
        found.append((0x50, _MSIX, struct.pack("<HII", 0x8000 | device.vectors - 1, 0x2000 | table, 0x3000 | table)))
    if device.port is not None:
        found.append((0x60, _EXPRESS, _express(place, device.port)))
    if device.is_bridge:
        found.append((0xA4, _SUBSYSTEM_ID, struct.pack("<HHH", 0, *device.subsystem)))
    return found


def _express(place: Place, port: PortType) -> bytes:
    """The PCI Express capability from its third byte on, version 2: 58 bytes."""
    device = place.device
    is_port = port in PORTS
    capabilities = 0x8000 | _payload_code(device.payload_supported)
    control = 0x2810 | _payload_code(device.payload) << 5 | (0xF if is_port else 0)
    link_capabilities = link_control = link_status = link_capabilities2 = link_control2 = 0
    if device.link is not None:
        best = SPEED_CODES.get(known(device.link.max_speed, 0.0), 0)
        now = SPEED_CODES.get(known(device.link.speed, 0.0), 0)
        width = known(device.link.width, 0)
        active = 0x2000 if is_port and port is not PortType.UPSTREAM and width else 0
        link_capabilities = place.address.device << 24 | known(device.link.max_width, 0) << 4 | best
        link_control = 0x0040
        link_status = active | 0x1000 | width << 4 | now
        link_capabilities2 = ((1 << best) - 1) << 1
        link_control2 = best
    slot = slot_status = 0
    if device.slot is not None:
        slot = device.slot.number << 19 | 0x60
        slot_status = 0x40 if place.below else 0
    flags = 2 | port << 4 | (0x100 if device.slot is not None else 0)
    return struct.pack(
        "<HIHHIHHIHHHHIIHHIHHIHH",
        flags,
        capabilities, control, 0,
        link_capabilities, link_control, link_status,
        slot, 0, slot_status,
        0, 0, 0,
        0x20 if is_port else 0, 0x20 if device.ari_forwarding else 0, 0,
        link_capabilities2, link_control2, 0,
        0, 0, 0,
    )  # fmt: skip


def _payload_code(size: int) -> int:
    return (size // 128).bit_length() - 1


def _extended(space: bytearray, place: Place) -> None:
    device = place.device
    found: list[tuple[int, int, Callable[[int], None]]] = []
    if place.physical is None:
        found.append((_AER, 0x48, lambda offset: struct.pack_into("<III", space, offset + 4, 0, 0, 0x00462030)))
    acs, ats, virtual = device.acs, device.ats, device.virtual
    if acs is not None:
        found.append((_ACS, 8, lambda offset: struct.pack_into("<HH", space, offset + 4, acs.capability, acs.control)))
    if device.ari:
        found.append((_ARI, 8, lambda offset: struct.pack_into("<HH", space, offset + 4, 0, 0)))
    if ats is not None:
        found.append((_ATS, 8, lambda offset: struct.pack_into("<HH", space, offset + 4, 0x20, 0x8000 if ats else 0)))
    if virtual is not None:
        found.append((_SRIOV, 0x40, lambda offset: _sriov(space, offset, place)))
    if device.resizable:
        found.append((_REBAR, 4 + 8 * len(device.resizable), lambda offset: _resizable(space, offset, place)))
    offset = 0x100
    for nth, (number, size, write) in enumerate(found, start=1):
        after = offset + size
        struct.pack_into(
            "<I", space, offset, number | _EXTENDED_VERSION[number] << 16 | (after << 20 if nth < len(found) else 0)
        )
        write(offset)
        offset = after


def _resizable(space: bytearray, offset: int, place: Place) -> None:
    """Capability and control of each BAR: all sizes from 1 MiB up to its largest are supported."""
    count = len(place.device.resizable)
    sizes = {region.bar: region.size for region in place.device.regions}
    for nth, (number, largest) in enumerate(place.device.resizable):
        most = (largest >> 20).bit_length()
        now = max((sizes.get(number, 0) >> 20).bit_length() - 1, 0)
        struct.pack_into("<II", space, offset + 4 + 8 * nth, ((1 << most) - 1) << 4, number | count << 5 | now << 8)


def _sriov(space: bytearray, offset: int, place: Place) -> None:
    virtual = place.device.virtual
    if virtual is None:
        return
    on = 0x9 if virtual.enabled else 0
    struct.pack_into("<IHHHHHHHHxxH", space, offset + 4, 2, on, 0, virtual.total, virtual.total, virtual.enabled,
                     place.address.function, virtual.offset, 1, virtual.device)  # fmt: skip
    reserved = next((bar for bar in place.bars if bar.number == 7), None)
    if reserved is not None:
        struct.pack_into("<II", space, offset + 0x24, reserved.start & 0xFFFFFFFF | 0xC, reserved.start >> 32)
