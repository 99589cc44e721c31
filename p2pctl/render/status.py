"""One page about a host: kernel, pools, target, findings."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.findings.pools import pool_states
from p2pctl.findings.rules import Finding, findings, kernel_has_p2pdma
from p2pctl.model.facts import ABSENT, Fact, Missing
from p2pctl.model.kernel import Cpu
from p2pctl.model.nvmet import Attributes, Nvmet, Port, Subsystem
from p2pctl.model.snapshot import Snapshot
from p2pctl.render import pools
from p2pctl.render.page import Block, Field, Fields, Grid, Lines, Page, Section, badge
from p2pctl.render.report import Column, Item, Report, Value, jsonable
from p2pctl.render.text import Line, Span, Tone

_REPORT_COLUMNS = (Column("host", "host", style="name"), Column("kernel", "kernel", style="name"))

_POOL_COLUMNS = tuple(
    column
    for column in pools.COLUMNS
    if column.key in {"address", "device", "state", "size", "available", "used", "holders", "numa_node"}
)
_ENABLED_TONES: Mapping[str, Tone] = {"no": "dim"}
_PORT_COLUMNS = (
    Column("port", "port", style="name"),
    Column("transport", "transport", style="name"),
    Column("address", "address", style="name"),
    Column("subsystem", "subsystem", style="name", priority=1),
    Column("nsid", "ns", style="number"),
    Column("enabled", "enabled", tones=_ENABLED_TONES),
    Column("p2pmem", "p2pmem", style="name"),
    Column("device", "device", style="name", priority=2),
)
_WORDS = {"0": "off", "1": "auto"}


def status_page(snapshot: Snapshot) -> Page:
    """The page; its document has one item, the host."""
    states = pool_states(snapshot)
    pool_items = tuple(map(pools.pool_item, states))
    found = findings(snapshot)
    exports = _exports(snapshot.nvmet)
    item = _host_item(snapshot, pool_items, exports, found)
    report = Report.of(
        snapshot,
        "status",
        (item,),
        _REPORT_COLUMNS,
        summary=_summary(item, found),
        gaps=pools.pool_gaps(snapshot, states),
        flat=False,
    )
    return Page(
        report,
        (
            Section("Host", (Fields(_host_fields(snapshot)),)),
            Section("Pools", (Grid(_POOL_COLUMNS, pool_items, empty=_no_pools(snapshot)),)),
            Section("NVMe target", (_target_block(snapshot.nvmet, exports),)),
            Section("Findings", (_finding_block(found),)),
        ),
    )


def _host_item(
    snapshot: Snapshot, pool_items: tuple[Item, ...], exports: tuple[Item, ...], found: tuple[Finding, ...]
) -> Item:
    supported, evidence = kernel_has_p2pdma(snapshot)
    kernel = snapshot.kernel
    cpu: Fact[Cpu] = kernel.cpu if kernel else Missing.NOT_READ
    nvmet = snapshot.nvmet
    return {
        "host": snapshot.source.host,
        "kernel": snapshot.source.kernel,
        "p2pdma": supported,
        "p2pdma_evidence": evidence,
        "cpu": cpu
        if isinstance(cpu, Missing)
        else {"vendor": cpu.vendor, "family": cpu.family, "model": cpu.model_name, "count": cpu.count},
        "iommus": jsonable(kernel.iommus) if kernel else Missing.NOT_READ,
        "lockdown": kernel.lockdown if kernel else Missing.NOT_READ,
        "command_line": kernel.command_line if kernel else Missing.NOT_READ,
        "pools": pool_items,
        "target": nvmet.present if nvmet else Missing.NOT_READ,
        "ports": exports,
        "findings": [finding_item(finding) for finding in found],
    }


def _summary(item: Item, found: tuple[Finding, ...]) -> Item:
    counts: dict[str, Value] = {"error": 0, "warning": 0, "info": 0}
    for severity in counts:
        counts[severity] = sum(finding.severity == severity for finding in found)
    pool_items = item["pools"]
    return {"pools": len(pool_items) if isinstance(pool_items, tuple) else 0, "findings": counts}


def finding_item(finding: Finding) -> Item:
    """One finding."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "subject": finding.subject,
        "text": finding.text,
        "evidence": finding.evidence,
        "remedy": finding.remedy,
    }


def _host_fields(snapshot: Snapshot) -> tuple[Field, ...]:
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
        iommus = ", ".join(kernel.iommus) or "none: DMA is not translated"
        rows += [
            Field("CPU", cpu if isinstance(cpu, Missing) else cpu.model_name or cpu.vendor or ABSENT),
            Field("IOMMU", iommus),
            Field("lockdown", kernel.lockdown),
        ]
    return tuple(rows)


def _no_pools(snapshot: Snapshot) -> str:
    return "None." if kernel_has_p2pdma(snapshot)[0] is not False else "None: this kernel has no P2PDMA."


def _exports(nvmet: Nvmet | None) -> tuple[Item, ...]:
    """A row for each namespace of each port; ports without any, and subsystems without a port, have one too."""
    if nvmet is None:
        return ()
    rows: list[Item] = []
    exported: set[str] = set()
    for port in nvmet.ports.values():
        exported.update(port.subsystems)
        subsystems = [nvmet.subsystems[nqn] for nqn in port.subsystems if nqn in nvmet.subsystems]
        rows += [row for subsystem in subsystems for row in _rows(port, subsystem)]
        if not subsystems:
            rows.append(_row(port, None, ABSENT, {}))
    for nqn, subsystem in nvmet.subsystems.items():
        if nqn not in exported:
            rows += _rows(None, subsystem)
    return tuple(rows)


def _rows(port: Port | None, subsystem: Subsystem) -> list[Item]:
    rows = [
        _row(port, subsystem.nqn, namespace.nsid, namespace.attributes) for namespace in subsystem.namespaces.values()
    ]
    return rows or [_row(port, subsystem.nqn, ABSENT, subsystem.passthru)]


def _row(port: Port | None, nqn: str | None, nsid: Fact[int], attributes: Attributes) -> Item:
    enabled = attributes.get("enable", ABSENT)
    setting = attributes.get("p2pmem", ABSENT)
    device = attributes.get("device_path", ABSENT)
    ours: Attributes = port.attributes if port else {}
    return {
        "port": port.name if port else None,
        "transport": ours.get("addr_trtype", ABSENT),
        "address": _where(ours),
        "subsystem": nqn,
        "nsid": nsid,
        "enabled": enabled if isinstance(enabled, Missing) else enabled == "1",
        "p2pmem": setting if isinstance(setting, Missing) else _WORDS.get(setting, setting),
        "device": ABSENT if device == "(null)" else device,
    }


def _where(attributes: Attributes) -> Value:
    address = attributes.get("addr_traddr", ABSENT)
    service = attributes.get("addr_trsvcid", ABSENT)
    if isinstance(address, Missing) or isinstance(service, Missing):
        return address
    return f"[{address}]:{service}" if ":" in address else f"{address}:{service}"


def _target_block(nvmet: Nvmet | None, exports: tuple[Item, ...]) -> Block:
    if nvmet is None or nvmet.present is not True:
        present = nvmet.present if nvmet else Missing.NOT_READ
        if present is False:
            return Lines(("Not loaded: modprobe nvmet brings it.",))
        return Lines(("Not known: its configuration could not be read.",))
    return Grid(_PORT_COLUMNS, exports, empty="Nothing is configured.")


def _finding_block(found: tuple[Finding, ...]) -> Block:
    if not found:
        return Lines((Span("None.", "good"),))
    lines: list[Line] = []
    for finding in found:
        subject = f" {finding.subject}:" if finding.subject else ""
        remedy = f" -> {finding.remedy}" if finding.remedy else ""
        lines.append((badge(finding.severity), f"{subject} {finding.text} [{finding.code}]{remedy}"))
    return Lines(tuple(lines), bullet="- ")
