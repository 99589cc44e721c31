"""Addresses that a plan is to listen on: whether the host and its RDMA devices have them, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import Nvmet, Port, kernel_number
from p2pctl.resolver.kernel_rules import KERNEL_RULES
from p2pctl.resolver.ports import port_devices
from p2pctl.target import paths
from p2pctl.target.port_rules import IP, ip_version, is_loopback, is_unspecified, overlap
from p2pctl.target.problems import Facts, Problem


class _Place(NamedTuple):
    """Where a port listens."""

    transport: str
    address: str
    service: str

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.transport} {shown}:{self.service}" if self.transport in IP else self.transport

    @property
    def number(self) -> int | None:
        """The port number of a transport over IP."""
        return kernel_number(self.service) if self.transport in IP else None

    def clashes(self, other: _Place) -> bool:
        """Whether two ports cannot listen there at the same time."""
        if self.transport not in IP or self.transport != other.transport:
            return self == other
        return self.number == other.number and overlap(self.transport, self.address, other.address)


def _text(port: Port, file: str) -> str:
    value = port.attributes.get(file)
    return value if isinstance(value, str) else ""


def _place(port: Port) -> _Place:
    return _Place(_text(port, "addr_trtype"), _text(port, "addr_traddr"), _text(port, "addr_trsvcid"))


def addresses(facts: Facts) -> Iterator[Problem]:
    """What stands against ports that begin to listen, or to listen elsewhere."""
    taken: list[tuple[_Place, str]] = []
    new: list[Port] = []
    for name, port in facts.wanted.ports.items():
        before = facts.live.ports.get(name)
        if port.links and before is not None and before.links and _place(before) == _place(port):
            taken.append((_place(port), paths.called_port(port)))
        elif port.links and not isinstance(port.attributes.get("addr_trtype"), Missing):
            new.append(port)
    for port in new:
        place, subject = _place(port), paths.called_port(port)
        other = next((one for one in taken if place.clashes(one[0])), None)
        yield from _listening_problems(facts, port, place, other)
        taken.append((place, subject))


def _listening_problems(facts: Facts, port: Port, place: _Place, other: tuple[_Place, str] | None) -> Iterator[Problem]:
    transport, address, _ = place
    subject = paths.called_port(port)
    if not transport:
        yield Problem("no-transport", subject, "it is to export subsystems without a transport", "set trtype")
        return
    over_ip = transport in IP
    if over_ip and (ip_version(address) is None or not place.number):
        return  # what is wrong with them is told elsewhere
    if other is not None:
        text = f"{other[1]} listens on {other[0]}"
        yield Problem("address-taken", subject, text, "use another address or service")
        return
    if over_ip and facts.network is not None and facts.network.local(address) is False:
        hint = "configure the address, or wait for it with --wait"
        yield Problem("address-missing", subject, f"this host has no address {address}", hint, waitable=True)
    elif transport == "rdma":
        yield from _rdma_device(facts, subject, port)
    yield from _program(facts, subject, place)


def _rdma_device(facts: Facts, subject: str, port: Port) -> Iterator[Problem]:
    """An address needs a device (ENODEV); those that mean every address need none (``rdma_bind_addr``).

    The loopback address is one of these: the kernel would open the port to every device, which nobody means by it.
    """
    address = _text(port, "addr_traddr")
    # Which rules hold decides about P2P memory only, not about whose an address is.
    found = None if facts.rdma is None else port_devices(port, facts.rdma, KERNEL_RULES[-1])
    if found is None or found.devices or not found.certain or is_unspecified(address):
        return
    if is_loopback(address):
        text = f"no RDMA device has the address {address}, and the kernel takes it for every address of every device"
        hint = "give the address of an RDMA device: p2pctl device list shows them"
        yield Problem("rdma-device-missing", subject, text, hint)
        return
    hint = "ip address shows whose it is, p2pctl device list the RDMA devices; p2pctl apply --wait waits for one"
    text = f"no RDMA device has the address {address} (yet)"
    yield Problem("rdma-device-missing", subject, text, hint, waitable=True)


def _program(facts: Facts, subject: str, place: _Place) -> Iterator[Problem]:
    """Somebody else's socket. The target's own are in the list, too; what overlaps one of them can be no other."""
    if place.transport != "tcp" or facts.network is None or isinstance(facts.network.listening, Missing):
        return
    ours = _ours(facts.live)
    for one in facts.network.listening:
        there = _Place("tcp", one.address, str(one.port))
        if place.clashes(there) and not any(mine.clashes(there) for mine in ours):
            text = f"another program listens on {there}"
            hint = "use another service, or stop the program: ss -ltnp shows it"
            yield Problem("address-taken", subject, text, hint)
            return


def _ours(live: Nvmet) -> tuple[_Place, ...]:
    return tuple(_place(port) for port in live.ports.values() if port.links and _text(port, "addr_trtype") == "tcp")
