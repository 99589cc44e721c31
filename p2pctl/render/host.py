"""A host as a whole: kernel, CPU, IOMMU, and what has no PCI function or exists only for now."""

from __future__ import annotations

from collections import Counter

from p2pctl.findings.kernel import kernel_has_p2pdma
from p2pctl.model.facts import ABSENT, NOT_READ, Fact, Missing
from p2pctl.model.kernel import Cpu
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.attached import Attached, controller_item
from p2pctl.render.page import Field, Grid, Lines, Section
from p2pctl.render.report import Column, Item, Value, jsonable
from p2pctl.render.text import Span, Tone

_RDMA_COLUMNS = (
    Column("name", "rdma device", style="name"),
    Column("address", "address", style="name"),
    Column("driver", "driver", style="name", priority=1),
    Column("interfaces", "interfaces", style="name"),
    Column("virtual_dma", "virtual DMA"),
    Column("virtual_dma_reason", "because", priority=2),
)
_MOST = 16
"""Rows of a table on a page that is meant to be one page."""
_BUFFER_COLUMNS = (
    Column("exporter", "exporter", style="name"),
    Column("size", "size", style="bytes"),
    Column("attached", "attached", style="name"),
)


def host_item(snapshot: Snapshot) -> dict[str, Value]:
    """The keys that describe the host itself."""
    supported, evidence = kernel_has_p2pdma(snapshot)
    kernel = snapshot.kernel
    cpu: Fact[Cpu] = kernel.cpu if kernel else NOT_READ
    return {
        "host": snapshot.source.host,
        "kernel": snapshot.source.kernel,
        "p2pdma": supported,
        "p2pdma_evidence": evidence,
        "cpu": cpu
        if isinstance(cpu, Missing)
        else {"vendor": cpu.vendor, "family": cpu.family, "model": cpu.model_name, "count": cpu.count},
        "iommus": NOT_READ if kernel is None else jsonable(kernel.iommus),
        "iommu_group_types": dict(_group_types(snapshot)),
        "nvme_queues_in_cmb": snapshot.nvme.queues_in_cmb if snapshot.nvme else NOT_READ,
        "nvme_multipath": snapshot.nvme.multipath if snapshot.nvme else NOT_READ,
        "lockdown": kernel.lockdown if kernel else NOT_READ,
        "command_line": kernel.command_line if kernel else NOT_READ,
    }


def inventory_item(snapshot: Snapshot) -> dict[str, Value]:
    """The keys ``rdma``, ``block``, ``nvme_fabrics`` and ``dma_buffers``: lists, also of what has no PCI function."""
    devices = snapshot.rdma.devices.values() if snapshot.rdma else ()
    disks = snapshot.block.devices.values() if snapshot.block else ()
    buffers = snapshot.exporters.buffers if snapshot.exporters else NOT_READ
    return {
        "rdma": [
            {
                "name": device.name,
                "address": jsonable(device.address),
                "driver": device.driver,
                "interfaces": list(device.interfaces),
                "virtual_dma": device.virtual_dma,
                "virtual_dma_reason": device.virtual_dma_reason,
            }
            for device in devices
        ],
        "block": [
            {
                "name": disk.name,
                "size": disk.size,
                "address": jsonable(disk.address),
                "reason": disk.reason,
                "made_of": list(disk.below),
            }
            for disk in disks
        ],
        "nvme_fabrics": _fabrics(snapshot),
        "dma_buffers": buffers
        if isinstance(buffers, Missing)
        else [{"exporter": b.exporter, "size": b.size, "attached": list(b.attached)} for b in buffers],
    }


def _fabrics(snapshot: Snapshot) -> list[Value]:
    """NVMe controllers on other hosts."""
    attached = Attached(snapshot)
    controllers = snapshot.nvme.controllers.values() if snapshot.nvme else ()
    return [
        controller_item(controller, attached.namespaces.get(controller.name, ()))
        for controller in controllers
        if controller.address is ABSENT
    ]


def _group_types(snapshot: Snapshot) -> Counter[str]:
    groups = snapshot.pci.iommu_groups.values() if snapshot.pci else ()
    return Counter(group.type if isinstance(group.type, str) else "?" for group in groups)


def host_fields(snapshot: Snapshot) -> tuple[Field, ...]:
    """The same for people."""
    supported, evidence = kernel_has_p2pdma(snapshot)
    kernel = snapshot.kernel
    tone: Tone | None = "bad" if supported is False else None
    rows = [
        Field("host", snapshot.source.host),
        Field("kernel", snapshot.source.kernel),
        Field("P2PDMA", supported, tone=tone, note=Span(f"({evidence})", "dim")),
    ]
    if kernel is not None:
        cpu = kernel.cpu
        rows += [
            Field("CPU", cpu if isinstance(cpu, Missing) else cpu.model_name or cpu.vendor or ABSENT),
            Field("IOMMU", _iommu(snapshot, kernel.iommus)),
            Field("lockdown", kernel.lockdown),
        ]
    return tuple(rows)


def _iommu(snapshot: Snapshot, units: Fact[tuple[str, ...]]) -> Value:
    if isinstance(units, Missing) and units is not ABSENT:
        return units
    if isinstance(units, Missing) or not units:
        return "none: DMA is not translated"
    named = ", ".join(units) if len(units) <= 2 else f"{len(units)} units"
    types = ", ".join(f"{count} {kind}" for kind, count in sorted(_group_types(snapshot).items()))
    return f"{named}; groups: {types}" if types else named


def inventory_sections(item: Item) -> tuple[Section, ...]:
    """Tables of what ``inventory_item`` found; none where there is nothing."""
    sections = []
    for key, title, columns in (("rdma", "RDMA", _RDMA_COLUMNS), ("dma_buffers", "dma-bufs", _BUFFER_COLUMNS)):
        rows = item[key]
        if isinstance(rows, list) and rows:
            shown = tuple(row for row in rows[:_MOST] if isinstance(row, dict))
            more = f"{len(rows) - _MOST} more: -o json has them all." if len(rows) > _MOST else ""
            sections.append(Section(title, (Grid(columns, shown), *((Lines((more,)),) if more else ()))))
    return tuple(sections)
