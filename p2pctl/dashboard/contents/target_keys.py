"""What records of the target are called: unique in the view, and what the findings call them, too."""

from __future__ import annotations

import re
from collections.abc import Iterable

from p2pctl.target.connections import Connection

_OF_PORT = re.compile(r"port \S+ (namespace \d+ of .+)", re.DOTALL)


def subsystem_key(nqn: str) -> str:
    """A subsystem."""
    return f"subsystem {nqn}"


def namespace_key(nqn: str, nsid: int) -> str:
    """A namespace."""
    return f"namespace {nsid} of {nqn}"


def port_key(name: str) -> str:
    """A port, by the name of its directory."""
    return f"port {name}"


def host_key(nqn: str) -> str:
    """A host that the target knows."""
    return f"host {nqn}"


def referral_key(port: str, name: str) -> str:
    """A referral of a port."""
    return f"referral {name} of port {port}"


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
