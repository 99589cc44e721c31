"""Ports of the target as records."""

from __future__ import annotations

from p2pctl.model.nvmet import AnaGroup, Nvmet, Port
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.referrals import referral_item
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.target_attributes import attribute_item, attribute_value, no_target, show_auto, where

COLUMNS = (
    Column("port", "port", style="name"),
    Column("trtype", "transport", style="name"),
    Column("address", "address", style="name"),
    Column("subsystems", "subsystems", style="name", priority=1),
    Column("tsas", "security", style="name", priority=2),
    Column("treq", "treq", priority=3),
    Column("inline_data_size", "inline", style="number", show=show_auto, priority=4),
    Column("max_queue_size", "queue", style="number", show=show_auto, priority=5),
)


def port_item(port: Port) -> Item:
    """One port. ``port`` is the directory's name, ``number`` what the kernel makes of it."""
    attributes = attribute_item("port", port.attributes)
    return {
        "port": port.name,
        "number": port.number,
        "address": where(attributes["traddr"], attributes["trsvcid"]),
        **attributes,
        "subsystems": list(port.subsystems),
        "ana_groups": [group_item(group) for group in port.ana_groups.values()],
        "referrals": [referral_item(port.name, one) for one in port.referrals.values()],
    }


def group_item(group: AnaGroup) -> Item:
    """One ANA group."""
    return {"group": group.number, "state": attribute_value("ana-group", "ana_state", group.attributes)}


def port_report(snapshot: Snapshot) -> Report:
    """All ports."""
    nvmet: Nvmet | None = snapshot.nvmet
    items = [port_item(port) for port in nvmet.ports.values()] if nvmet else []
    return Report.of(
        snapshot, "port", items, COLUMNS,
        summary={"ports": len(items)}, empty=no_target(nvmet) or "There is no port.",
    )  # fmt: skip
