"""Reads the host's addresses and TCP sockets.

The target binds its ports in the first network namespace, whoever writes to configfs (drivers/nvme/target/tcp.c); the
first process shows that one, also to who sits in another.
"""

from __future__ import annotations

import ipaddress
import re

from p2pctl.hardware.reading import Reader
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.network import Listener, Network, TcpConnection

FIRST = "/proc/1/net"
_OWN = "/proc/net"
_LIMIT = 16 << 20
"""Bytes read of one table at most: some 100,000 sockets."""
_SOCKET = re.compile(
    r"^ *[0-9]+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) (01|0A) ",
    re.MULTILINE,
)
_LOCAL = re.compile(r"\|-- ([0-9.]{7,15})\n((?: +/[0-9]{1,2} .*\n)+)")
_ROUTE = re.compile(r"/([0-9]{1,2}) \S+ LOCAL\b")
_IPV6 = re.compile(r"^([0-9a-f]{32}) [0-9a-f]+ [0-9a-f]+ [0-9a-f]+ ([0-9a-f]{2}) +\S+$", re.MULTILINE)
_ESTABLISHED = "01"
_TENTATIVE, _OPTIMISTIC = 0x40, 0x04  # IFA_F_TENTATIVE, IFA_F_OPTIMISTIC, include/uapi/linux/if_addr.h


def read_network(reader: Reader, now: float) -> Network:
    """Local addresses, listening sockets and established connections."""
    tables = _Tables(reader)
    addresses, prefixes = _addresses(tables)
    listening, established = _sockets(tables)
    return Network(now, addresses, listening, established, prefixes, tuple(reader.gaps))


class _Tables:
    """The tables of one network namespace."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.place = FIRST
        self.whole = True
        """Whether no table was longer than what is read of one."""
        try:
            reader.files.list(FIRST)
        except OSError as error:
            self.place = _OWN
            reader.gap("network namespace", None, FIRST, "root, to look into the first network namespace", error.errno)

    def text(self, name: str, fact: str) -> Fact[str]:
        path = f"{self.place}/{name}"
        try:
            data = self.reader.files.read(path, _LIMIT)
        except OSError as error:
            return self.reader.missing(error, path, fact)
        if len(data) == _LIMIT:
            self.whole = False
            self.reader.gap(fact, None, path, "a shorter table: the rest of this one was not read")
        return data.decode("ascii", "replace")


def _addresses(tables: _Tables) -> tuple[Fact[frozenset[str]], frozenset[str]]:
    """Single addresses, and networks of which each is local."""
    four, six = tables.text("fib_trie", "addresses"), tables.text("if_inet6", "addresses")
    if four is ABSENT:
        tables.reader.gap("addresses", None, f"{tables.place}/fib_trie", "a kernel that shows its addresses")
    # A kernel without IPv6 has no table of it.
    if isinstance(four, Missing) or six is UNREADABLE or not tables.whole:
        return UNREADABLE, frozenset()
    found: set[str] = set()
    prefixes: set[str] = set()
    for match in _LOCAL.finditer(four):
        for length in _ROUTE.findall(match[2]):
            try:
                network = ipaddress.IPv4Network(f"{match[1]}/{length}")
            except ValueError:
                continue
            if network.prefixlen == network.max_prefixlen:
                found.add(str(network.network_address))
            else:
                prefixes.add(str(network))
    return frozenset(found | (set() if isinstance(six, Missing) else _ipv6(six))), frozenset(prefixes)


def _ipv6(text: str) -> set[str]:
    """Addresses that a socket can be bound to (net/ipv6/addrconf.c)."""
    return {
        str(ipaddress.IPv6Address(int(digits, 16)))
        for digits, flags in _IPV6.findall(text)
        if not int(flags, 16) & _TENTATIVE or int(flags, 16) & _OPTIMISTIC
    }


def _sockets(tables: _Tables) -> tuple[Fact[tuple[Listener, ...]], Fact[tuple[TcpConnection, ...]]]:
    four, six = tables.text("tcp", "sockets"), tables.text("tcp6", "sockets")
    if isinstance(four, Missing) or six is UNREADABLE:
        if four is ABSENT:
            tables.reader.gap("sockets", None, f"{tables.place}/tcp", "a kernel that shows its sockets")
        return UNREADABLE, UNREADABLE
    listening: list[Listener] = []
    established: list[TcpConnection] = []
    for text in (four, "" if isinstance(six, Missing) else six):
        for match in _SOCKET.finditer(text):
            address, port = _address(match[1]), int(match[2], 16)
            if match[5] == _ESTABLISHED:
                established.append(TcpConnection(address, port, _address(match[3]), int(match[4], 16)))
            else:
                listening.append(Listener(address, port))
    # The kernel lists what listens first (net/ipv4/tcp_ipv4.c): of a table that was cut, those are whole.
    return tuple(listening), tuple(established) if tables.whole else UNREADABLE


def _address(digits: str) -> str:
    """What the tables print: 32 bits at a time, in the order of a little-endian processor's memory."""
    raw = b"".join(bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8))
    address = ipaddress.ip_address(raw)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
