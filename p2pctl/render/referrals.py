"""Referrals as records: other addresses that a port's discovery tells hosts of."""

from __future__ import annotations

from p2pctl.model.nvmet import Referral
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.target_attributes import ENABLED_TONES, attribute_item, no_target

SHORT_COLUMNS = (
    Column("name", "referral", style="name"),
    Column("enabled", "enabled", tones=ENABLED_TONES),
    Column("trtype", "transport", style="name"),
    Column("traddr", "address", style="name"),
    Column("trsvcid", "service", style="name"),
    Column("portid", "port id", style="number", priority=1),
    Column("treq", "treq", priority=2),
)
"""Of one port."""

COLUMNS = (Column("port", "port", style="name"), *SHORT_COLUMNS)


def referral_item(port: str, referral: Referral) -> Item:
    """One referral."""
    return {"port": port, "name": referral.name, **attribute_item("referral", referral.attributes)}


def referral_report(snapshot: Snapshot, port: str | None = None) -> Report:
    """All referrals, or those of the port with a directory name."""
    nvmet = snapshot.nvmet
    items = [
        referral_item(one.name, referral)
        for one in (nvmet.ports.values() if nvmet else ())
        if port is None or one.name == port
        for referral in one.referrals.values()
    ]
    return Report.of(
        snapshot, "referral", items, COLUMNS,
        summary={"referrals": len(items)}, empty=no_target(nvmet) or "There is no referral.",
    )  # fmt: skip
