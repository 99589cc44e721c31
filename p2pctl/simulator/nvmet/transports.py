"""Opening a port: what each transport asks of its address (drivers/nvme/target/tcp.c, rdma.c, fc.c, loop.c)."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from p2pctl.simulator.nodes import error
from p2pctl.simulator.nvmet import grammar
from p2pctl.simulator.nvmet.addresses import FAMILIES

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.ports import Port

_NUMBERS = {"rdma": 1, "fc": 2, "tcp": 3, "pci": 0, "loop": 254}
_NO_FAMILY = 255
_FEWEST, _MOST = 16, 1024
_TCP_INLINE = 16384
_RDMA_QUEUE, _RDMA_MOST = 128, 256
_LOWEST_INLINE_CAP = 16384
_MDTS_SINCE, _QUEUE_SINCE, _PI_SINCE = (7, 1), (6, 9), (5, 8)
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")
"""To bind TCP to it is no offence (net/ipv4/af_inet.c, ``inet_addr_valid_or_nonlocal``)."""
_LONGEST = {4: 16, 6: 48}

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class Listener(NamedTuple):
    """Where a port listens."""

    transport: Literal["tcp", "rdma", "fc"]
    address: IpAddress | str
    """Text for fibre channel."""
    service: int = 0

    @property
    def text(self) -> str:
        """As the kernel prints an address with its port."""
        if isinstance(self.address, ipaddress.IPv6Address):
            return f"[{self.address}]:{self.service}"
        return f"{self.address}:{self.service}"


def enable(port: Port) -> None:
    """Opens a port. Raises OSError, having said why.

    What it resolves of the parameters stays when it fails afterwards, as it does in the kernel.
    """
    kernel = port.kernel
    environment = kernel.environment
    if port.transport is None:
        raise error(errno.EINVAL)
    if port.transport not in environment.transports:
        kernel.say(f"nvmet: transport type {_NUMBERS[port.transport]} not supported")
        raise error(errno.EINVAL)
    if port.pi and port.transport != "rdma" and environment.version >= _PI_SINCE:
        kernel.say(f"nvmet: T10-PI is not supported by transport type {_NUMBERS[port.transport]}")
        raise error(errno.EINVAL)
    if port.transport == "tcp":
        port.listens = _tcp(port)
    elif port.transport == "rdma":
        port.listens = _rdma(port)
    elif port.transport == "fc":
        port.listens = _fc(port)
    port.inline = max(port.inline, 0)
    if environment.version >= _QUEUE_SINCE:
        port.queue = _MOST if port.queue < 0 else min(max(port.queue, _FEWEST), _MOST)
    if environment.version >= _MDTS_SINCE and port.mdts < 0:
        port.mdts = 0


def _tcp(port: Port) -> Listener:
    family = _family(port, "nvmet_tcp")
    listener = _parse(port, "tcp", family, "nvmet_tcp")
    if port.inline < 0:
        port.inline = _TCP_INLINE
    number = _tcp_refuses(port, listener)
    if number:
        port.kernel.say(f"nvmet_tcp: failed to bind port socket -{number}")
        raise error(number)
    port.kernel.say(f"nvmet_tcp: enabling port {port.portid} ({listener.text})")
    return listener


def _tcp_refuses(port: Port, listener: Listener) -> int:
    address = listener.address
    environment = port.kernel.environment
    if not isinstance(address, str) and not _is_local(address, environment.addresses):
        if isinstance(address, ipaddress.IPv6Address) and address.is_multicast:
            return errno.EINVAL
        if not address.is_multicast and address != _BROADCAST:
            return errno.EADDRNOTAVAIL
    if isinstance(address, ipaddress.IPv6Address) and address.is_link_local and address.scope_id is None:
        return errno.EINVAL
    if not listener.service:
        return 0
    taken = [one.address for one in _others(port, "tcp") if one.service == listener.service]
    taken += [ipaddress.ip_address(text) for text, number in environment.listeners if number == listener.service]
    return errno.EADDRINUSE if any(_clashes(address, one) for one in taken) else 0


def _clashes(one: IpAddress | str, other: IpAddress | str) -> bool:
    """Whether two sockets cannot listen at one port: IPv6's "any" is that of IPv4, too."""
    if isinstance(one, str) or isinstance(other, str):
        return False
    one, other = _plain(one), _plain(other)
    if one.version == other.version:
        return one == other or one.is_unspecified or other.is_unspecified
    six = one if one.version == 6 else other
    return six.is_unspecified


def _plain(address: IpAddress) -> IpAddress:
    """The address of IPv4 that an address of IPv6 stands for, where it does."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped if mapped is not None else address


def _rdma(port: Port) -> Listener:
    family = _family(port, "nvmet_rdma")
    kernel = port.kernel
    cap = max(_LOWEST_INLINE_CAP, kernel.environment.page_size)
    if port.inline < 0:
        port.inline = kernel.environment.page_size
    elif port.inline > cap:
        kernel.say(f"nvmet_rdma: inline_data_size {port.inline} is too large, reducing to {cap}")
        port.inline = cap
    if kernel.environment.version >= _QUEUE_SINCE:
        if port.queue < 0:
            port.queue = _RDMA_QUEUE
        elif port.queue > _RDMA_MOST:
            kernel.say(f"nvmet_rdma: max_queue_size {port.queue} is too large, reducing to {_RDMA_MOST}")
            port.queue = _RDMA_MOST
    listener = _parse(port, "rdma", family, "nvmet_rdma")
    number = _rdma_refuses(port, listener)
    if number:
        kernel.say(f"nvmet_rdma: binding CM ID to {listener.text} failed (-{number})")
        raise error(number)
    kernel.say(f"nvmet_rdma: enabling port {port.portid} ({listener.text})")
    return listener


def _rdma_refuses(port: Port, listener: Listener) -> int:
    """The connection manager takes an address that is none, or the loopback, without any device."""
    address = listener.address
    environment = port.kernel.environment
    if isinstance(address, str):
        return errno.EINVAL
    if isinstance(address, ipaddress.IPv6Address) and address.is_link_local and address.scope_id is None:
        return errno.EINVAL
    if _plain(address) is not address:
        # No interface has it as it is written, and here nobody looks behind that.
        return errno.EADDRNOTAVAIL
    if not _is_any(address):
        if not _is_local(address, environment.addresses):
            return errno.EADDRNOTAVAIL
        if str(address).partition("%")[0] not in environment.rdma:
            return errno.ENODEV
    return _rdma_clashes(port, listener, address)


def _rdma_clashes(port: Port, listener: Listener, address: IpAddress) -> int:
    """The two families do not get in each other's way here."""
    for other in _others(port, "rdma"):
        there = other.address
        if isinstance(there, str) or (other.service, there.version) != (listener.service, address.version):
            continue
        if listener.service and (_is_any(address) or _is_any(there)):
            return errno.EADDRNOTAVAIL
        if listener.service and address == there:
            return errno.EADDRINUSE
    return 0


def _is_any(address: IpAddress) -> bool:
    return address.is_unspecified or address.is_loopback


_FC = re.compile(r"nn-0x[0-9a-f]{16}:pn-0x[0-9a-f]{16}")


def _fc(port: Port) -> Listener:
    address = os.fsdecode(port.address).lower()
    if port.family != "fc":
        raise error(errno.EINVAL)
    if _FC.fullmatch(address) is None:
        port.kernel.say("nvmet_fc: bad traddr string")
        raise error(errno.EINVAL)
    if address not in port.kernel.environment.fc_ports:
        raise error(errno.ENXIO)
    if any(one.address == address for one in _others(port, "fc")):
        raise error(errno.EALREADY)
    return Listener("fc", address)


def _family(port: Port, module: str) -> int:
    if port.family in {"ipv4", "ipv6"}:
        return 4 if port.family == "ipv4" else 6
    number = FAMILIES[port.family] if port.family is not None else _NO_FAMILY
    port.kernel.say(f"{module}: address family {number} not supported")
    raise error(errno.EINVAL)


def _parse(port: Port, transport: Literal["tcp", "rdma"], family: int, module: str) -> Listener:
    """Address and service (net/core/utils.c, ``inet_pton_with_scope``). Raises EINVAL, having said so."""
    text = os.fsdecode(port.address)
    try:
        service = grammar.unsigned(port.service, 16)
        if len(port.address) > _LONGEST[family]:
            raise error(errno.EINVAL)
        return Listener(transport, _ipv4(text) if family == 4 else _ipv6(text), service)
    except (OSError, ValueError):
        port.kernel.say(f"{module}: malformed ip/port passed: {text}:{os.fsdecode(port.service)}")
        raise error(errno.EINVAL) from None


def _ipv4(text: str) -> ipaddress.IPv4Address:
    """Four decimal numbers, leading zeros allowed; a colon ends them (in4_pton). Raises ValueError."""
    parts = text.partition(":")[0].split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts):
        raise ValueError(text)
    return ipaddress.IPv4Address(".".join(str(int(part)) for part in parts))


def _ipv6(text: str) -> ipaddress.IPv6Address:
    """An address, with an interface behind a % that only a link-local one heeds. Raises ValueError."""
    plain, _, scope = text.partition("%")
    address = ipaddress.IPv6Address(plain)
    return ipaddress.IPv6Address(text) if scope and address.is_link_local else address


def _is_local(address: IpAddress, local: frozenset[str]) -> bool:
    address = _plain(address)
    if address.is_unspecified or str(address).partition("%")[0] in local:
        return True
    # All of 127.0.0.0/8 is the loopback's.
    return isinstance(address, ipaddress.IPv4Address) and address.is_loopback and "127.0.0.1" in local


def _others(port: Port, transport: str) -> Iterator[Listener]:
    for one in port.kernel.each_port():
        if one is not port and one.listens is not None and one.listens.transport == transport:
            yield one.listens
