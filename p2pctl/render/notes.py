"""What people are told beside the records: remarks, and what would fill the gaps."""

from __future__ import annotations

from collections.abc import Iterable

from p2pctl.model.address import Address
from p2pctl.model.facts import Gap
from p2pctl.render.cells import UNKNOWN, cell, words
from p2pctl.render.page import Block, Fields, Grid, Page
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.text import Span

LISTINGS = frozenset({"pool", "pci functions", "nvme controllers", "rdma devices", "block devices"})
"""Facts without which items may be missing, and no cell says so."""
TOLD = LISTINGS | {"iommu groups", "iommus", "slots"}
"""Facts whose gaps are told even where nothing shows as unknown: their absence looks like that of the thing."""


def gap_notes(gaps: Iterable[Gap]) -> tuple[str, ...]:
    """One line for each kind of gap, however many devices have it."""
    groups: dict[tuple[str, str], set[str]] = {}
    for gap in gaps:
        groups.setdefault((gap.fact, gap.needs), set()).add(gap.address or gap.path or "")
    return tuple(f"? {fact}{_where(places)}: {_needed(needs)}" for (fact, needs), places in groups.items())


def _needed(needs: str) -> str:
    """``needs root``; a reason such as ``not asked (--holders)`` speaks for itself."""
    return needs if needs.startswith("not ") else f"needs {needs}"


def _where(places: set[str]) -> str:
    named = sorted(place for place in places if place)
    if len(named) > 2:
        return f" of {len(named)} devices"
    return f" of {' and '.join(named)}" if named else ""


def asides(report: Report) -> tuple[str, ...]:
    """The remarks of a list: its own, and about gaps that hide items or that it shows as unknown values."""
    about = _about(report) if _unknown(report.columns, report.items) else frozenset()
    return (*report.notes, *gap_notes(gap for gap in report.gaps if gap in about or gap.fact in TOLD))


def page_asides(page: Page) -> tuple[str, ...]:
    """What would fill the gaps, where something may be hidden or shows as unknown. A tree has its own legend."""
    about = _about(page.report)
    blocks = (block for section in page.sections for block in section.blocks)
    shown = any(map(_shows_unknown, blocks))
    return gap_notes(gap for gap in page.report.gaps if gap in about and (shown or gap.fact in TOLD))


def emptiness(report: Report) -> str:
    """What people are told where there are no items: that there are none, or why nobody can say so."""
    hiding = next((gap for gap in report.gaps if gap.fact in LISTINGS), None)
    if hiding is None:
        return report.empty
    return f"Not known: {hiding.path or hiding.fact} {_needed(hiding.needs)}."


def _about(report: Report) -> frozenset[Gap]:
    """The gaps of the host, and those of devices that the report is about: a snapshot may know of more."""
    addresses = {item["address"] for item in report.items if "address" in item}
    elsewhere = {
        gap.address for gap in report.gaps if addresses and gap.address and Address.parse(gap.address)
    } - addresses
    return frozenset(gap for gap in report.gaps if gap.address not in elsewhere)


def _shows_unknown(block: Block) -> bool:
    if isinstance(block, Fields):
        return any(not isinstance(row.value, Span) and words(row.value, row.style) == UNKNOWN for row in block.rows)
    return isinstance(block, Grid) and _unknown(block.columns, block.items)


def _unknown(columns: Iterable[Column], items: Iterable[Item]) -> bool:
    return any(cell(column, item).text == UNKNOWN for item in items for column in columns)
