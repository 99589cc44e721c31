"""Addresses of the host, and its TCP sockets, in the network namespace where the target binds its ports."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from p2pctl.model.facts import Fact, Gap, Missing


class Listener(NamedTuple):
    """A listening TCP socket."""

    address: str
    """IPv4 or IPv6 address in its shortest form; ``0.0.0.0`` and ``::`` are any."""
    port: int


class TcpConnection(NamedTuple):
    """An established TCP connection. An IPv4 address that IPv6 maps is written as the IPv4 address."""

    address: str
    port: int
    remote_address: str
    remote_port: int


class Network(NamedTuple):
    """The part of a Snapshot that holds addresses and TCP sockets."""

    taken: float
    addresses: Fact[frozenset[str]]
    """Local IPv4 and IPv6 addresses in their shortest form, without a zone; an IPv6 address that is still checked for
    duplicates is not among them, since nothing can be bound to it yet."""
    listening: Fact[tuple[Listener, ...]]
    established: Fact[tuple[TcpConnection, ...]]
    prefixes: frozenset[str] = frozenset()
    """Networks of which every IPv4 address is local, such as ``127.0.0.0/8``."""
    gaps: tuple[Gap, ...] = ()

    def local(self, address: str) -> Fact[bool]:
        """Whether a socket can be bound to an address, which may have a zone. False for what is no address."""
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if parsed.is_unspecified:
            return True
        if isinstance(self.addresses, Missing):
            return self.addresses
        return str(parsed) in self.addresses or any(
            isinstance(parsed, ipaddress.IPv4Address) and parsed in ipaddress.IPv4Network(prefix)
            for prefix in self.prefixes
        )
