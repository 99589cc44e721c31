"""Reads RDMA devices and network interfaces."""

from __future__ import annotations

from collections.abc import Iterable

from p2pctl.hardware.reading import Reader, natural, pci_ancestor
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.rdma import Gid, Interface, Rdma, RdmaDevice, RdmaPort

_CLASS = "/sys/class/infiniband"
_NET = "/sys/class/net"
_UNUSED_GID = "0000:0000:0000:0000:0000:0000:0000:0000"

VIRTUAL_DMA_DRIVERS = frozenset({"hfi1", "qib"})
"""Drivers with a PCI function that register without a DMA device all the same (rdmavt)."""


def read_rdma(reader: Reader, now: float) -> Rdma:
    """All RDMA devices and network interfaces."""
    interfaces = {name: _interface(reader, name) for name in sorted(reader.names(_NET, "interfaces"), key=natural)}
    devices: dict[str, RdmaDevice] = {}
    for name in sorted(reader.names(_CLASS, "rdma devices"), key=natural):
        path = reader.device_path(f"{_CLASS}/{name}", "rdma device", name)
        if not isinstance(path, Missing):
            devices[name] = _device(reader, name, path, interfaces.values())
    present = {name: interface for name, interface in interfaces.items() if interface is not None}
    return Rdma(now, devices, present, tuple(reader.gaps))


def _interface(reader: Reader, name: str) -> Interface | None:
    path = reader.device_path(f"{_NET}/{name}", "interface", name)
    if isinstance(path, Missing) or path.startswith(_NET):  # bonding_masters is a file among the links
        return None
    return Interface(name, pci_ancestor(path) or ABSENT, reader.text(f"{path}/operstate", "interface state", name))


def _device(reader: Reader, name: str, path: str, interfaces: Iterable[Interface | None]) -> RdmaDevice:
    address = pci_ancestor(path)
    driver: Fact[str] = ABSENT
    if address is not None:
        directory = path[: path.index(str(address)) + len(str(address))]
        driver = reader.link_name(f"{directory}/driver", "driver", name)
    virtual, reason = _virtual_dma(address, driver)
    ports = tuple(
        _port(reader, name, f"{path}/ports/{number}", int(number))
        for number in sorted(reader.names(f"{path}/ports", "rdma ports", name), key=natural)
        if number.isascii() and number.isdigit() and len(number) < 4
    )
    owners = {i.name for i in interfaces if i is not None and address is not None and i.address == address}
    for port in ports:
        owners.update(gid.interface for gid in port.gids if not isinstance(gid.interface, Missing))
    return RdmaDevice(
        name=name,
        address=address or ABSENT,
        driver=driver,
        node_guid=reader.text(f"{path}/node_guid", "node guid", name),
        virtual_dma=virtual,
        virtual_dma_reason=reason,
        ports=ports,
        interfaces=tuple(sorted(owners, key=natural)),
    )


def _virtual_dma(address: Address | None, driver: Fact[str]) -> tuple[Fact[bool], str | None]:
    if address is None:
        return True, "a software device: it hangs on no PCI function"
    if driver in VIRTUAL_DMA_DRIVERS:
        return True, f"driver {driver} registers without a DMA device"
    return (UNREADABLE if driver is UNREADABLE else False), None


def _port(reader: Reader, name: str, path: str, number: int) -> RdmaPort:
    indexes = sorted(reader.names(f"{path}/gids", "gids", name), key=natural)
    gids = (_gid(reader, name, path, index) for index in indexes if index.isascii() and index.isdigit())
    state = reader.text(f"{path}/state", "rdma port state", name)
    return RdmaPort(
        number=number,
        state=state if isinstance(state, Missing) else state.partition(": ")[2] or state,
        link_layer=reader.text(f"{path}/link_layer", "link layer", name),
        gids=tuple(gid for gid in gids if gid is not None),
    )


def _gid(reader: Reader, name: str, path: str, index: str) -> Gid | None:
    gid = reader.text(f"{path}/gids/{index}", "gid", name)
    if isinstance(gid, Missing) or gid == _UNUSED_GID:
        return None
    return Gid(
        index=int(index[:9]),
        gid=gid,
        type=reader.text(f"{path}/gid_attrs/types/{index}", "gid type", name),
        interface=reader.text(f"{path}/gid_attrs/ndevs/{index}", "gid interface", name),
    )
