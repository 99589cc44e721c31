"""What p2pctl is held to: the kernel's own files, read and decoded without p2pctl's help."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from tests.vm.guest.api import PCI, Context

DEVICES = PCI / "devices"
NVME = Path("/sys/class/nvme")
EXPRESS = 0x10
ACS, ARI, ATS = 0x000D, 0x000E, 0x000F
ROOT_PORT = 4


def ask(context: Context, *words: str) -> dict[str, Any]:
    """The JSON document that a command prints; the command has to succeed."""
    ran = context.p2pctl(*words, "-o", "json")
    # Who confirms beforehand is told what is about to be done.
    assert ran.code == 0 and (not ran.err or "--confirm" in words), ran  # noqa: PT018  both are one claim
    document: dict[str, Any] = json.loads(ran.out)
    return document


def text(path: Path) -> str | None:
    """A kernel file's text, None where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return None


def link_name(path: Path) -> str | None:
    """Where a link points, without the way."""
    return path.readlink().name if path.is_symlink() else None


def pools() -> dict[str, Path]:
    """The pools that the kernel shows, by address."""
    return {path.parent.name: path for path in DEVICES.glob("*/p2pmem")}


def extended_capability(config: bytes, identity: int) -> int | None:
    """Where an extended capability begins, by a walk over 4 KiB; None without it."""
    position, seen = 0x100, set()
    while len(config) == 4096 and position >= 0x100 and position not in seen:
        seen.add(position)
        (head,) = struct.unpack_from("<I", config, position)
        if head & 0xFFFF == identity:
            return position
        position = head >> 20
    return None


def express_capability(config: bytes) -> int | None:
    """Where the PCI Express capability begins, None without it."""
    position = config[0x34] if config[0x06] & 0x10 else 0
    while position:
        if config[position] == EXPRESS:
            return position
        position = config[position + 1]
    return None


def payloads(config: bytes) -> tuple[int, int] | None:
    """Largest payload in bytes: as programmed (Device Control, bits 7:5), as supported (Device Capabilities, 2:0)."""
    express = express_capability(config)
    if express is None:
        return None
    (capabilities,) = struct.unpack_from("<I", config, express + 4)
    (control,) = struct.unpack_from("<H", config, express + 8)
    return 2 ** (7 + ((control & 0xE0) >> 5)), 2 ** (7 + (capabilities & 0x07))


def port_type(config: bytes) -> int | None:
    """Device/Port Type: bits 7:4 of the PCI Express capabilities register."""
    express = express_capability(config)
    return None if express is None else struct.unpack_from("<H", config, express + 2)[0] >> 4 & 0xF


def pci_above(path: Path) -> str | None:
    """The nearest function above a class device, by the directories that are functions; None without any."""
    for directory in path.resolve().parents:
        if (directory / "subsystem").resolve() == PCI and (DEVICES / directory.name).exists():
            return directory.name
    return None
