"""PCI configuration space: the header, the capability lists and the few registers that matter.

Offsets are those of the PCI Express Base Specification 6.0, chapter 7. The lists are walked as the kernel does
(drivers/pci/pci.c: at most 48 classic and 480 extended capabilities), so loops and garbage end the walk.
Only what is needed is read: each 4 bytes are one configuration cycle on the bus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, TypedDict

from p2pctl.model.facts import ABSENT, UNREADABLE, Fact
from p2pctl.model.pci import Acs, Config, PortType

_HEADER = 64
_CLASSIC_LIMIT = 48
_EXTENDED_START = 0x100
_EXTENDED_LIMIT = (4096 - 256) // 8

_CAP_EXPRESS = 0x10
_EXT_ACS = 0x000D
_EXT_ARI = 0x000E
_EXT_ATS = 0x000F

_PORTS = frozenset({PortType.ROOT_PORT, PortType.UPSTREAM, PortType.DOWNSTREAM})

Pread = Callable[[int, int], bytes]


class ReadConfig(NamedTuple):
    """What was read, and why not all of it."""

    config: Config
    needs: str | None
    """What would complete it; None when nothing is missing."""


UNKNOWN_CONFIG = Config(*(UNREADABLE,) * 11)


def read_config(pread: Pread) -> ReadConfig:
    """Reads one function. Raises OSError from ``pread``: ENODEV once the device is gone."""
    head = pread(0, _HEADER)
    if len(head) < _HEADER:
        return ReadConfig(UNKNOWN_CONFIG, "a complete configuration space")
    if head.count(0xFF) == _HEADER:
        return ReadConfig(UNKNOWN_CONFIG, "a device that answers (configuration space reads all ones)")
    classic, complete = _classic(pread, head)
    header = _header(head)
    if not complete:
        return ReadConfig(replace(UNKNOWN_CONFIG, **header), "root (CAP_SYS_ADMIN): other users get 64 bytes")
    return _with_capabilities(pread, header, classic.get(_CAP_EXPRESS))


class _Header(TypedDict):
    header_type: int
    multifunction: bool
    secondary_bus: Fact[int]
    subordinate_bus: Fact[int]


def _header(head: bytes) -> _Header:
    kind = head[0x0E] & 0x7F
    return _Header(
        header_type=kind,
        multifunction=bool(head[0x0E] & 0x80),
        secondary_bus=head[0x19] if kind == 1 else ABSENT,
        subordinate_bus=head[0x1A] if kind == 1 else ABSENT,
    )


def _with_capabilities(pread: Pread, header: _Header, express: tuple[int, int] | None) -> ReadConfig:
    port_type: Fact[int] = ABSENT
    payload: Fact[int] = ABSENT
    payload_supported: Fact[int] = ABSENT
    forwarding: Fact[bool] = ABSENT
    if express is not None:
        position, flags = express
        port_type = flags >> 4 & 0xF
        registers = pread(position + 4, 6)
        if len(registers) == 6:
            payload_supported = 128 << (registers[0] & 0x7)
            payload = 128 << (registers[4] >> 5 & 0x7)
        if port_type in _PORTS and flags & 0xF >= 2:
            control2 = pread(position + 0x28, 2)
            forwarding = bool(control2[0] & 0x20) if len(control2) == 2 else UNREADABLE
    acs: Fact[Acs] = ABSENT
    ari: Fact[bool] = ABSENT
    ats: Fact[bool] = ABSENT
    extended = _extended(pread)
    if extended is None:
        acs = ari = ats = UNREADABLE
    else:
        for identity, position in extended:
            if identity == _EXT_ACS and acs is ABSENT:
                acs = _acs(pread(position + 4, 4))
            elif identity == _EXT_ARI:
                ari = True
            elif identity == _EXT_ATS and ats is ABSENT:
                control = pread(position + 6, 2)
                ats = bool(control[1] & 0x80) if len(control) == 2 else UNREADABLE
    config = Config(
        port_type=port_type,
        max_payload=payload,
        max_payload_supported=payload_supported,
        acs=acs,
        ari_forwarding=forwarding,
        ari=ari,
        ats=ats,
        **header,
    )
    needs = "extended configuration space that answers" if extended is None or acs is UNREADABLE else None
    return ReadConfig(config, needs)


def _acs(registers: bytes) -> Fact[Acs]:
    if len(registers) < 4:
        return UNREADABLE
    return Acs(registers[0] | registers[1] << 8, registers[2] | registers[3] << 8)


def _classic(pread: Pread, head: bytes) -> tuple[dict[int, tuple[int, int]], bool]:
    """The classic capabilities: id -> (offset, the 16 bits after the list pointer); and whether all could be read."""
    found: dict[int, tuple[int, int]] = {}
    if not head[0x06] & 0x10:
        return found, len(pread(_HEADER, 1)) == 1
    position = head[0x14 if head[0x0E] & 0x7F == 2 else 0x34] & 0xFC
    for _ in range(_CLASSIC_LIMIT):
        if position < _HEADER:
            break
        data = pread(position, 4)
        if len(data) < 4:
            return found, False
        identity = data[0]
        if identity == 0xFF:
            break
        found.setdefault(identity, (position, data[2] | data[3] << 8))
        position = data[1] & 0xFC
    return found, True


def _extended(pread: Pread) -> list[tuple[int, int]] | None:
    """The extended capabilities: (id, offset); None where they do not answer."""
    found: list[tuple[int, int]] = []
    position = _EXTENDED_START
    seen: set[int] = set()
    for _ in range(_EXTENDED_LIMIT):
        if position < _EXTENDED_START or position in seen:
            break
        seen.add(position)
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
    return found
