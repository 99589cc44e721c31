"""What commands about verdicts share: names, items, the rules that were chosen, and the ranking of providers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from p2pctl.errors import DeniedError, NotFoundError, UsageError
from p2pctl.findings.devices import PARTS as DEVICE_PARTS
from p2pctl.findings.devices import Device, devices
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, Gap, Missing
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.render.page import Block, Grid, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.text import Line, Span, Tone
from p2pctl.resolver.providers import Candidate, Ranking, rank_providers
from p2pctl.resolver.rdma import RdmaRefusal, refuse_rdma
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.selection import Selection, select
from p2pctl.resolver.selectors import find_device
from p2pctl.resolver.verdict import Client, Joint, MapType, Outcome

PARTS: frozenset[PartName] = DEVICE_PARTS | {"kernel"}
"""What verdicts and their explanations are made from."""

ProviderKind = Literal["pool", "exporter", "bar"]
"""What is lent: a pool of the kernel's; what a driver shares as a dma-buf; a BAR that nobody is known to lend."""

_PROVIDER_KINDS: Mapping[str | None, ProviderKind] = {"pool": "pool", "dma-buf": "exporter", "registers": "exporter"}

VERDICT_TONES: Mapping[str, Tone] = {"allowed": "good", "denied": "bad", "unknown": "warning"}

WAYS: Mapping[MapType, str] = {
    "bus-address": "direct",
    "through-host-bridge": "through the host bridge",
    "not-supported": "none",
    "unknown": "not known",
}
"""Map types, for people."""


def _way(value: Value) -> str:
    return next((words for kind, words in WAYS.items() if kind == value), str(value))


VERDICT = Column("verdict", "verdict", style="name", tones=VERDICT_TONES)
MAP_TYPE = Column("map_type", "way", show=_way)
DISTANCE = Column("distance", "distance", style="number")


class Names:
    """What the devices of a host are called, and what they can lend."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.devices: dict[Address, Device] = {
            device.function.address: device for device in devices(snapshot, everything=True)
        }

    def name(self, client: Client) -> str | None:
        """What the kernel calls it: ``nvme0``; None for a function that has no name of its own."""
        if isinstance(client, str):
            return client
        device = self.devices.get(client)
        return device.names[0] if device is not None and device.names else None

    def label(self, client: Client) -> str:
        """``nvme0 (0000:03:00.0)``, for sentences."""
        name = self.name(client)
        return str(client) if name is None or isinstance(client, str) else f"{name} ({client})"

    def kind(self, provider: Address) -> ProviderKind:
        """What it could lend."""
        device = self.devices.get(provider)
        return _PROVIDER_KINDS.get(device.exporter if device else None, "bar")


def find_provider(snapshot: Snapshot, text: str) -> Address:
    """The function that ``text`` names. Raises UsageError, NotFoundError, DeniedError."""
    if not text.strip():
        raise UsageError("a device name is empty", hint="p2pctl device list shows what is there")
    return find_device(snapshot, text)


def find_client(snapshot: Snapshot, text: str) -> Client:
    """The same, or the name of a device that is there but hangs on no PCI function: ``md0``, ``rxe0``."""
    try:
        return find_provider(snapshot, text)
    except (NotFoundError, DeniedError):
        name = text.rstrip("/").rpartition("/")[2]
        if name in _without_function(snapshot):
            return name
        raise


def _without_function(snapshot: Snapshot) -> dict[str, str]:
    """Devices that hang on no PCI function, each with the reason."""
    found: dict[str, str] = {}
    if snapshot.rdma:
        tables = (snapshot.rdma.devices, snapshot.rdma.interfaces)
        found |= {name: "" for table in tables for name, one in table.items() if one.address is ABSENT}
    if snapshot.block:
        disks = snapshot.block.devices.values()
        found |= {disk.name: disk.reason or "" for disk in disks if disk.address is ABSENT}
    return found


def no_function_text(snapshot: Snapshot, name: str) -> str:
    """Why a device has no PCI function, and what can be asked instead."""
    reason = _without_function(snapshot).get(name)
    disk = snapshot.block.devices.get(name) if snapshot.block else None
    below = f"; it is made of {', '.join(disk.below)}, which can be asked about" if disk and disk.below else ""
    return f"{name} hangs on no PCI function{f' ({reason})' if reason else ''}{below}"


def verdict_item(names: Names, provider: Address, client: Client, outcome: Outcome, rules: RuleSet) -> dict[str, Value]:
    """One pair, without its evidence."""
    return {
        "provider": str(provider),
        "provider_kind": names.kind(provider),
        "provider_name": names.name(provider),
        "client": str(client),
        "client_name": names.name(client),
        "verdict": outcome.verdict,
        "map_type": outcome.map_type,
        "distance": outcome.distance,
        "rules": rules.name,
    }


def joint_item(joint: Joint) -> Item:
    """What holds for several clients together."""
    return {"verdict": joint.verdict, "map_type": joint.map_type, "distance": joint.distance}


def choose(snapshot: Snapshot, name: str | None) -> Selection:
    """The rules for the kernel of a snapshot, or those that ``name`` asks for. Raises NotFoundError."""
    return select(NOT_READ if snapshot.kernel is None else snapshot.kernel.release, name=name)


def selection_item(selection: Selection) -> Item:
    """Which rules verdicts go by, and why."""
    return {
        "name": selection.rules.name,
        "chosen_by": selection.by,
        "kernel": selection.release,
        "notes": [{"code": note.code, "text": note.text} for note in selection.notes],
    }


def selection_lines(selection: Selection) -> tuple[str, ...]:
    """The same for people."""
    name = selection.rules.name
    match selection.by:
        case "release":
            first = f"Rules: {name}, since this kernel is {selection.release}."
        case "name":
            first = f"Rules: {name}, as asked for."
        case "default":
            first = f"Rules: {name}."
    return (first, *(f"Note: {note.text}." for note in selection.notes))


def refusals(snapshot: Snapshot, rules: RuleSet, client: Client) -> tuple[RdmaRefusal, ...]:
    """Why the NVMe target leaves out an RDMA device on this function, or of this name."""
    found = snapshot.rdma.devices.values() if snapshot.rdma else ()
    asked = (refuse_rdma(device, rules) for device in found if client in {device.address, device.name})
    return tuple(refusal for refusal in asked if refusal is not None)


def about(snapshot: Snapshot, missing: Iterable[Gap], concerned: Iterable[object]) -> tuple[Gap, ...]:
    """The gaps that matter for some devices: what a verdict misses, and what is not known of the host or of them."""
    addresses = {str(one) for one in concerned}
    here = (g for g in snapshot.gaps if g.address is None or g.address in addresses or not Address.parse(g.address))
    return tuple(dict.fromkeys((*missing, *here)))


_RANKING_COLUMNS = (
    Column("rank", "rank", style="number"),
    Column("provider", "provider", style="name"),
    Column("provider_name", "device", style="name", priority=2),
    VERDICT,
    MAP_TYPE._replace(priority=3),
    DISTANCE,
    Column("published", "published", priority=1),
    Column("outlook", "what the kernel does"),
)


def providers_page(snapshot: Snapshot, selection: Selection, resolver: Resolver, clients: Sequence[Client]) -> Page:
    """What ``pci_p2pmem_find_many`` would choose for the clients."""
    names = Names(snapshot)
    pools = snapshot.pools.pools.values() if snapshot.pools else ()
    ranking = rank_providers(resolver, pools, clients)
    items = [_candidate_item(names, one, ranking, clients, resolver.rules) for one in ranking.candidates]
    refused = [refusal for client in clients for refusal in refusals(snapshot, resolver.rules, client)]
    notes = [f"{refusal.reason.text}." for refusal in refused]
    notes += [f"{no_function_text(snapshot, client)}." for client in clients if isinstance(client, str)]
    report = Report.of(
        snapshot,
        "providers",
        items,
        _RANKING_COLUMNS,
        summary={
            "clients": [str(client) for client in clients],
            "chosen": [str(address) for address in ranking.chosen],
            "random": len(ranking.chosen) > 1,
            "certain": ranking.certain,
            "rules": selection_item(selection),
            "notes": [refusal.reason.text for refusal in refused],
        },
        gaps=about(snapshot, (), (*clients, *(one.address for one in ranking.candidates))),
        empty="No device has P2P memory here.",
        notes=(_choice(names, ranking), *notes),
    )
    blocks: tuple[Block, ...] = (Grid(_RANKING_COLUMNS, tuple(items), empty=report.empty),)
    return Page(
        report,
        (
            Section(_for_clients(names, clients), (Lines((Span(_choice(names, ranking), "strong"), *notes)),)),
            Section("", blocks),
            Section("", (Lines(_ranking_legend(clients, selection)),)),
        ),
    )


def _for_clients(names: Names, clients: Sequence[Client]) -> Line:
    return f"For {', '.join(map(names.label, clients))}"


def _ranking_legend(clients: Sequence[Client], selection: Selection) -> tuple[str, ...]:
    joint = "distance: the sum over all clients; a pool has to be allowed for each of them."
    return (*((joint,) if len(clients) > 1 else ()), *selection_lines(selection))


def _choice(names: Names, ranking: Ranking) -> str:
    chosen = [names.label(address) for address in ranking.chosen]
    doubt = "" if ranking.certain else " What could not be read may change that."
    if not chosen:
        return f"The kernel would find no provider{'' if ranking.certain else ', as far as can be told'}.{doubt}"
    if len(chosen) == 1:
        return f"The kernel would choose {chosen[0]}.{doubt}"
    return f"The kernel would choose one of these at random: {', '.join(chosen)}.{doubt}"


def _candidate_item(
    names: Names, one: Candidate, ranking: Ranking, clients: Sequence[Client], rules: RuleSet
) -> dict[str, Value]:
    outcome = Outcome(one.joint.verdict, one.joint.map_type, one.joint.distance)
    item = verdict_item(names, one.address, clients[0], outcome, rules)
    if len(clients) > 1:
        item |= {"client": None, "client_name": None}
    return {
        **item,
        "rank": one.rank,
        "chosen": one.address in ranking.chosen,
        "published": Missing.UNREADABLE if one.published is None else one.published,
        "eligible": Missing.UNREADABLE if one.eligible is None else one.eligible,
        "outlook": _outlook(one, ranking),
        "clients": [
            {"client": str(client), **joint_item(Joint(*answer, ()))}
            for client, answer in zip(clients, one.joint.outcomes, strict=True)
        ],
    }


def _outlook(one: Candidate, ranking: Ranking) -> str:
    if one.address in ranking.chosen:
        tied = len(ranking.chosen)
        return "chosen" if tied == 1 else f"tied: one of {tied}"
    if one.published is False:
        return "out: not published"
    if one.joint.verdict == "denied":
        return "out: denied"
    if one.eligible is None:
        return "not known"
    return "further away"
