"""One page about a host: kernel, pools, target, RDMA, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from p2pctl.findings.finding import Finding
from p2pctl.findings.kernel import kernel_has_p2pdma
from p2pctl.findings.pools import pool_states
from p2pctl.findings.rules import every_finding
from p2pctl.findings.scene import Scene
from p2pctl.model.facts import NOT_READ
from p2pctl.model.snapshot import Snapshot
from p2pctl.render import pools
from p2pctl.render.findings import counts, finding_item
from p2pctl.render.host import host_fields, host_item, inventory_item, inventory_sections
from p2pctl.render.page import Block, Fields, Grid, Lines, Page, Section, badge
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.rnbd import rnbd_item, rnbd_sections
from p2pctl.render.target import export_items, target_block, target_item
from p2pctl.render.text import Line, Span
from p2pctl.target.port_state import port_states

_REPORT_COLUMNS = (Column("host", "host", style="name"), Column("kernel", "kernel", style="name"))

_POOL_COLUMNS = tuple(
    column
    for column in pools.COLUMNS
    if column.key in {"address", "device", "state", "size", "available", "used", "holders", "numa_node"}
)


def status_page(
    snapshot: Snapshot, followed: Mapping[str, str] = MappingProxyType({}), also: Iterable[Finding] = ()
) -> Page:
    """The page; its document has one item, the host. ``followed`` gives the paths that device links lead to.

    ``also`` are findings that the snapshot does not hold.
    """
    states = pool_states(snapshot)
    pool_items = tuple(map(pools.pool_item, states))
    ports = port_states(snapshot, followed=followed)
    found = every_finding(Scene(snapshot), ports, also)
    exports = export_items(snapshot.nvmet, ports)
    inventory = inventory_item(snapshot)
    item: Item = {
        **host_item(snapshot),
        "pools": pool_items,
        "target": snapshot.nvmet.present if snapshot.nvmet else NOT_READ,
        "ports": exports,
        **target_item(snapshot.nvmet),
        **rnbd_item(snapshot.rnbd),
        **inventory,
        "findings": [finding_item(finding) for finding in found],
    }
    report = Report.of(
        snapshot,
        "status",
        (item,),
        _REPORT_COLUMNS,
        summary={"pools": len(pool_items), "findings": counts(found)},
        gaps=pools.pool_gaps(snapshot, states),
        flat=False,
    )
    return Page(
        report,
        (
            Section("Host", (Fields(host_fields(snapshot)),)),
            Section("Pools", (Grid(_POOL_COLUMNS, pool_items, empty=_no_pools(snapshot)),)),
            Section("NVMe target", (target_block(snapshot.nvmet, exports),)),
            *rnbd_sections(snapshot.rnbd),
            *inventory_sections(inventory),
            Section("Findings", (_finding_block(found),)),
        ),
    )


def _no_pools(snapshot: Snapshot) -> str:
    unlisted = next((gap.path for gap in snapshot.gaps if gap.fact == "pci functions"), None)
    if unlisted:
        return f"Not known: {unlisted} could not be read."
    return "None." if kernel_has_p2pdma(snapshot)[0] is not False else "None: this kernel has no P2PDMA."


def _finding_block(found: tuple[Finding, ...]) -> Block:
    if not found:
        return Lines((Span("None.", "good"),))
    lines: list[Line] = []
    for finding in found:
        subject = f" {finding.subject}:" if finding.subject else ""
        remedy = f" -> {finding.remedy}" if finding.remedy else ""
        lines.append((badge(finding.severity), f"{subject} {finding.text} [{finding.code}]{remedy}"))
    return Lines(tuple(lines), bullet="- ")
