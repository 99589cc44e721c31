"""What the kernel asks of a port's attributes and of names, whoever wishes for them: a document or a command.

Sources: drivers/nvme/target/configfs.c, core.c, tcp.c, rdma.c, fc.c; net/core/utils.c; drivers/infiniband/core/cma.c.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

from p2pctl.model.nvmet import kernel_number
from p2pctl.target import grammar

IP = frozenset({"tcp", "rdma"})
"""Transports that listen on an IP address."""

LISTENS = ("addr_trtype", "addr_adrfam", "addr_traddr", "addr_trsvcid", "param_pi_enable")
"""Attributes that are judged only when the port is enabled."""

SECURITY = ("addr_trtype", "addr_tsas", "addr_treq")
"""Attributes that are judged when they are written."""

_FAMILIES: Mapping[str, tuple[str, ...]] = {"tcp": ("ipv4", "ipv6"), "rdma": ("ipv4", "ipv6"), "fc": ("fc",)}
"""The address families that a transport takes; the others do not look."""

_SECURITY: Mapping[str, tuple[str, ...]] = {"tcp": ("none", "tls1.3"), "rdma": ("connected",)}

_VERSIONS = {"ipv4": 4, "ipv6": 6}

_SERVICE_MAX = 0xFFFF

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class Fault(NamedTuple):
    """One attribute that the kernel would refuse, or that would make the port useless."""

    key: str
    """The attribute's name in a document."""
    text: str


def security(values: Mapping[str, str]) -> Iterator[Fault]:
    """What is wrong with tsas and treq. What is not given may be anything."""
    transport = values.get("addr_trtype")
    wanted = values.get("addr_tsas")
    if transport is not None and wanted and wanted not in _SECURITY.get(transport, ()):
        possible = " or ".join(_SECURITY.get(transport, ("no tsas at all",)))
        shown = transport or "a port without trtype"
        yield Fault("tsas", f"tsas {wanted} is not possible with {shown}: it takes {possible}")
    if wanted == "tls1.3" and values.get("addr_treq") == "not specified":
        yield Fault("treq", "with tsas tls1.3 the kernel refuses treq not specified: required, or not required")


def listening(values: Mapping[str, str]) -> Iterator[Fault]:
    """What is wrong with the rest once the port is enabled. What is not given may be anything."""
    transport = values.get("addr_trtype", "")
    family = values.get("addr_adrfam", "")
    families = _FAMILIES.get(transport, ())
    if families and family and family not in families:
        yield Fault("adrfam", f"{transport} takes adrfam {' or '.join(families)}, not {family}")
    if transport not in {"", "rdma"} and _is_on(values.get("param_pi_enable", "")):
        yield Fault("pi_enable", f"pi_enable is not possible with {transport}: of all transports only rdma has it")
    if transport not in IP:
        return
    service = values.get("addr_trsvcid", "")
    number = kernel_number(service)
    if number == 0:
        yield Fault("trsvcid", "port 0 would be another one at each start: hosts could not find it")
    elif service and (number is None or number > _SERVICE_MAX):
        yield Fault("trsvcid", f"{transport} takes a port number 1..65535")
    address = values.get("addr_traddr", "")
    version = ip_version(address)
    wanted = _VERSIONS.get(family)
    if address and (version is None if wanted is None else version != wanted):
        kind = "IP" if wanted is None else f"IPv{wanted}"
        yield Fault("traddr", f"{address[:60]!r} is no {kind} address")


def missing(values: Mapping[str, str]) -> Iterator[Fault]:
    """What a port lacks that is to export something: here all is given that the port will have."""
    transport = values.get("addr_trtype", "")
    if transport in IP and not values.get("addr_traddr"):
        yield Fault("traddr", f"{transport} needs an address to listen on, and it has none")
    if transport in IP and not values.get("addr_trsvcid"):
        yield Fault("trsvcid", f"{transport} needs a port number to listen on, and it has none")
    # That of an IP address goes without saying (`family_of`).
    if transport in _FAMILIES and transport not in IP and not values.get("addr_adrfam"):
        yield Fault("adrfam", f"{transport} needs adrfam {' or '.join(_FAMILIES[transport])}, and it has none")


def family_of(values: Mapping[str, str]) -> str | None:
    """The address family that a port's address has, for transports over IP; None where that cannot be told."""
    version = ip_version(values.get("addr_traddr", "")) if values.get("addr_trtype") in IP else None
    return None if version is None else f"ipv{version}"


def ip_version(text: str) -> int | None:
    """4 or 6; None for what is no address."""
    address = _parsed(text)
    return None if address is None else address.version


def overlap(transport: str, one: str, other: str) -> bool:
    """Whether two ports of one transport cannot listen on these addresses under one service number.

    The "any" of IPv6 takes IPv4 addresses, too, for TCP: the target does not ask for IPv6 alone. For RDMA the families
    are apart, and the loopback address counts as "any" (``cma_any_addr``).
    """
    here, there = _parsed(one), _parsed(other)
    if here is None or there is None:
        return one == other
    if transport == "rdma":
        return here.version == there.version and (here == there or _is_any(here) or _is_any(there))
    here, there = _plain(here), _plain(there)
    if here.version == there.version:
        return here == there or here.is_unspecified or there.is_unspecified
    return (here if here.version == 6 else there).is_unspecified


def is_unspecified(text: str) -> bool:
    """Whether an address means every one that the host has, or will have."""
    address = _parsed(text)
    return address is not None and address.is_unspecified


def is_loopback(text: str) -> bool:
    """Whether an address is the host's own for itself."""
    address = _parsed(text)
    return address is not None and address.is_loopback


def hides(discovery: str, nqn: str) -> bool:
    """Whether a name cannot become that of discovery beside a subsystem.

    The kernel compares as many letters as the new name has (``nvmet_root_discovery_nqn_store``).
    """
    return bool(discovery) and nqn.startswith(discovery)


def _parsed(text: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _plain(address: IpAddress) -> IpAddress:
    """The IPv4 address that one of IPv6 stands for, where it does."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


def _is_any(address: IpAddress) -> bool:
    return address.is_unspecified or address.is_loopback


def _is_on(text: str) -> bool:
    try:
        return grammar.boolean(text) == "1"
    except ValueError:
        return False
