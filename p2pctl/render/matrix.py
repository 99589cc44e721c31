"""The verdict of every pair: a grid for terminals, one pair a record for everything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.page import Grid, Lines, Page, Section
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.text import Tone
from p2pctl.render.verdicts import (
    DISTANCE,
    MAP_TYPE,
    VERDICT,
    Names,
    about,
    selection_item,
    selection_lines,
    verdict_item,
)
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import Selection
from p2pctl.resolver.verdict import Client, Outcome

_CLIENT_KINDS = frozenset({"nvme", "rdma", "gpu"})

COLUMNS = (
    Column("provider", "provider", style="name"),
    Column("provider_name", "device", style="name", priority=2),
    Column("client", "client", style="name"),
    Column("client_name", "device", style="name", priority=1),
    VERDICT,
    MAP_TYPE,
    DISTANCE,
    Column("provider_kind", "lends", style="name", priority=3),
)
_LEGEND_COLUMNS = (
    Column("number", "#", style="number"),
    Column("client", "client", style="name"),
    Column("name", "device", style="name"),
    Column("kind", "kind", style="name", priority=1),
)

GAP = 2
"""Cells between two columns of a table."""
NOT_ASKED = "."
_LETTERS = {"bus-address": "D", "through-host-bridge": "H"}
MEANINGS = {
    "D": "D: allowed, and direct: through switches alone.",
    "H": "H: allowed, but through the host bridge: slower, and how much depends on the machine.",
    "A": "A: allowed; whether directly or through the host bridge is not known.",
    "-": "-: denied.",
    "?": "?: not known.",
    NOT_ASKED: ".: not asked for.",
}
LETTER_TONES: dict[str, Tone] = {"-": "bad", "?": "warning", NOT_ASKED: "dim"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which pairs a matrix is about."""

    providers: tuple[Address, ...]
    clients: tuple[Client, ...]
    named: tuple[Client, ...] = ()
    """Empty: every pair. One: the pairs that it takes part in. Several: the pairs between them."""

    def has(self, provider: Address, client: Client) -> bool:
        """Whether this pair is asked for."""
        if len(self.named) < 2:
            return not self.named or self.named[0] in {provider, client}
        return True


def scope(names: Names, named: Sequence[Client], *, everything: bool) -> Scope:
    """The pairs that are asked for: all pools and all NVMe, RDMA and GPU functions, or what is named.

    With ``everything``, what could lend memory without being a pool is a provider, too.
    """
    found = names.devices.values()
    providers = [
        device.function.address
        for device in found
        if device.exporter == "pool" or (everything and device.exporter is not None)
    ]
    usual = {device.function.address for device in found if device.matters and device.kind in _CLIENT_KINDS}
    functions = {*usual, *providers, *(one for one in named if isinstance(one, Address))}
    clients: tuple[Client, ...] = (*sorted(functions), *dict.fromkeys(one for one in named if isinstance(one, str)))
    chosen = tuple(dict.fromkeys(named))
    if len(chosen) > 1:
        providers = [one for one in providers if one in chosen] or providers
        clients = tuple(one for one in clients if one in chosen)
    elif chosen and chosen[0] not in providers:
        clients = chosen
    return Scope(tuple(providers), clients, chosen)


def matrix_page(
    snapshot: Snapshot, selection: Selection, resolver: Resolver, names: Names, pairs: Scope, *, width: int
) -> Page:
    """The verdicts of the pairs; for people a grid in blocks that fit ``width`` cells."""
    rows = resolver.matrix(pairs.providers, pairs.clients)
    items = [
        verdict_item(names, provider, client, outcome, resolver.rules)
        for provider, row in zip(pairs.providers, rows, strict=True)
        for client, outcome in zip(pairs.clients, row, strict=True)
        if pairs.has(provider, client)
    ]
    verdicts = [item["verdict"] for item in items]
    report = Report.of(
        snapshot,
        "matrix",
        items,
        COLUMNS,
        summary={
            "pairs": len(items),
            "allowed": verdicts.count("allowed"),
            "denied": verdicts.count("denied"),
            "unknown": verdicts.count("unknown"),
            "rules": selection_item(selection),
        },
        gaps=snapshot.gaps if "unknown" in verdicts else about(snapshot, (), (*pairs.providers, *pairs.clients)),
        empty="No device here has P2P memory; --all takes every device that could lend some.",
        notes=selection_lines(selection),
    )
    if not items:
        return Page(report, (Section("", (Lines((report.empty,)),)),))
    return Page(report, tuple(_sections(names, pairs, rows, selection, width)))


def _sections(
    names: Names, pairs: Scope, rows: Sequence[Sequence[Outcome]], selection: Selection, width: int
) -> Iterator[Section]:
    grids = tuple(_grids(names, pairs, rows, width))
    yield Section("", grids)
    legend = tuple(_legend_item(names, number, client) for number, client in enumerate(pairs.clients, 1))
    yield Section("Clients", (Grid(_LEGEND_COLUMNS, legend),))
    used = {_letter(text) for grid in grids for item in grid.items for key, text in item.items() if key.isdecimal()}
    meanings = [text for letter, text in MEANINGS.items() if letter in used]
    if used & {"D", "H", "A"}:
        meanings.append("The number: the distance, in steps between the two; the kernel prefers the closest pool.")
    meanings.append("p2pctl explain PROVIDER CLIENT says why.")
    yield Section("", (Lines((*meanings, *selection_lines(selection))),))


def _letter(text: object) -> str:
    return str(text)[:1]


def _grids(names: Names, pairs: Scope, rows: Sequence[Sequence[Outcome]], width: int) -> Iterator[Grid]:
    """Blocks of columns; each block has all rows."""
    cells = [
        [
            _cell(outcome) if pairs.has(provider, client) else NOT_ASKED
            for client, outcome in zip(pairs.clients, row, strict=True)
        ]
        for provider, row in zip(pairs.providers, rows, strict=True)
    ]
    labels = [names.name(provider) or "" for provider in pairs.providers]
    heads = max(map(len, map(str, pairs.providers))) + GAP + max(6, *map(len, labels))
    wide = [
        max(len(str(number)), *(len(row[number - 1]) for row in cells)) for number in range(1, len(pairs.clients) + 1)
    ]
    for block in _blocks(wide, width - heads):
        columns = (
            Column("provider", "provider", style="name"),
            Column("name", "device", style="name"),
            *(_client_column(index, wide[index]) for index in block),
        )
        yield Grid(
            columns,
            tuple(
                {
                    "provider": str(provider),
                    "name": label or None,
                    **{str(index + 1): cells[row][index] for index in block},
                }
                for row, (provider, label) in enumerate(zip(pairs.providers, labels, strict=True))
            ),
        )


def _client_column(index: int, wide: int) -> Column:
    return Column(str(index + 1), str(index + 1).rjust(wide), style="name", tones=LETTER_TONES)


def _blocks(wide: Sequence[int], room: int) -> Iterator[tuple[int, ...]]:
    """Indexes of the columns that stand side by side; each block has one at least."""
    block: list[int] = []
    taken = 0
    for index, cells in enumerate(wide):
        if block and taken + GAP + cells > room:
            yield tuple(block)
            block, taken = [], 0
        block.append(index)
        taken += GAP + cells
    if block:
        yield tuple(block)


def letter(outcome: Outcome) -> str:
    """The verdict as one of the letters of ``MEANINGS``."""
    if outcome.verdict != "allowed":
        return "-" if outcome.verdict == "denied" else "?"
    return _LETTERS.get(outcome.map_type, "A")


def _cell(outcome: Outcome) -> str:
    distance = "" if outcome.distance is None or outcome.verdict != "allowed" else str(outcome.distance)
    return f"{letter(outcome)}{distance}"


def _legend_item(names: Names, number: int, client: Client) -> Item:
    device = None if isinstance(client, str) else names.devices.get(client)
    return {
        "number": number,
        "client": str(client),
        "name": names.name(client),
        "kind": "no PCI function" if device is None else device.kind,
    }
