"""The target's TCP sockets as /proc/net shows them (net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c).

RDMA connections are none of TCP's, and show nothing.
"""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.simulator.nodes import File, Node

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.kernel import NvmetKernel
    from p2pctl.simulator.nvmet.ports import Port
    from p2pctl.simulator.nvmet.transports import IpAddress

_LISTEN, _ESTABLISHED = 0x0A, 0x01
_FIRST_EPHEMERAL = 32768
_EPHEMERAL = 28232
_WIDTH = 149
"""Columns of a line of /proc/net/tcp, which are filled up with spaces."""

_HEAD = {
    4: "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    6: "  sl  local_address                         remote_address                        st tx_queue rx_queue tr"
    " tm->when retrnsmt   uid  timeout inode",
}


class Socket(NamedTuple):
    """One socket."""

    local: IpAddress
    local_port: int
    remote: IpAddress | None = None
    """None where it listens."""
    remote_port: int = 0


def each(kernel: NvmetKernel) -> Iterator[Socket]:
    """The listeners of the target and of others, then the target's connections: the order of the kernel's tables."""
    listeners = tuple(_listeners(kernel))
    for _, address, service in listeners:
        yield Socket(address, service)
    for other, number in sorted(kernel.environment.listeners):
        yield Socket(ipaddress.ip_address(other), number)
    for port, address, service in listeners:
        for controller in kernel.controllers():
            if controller.port is port and controller.address:
                remote = ipaddress.ip_address(controller.address)
                local = _own(address, remote, kernel)
                for queue in range(controller.queues + 1):
                    source = _ephemeral(f"{controller.hostnqn} {controller.number} {queue}")
                    yield Socket(local, service, remote, source)


def _listeners(kernel: NvmetKernel) -> Iterator[tuple[Port, IpAddress, int]]:
    for port in kernel.each_port():
        one = port.listens
        if one is not None and one.transport == "tcp" and not isinstance(one.address, str):
            yield port, one.address, one.service or _ephemeral(f"port {port.name}")


def _own(listens: IpAddress, remote: IpAddress, kernel: NvmetKernel) -> IpAddress:
    """The address that a connection came to: of a listener at any address, the first of the host's own."""
    if not listens.is_unspecified:
        return listens
    local = (ipaddress.ip_address(one) for one in sorted(kernel.environment.addresses))
    return next((one for one in local if one.version == remote.version and not one.is_loopback), listens)


def _ephemeral(what: str) -> int:
    return _FIRST_EPHEMERAL + zlib.crc32(what.encode("utf-8", "surrogateescape")) % _EPHEMERAL


def table(kernel: NvmetKernel, version: int) -> bytes:
    """``/proc/net/tcp`` for 4, ``/proc/net/tcp6`` for 6."""
    lines = [_HEAD[version]]
    for socket in each(kernel):
        if socket.local.version == version:
            lines.append(_line(len(lines) - 1, socket))
    return "".join(f"{one:<{_WIDTH}}\n" for one in lines).encode()


def _line(number: int, socket: Socket) -> str:
    local = f"{_hex(socket.local)}:{socket.local_port:04X}"
    nowhere = "0" * (8 if socket.local.version == 4 else 32)
    remote = f"{nowhere if socket.remote is None else _hex(socket.remote)}:{socket.remote_port:04X}"
    state = _LISTEN if socket.remote is None else _ESTABLISHED
    inode = 20_000 + zlib.crc32(f"{local}{remote}".encode()) % 60_000
    return (
        f"{number:4d}: {local} {remote} {state:02X} 00000000:00000000 00:00000000 00000000     0        0 {inode}"
        f" 1 {0xFF11000100000000 + inode * 0x940:016x} 100 0 0 10 0"
    )


def _hex(address: IpAddress) -> str:
    """Words of 32 bits as a little-endian processor prints them."""
    raw = address.packed
    return "".join(raw[at : at + 4][::-1].hex().upper() for at in range(0, len(raw), 4))


def tables(kernel: NvmetKernel) -> dict[str, Node]:
    """The files by path, for processes that ask for their own network and for those that ask for init's."""
    found: dict[str, Node] = {}
    for above in ("/proc/net", "/proc/1/net"):
        found[f"{above}/tcp"] = File(lambda: table(kernel, 4), size=0)
        found[f"{above}/tcp6"] = File(lambda: table(kernel, 6), size=0)
    return found


_TREE_HEAD = "  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n"
_INTERFACE_FLAGS = "80"
"""IFA_F_PERMANENT."""


def fib_trie(addresses: Iterable[str]) -> bytes:
    """``/proc/net/fib_trie`` of a host with these addresses (net/ipv4/fib_trie.c): local ones, and the loopback's."""
    four = sorted(ipaddress.IPv4Address(one) for one in addresses if ":" not in one)
    leaves = [f"     |-- {one}\n        /32 host LOCAL\n" for one in four]
    if any(one.is_loopback for one in four):
        leaves.insert(0, "     |-- 127.0.0.0\n        /8 host LOCAL\n")
    return "".join(["Main:\n", _TREE_HEAD, "Local:\n", _TREE_HEAD, *leaves]).encode()


def if_inet6(addresses: Iterable[tuple[str, str, int]]) -> bytes:
    """``/proc/net/if_inet6`` for addresses, each with its interface and that one's number (net/ipv6/addrconf.c)."""
    lines = []
    for text, interface, number in addresses:
        address = ipaddress.IPv6Address(text)
        length, scope = (128, 0x10) if address.is_loopback else (64, 0x20 if address.is_link_local else 0)
        head = f"{address.packed.hex()} {number:02x} {length:02x} {scope:02x} {_INTERFACE_FLAGS}"
        lines.append(f"{head} {interface:>8}\n")
    return "".join(lines).encode()
