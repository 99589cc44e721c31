"""Namespaces of the target as records, and one in full."""

from __future__ import annotations

from p2pctl.model.nvmet import Nvmet, TargetNamespace
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.page import Field, Fields, Page, Section
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.target_attributes import ENABLED_TONES, attribute_fields, attribute_item, no_target

_SUBSYSTEM = Column("subsystem", "subsystem", style="name")

SHORT_COLUMNS = (
    Column("nsid", "ns", style="number"),
    Column("enabled", "enabled", tones=ENABLED_TONES),
    Column("device", "device", style="name"),
    Column("p2pmem", "p2pmem", style="name"),
    Column("ana_grpid", "ana", style="number", priority=1),
    Column("buffered_io", "buffered", priority=2),
    Column("resv_enable", "reservations", priority=4),
    Column("uuid", "uuid", style="name", priority=3),
)
"""Within a subsystem."""

COLUMNS = (_SUBSYSTEM, *SHORT_COLUMNS)


def namespace_item(nqn: str, namespace: TargetNamespace) -> Item:
    """One namespace. ``p2pmem`` is ``off``, ``auto`` or the provider's address."""
    return {
        "subsystem": nqn,
        "nsid": namespace.nsid,
        **attribute_item("namespace", namespace.attributes),
    }


def namespace_report(snapshot: Snapshot, nqn: str | None = None) -> Report:
    """All namespaces, or those of one subsystem."""
    nvmet = snapshot.nvmet
    items = [
        namespace_item(subsystem.nqn, one)
        for subsystem in (nvmet.subsystems.values() if nvmet else ())
        if nqn is None or subsystem.nqn == nqn
        for one in subsystem.namespaces.values()
    ]
    return Report.of(
        snapshot, "namespace", items, COLUMNS,
        summary={"namespaces": len(items), "enabled": sum(item["enabled"] is True for item in items)},
        empty=no_target(nvmet) or "There is no namespace.",
    )  # fmt: skip


def namespace_page(snapshot: Snapshot, nvmet: Nvmet, nqn: str, namespace: TargetNamespace) -> Page:
    """One namespace in full."""
    report = Report.of(snapshot, "namespace", [namespace_item(nqn, namespace)], COLUMNS)
    ports = [port.name for port in nvmet.ports.values() if nqn in port.subsystems]
    fields = Fields((*attribute_fields("namespace", namespace.attributes), Field("ports", ports)))
    return Page(report, (Section(f"Namespace {namespace.nsid} of {nqn}", (fields,)),))
