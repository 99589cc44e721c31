"""Identifiers that look random and are the same at every run."""

from __future__ import annotations

import zlib


def digits(seed: str, count: int) -> str:
    """``count`` hexadecimal digits that depend on nothing but ``seed``."""
    raw = seed.encode("utf-8", "surrogateescape")
    parts = (f"{zlib.crc32(b'%d/%b' % (nth, raw)):08x}" for nth in range(-(-count // 8)))
    return "".join(parts)[:count]


def uuid(seed: str) -> str:
    """A version 4 UUID."""
    raw = digits(seed, 32)
    return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-{'89ab'[int(raw[16], 16) % 4]}{raw[17:20]}-{raw[20:]}"
