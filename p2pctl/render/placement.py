"""Providers for namespaces, as records and as a piece of the document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.report import Column, Item, Report, Value, jsonable
from p2pctl.resolver.placement import Choice, LinkLoad, Plan
from p2pctl.resolver.selection import Selection
from p2pctl.resolver.verdict import Reason

GIGA = 1_000_000_000
"""Links are told in decimal units."""

_THROUGH = "the way leads through the host bridge, which may give far less than its links: measure it"

_SETTINGS = {"0": "off", "1": "auto"}


def _show_rate(value: Value) -> str:
    return f"{value / GIGA:.2f} GB/s" if isinstance(value, (int, float)) else ""


def _show_codes(value: Value) -> str:
    """The reasons by their names: the sentences stand below."""
    codes = [str(one["code"]) for one in value if isinstance(one, Mapping)] if isinstance(value, Sequence) else []
    return ", ".join(dict.fromkeys(codes))


COLUMNS = (
    Column("device", "device", style="name"),
    Column("subsystem", "subsystem", style="name", priority=5),
    Column("nsid", "ns", style="number"),
    Column("p2pmem", "now", style="name", priority=3),
    Column("provider", "provider", style="name"),
    Column("provider_name", "of", style="name", priority=4),
    Column("map_type", "way", style="name", priority=2),
    Column("distance", "distance", style="number", priority=1),
    Column("ceiling", "at most", style="name", align="right", show=_show_rate),
    Column("random_ceiling", "by chance", style="name", align="right", priority=2, show=_show_rate),
    Column("reasons", "why not", show=_show_codes),
)


def _rate(load: float | None) -> int | None:
    """Bytes per second that each namespace gets over a link with this load; None without a figure."""
    return round(GIGA / load) if load else None


def _reasons(reasons: Sequence[Reason]) -> list[Value]:
    return [
        {"code": one.code, "text": one.text, "address": jsonable(one.address)} for one in dict.fromkeys(reasons)
    ]  # fmt: skip


def choice_item(choice: Choice, names: Mapping[Address, Sequence[str]]) -> Item:
    """One namespace."""
    want = choice.want
    joint = choice.joint
    current = want.current
    provider = choice.provider
    return {
        "device": want.device,
        "subsystem": want.nqn,
        "nsid": want.nsid,
        "client": jsonable(want.drive),
        "ports": [
            {
                "port": port.port,
                "transport": port.transport,
                "address": port.address,
                "certain": port.certain,
                "devices": [
                    {
                        "name": one.name,
                        "address": jsonable(one.address),
                        "basis": one.basis,
                        "usable": one.usable,
                    }
                    for one in port.devices
                ],
            }
            for port in want.ports
        ],
        "p2pmem": current if isinstance(current, Missing) else _SETTINGS.get(current, current),
        "provider": jsonable(provider),
        "provider_name": next(iter(names.get(provider, ())), None) if provider is not None else None,
        "verdict": joint.verdict if joint else None,
        "map_type": joint.map_type if joint else None,
        "distance": joint.distance if joint else None,
        "extra_distance": choice.extra,
        "closest": jsonable(choice.closest),
        "ceiling": _rate(choice.load),
        "random_ceiling": _rate(choice.chance),
        "reasons": _reasons(choice.reasons),
        "remarks": _reasons(choice.remarks),
    }


def _link_item(link: LinkLoad) -> Item:
    return {
        "port": str(link.edge.port),
        "direction": "up" if link.edge.up else "down",
        "capacity": round(link.rate * GIGA),
        "load": round(link.load, 6),
        "ceiling": _rate(link.load),
    }


def _summary(plan: Plan, snapshot: Snapshot, selection: Selection, order: str) -> Item:
    pools = snapshot.pools.pools if snapshot.pools else {}

    def share(address: Address, count: int) -> Value:
        size = pools[address].size
        return size if isinstance(size, Missing) else size // count

    return {
        "namespaces": len(plan.choices),
        "placed": sum(choice.provider is not None for choice in plan.choices),
        "order": order,
        "rules": selection.rules.name,
        "proven": plan.proven,
        "ceiling": _rate(plan.worst.load) if plan.worst else None,
        "random_ceiling": _rate(plan.chance),
        "links": [_link_item(link) for link in plan.links],
        "pools": [
            {"address": str(address), "namespaces": count, "size": pools[address].size, "share": share(address, count)}
            for address, count in plan.pools.items()
        ],
        "unrated": jsonable(plan.unrated),
    }


def placement_report(
    snapshot: Snapshot, plan: Plan, selection: Selection, names: Mapping[Address, Sequence[str]], *, order: str
) -> Report:
    """The plan; ``names`` has what the kernel calls the devices."""
    return Report.of(
        snapshot,
        "placement",
        (choice_item(choice, names) for choice in plan.choices),
        COLUMNS,
        summary=_summary(plan, snapshot, selection, order),
        empty="The target has no namespace: name a disk with --namespace and an adapter with --port.",
        notes=(*_notes(plan), *(note.text for note in selection.notes)),
    )


def shortfalls(plan: Plan) -> Iterator[str]:
    """Which namespaces get no provider, and why: what the nearest pool says; the other reasons are in the records."""
    yield from _unplaced(plan)
    for choice in plan.choices:
        if choice.provider is not None and choice.want.nqn is None:
            yield f"{choice.want.device} is left out: it is no namespace of the target, or several"


def _notes(plan: Plan) -> Iterator[str]:
    if plan.worst is not None:
        yield _balance(plan)
    for address, count in plan.pools.items():
        if count > 1:
            yield f"{address} is shared by {count} namespaces"
    yield from _unplaced(plan)
    yield from _remarks(plan)
    if not plan.proven:
        yield "there was no time to prove that nothing is better"
    if plan.unrated:
        yield f"the speed of {len(plan.unrated)} links is not known, so their load counts for nothing"


def _unplaced(plan: Plan) -> Iterator[str]:
    for choice in plan.choices:
        for reason in choice.reasons[:1]:
            yield f"{choice.want.device} gets no provider: {reason.text}"


def _remarks(plan: Plan) -> Iterator[str]:
    """What to know of the namespaces that have one, each sentence once."""
    told: dict[str, list[str]] = {}
    for choice in plan.choices:
        if choice.provider is None:
            continue
        for remark in choice.remarks:
            told.setdefault(remark.text, []).append(choice.want.device)
        if choice.joint is not None and choice.joint.map_type != "bus-address":
            told.setdefault(_THROUGH, []).append(choice.want.device)
    for text, whose in told.items():
        yield f"{', '.join(dict.fromkeys(whose))}: {text}"


def _balance(plan: Plan) -> str:
    worst = plan.worst
    if worst is None or not worst.load:
        return ""
    way = "upwards" if worst.edge.up else "downwards"
    text = (
        f"while all are busy each namespace can have {1 / worst.load:.2f} GB/s: what limits it is the link below "
        f"{worst.edge.port}, {way}, with {worst.rate:.2f} GB/s"
    )
    if plan.chance > worst.load * (1 + 1e-6):
        return f"{text}; the kernel's random choice leaves {1 / plan.chance:.2f} GB/s on average"
    return f"{text}; the kernel's own choice does no worse"


def placement_document(plan: Plan) -> dict[str, Any]:
    """What ``apply`` takes: the providers of the namespaces that have one, and nothing else."""
    subsystems: dict[str, Any] = {}
    for choice in plan.choices:
        want = choice.want
        if want.nqn is not None and want.nsid is not None and choice.provider is not None:
            namespaces = subsystems.setdefault(want.nqn, {"namespaces": {}})["namespaces"]
            namespaces[want.nsid] = {"p2pmem": str(choice.provider)}
    return {"version": 1, "subsystems": subsystems}


def document_lines(document: Mapping[str, Any], *, as_json: bool) -> list[str]:
    """The document in one of its two syntaxes."""
    if as_json:
        return json.dumps(document, indent=2).splitlines()
    from p2pctl.render.yaml_text import yaml_text  # noqa: PLC0415

    return yaml_text(document).splitlines()
