"""PCI configuration space: the header, the capability lists and the few registers that matter.

Offsets are those of the PCI Express Base Specification 6.0, chapter 7. The lists are walked as the kernel does
(drivers/pci/pci.c: at most 48 classic and 480 extended capabilities), so loops and garbage end the walk.
Only what is needed is read: each 4 bytes are one configuration cycle on the bus.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.pci import Acs, Config, PortType, ResizableBar

_HEADER = 64
_CLASSIC_LIMIT = 48
_EXTENDED_START = 0x100
_EXTENDED_LIMIT = (4096 - 256) // 8

_CAP_EXPRESS = 0x10
_EXT_ACS = 0x000D
_EXT_ARI = 0x000E
_EXT_ATS = 0x000F
_EXT_REBAR = 0x0015

_BARS = 6
_MIB = 1 << 20

_PORTS = frozenset({PortType.ROOT_PORT, PortType.UPSTREAM, PortType.DOWNSTREAM})

Pread = Callable[[int, int], bytes]


class ReadConfig(NamedTuple):
    """What was read, and why not all of it."""

    config: Config
    needs: str | None
    """What would complete it; None when nothing is missing."""


UNKNOWN_CONFIG = Config(*(UNREADABLE,) * 12)


def read_config(pread: Pread) -> ReadConfig:
    """Reads one function. Raises OSError from ``pread``: ENODEV once the device is gone."""
    head = pread(0, _HEADER)
    if len(head) < _HEADER:
        return ReadConfig(UNKNOWN_CONFIG, "a complete configuration space")
    if head.count(0xFF) == _HEADER:
        return ReadConfig(UNKNOWN_CONFIG, "a device that answers (configuration space reads all ones)")
    kind = head[0x0E] & 0x7F
    multifunction = bool(head[0x0E] & 0x80)
    buses: tuple[Fact[int], Fact[int]] = (head[0x19], head[0x1A]) if kind == 1 else (ABSENT, ABSENT)
    express = _find_express(pread, head)
    if express is UNREADABLE:
        unread = (UNREADABLE,) * 7
        config = Config(kind, multifunction, UNREADABLE, *buses, *unread)
        return ReadConfig(config, "root (CAP_SYS_ADMIN): other users get 64 bytes")
    port_type, payload, supported, forwarding = _express(pread, express)
    extended = _extended(pread)
    acs, ari, ats = (UNREADABLE,) * 3 if extended is None else _capabilities(pread, extended)
    resizable = UNREADABLE if extended is None else _resizable(pread, extended)
    config = Config(kind, multifunction, port_type, *buses, payload, supported, acs, forwarding, ari, ats, resizable)
    return ReadConfig(config, "extended configuration space that answers" if acs is UNREADABLE else None)


def _find_express(pread: Pread, head: bytes) -> Fact[tuple[int, int]]:
    """Offset and flags of the PCI Express capability; UNREADABLE where the list lies beyond what this user may read."""
    if not head[0x06] & 0x10:
        return ABSENT if pread(_HEADER, 1) else UNREADABLE
    position = head[0x14 if head[0x0E] & 0x7F == 2 else 0x34] & 0xFC
    for _ in range(_CLASSIC_LIMIT):
        if position < _HEADER:
            break
        data = pread(position, 4)
        if len(data) < 4:
            return UNREADABLE
        identity = data[0]
        if identity == _CAP_EXPRESS:
            return position, data[2] | data[3] << 8
        if identity == 0xFF:
            break
        position = data[1] & 0xFC
    return ABSENT


def _express(pread: Pread, express: Fact[tuple[int, int]]) -> tuple[Fact[int], Fact[int], Fact[int], Fact[bool]]:
    """Port type, payload in bytes as set and as supported, ARI forwarding (of ports)."""
    if isinstance(express, Missing):
        return ABSENT, ABSENT, ABSENT, ABSENT
    position, flags = express
    port_type = flags >> 4 & 0xF
    payload: Fact[int] = UNREADABLE
    supported: Fact[int] = UNREADABLE
    forwarding: Fact[bool] = ABSENT
    registers = pread(position + 4, 6)
    if len(registers) == 6:
        supported = 128 << (registers[0] & 0x7)
        payload = 128 << (registers[4] >> 5 & 0x7)
    if port_type in _PORTS and flags & 0xF >= 2:
        control2 = pread(position + 0x28, 2)
        forwarding = bool(control2[0] & 0x20) if len(control2) == 2 else UNREADABLE
    return port_type, payload, supported, forwarding


def _extended(pread: Pread) -> list[tuple[int, int]] | None:
    """The extended capabilities: (id, offset); None where they do not answer."""
    found: list[tuple[int, int]] = []
    position = _EXTENDED_START
    seen = {position}
    for _ in range(_EXTENDED_LIMIT):
        data = pread(position, 4)
        if len(data) < 4:
            # A function with 256 bytes, as the kernel sees it, has no extended capabilities.
            return found if position == _EXTENDED_START and not data else None
        header = int.from_bytes(data, "little")
        if header == 0:
            break
        if header == 0xFFFFFFFF:
            return None
        found.append((header & 0xFFFF, position))
        position = header >> 20 & 0xFFC
        if position < _EXTENDED_START or position in seen:
            break
        seen.add(position)
    return found


def _capabilities(pread: Pread, extended: list[tuple[int, int]]) -> tuple[Fact[Acs], Fact[bool], Fact[bool]]:
    """ACS, ARI and ATS among the extended capabilities; the first of each counts, as it does for the kernel."""
    acs: Fact[Acs] = ABSENT
    ari: Fact[bool] = ABSENT
    ats: Fact[bool] = ABSENT
    for identity, position in extended:
        if identity == _EXT_ACS and acs is ABSENT:
            registers = pread(position + 4, 4)
            acs = UNREADABLE
            if len(registers) == 4:
                acs = Acs(registers[0] | registers[1] << 8, registers[2] | registers[3] << 8)
        elif identity == _EXT_ARI:
            ari = True
        elif identity == _EXT_ATS and ats is ABSENT:
            control = pread(position + 6, 2)
            ats = bool(control[1] & 0x80) if len(control) == 2 else UNREADABLE
    return acs, ari, ats


def _resizable(pread: Pread, extended: list[tuple[int, int]]) -> Fact[tuple[ResizableBar, ...]]:
    """The BARs of the Resizable BAR capability: up to six pairs of a capability and a control register."""
    position = next((at for identity, at in extended if identity == _EXT_REBAR), None)
    if position is None:
        return ABSENT
    found: list[ResizableBar] = []
    count = 1
    while len(found) < count:
        registers = pread(position + 4 + 8 * len(found), 8)
        if len(registers) < 8:
            return UNREADABLE
        sizes, control = int.from_bytes(registers[:4], "little") >> 4, int.from_bytes(registers[4:], "little")
        if not found:
            count = min(control >> 5 & 0x7, _BARS)
            if not count:
                break
        # From 1 MiB up, a bit for each power of two; larger than 128 TiB stands in the control register.
        sizes |= (control >> 16) << 28
        found.append(ResizableBar(control & 0x7, _MIB << (control >> 8 & 0x3F), _MIB << max(sizes.bit_length() - 1, 0)))
    return tuple(found)
