"""Rule sets as records."""

from __future__ import annotations

from p2pctl.model.pci import acs_names
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.page import Block, Field, Fields, Grid, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.verdicts import choose
from p2pctl.resolver.kernel_rules import KERNEL_RULES
from p2pctl.resolver.rules import ListedBridge, RuleSet
from p2pctl.resolver.selection import ALL_RULES, Selection

_COLUMNS = (
    Column("name", "name", style="name"),
    Column("since", "since", style="name", priority=1, align="right"),
    Column("in_force", "here", show=lambda value: "in force" if value is True else ""),
    Column("change", "what changed"),
)
_BRIDGE_COLUMNS = (
    Column("id", "id", style="name"),
    Column("same_only", "for", show=lambda value: "one host bridge" if value else "any two"),
    Column("since", "since", style="name", align="right"),
    Column("name", "host bridge"),
)

_SAID_TO: dict[str, str] = {"refuse": "refused", "host-bridge": "the host bridges are asked about"}
_VIRTUAL_DMA = {
    "nobody": "are noticed by nobody; their first transfer fails",
    "distance": "are refused by the kernel's distance function",
    "nvmet-rdma": "are left out by the NVMe target",
}


def rules_item(rules: RuleSet, selection: Selection) -> Item:
    """One rule set."""
    return {
        "name": rules.name,
        "kind": rules.kind,
        "since": rules.release if rules.works else None,
        "in_force": selection.by == "release" and rules == selection.rules,
        "change": rules.change,
        "source": rules.source,
        "works": rules.works,
        "common": rules.common,
        "acs_mask": rules.acs_mask,
        "acs_bits": list(acs_names(rules.acs_mask)),
        "acs_hit": rules.acs_hit,
        "across": rules.across,
        "penalty": rules.penalty,
        "cpu": None if rules.cpu is None else {"vendor": rules.cpu.vendor, "family": rules.cpu.family},
        "listed": [_bridge_item(entry) for entry in rules.listed],
        "representative": rules.representative,
        "host_bridge_needs_no_iommu": rules.host_bridge_needs_no_iommu,
        "needs_no_iommu": rules.needs_no_iommu,
        "needs_64_bit": rules.needs_64_bit,
        "iommu_kinds": None if rules.iommu_kinds is None else list(rules.iommu_kinds),
        "virtual_dma": rules.virtual_dma,
        "caveats": [{"release": _release(caveat.release), "text": caveat.text} for caveat in rules.caveats],
    }


def _bridge_item(entry: ListedBridge) -> Item:
    return {
        "id": str(entry),
        "vendor": entry.vendor,
        "device": entry.device,
        "same_only": entry.same_only,
        "name": entry.name,
        "since": next((rules.release for rules in KERNEL_RULES if entry in rules.listed), None),
    }


def _release(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def rules_report(snapshot: Snapshot) -> Report:
    """All rule sets, and which one the kernel of this host has."""
    selection = choose(snapshot, None)
    notes = tuple(f"{note.text}." for note in selection.notes)
    return Report.of(
        snapshot,
        "rules",
        (rules_item(rules, selection) for rules in ALL_RULES),
        _COLUMNS,
        summary={"in_force": selection.rules.name if selection.by == "release" else None, "kernel": selection.release},
        notes=notes,
    )


def rules_page(snapshot: Snapshot, rules: RuleSet) -> Page:
    """One rule set in full."""
    item = rules_item(rules, choose(snapshot, None))
    report = Report.of(snapshot, "rules", (item,), _COLUMNS)
    sections = [Section(rules.name, (Lines((f"{_sentence(rules.change)}.",)), Fields(_facts(rules, item))))]
    if rules.works:
        sections.append(Section("What is asked of a pair", (Fields(_demands(rules)),)))
    if rules.crosses_host_bridge:
        sections.append(Section("Host bridges that may be crossed", _bridges(rules)))
    if rules.caveats:
        texts = tuple(f"{_release(caveat.release)}: {caveat.text}." for caveat in rules.caveats)
        sections.append(Section("Exceptions", (Lines(texts, bullet="- "),)))
    return Page(report, tuple(sections))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _facts(rules: RuleSet, item: Item) -> tuple[Field, ...]:
    since: Value = rules.release or "a proposal: no kernel has these rules"
    here: Value = "in force" if item["in_force"] else "not in force"
    return (Field("since", since), Field("on this host", here), Field("source", rules.source))


def _demands(rules: RuleSet) -> tuple[Field, ...]:
    both = "any bridge above both" if rules.common == "any-bridge" else "the switch that both are plugged into"
    rows = [Field("direct way", f"below {both}")]
    if rules.acs_mask:
        bits = " ".join(acs_names(rules.acs_mask))
        rows.append(Field("ACS", f"a port on the way with {bits} on redirects"))
        rows.append(Field("if a port redirects", _SAID_TO[rules.acs_hit]))
    else:
        rows.append(Field("ACS", "not looked at"))
    rows.append(Field("if no bridge is above both", _SAID_TO[rules.across]))
    if rules.penalty:
        rows.append(Field("distance without one", f"{rules.penalty} more"))
    rows += _host_demands(rules)
    rows.append(Field("RDMA without own DMA", _VIRTUAL_DMA[rules.virtual_dma]))
    return tuple(rows)


def _host_demands(rules: RuleSet) -> list[Field]:
    rows = []
    if rules.needs_no_iommu:
        rows.append(Field("IOMMU", "must not be in use"))
    if rules.host_bridge_needs_no_iommu:
        rows.append(Field("IOMMU", "must not be in use where a host bridge is crossed"))
    if rules.needs_64_bit:
        rows.append(Field("kernel", "64-bit"))
    if rules.iommu_kinds is not None:
        rows.append(Field("DMA", f"untranslated, or by an IOMMU called {' or '.join(rules.iommu_kinds)}..."))
    return rows


def _bridges(rules: RuleSet) -> tuple[Block, ...]:
    lines = [
        "A host bridge is known by the ids of the first function on its root bus"
        + (", which has to be 00.0." if rules.representative == "slot-0" else ", which has to be 00.0 or a root port.")
    ]
    if rules.cpu is not None:
        lines.insert(
            0, f"All of them, where the processor is {rules.cpu.vendor} of family {rules.cpu.family} or later."
        )
    return Lines(tuple(lines)), Grid(_BRIDGE_COLUMNS, tuple(map(_bridge_item, rules.listed)), empty="None is listed.")
