"""Sizes, as people read them."""

from __future__ import annotations

import re

_SIZE = re.compile(r"([0-9]{1,18})([KMGT]?)(?:i?B)?", re.IGNORECASE)

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def format_bytes(count: int) -> str:
    """Binary units with one decimal: ``16.0 MiB``; whole bytes below one KiB."""
    if abs(count) < 1024:
        return f"{count} B"
    value = float(count)
    for unit in _UNITS:
        value /= 1024
        # What would round up to 1024.0 belongs to the next unit.
        if abs(value) < 1023.95:
            return f"{value:.1f} {unit}"
    return f"{value:.1f} {_UNITS[-1]}"


def format_short(count: int) -> str:
    """The same for narrow places: ``16M``, ``1.5G``."""
    number, unit = format_bytes(count).split(" ")
    return number.removesuffix(".0") + unit[0]


def parse_bytes(text: str) -> int | None:
    """Bytes as people write them: ``4096``, ``64K``, ``1M``, ``2GiB``; units are binary. None for anything else."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    exponent = " KMGT".index(found[2].upper()) if found[2] else 0
    return int(found[1]) << 10 * exponent
