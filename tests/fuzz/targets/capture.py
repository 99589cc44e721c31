"""Captures: the tar file inside, whose headers are made to check again, or a whole file as it stands.

What begins like a gzip file is taken as it is; anything else is packed first, so that mutations get past the checksums.
"""

from __future__ import annotations

import gzip

from p2pctl.errors import P2pctlError
from p2pctl.hardware.archive import CaptureDoor
from p2pctl.hardware.snapshot import ALL_PARTS, take
from p2pctl.render.devices import device_report
from p2pctl.render.pools import pool_report
from p2pctl.render.status import status_page
from tests.fuzz.sound import check_error, check_result, file_of

_BLOCK = 512


def check(data: bytes) -> None:
    """A host that is shown like any other, or one line that says what is wrong with the file, and a hint."""
    whole = data if data.startswith(b"\x1f\x8b") else gzip.compress(_summed(data), 1)
    with file_of(whole) as path:
        try:
            door = CaptureDoor(path)
        except P2pctlError as error:
            check_error(error, hinted=True, most=400)
            return
    snapshot = take(door, ALL_PARTS)
    check_result(status_page(snapshot), "plain", "json")
    check_result(device_report(snapshot, everything=True), "csv")
    check_result(pool_report(snapshot), "yaml")


def _summed(data: bytes) -> bytes:
    """With the checksum of every block that could be a header made right."""
    raw = bytearray(data)
    for start in range(0, len(raw) - _BLOCK + 1, _BLOCK):
        if raw[start + 257 : start + 262] == b"ustar":
            block = raw[start : start + _BLOCK]
            raw[start + 148 : start + 156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 8 * 0x20)
    return bytes(raw)
