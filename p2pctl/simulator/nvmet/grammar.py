"""How the kernel reads what is written to an attribute (lib/kstrtox.c, lib/vsprintf.c, lib/string_helpers.c)."""

from __future__ import annotations

import errno
import re

from p2pctl.simulator.nodes import error

PAGE = 4095
"""Bytes that one store gets at most (fs/configfs/file.c, ``SIMPLE_ATTR_SIZE`` less the final NUL)."""

SPACE = b" \t\n\v\f\r\xa0"
"""What the kernel's ctype calls white space: Latin-1, so with the no-break space."""

# Whether a bool may be spelled "true" and "false", and "enable" and "disable" (lib/kstrtox.c).
_WITH_TRUE, _WITH_ENABLE = (5, 17), (6, 15)


def string(data: bytes) -> bytes:
    """What a C function sees of a page: all before the first NUL."""
    return data.partition(b"\0")[0]


def line(data: bytes) -> bytes:
    """All before the first newline or NUL (strcspn)."""
    return string(data).partition(b"\n")[0]


def same(data: bytes, word: bytes) -> bool:
    """Whether it is ``word``, a final newline on either side left out (sysfs_streq)."""
    text = string(data)
    return text == word or text.removesuffix(b"\n") == word or text == word.removesuffix(b"\n")


_NUMBER = re.compile(rb"0[xX](?P<hex>[0-9a-fA-F]+)|0(?P<oct>[0-7]*)|(?P<dec>[0-9]+)")
_WORD = 1 << 64


def _magnitude(text: bytes) -> int:
    """Digits in base 0, one newline allowed behind. Raises ERANGE before it looks at what follows, then EINVAL."""
    found = _NUMBER.match(text)
    if found is None:
        raise error(errno.EINVAL)
    if found["hex"] is not None:
        value = int(found["hex"], 16)
    elif found["dec"] is not None:
        value = int(found["dec"])
    else:
        value = int(found["oct"] or b"0", 8)
    if value >= _WORD:
        raise error(errno.ERANGE)
    if text[found.end() :] not in {b"", b"\n"}:
        raise error(errno.EINVAL)
    return value


def unsigned(data: bytes, bits: int) -> int:
    """An unsigned number of so many bits (kstrtou16, kstrtou32). Raises EINVAL, ERANGE."""
    value = _magnitude(string(data).removeprefix(b"+"))
    if value >= 1 << bits:
        raise error(errno.ERANGE)
    return value


def integer(data: bytes) -> int:
    """A signed number of 32 bits (kstrtoint). Raises EINVAL, ERANGE."""
    text = string(data)
    value = -_magnitude(text[1:]) if text.startswith(b"-") else _magnitude(text.removeprefix(b"+"))
    if not -(1 << 31) <= value < 1 << 31:
        raise error(errno.ERANGE)
    return value


def boolean(data: bytes, version: tuple[int, int]) -> bool:
    """A bool by its first letters (kstrtobool) as a kernel of this version reads it. Raises EINVAL."""
    text = string(data).lower()
    yes, no = b"y1", b"n0"
    if version >= _WITH_TRUE:
        yes, no = yes + b"t", no + b"f"
    if version >= _WITH_ENABLE:
        yes, no = yes + b"e", no + b"d"
    first = text[:1]
    if (first and first in yes) or text[:2] == b"on":
        return True
    if (first and first in no) or text[:2] == b"of":
        return False
    raise error(errno.EINVAL)


def scanned(data: bytes, *, signed: bool = False) -> tuple[int, bytes] | None:
    """A decimal number at the start, as ``sscanf`` reads ``%u`` or ``%d``, and what is behind; None without any."""
    text = string(data).lstrip(SPACE)
    found = re.match(rb"-?[0-9]+" if signed else rb"[0-9]+", text)
    if found is None:
        return None
    return int(found[0]), text[found.end() :]


def scanned_short(data: bytes) -> int:
    """An unsigned number of 16 bits as ``%hu`` reads it: what is too large wraps. Raises EINVAL."""
    found = scanned(data)
    if found is None:
        raise error(errno.EINVAL)
    return found[0] % (1 << 16)


def word(data: bytes) -> bytes:
    """The first word, as ``%s`` reads it; nothing but white space is an empty one. Raises EINVAL for nothing."""
    text = string(data)
    if not text:
        raise error(errno.EINVAL)
    return (re.split(rb"[ \t\n\v\f\r\xa0]", text.lstrip(SPACE), maxsplit=1) or [b""])[0]


def printable(data: bytes) -> bool:
    """Whether all is ASCII without control characters, as serial numbers must be."""
    return all(0x20 <= one <= 0x7E for one in data)


_UUID = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


def uuid(data: bytes) -> str:
    """A uuid in its canonical form, whatever is behind it (lib/uuid.c). Raises EINVAL."""
    found = _UUID.match(string(data))
    if found is None:
        raise error(errno.EINVAL)
    return found[0].decode().lower()


_NGUID = re.compile(rb"(?:[0-9a-fA-F]{2}[-:]?){15}[0-9a-fA-F]{2}")


def nguid(data: bytes) -> str:
    """32 digits, with one ``-`` or ``:`` after any byte, whatever is behind them. Raises EINVAL."""
    found = _NGUID.match(string(data))
    if found is None:
        raise error(errno.EINVAL)
    raw = re.sub(rb"[-:]", b"", found[0]).decode().lower()
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
