"""The kernel's messages of this boot, as the system's journal has kept them."""

from __future__ import annotations

import errno
import json
import os
from typing import NamedTuple

from p2pctl.hardware.programs import run

_LINES = 20_000
"""Newest entries asked for."""
_LIMIT = 16 << 20
"""Bytes of the journal's answer at most."""
_SECONDS = 10.0
_TIME = "_SOURCE_MONOTONIC_TIMESTAMP"


class Entry(NamedTuple):
    """One message."""

    microseconds: int
    """Since the boot, as the kernel stamped it."""
    text: str


def read_journal() -> tuple[Entry, ...]:
    """Oldest first, the newest 20,000. Raises OSError (ENOENT: there is no journal; EACCES; ETIMEDOUT)."""
    answer = run(
        "journalctl", "--dmesg", "--boot", "--output=json", f"--output-fields=MESSAGE,{_TIME}",
        f"--lines={_LINES}", "--no-pager", "--quiet", seconds=_SECONDS, limit=_LIMIT,
    )  # fmt: skip
    if answer.code and not answer.cut:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), "journalctl")
    entries = (_entry(line) for line in answer.output.split(b"\n"))
    return tuple(entry for entry in entries if entry is not None)


def _entry(line: bytes) -> Entry | None:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None  # the last line of an answer that was cut, or nothing
    if not isinstance(document, dict):
        return None
    text, stamp = document.get("MESSAGE"), document.get(_TIME)
    if isinstance(text, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in text):
        text = bytes(text).decode("utf-8", "surrogateescape")  # how the journal writes what is no UTF-8
    if not isinstance(text, str) or not isinstance(stamp, str) or not stamp.isdecimal() or len(stamp) > 19:
        return None
    return Entry(int(stamp), text)
