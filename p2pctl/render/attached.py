"""What hangs on a function: controllers with their namespaces, RDMA devices with their GIDs, interfaces, disks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from p2pctl.model.address import Address
from p2pctl.model.block import BlockDevice
from p2pctl.model.facts import Fact, Missing
from p2pctl.model.nvme import Controller, Namespace
from p2pctl.model.rdma import Interface, RdmaDevice
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.page import Field, Fields, Grid, Section
from p2pctl.render.report import Column, Item, Value, jsonable

_NAMESPACE_COLUMNS = (
    Column("name", "namespace", style="name"),
    Column("nsid", "nsid", style="number"),
    Column("size", "size", style="bytes"),
    Column("multipath", "multipath head"),
    Column("controllers", "controllers", style="name"),
)
_GID_COLUMNS = (
    Column("port", "port", style="number"),
    Column("index", "index", style="number"),
    Column("gid", "gid", style="name"),
    Column("type", "type"),
    Column("interface", "interface", style="name"),
)


class Attached:
    """What a snapshot has on each function, sorted out once for all of them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.controllers: dict[Address, list[Controller]] = {}
        self.namespaces: dict[str, list[Namespace]] = {}
        self.rdma: dict[Address, list[RdmaDevice]] = {}
        self.interfaces: dict[Address, list[Interface]] = {}
        self.disks: dict[Address, list[BlockDevice]] = {}
        if snapshot.nvme:
            _sort(snapshot.nvme.controllers.values(), self.controllers)
            for namespace in snapshot.nvme.namespaces.values():
                for name in namespace.controllers:
                    self.namespaces.setdefault(name, []).append(namespace)
        if snapshot.rdma:
            _sort(snapshot.rdma.devices.values(), self.rdma)
            _sort(snapshot.rdma.interfaces.values(), self.interfaces)
        if snapshot.block:
            _sort(snapshot.block.devices.values(), self.disks)

    def items(self, address: Address) -> dict[str, Value]:
        """The keys ``nvme``, ``rdma``, ``interfaces`` and ``block`` of a device item: lists, empty for nothing."""
        return {
            "nvme": [controller_item(c, self.namespaces.get(c.name, ())) for c in self.controllers.get(address, ())],
            "rdma": [_rdma_item(device) for device in self.rdma.get(address, ())],
            "interfaces": [{"name": i.name, "state": i.state} for i in self.interfaces.get(address, ())],
            "block": [{"name": disk.name, "size": disk.size} for disk in self.disks.get(address, ())],
        }

    def sections(self, address: Address) -> tuple[Section, ...]:
        """The same for people: a section for each controller and RDMA device."""
        controllers = self.controllers.get(address, ())
        return (
            *(_controller_section(c, self.namespaces.get(c.name, ())) for c in controllers),
            *(_rdma_section(device) for device in self.rdma.get(address, ())),
        )


class _OnFunction(Protocol):
    @property
    def address(self) -> Fact[Address]: ...


_T = TypeVar("_T", bound=_OnFunction)


def _sort(things: Iterable[_T], by_address: dict[Address, list[_T]]) -> None:
    for thing in things:
        if not isinstance(thing.address, Missing):
            by_address.setdefault(thing.address, []).append(thing)


def controller_item(controller: Controller, namespaces: Iterable[Namespace]) -> Item:
    """One NVMe controller with its namespaces."""
    cmb = controller.cmb
    return {
        "name": controller.name,
        "transport": controller.transport,
        "model": controller.model,
        "serial": controller.serial,
        "firmware": controller.firmware,
        "state": controller.state,
        "subsystem_nqn": controller.subsystem,
        "queue_count": controller.queue_count,
        "queue_depth": controller.queue_depth,
        "cmb": cmb
        if isinstance(cmb, Missing)
        else {
            "cmbloc": cmb.location,
            "cmbsz": cmb.size_register,
            "bar": cmb.bar,
            "offset": cmb.offset,
            "size": cmb.size,
            "abilities": list(cmb.abilities),
        },
        "namespaces": [_namespace_item(namespace) for namespace in namespaces],
    }


def _namespace_item(namespace: Namespace) -> Item:
    return {
        "name": namespace.name,
        "nsid": namespace.nsid,
        "size": namespace.size,
        "multipath": namespace.multipath,
        "controllers": list(namespace.controllers),
    }


def _rdma_item(device: RdmaDevice) -> Item:
    return {
        "name": device.name,
        "driver": device.driver,
        "node_guid": device.node_guid,
        "virtual_dma": device.virtual_dma,
        "virtual_dma_reason": device.virtual_dma_reason,
        "interfaces": list(device.interfaces),
        "ports": [
            {
                "number": port.number,
                "state": port.state,
                "link_layer": port.link_layer,
                "gids": [
                    {"index": gid.index, "gid": gid.gid, "type": gid.type, "interface": gid.interface}
                    for gid in port.gids
                ],
            }
            for port in device.ports
        ],
    }


def _controller_section(controller: Controller, namespaces: Iterable[Namespace]) -> Section:
    cmb = controller.cmb
    rows = [
        Field("model", controller.model),
        Field("serial", controller.serial),
        Field("firmware", controller.firmware),
        Field("state", controller.state),
        Field("subsystem", controller.subsystem),
        Field("queues, with admin", controller.queue_count),
        Field("entries a queue", controller.queue_depth),
    ]
    if isinstance(cmb, Missing):
        rows.append(Field("memory buffer (CMB)", cmb))
    else:
        registers = f"in BAR {cmb.bar} (CMBLOC {cmb.location:#010x}, CMBSZ {cmb.size_register:#010x})"
        rows += [
            Field("memory buffer (CMB)", cmb.size, style="bytes", note=registers),
            Field("CMB abilities", jsonable(cmb.abilities)),
        ]
    items = tuple(_namespace_item(namespace) for namespace in namespaces)
    return Section(
        f"NVMe controller {controller.name}",
        (Fields(tuple(rows)), Grid(_NAMESPACE_COLUMNS, items, empty="It has no namespaces.")),
    )


def _rdma_section(device: RdmaDevice) -> Section:
    gids: tuple[Item, ...] = tuple(
        {"port": port.number, "index": gid.index, "gid": gid.gid, "type": gid.type, "interface": gid.interface}
        for port in device.ports
        for gid in port.gids
    )
    rows = [
        Field("node GUID", device.node_guid),
        Field("interfaces", jsonable(device.interfaces)),
        Field("virtual DMA", device.virtual_dma, note=device.virtual_dma_reason or ""),
    ]
    rows += [
        Field(f"port {port.number}", port.state, note=port.link_layer if isinstance(port.link_layer, str) else "")
        for port in device.ports
    ]
    return Section(
        f"RDMA device {device.name}",
        (Fields(tuple(rows)), Grid(_GID_COLUMNS, gids, empty="No GID is in use.")),
    )
