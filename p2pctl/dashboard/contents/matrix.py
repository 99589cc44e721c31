"""All pairs: the letters of a grid, worked out row by row, and the same pairs as records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from p2pctl.dashboard.contents.pair import Pair
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Verdicts
from p2pctl.model.address import Address
from p2pctl.render.matrix import COLUMNS, letter, scope
from p2pctl.render.report import Column, Item
from p2pctl.render.text import clean
from p2pctl.render.verdicts import DISTANCE, MAP_TYPE, VERDICT, verdict_item
from p2pctl.resolver.verdict import Client, Outcome

WHOLE = 4096
"""Pairs up to which all are worked out at once: a few milliseconds. Beyond, only the rows that are seen are."""

_SHORT = {
    "D": "direct",
    "H": "through the host bridge",
    "A": "allowed, way not known",
    "-": "denied",
    "?": "not known",
}


class Pairs:
    """The pairs of a host: pools lend, NVMe, RDMA and GPU functions use. A row is worked out when it is looked at."""

    def __init__(self, verdicts: Verdicts) -> None:
        self.verdicts = verdicts
        found = scope(verdicts.names, (), everything=False)
        self.providers: tuple[Address, ...] = found.providers
        self.clients: tuple[Client, ...] = found.clients
        self._rows: dict[int, tuple[Outcome, ...]] = {}

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.providers) * len(self.clients)

    @property
    def few(self) -> bool:
        """Whether all of them can be looked at without anybody waiting."""
        return len(self) <= WHOLE

    def row(self, provider: int) -> tuple[Outcome, ...]:
        """The verdicts of a provider, by its place."""
        row = self._rows.get(provider)
        if row is None:
            row = self._rows[provider] = self.verdicts.resolver.matrix((self.providers[provider],), self.clients)[0]
        return row

    def pair(self, row: int, column: int) -> Pair:
        """Which pair a cell is."""
        return Pair(self.providers[row], self.clients[column])

    def place(self, key: str) -> tuple[int, int] | None:
        """The cell of a pair, by key; the first of its row, or its column, for a device alone."""
        provider, _, client = key.partition(" ")
        rows = {str(one): place for place, one in enumerate(self.providers)}
        columns = {str(one): place for place, one in enumerate(self.clients)}
        if client:
            return (rows[provider], columns[client]) if provider in rows and client in columns else None
        if provider in rows and self.clients:
            return rows[provider], 0
        return (0, columns[provider]) if provider in columns and self.providers else None

    def short(self, client: Client) -> str:
        """What stands at the edge: the kernel's name, else the address, without the domain that most have."""
        return self.verdicts.names.name(client) or str(client).removeprefix("0000:")

    def cell(self, row: int, column: int, *, distance: bool) -> str:
        """The letter, and the distance of what is allowed."""
        outcome = self.row(row)[column]
        steps = outcome.distance if distance and outcome.verdict == "allowed" else None
        return letter(outcome) if steps is None else f"{letter(outcome)}{steps}"

    @cached_property
    def widest(self) -> int:
        """Cells of the widest letter with distance. Only of few pairs."""
        cells = (
            self.cell(row, column, distance=True)
            for row in range(len(self.providers))
            for column in range(len(self.clients))
        )
        return max(map(len, cells), default=1)

    @cached_property
    def first_denied(self) -> tuple[int, int]:
        """Where somebody who asks why would begin; else, or among very many, the first cell."""
        if self.few:
            for row in range(len(self.providers)):
                for column, outcome in enumerate(self.row(row)):
                    if outcome.verdict == "denied":
                        return row, column
        return 0, 0

    def counted(self) -> str:
        """How many there are of each; of many pairs, how many there are."""
        text = f"{len(self.providers)} lend, {len(self.clients)} use"
        if not self.few:
            return text
        words = [outcome.verdict for row in range(len(self.providers)) for outcome in self.row(row)]
        counts = ((word, words.count(word)) for word in ("allowed", "denied", "unknown"))
        told = ", ".join(f"{count} {word}" for word, count in counts if count)
        return f"{text}: {told}" if told else text

    def nothing(self) -> str:
        """Why there is no pair; empty where there are some."""
        if self.providers and self.clients:
            return ""
        if self.providers:
            return "No device here uses others' memory: no NVMe drive, no RDMA card, no GPU."
        return (
            "No device here lends memory: no drive with a CMB, no other pool of P2P memory. "
            "The Overview says what stands in the way."
        )

    def records(self, rows: Sequence[int]) -> Iterator[tuple[str, Item]]:
        """Key and item of each pair of these rows."""
        names, rules = self.verdicts.names, self.verdicts.resolver.rules
        for place in rows:
            for client, outcome in zip(self.clients, self.row(place), strict=True):
                provider = self.providers[place]
                item = verdict_item(names, provider, client, outcome, rules)
                called = {"lender": self._called(provider), "user": self._called(client)}
                yield f"{provider} {client}", {**item, **called}

    def _called(self, client: Client) -> str:
        """The kernel's name, else what it is: ``(gpu)``."""
        name = self.verdicts.names.name(client)
        device = self.verdicts.names.devices.get(client) if isinstance(client, Address) else None
        if name or device is None:
            return name or ""
        return f"({device.function.role if device.kind == 'other' else device.kind})"


def _columns() -> tuple[Column, ...]:
    """Those of the command; names instead of the way where there is no room for both."""
    known = {column.key: column for column in COLUMNS}
    return (
        known["provider"],
        Column("lender", "device", style="name", priority=1),
        known["client"],
        Column("user", "device", style="name", priority=1),
        VERDICT,
        DISTANCE._replace(priority=2),
        MAP_TYPE._replace(priority=3),
        known["provider_kind"]._replace(priority=4),
    )


_COLUMNS = _columns()


def pairs_panel(pairs: Pairs, provider: int | None = None) -> Panel:
    """All pairs as records, or those of one provider."""
    rows = range(len(pairs.providers)) if provider is None else (provider,) if pairs.providers else ()
    found = list(pairs.records(rows))
    whose = "" if provider is None or not pairs.providers else f" of {pairs.short(pairs.providers[provider])}"
    return Panel(
        "pairs", f"Pairs{whose}", _COLUMNS, [item for _, item in found], [key for key, _ in found],
        pairs.nothing(),
    )  # fmt: skip


LEGEND_LIMIT = 64
"""Clients beyond which their numbers are not listed: the one under the cursor is named in any case."""


def legend(pairs: Pairs, *, numbered: bool, distance: bool) -> str:
    """What the letters and numbers of the grid mean, for the letters that there are."""
    used = {pairs.cell(row, column, distance=False) for row in range(len(pairs.providers))
            for column in range(len(pairs.clients))} if pairs.few else set(_SHORT)  # fmt: skip
    words = [f"{one} {text}" for one, text in _SHORT.items() if one in used]
    if distance and used & {"D", "H", "A"}:
        words.append("number: steps apart")
    lines = ["   ".join(words)]
    if numbered and len(pairs.clients) <= LEGEND_LIMIT:
        lines.append("  ".join(f"{place}:{clean(pairs.short(one))}" for place, one in enumerate(pairs.clients, 1)))
    return "\n".join(lines)
