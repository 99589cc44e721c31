"""Functions with Access Control Services: what they can do, what is on, and which pairs it concerns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.pci import ACS_REDIRECT, Acs, Function
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.items import acs_item
from p2pctl.render.matrix import scope
from p2pctl.render.report import Column, Item, Report, Value, jsonable
from p2pctl.render.text import Tone
from p2pctl.render.verdicts import Names, selection_item, selection_lines
from p2pctl.resolver.path import counting
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import Selection

_TONES: Mapping[str, Tone] = {"yes": "warning"}


def _names(value: Value) -> str:
    return ("+".join(map(str, value)) or "none") if isinstance(value, list) else ""


def _count(value: Value) -> str:
    return str(len(value)) if isinstance(value, list) else ""


COLUMNS = (
    Column("address", "address", style="name"),
    Column("names", "device", style="name", priority=4),
    Column("role", "role", style="name", priority=3),
    Column("capable", "can", style="name", priority=2, show=_names),
    Column("enabled", "on", style="name", show=_names),
    Column("redirects", "redirects", style="name", tones=_TONES),
    Column("pairs", "pairs", align="right", show=_count),
    Column("denied", "denied", style="number", priority=1),
    Column("slot", "slot", style="name", priority=5),
)


def acs_report(snapshot: Snapshot, selection: Selection, resolver: Resolver, names: Names) -> Report:
    """Every port that has ACS, or may have it, and whatever else can redirect.

    Each that redirects with those pairs of ``matrix`` whose way it is on.

    ``redirects`` is about the bits that the rules look at (``pci_bridge_has_acs_redir``, drivers/pci/p2pdma.c).
    """
    functions = snapshot.pci.functions if snapshot.pci else {}
    pairs = _pairs(resolver, names)
    items = [
        _item(function, resolver, names, pairs.get(function.address, []))
        for function in functions.values()
        if _may_have(function)
    ]
    redirecting = [item for item in items if item["redirects"] is True]
    return Report.of(
        snapshot,
        "acs",
        items,
        COLUMNS,
        summary={
            "functions": len(items),
            "redirecting": len(redirecting),
            "unknown": sum(isinstance(item["redirects"], Missing) for item in items),
            "rules": selection_item(selection),
        },
        empty="No PCI port here has Access Control Services.",
        notes=selection_lines(selection),
    )


def _may_have(function: Function) -> bool:
    """Of what is no bridge only what can redirect is told: network cards have the capability with no bit in it."""
    acs = function.config.acs
    if not function.is_bridge:
        return not isinstance(acs, Missing) and bool(acs.capability & ACS_REDIRECT)
    return acs is not ABSENT


def _pairs(resolver: Resolver, names: Names) -> dict[Address, list[Item]]:
    """The pairs by each redirecting node on their way, in the order of the matrix."""
    asked = scope(names, (), everything=False)
    clients: Sequence[Address] = [one for one in asked.clients if isinstance(one, Address)]
    found: dict[Address, list[Item]] = {}
    for provider in asked.providers:
        for client in clients:
            nodes = [node for node in counting(resolver, provider, client) if resolver.redirects(node)]
            if nodes:
                verdict = resolver.verdict(provider, client).verdict
                pair: Item = {"provider": str(provider), "client": str(client), "verdict": verdict}
                for node in nodes:
                    found.setdefault(node, []).append(pair)
    return found


def _item(function: Function, resolver: Resolver, names: Names, pairs: list[Item]) -> Item:
    acs = function.config.acs
    redirects = resolver.redirects(function.address)
    device = names.devices.get(function.address)
    return {
        "address": str(function.address),
        "names": list(device.names) if device else [],
        "role": function.role,
        "slot": function.slot,
        **dict(_registers(acs)),
        "redirects": UNREADABLE if redirects is None else redirects,
        "pairs": UNREADABLE if redirects is None else jsonable(pairs),
        "denied": UNREADABLE if redirects is None else sum(pair["verdict"] == "denied" for pair in pairs),
    }


def _registers(acs: Fact[Acs]) -> Iterator[tuple[str, Value]]:
    told = acs_item(acs)
    for key in ("capability", "control", "capable", "enabled"):
        yield key, told[key] if isinstance(told, Mapping) else told
