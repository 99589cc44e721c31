"""From a port of the NVMe target to the RDMA devices behind it, and to their PCI functions.

The kernel learns the device only when a host connects (drivers/nvme/target/rdma.c binds an address, no device); this
is who it can be. The addresses of network interfaces are not read: RoCE shows them in its GIDs, others do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.nvmet import Port
from p2pctl.model.rdma import Gid, Rdma, RdmaDevice
from p2pctl.resolver.logic import Answer
from p2pctl.resolver.rdma import RdmaRefusal, refuse_rdma
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.verdict import Reason

Basis = Literal["gid", "interface", "wildcard", "possible", "named"]
"""How a device was found: the address is one of its GIDs; the address names its interface; the port listens on every
address; nothing rules it out; somebody asked for it."""

_ROCE = "RoCE v2"


@dataclass(frozen=True, slots=True)
class PortDevice:
    """An RDMA device that may serve a port."""

    name: str
    """What it is called; that of the interface, or the address, for one that is no RDMA device."""
    address: Address | None
    """Its PCI function; None where it has none, or none that is known."""
    basis: Basis
    refusal: RdmaRefusal | None
    """Why the NVMe target gives it no P2P memory."""

    @property
    def usable(self) -> Answer:
        """Whether it can be a client; None where that is not known."""
        if self.refusal is not None and self.refusal.refused:
            return False
        return None if self.refusal is not None or self.address is None else True


@dataclass(frozen=True, slots=True)
class PortDevices:
    """A port, and who may serve it."""

    port: str
    """Directory name."""
    transport: Fact[str]
    address: Fact[str]
    devices: tuple[PortDevice, ...]
    """By name."""
    certain: bool
    """Whether it is one of these for sure: False where something was not read."""
    reasons: tuple[Reason, ...]
    """Why there are no devices, or not all of them can be clients."""
    warnings: tuple[Reason, ...]
    """What to know of a port that can have clients."""

    @property
    def clients(self) -> tuple[Address, ...]:
        """The functions that a provider must serve, without those that are refused whatever their place."""
        return tuple(sorted({one.address for one in self.devices if one.address is not None and one.usable}))

    @property
    def possible(self) -> Answer:
        """Whether P2P can work here at all: with some device, perhaps, or never."""
        if not self.devices:
            return False if self.certain else None
        answers = {one.usable for one in self.devices}
        return True if True in answers else None if None in answers else False


def port_devices(port: Port, rdma: Rdma | None, rules: RuleSet) -> PortDevices:
    """Who may serve a port of the target."""
    transport = port.attributes.get("addr_trtype", ABSENT)
    address = port.attributes.get("addr_traddr", ABSENT)

    found = _Found(port.name, transport, address)
    if isinstance(transport, Missing) or transport == "":
        text = f"port {port.name} has no transport yet" if transport == "" else f"port {port.name}: transport not known"
        return found(certain=transport == "", reasons=[Reason("transport-unknown", text)])
    if transport != "rdma":
        text = f"port {port.name} is {transport}: only RDMA transports can use P2P memory"
        return found(reasons=[Reason("transport-cannot", text)])
    if rdma is None:
        return found(certain=False, reasons=[Reason("rdma-not-read", "the RDMA devices were not read")])
    where = None if isinstance(address, Missing) else _parse(address)
    if where is None:
        shown = "" if isinstance(address, Missing) else f" {address!r}"
        text = f"port {port.name} has no IP address that can be understood{shown}"
        return found(certain=not isinstance(address, Missing), reasons=[Reason("address-unknown", text)])
    return _search(where, rdma, rules, found)


@dataclass(frozen=True, slots=True)
class _Found:
    """The answer in the making: what it is about."""

    port: str
    transport: Fact[str]
    address: Fact[str]

    def __call__(
        self,
        devices: Iterable[PortDevice] = (),
        *,
        certain: bool = True,
        reasons: Iterable[Reason] = (),
        warnings: Iterable[Reason] = (),
    ) -> PortDevices:
        some = tuple(sorted(devices, key=lambda one: one.name))
        refused = (one.refusal.reason for one in some if one.refusal is not None)
        told = (*reasons, *refused)
        return PortDevices(self.port, self.transport, self.address, some, certain, told, tuple(warnings))


def named_port(name: str, address: Address | None, rdma: Rdma | None, rules: RuleSet) -> PortDevices:
    """A port that nobody configured: an RDMA device or an interface by name, or a function by ``address``."""
    devices = rdma.devices.values() if rdma is not None else ()
    some = [one for one in devices if one.name == name]
    some = some or [one for one in devices if name in one.interfaces]
    some = some or [one for one in devices if address is not None and one.address == address]
    if some:
        all_of_them = tuple(_device(one, "named", rules) for one in some)
        refused = tuple(one.refusal.reason for one in all_of_them if one.refusal is not None)
        return PortDevices(name, "rdma", name, all_of_them, True, refused, ())
    text = f"{name} is no RDMA device, nor an interface of one"
    return PortDevices(name, ABSENT, name, (), True, (Reason("no-rdma-device", text, address),), ())


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def gid_of(address: IPv4Address | IPv6Address) -> str:
    """The address as RoCE writes it into a GID table: eight groups of four digits."""
    if isinstance(address, IPv4Address):
        address = IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)
    return IPv6Address(int(address)).exploded


def _search(where: IPv4Address | IPv6Address, rdma: Rdma, rules: RuleSet, found: _Found) -> PortDevices:
    every = rdma.devices.values()
    listed = not any(gap.fact == "rdma devices" for gap in rdma.gaps)
    if where.is_unspecified:
        text = f"port {found.port} listens on every address ({where}): any RDMA device may serve it, so all must do"
        none = [] if rdma.devices else [Reason("no-rdma-device", "there is no RDMA device")]
        return found(
            (_device(one, "wildcard", rules) for one in every),
            certain=listed,
            reasons=none,
            warnings=[Reason("wildcard", text)],
        )
    scope = where.scope_id if isinstance(where, IPv6Address) else None
    matches = [(one, gid) for one in every for gid in _gids(one) if gid.gid == gid_of(where) and _on(gid, scope)]
    if matches:
        devices = {one.name: _device(one, "gid", rules) for one, _ in matches}
        return found(devices.values(), warnings=_upper(rdma, matches))
    if scope is not None:
        behind = [one for one in every if scope in one.interfaces]
        if behind:
            return found(_device(one, "interface", rules) for one in behind)
    return _unmatched(where, rdma, rules, found)


def _unmatched(where: IPv4Address | IPv6Address, rdma: Rdma, rules: RuleSet, found: _Found) -> PortDevices:
    """An address that is in no GID table: IPoIB and iWARP have none there, so their devices remain possible."""
    silent = [one for one in rdma.devices.values() if _says_no_addresses(one)]
    if silent:
        names = ", ".join(one.name for one in silent)
        text = (
            f"{where} is the address of no RoCE device. It may be that of an IPoIB or iWARP interface: "
            f"interface addresses are not read, so {names} remain possible (ip -br address tells)"
        )
        devices = (_device(one, "possible", rules) for one in silent)
        return found(devices, certain=False, warnings=[Reason("interface-addresses-not-read", text)])
    gap = next((gap for gap in rdma.gaps if gap.fact in {"rdma devices", "gids", "gid"}), None)
    if gap is not None:
        text = f"whose address {where} is cannot be told: {gap.path or gap.fact} was not read"
        return found(certain=False, reasons=[Reason("gids-unknown", text)])
    text = f"no RDMA device has the address {where} of port {found.port} now"
    return found(reasons=[Reason("no-rdma-device", text)])


def _gids(device: RdmaDevice) -> Iterable[Gid]:
    return (gid for port in device.ports for gid in port.gids)


def _on(gid: Gid, scope: str | None) -> bool:
    """A link-local address counts on its own interface only."""
    return scope is None or isinstance(gid.interface, Missing) or gid.interface == scope


def _says_no_addresses(device: RdmaDevice) -> bool:
    """Whether a device keeps IP addresses out of its GIDs: InfiniBand, and Ethernet that speaks no RoCE v2."""
    layers = {port.link_layer for port in device.ports}
    return "InfiniBand" in layers or not any(gid.type == _ROCE for gid in _gids(device))


def _upper(rdma: Rdma, matches: Iterable[tuple[RdmaDevice, Gid]]) -> list[Reason]:
    """A VLAN moves nothing. Below a bond the address is that of the active leg, and moves with it."""
    told: dict[str, Reason] = {}
    for device, gid in matches:
        name = gid.interface
        interface = None if isinstance(name, Missing) else rdma.interfaces.get(name)
        if isinstance(name, Missing) or "." in name or interface is None or interface.address is not ABSENT:
            continue
        if isinstance(device.address, Missing):
            continue  # a software device runs over whatever it was given
        text = (
            f"the address belongs to {name}, which runs over other interfaces: of a bond in active-backup mode only "
            "the active leg shows here, so look again after a failover"
        )
        told[name] = Reason("upper-interface", text, device.address)
    return list(told.values())


def _device(device: RdmaDevice, basis: Basis, rules: RuleSet) -> PortDevice:
    address = None if isinstance(device.address, Missing) else device.address
    refusal = refuse_rdma(device, rules)
    if refusal is None and address is None:
        known = device.address is ABSENT
        text = f"{device.name} hangs on no PCI function" if known else f"the PCI function of {device.name} is not known"
        refusal = RdmaRefusal(True if known else None, Reason("not-a-pci-device", text))
    return PortDevice(device.name, address, basis, refusal)
