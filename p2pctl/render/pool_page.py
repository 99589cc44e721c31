"""One pool in full, for people."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.findings.pools import PoolState, pool_states
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.items import show_link
from p2pctl.render.page import Block, Field, Fields, Grid, Lines, Page, Section
from p2pctl.render.pools import COLUMNS, STATE_TONES, holder_item, pool_gaps, pool_item
from p2pctl.render.report import Column, Item, Report, jsonable

_HOLDER_COLUMNS = (
    Column("kind", "holder", style="name"),
    Column("bytes", "bytes", style="bytes"),
    Column("basis", "basis", style="name"),
    Column("text", "who"),
)


def pool_page(snapshot: Snapshot, address: Address) -> Page | None:
    """One pool in full; None where the device has none."""
    states = tuple(state for state in pool_states(snapshot) if state.address == address)
    if not states:
        return None
    state = states[0]
    report = Report.of(snapshot, "pool", map(pool_item, states), COLUMNS, gaps=pool_gaps(snapshot, states))
    sections = [Section(f"Pool {address}", (Fields(_fields(state, report.items[0])),))]
    if state.cause:
        sections.append(Section("Why there is no pool", (Lines((state.cause,)),)))
    else:
        sections.append(Section("Holders", (_holder_block(state),)))
    return Page(report, tuple(sections))


def _fields(state: PoolState, item: Item) -> tuple[Field, ...]:
    known_state = state.state if isinstance(state.state, str) else ""
    link = item["link"]
    return (
        Field("device", jsonable(state.controller)),
        Field("name", jsonable(state.name)),
        Field("driver", item["driver"]),
        Field("state", item["state"], tone=STATE_TONES.get(known_state)),
        Field("size", item["size"], style="bytes"),
        Field("available", item["available"], style="bytes"),
        Field("used", item["used"], style="bytes"),
        Field("user space may map it", item["mappable"]),
        Field("NUMA node", item["numa_node"]),
        Field("slot", item["slot"]),
        Field("link", show_link(link) if isinstance(link, Mapping) else ABSENT),
    )


def _holder_block(state: PoolState) -> Block:
    if state.holders is None:
        return Lines(("Not asked for: --holders looks into every process.",))
    return Grid(_HOLDER_COLUMNS, tuple(map(holder_item, state.holders)), empty="Nobody holds any of it.")
