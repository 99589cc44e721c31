"""The NVMe target as a whole: its own attributes, and how much hangs on it."""

from __future__ import annotations

from p2pctl.model.facts import NOT_READ
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.page import Field, Fields, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.target_attributes import attribute_fields, attribute_item, no_target

_COLUMNS = (Column("discovery_nqn", "discovery NQN", style="name"),)


def target_page(snapshot: Snapshot) -> Page:
    """The root's attributes and the number of objects of each kind."""
    nvmet = snapshot.nvmet
    counts: dict[str, int] = {
        "hosts": len(nvmet.hosts) if nvmet else 0,
        "subsystems": len(nvmet.subsystems) if nvmet else 0,
        "namespaces": sum(len(one.namespaces) for one in nvmet.subsystems.values()) if nvmet else 0,
        "ports": len(nvmet.ports) if nvmet else 0,
    }
    attributes = nvmet.attributes if nvmet else {}
    item: Item = {
        "present": nvmet.present if nvmet else NOT_READ,
        "loaded": nvmet.loaded if nvmet else NOT_READ,
        **attribute_item("root", attributes),
        **counts,
    }
    report = Report.of(snapshot, "target", [item], _COLUMNS)
    why = no_target(nvmet)
    if why:
        return Page(report, (Section("NVMe target", (Lines((why,)),)),))
    fields = (*attribute_fields("root", attributes), *(Field(kind, number) for kind, number in counts.items()))
    return Page(report, (Section("NVMe target", (Fields(fields),)),))
