"""Hosts that may use the target, as records, and one in full. Of their keys nothing is shown but that they are set."""

from __future__ import annotations

from p2pctl.model.nvmet import Host, Nvmet
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.page import Fields, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.target_attributes import attribute_fields, attribute_item, no_target


def _count(value: Value) -> str:
    return str(len(value)) if isinstance(value, list) else ""


COLUMNS = (
    Column("nqn", "host", style="name"),
    Column("subsystems", "subsystems", style="number", show=_count, priority=1),
    Column("dhchap_key", "key", style="name"),
    Column("dhchap_ctrl_key", "ctrl key", style="name", priority=2),
    Column("dhchap_hash", "hash", style="name", priority=3),
    Column("dhchap_dhgroup", "dh group", style="name", priority=4),
)


def host_item(nvmet: Nvmet, host: Host) -> Item:
    """One host, and the subsystems that allow it by name."""
    return {
        "nqn": host.nqn,
        "subsystems": [one.nqn for one in nvmet.subsystems.values() if host.nqn in one.allowed_hosts],
        **attribute_item("host", host.attributes),
    }


def host_report(snapshot: Snapshot) -> Report:
    """All hosts."""
    nvmet = snapshot.nvmet
    items = [host_item(nvmet, host) for host in nvmet.hosts.values()] if nvmet else []
    return Report.of(
        snapshot, "host", items, COLUMNS,
        summary={"hosts": len(items)}, empty=no_target(nvmet) or "There is no host.",
    )  # fmt: skip


def host_page(snapshot: Snapshot, nvmet: Nvmet, host: Host) -> Page:
    """One host in full."""
    item = host_item(nvmet, host)
    report = Report.of(snapshot, "host", [item], COLUMNS)
    named = [nqn for nqn in item["subsystems"] if isinstance(nqn, str)] if isinstance(item["subsystems"], list) else []
    return Page(
        report,
        (
            Section(f"Host {host.nqn}", (Fields(attribute_fields("host", host.attributes)),)),
            Section("May use", (Lines(tuple(named) or ("No subsystem names it.",)),)),
        ),
    )
