"""One port in full: its attributes, what it exports, ANA groups, referrals and the state of P2P."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from p2pctl.model.nvmet import Port
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.page import Fields, Grid, Lines, Page, Section
from p2pctl.render.port_states import port_state_section, state_item, states_of_port
from p2pctl.render.referrals import SHORT_COLUMNS, referral_item
from p2pctl.render.report import Column, Report
from p2pctl.render.target_attributes import attribute_fields
from p2pctl.render.target_ports import COLUMNS, group_item, port_item
from p2pctl.target.port_state import PortState

_NOTHING: Mapping[str, str] = MappingProxyType({})

_GROUP_COLUMNS = (Column("group", "group", style="number"), Column("state", "state", style="name"))


def port_page(
    snapshot: Snapshot,
    port: Port,
    *,
    rules: str | None = None,
    followed: Mapping[str, str] = _NOTHING,
    states: Iterable[PortState] | None = None,
) -> Page:
    """The port; its item has the key ``states``, too. ``followed`` is where links to devices lead.

    ``states`` are those of all ports by the kernel's own rules, for who has them: to work them out takes long.

    Raises NotFoundError for an unknown rule set.
    """
    own = (
        states_of_port(snapshot, port.name, rules=rules, followed=followed)
        if states is None
        else tuple(one for one in states if one.port == port.name)
    )
    item = {**port_item(port), "states": list(map(state_item, own))}
    report = Report.of(snapshot, "port", [item], COLUMNS)
    groups = tuple(group_item(group) for group in port.ana_groups.values())
    referrals = tuple(referral_item(port.name, one) for one in port.referrals.values())
    return Page(
        report,
        (
            Section(f"Port {port.name}", (Fields(attribute_fields("port", port.attributes)),)),
            Section("Subsystems", (Lines(port.subsystems or ("None: the port is not live.",)),)),
            port_state_section(own),
            Section("ANA groups", (Grid(_GROUP_COLUMNS, groups),)),
            Section("Referrals", (Grid(SHORT_COLUMNS, referrals),)),
        ),
    )
