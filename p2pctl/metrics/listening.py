"""Where to listen, as people write it."""

from __future__ import annotations

import re
from typing import NamedTuple

from p2pctl.errors import UsageError

LOOPBACK = "127.0.0.1"

_HINT = "such as 9190 (this host only), 192.0.2.1:9190, [::1]:9190 or 0.0.0.0:9190"
_PATTERN = re.compile(r"(?:(?:\[([^\[\]]*)\]|([^:\[\]]*)):)?([0-9]{1,5})")


class Place(NamedTuple):
    """A host, by name or address, and a port; port 0 is any that is free."""

    host: str
    port: int


def parse(text: str) -> Place:
    """``[HOST:]PORT``; without a host it is the loopback address. Raises UsageError."""
    match = _PATTERN.fullmatch(text)
    if match is None or int(match[3]) > 0xFFFF:
        raise UsageError(f"--listen takes [HOST:]PORT, not {text}", hint=_HINT)
    host = next((one for one in match.group(1, 2) if one is not None), LOOPBACK)
    if not host:
        raise UsageError(f"--listen {text} names no host", hint="to be reached from others: 0.0.0.0:PORT or [::]:PORT")
    return Place(host, int(match[3]))
