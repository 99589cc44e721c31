"""Subsystems as records, and one in full."""

from __future__ import annotations

from collections.abc import Iterable

from p2pctl.model.nvmet import Nvmet, Subsystem
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.namespaces import SHORT_COLUMNS, namespace_item
from p2pctl.render.page import Block, Field, Fields, Grid, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.target_attributes import attribute_fields, attribute_item, no_target


def _show_hosts(value: Value) -> str:
    return str(len(value)) if isinstance(value, list) else ""


COLUMNS = (
    Column("nqn", "subsystem", style="name"),
    Column("namespaces", "namespaces"),
    Column("ports", "ports"),
    Column("allow_any_host", "any host"),
    Column("allowed_hosts", "hosts", style="number", show=_show_hosts),
    Column("model", "model", priority=1),
    Column("serial", "serial", style="name", priority=2),
    Column("passthru.device", "passthru", style="name", priority=3),
)


def subsystem_item(nvmet: Nvmet, subsystem: Subsystem) -> Item:
    """One subsystem: its attributes, who may use it, and which ports export it."""
    return {
        "nqn": subsystem.nqn,
        "namespaces": sorted(subsystem.namespaces),
        "ports": exporting_ports(nvmet, subsystem.nqn),
        "allowed_hosts": list(subsystem.allowed_hosts),
        **attribute_item("subsystem", subsystem.attributes),
        "passthru": attribute_item("passthru", subsystem.passthru) if subsystem.passthru else None,
    }


def exporting_ports(nvmet: Nvmet, nqn: str) -> list[str]:
    """Names of the ports that export a subsystem."""
    return [port.name for port in nvmet.ports.values() if nqn in port.subsystems]


def subsystem_report(snapshot: Snapshot) -> Report:
    """All subsystems."""
    nvmet = snapshot.nvmet
    found: Iterable[Subsystem] = nvmet.subsystems.values() if nvmet else ()
    items = [subsystem_item(nvmet, one) for one in found] if nvmet else []
    return Report.of(
        snapshot, "subsystem", items, COLUMNS,
        summary={"subsystems": len(items)}, empty=no_target(nvmet) or "There is no subsystem.",
    )  # fmt: skip


def subsystem_page(snapshot: Snapshot, nvmet: Nvmet, subsystem: Subsystem) -> Page:
    """One subsystem in full."""
    item = subsystem_item(nvmet, subsystem)
    report = Report.of(snapshot, "subsystem", [item], COLUMNS, flat=True)
    names = tuple(namespace_item(subsystem.nqn, one) for one in subsystem.namespaces.values())
    sections = [
        Section(
            f"Subsystem {subsystem.nqn}",
            (Fields((*attribute_fields("subsystem", subsystem.attributes), Field("ports", item["ports"]))),),
        ),
        Section("Allowed hosts", (_hosts(subsystem, item),)),
        Section("Namespaces", (Grid(SHORT_COLUMNS, names),)),
    ]
    if subsystem.passthru:
        sections.append(Section("Passthru", (Fields(attribute_fields("passthru", subsystem.passthru)),)))
    return Page(report, tuple(sections))


def _hosts(subsystem: Subsystem, item: Item) -> Block:
    if item["allow_any_host"] is True:
        return Lines(("Any host may connect, without authentication.",))
    return Lines(subsystem.allowed_hosts or ("None: no host may connect.",))
