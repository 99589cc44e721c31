"""Keys of the target's records that have no name of their own, and the records that findings are about.

The key of every other record is what people call it, as ``p2pctl.target.paths`` tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from p2pctl.target.connections import Connection

_OF_PORT = re.compile(r"port \S+ (namespace \d+ of .+)", re.DOTALL)


def connection_keys(found: Iterable[Connection]) -> tuple[str, ...]:
    """One for each, in their order; those that nothing tells apart are numbered."""
    return numbered(
        f"connection {one.kind} {one.basis} {one.path or (one.subsystem, one.cntlid, one.ports, one.host, one.address)}"
        for one in found
    )


def numbered(keys: Iterable[str]) -> tuple[str, ...]:
    """The keys, with a number behind each that was there before."""
    seen: dict[str, int] = {}
    unique = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        unique.append(key if seen[key] == 1 else f"{key} #{seen[key]}")
    return tuple(unique)


def record_key(subject: str) -> str:
    """The record that the subject of a finding is about: ``port 1 namespace 2 of nqn...`` is about the namespace."""
    match = _OF_PORT.fullmatch(subject)
    return match[1] if match else subject
