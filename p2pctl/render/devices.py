"""PCI functions as records: the list and the page of one."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.findings.devices import Device, devices
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.pci import Bar, Function
from p2pctl.model.snapshot import Snapshot
from p2pctl.model.tree import IommuGroup
from p2pctl.render.attached import Attached
from p2pctl.render.items import acs_item, function_name, identity_text, place_item, show_acs, show_link
from p2pctl.render.page import Block, Field, Fields, Grid, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report, Value, jsonable
from p2pctl.render.text import Tone

_EXPORTER_TONES: Mapping[str, Tone] = {"pool": "good", "cmb-unregistered": "warning"}

COLUMNS = (
    Column("address", "address", style="name"),
    Column("names", "device", style="name", priority=1),
    Column("kind", "kind", style="name"),
    Column("driver", "driver", style="name", priority=4),
    Column("exporter", "exporter", style="name", priority=0, tones=_EXPORTER_TONES),
    Column("numa_node", "numa", style="number", priority=2),
    Column("iommu_group", "group", style="number", priority=5),
    Column("acs", "acs", style="name", priority=3, show=show_acs),
    Column("link", "link", style="name", priority=1, show=show_link),
    Column("slot", "slot", style="name", priority=6),
    Column("name", "name", priority=7),
)

_BAR_COLUMNS = (
    Column("index", "bar", style="number"),
    Column("start", "address", style="name"),
    Column("size", "size", style="bytes"),
    Column("kind", "kind"),
)


def device_item(device: Device, groups: Mapping[int, IommuGroup], attached: Attached) -> Item:
    """One function."""
    function = device.function
    config = function.config
    group = None if isinstance(function.iommu_group, Missing) else groups.get(function.iommu_group)
    return {
        "address": str(function.address),
        "names": list(device.names),
        "kind": device.kind,
        "role": function.role,
        "name": function_name(function),
        "id": identity_text(function),
        "vendor_id": function.vendor,
        "device_id": function.device,
        "subsystem_vendor_id": function.subsystem_vendor,
        "subsystem_device_id": function.subsystem_device,
        "class": function.class_code,
        "driver": function.driver,
        "parent": jsonable(function.parent),
        "root_bus": function.root,
        "secondary_bus": config.secondary_bus,
        "subordinate_bus": config.subordinate_bus,
        **place_item(function),
        "iommu_group": function.iommu_group,
        "iommu_group_type": function.iommu_group if group is None else group.type,
        "acs": acs_item(config.acs),
        "ari": config.ari,
        "ari_forwarding": config.ari_forwarding,
        "ats": config.ats,
        "max_payload": config.max_payload,
        "max_payload_supported": config.max_payload_supported,
        "physfn": jsonable(function.physfn),
        "virtfns": jsonable(function.virtfns),
        "runtime_status": function.runtime_status,
        "exporter": device.exporter,
        "exporter_bytes": device.exporter_bytes,
        "memory_total": device.memory_total,
        "p2p_peers": jsonable(device.peers),
        "bars": function.bars if isinstance(function.bars, Missing) else [_bar_item(bar) for bar in function.bars],
        **attached.items(function.address),
    }


def _bar_item(bar: Bar) -> Item:
    return {
        "index": bar.number,
        "start": bar.start,
        "size": bar.size,
        "memory": bar.memory,
        "prefetchable": bar.prefetchable,
        "is_64bit": bar.wide,
    }


def _groups(snapshot: Snapshot) -> Mapping[int, IommuGroup]:
    return snapshot.pci.iommu_groups if snapshot.pci else {}


def device_report(snapshot: Snapshot, *, everything: bool = False) -> Report:
    """The functions that matter for P2P, or all."""
    found = devices(snapshot, everything=everything)
    total = len(snapshot.pci.functions) if snapshot.pci else 0
    attached = Attached(snapshot)
    notes = () if everything or total == len(found) else (f"{len(found)} of {total} functions; --all shows the rest",)
    return Report.of(
        snapshot,
        "device",
        (device_item(device, _groups(snapshot), attached) for device in found),
        COLUMNS,
        summary={"devices": len(found), "functions": total},
        empty="No function on this host takes part in P2P.",
        notes=notes,
    )


def device_page(snapshot: Snapshot, address: Address) -> Page | None:
    """One function in full; None where it is not there."""
    found = [device for device in devices(snapshot, everything=True) if device.function.address == address]
    if not found:
        return None
    device = found[0]
    attached = Attached(snapshot)
    item = device_item(device, _groups(snapshot), attached)
    report = Report.of(snapshot, "device", (item,), COLUMNS)
    function = device.function
    sections = [
        Section(f"{address}  {function_name(function) or identity_text(function)}", (Fields(_fields(device, item)),)),
        Section("Link and configuration", (Fields(_config_fields(function, item)),)),
        Section("Memory", (_bars(function),)),
        *attached.sections(address),
    ]
    return Page(report, tuple(sections))


def _fields(device: Device, item: Item) -> tuple[Field, ...]:
    rows = [
        Field("device", item["names"] or ABSENT),
        Field("kind", device.kind),
        Field("role", item["role"]),
        Field("id", item["id"]),
        Field("subsystem id", identity_text(device.function, subsystem=True)),
        Field("driver", item["driver"]),
        Field("bridge above", item["parent"]),
        Field("root bus", item["root_bus"]),
        Field("slot", item["slot"]),
        Field("NUMA node", item["numa_node"]),
        Field("IOMMU group", item["iommu_group"]),
        Field("IOMMU group type", item["iommu_group_type"]),
        Field("exporter", item["exporter"], tone=_EXPORTER_TONES.get(device.exporter or "")),
        Field("exportable memory", item["exporter_bytes"], style="bytes"),
    ]
    if not isinstance(device.memory_total, Missing):
        rows.append(Field("device memory", item["memory_total"], style="bytes"))
    if device.peers:
        rows.append(Field("peers its driver approved", item["p2p_peers"]))
    if not isinstance(device.function.physfn, Missing):
        rows.append(Field("virtual function of", item["physfn"]))
    if device.function.virtfns:
        rows.append(Field("virtual functions", item["virtfns"]))
    return tuple(rows)


def _config_fields(function: Function, item: Item) -> tuple[Field, ...]:
    def shown(key: str, words: str) -> Value:
        return words if isinstance(item[key], Mapping) else item[key]

    tone: Tone | None = "warning" if function.below_best else None
    buses: tuple[Field, ...] = ()
    if function.is_bridge:
        buses = (
            Field("secondary bus", _hex(function.config.secondary_bus)),
            Field("subordinate bus", _hex(function.config.subordinate_bus)),
            Field("ARI forwarding", item["ari_forwarding"]),
        )
    return (
        *buses,
        Field("link", shown("link", show_link(item["link"])), tone=tone),
        Field("ACS", shown("acs", show_acs(item["acs"]))),
        Field("ATS enabled", item["ats"]),
        Field("ARI", item["ari"]),
        Field("max payload", item["max_payload"], style="bytes"),
        Field("max payload supported", item["max_payload_supported"], style="bytes"),
        Field("power", item["runtime_status"]),
    )


def _hex(number: Fact[int]) -> Value:
    return number if isinstance(number, Missing) else f"{number:02x}"


def _bars(function: Function) -> Block:
    if isinstance(function.bars, Missing):
        return Lines(("The BARs could not be read.",))
    rows: tuple[Item, ...] = tuple(
        {"index": bar.number, "start": f"{bar.start:#x}", "size": bar.size, "kind": _bar_kind(bar)}
        for bar in function.bars
    )
    return Grid(_BAR_COLUMNS, rows, empty="No BAR is assigned.")


def _bar_kind(bar: Bar) -> str:
    if not bar.memory:
        return "I/O ports"
    return f"memory, {64 if bar.wide else 32}-bit{', prefetchable' if bar.prefetchable else ''}"
