"""The pools, with their levels as they were, and who holds every byte of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from p2pctl.dashboard.glyphs import Glyphs, bar, curve, percent
from p2pctl.dashboard.history import History
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.findings.pools import PoolState
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, Fact, Missing
from p2pctl.render.page import Page
from p2pctl.render.pool_page import pool_page
from p2pctl.render.pools import STATE_TONES, holder_item, pool_item
from p2pctl.render.report import Column, Item, Value
from p2pctl.render.text import Tone
from p2pctl.target.room import LARGEST_REQUEST
from p2pctl.units import format_bytes, format_short

BAR = 8
CURVE = 10
MINUTE = 60.0
"""Seconds that the curve beside a pool shows."""
TIGHT = 0.9
"""Share of a pool in use from which on it is worth a look."""
EMPTY = "No device has P2P memory here."

_BASES = {"mapped": "its map", "computed": "computed", "inferred": "inferred"}
_HOLDERS = (
    Column("pool", "pool", style="name", priority=1),
    Column("kind", "holder", style="name"),
    Column("text", "who"),
    Column("bytes", "bytes", style="bytes", show=lambda held: format_bytes(held) if isinstance(held, int) else ""),
    Column("basis", "known by", style="name", show=lambda basis: _BASES.get(str(basis), str(basis))),
    Column("pid", "pid", style="number", priority=3),
    Column("user", "user", style="name", priority=2),
)
BASIS = "its map: the process has that much mapped; computed: from the drive's queues; inferred: what is left"


def share(state: PoolState) -> Fact[float]:
    """The share of a pool that is in use, 0 to 1."""
    if isinstance(state.size, Missing):
        return state.size
    if isinstance(state.used, Missing):
        return state.used
    return min(state.used / state.size, 1.0) if state.size else ABSENT


def strain(state: PoolState) -> str:
    """``full``, ``tight`` where little is left, ``no pool`` for memory that should be one; else nothing."""
    if state.state == "unregistered":
        return "no pool"
    part = share(state)
    if isinstance(part, Missing) or isinstance(state.available, Missing):
        return ""
    if state.available == 0:
        return "full"
    return "tight" if part >= TIGHT or (part > 0 and state.available < LARGEST_REQUEST) else ""


@cache
def columns(glyphs: Glyphs) -> tuple[Column, ...]:
    """Of a list of pools. The same for the same letters, so that the list knows them again."""

    def level(value: Value) -> str:
        return f"{bar(value, BAR, glyphs)} {percent(value):>4}" if isinstance(value, (int, float)) else ""

    def past(value: Value) -> str:
        return curve(_numbers(value), CURVE, glyphs)

    return (
        Column("address", "pool", style="name"),
        Column("device", "device", style="name", priority=2),
        Column("share", "level", style="name", show=level, tone=_level_tone),
        Column("strain", "note", style="name", tones=_STRAINS, show=_word),
        Column("used", "used", style="bytes", show=_short),
        Column("size", "size", style="bytes", show=_short, priority=1),
        Column("rate", "rate", style="bytes", show=rate_text, priority=3),
        Column("history", "history", style="name", show=past, priority=4),
        Column("state", "state", style="name", tones=STATE_TONES, priority=5),
        Column("numa_node", "numa", style="number", priority=6),
        Column("slot", "slot", style="name", priority=8),
        Column("name", "name", priority=7),
    )


_STRAINS: Mapping[str, Tone] = {"full": "bad", "tight": "warning", "no pool": "warning"}


def _word(value: Value) -> str:
    # A cell without a word is empty: a dash would say that something is absent.
    return str(value) or " "


def _level_tone(value: Value) -> Tone | None:
    if not isinstance(value, (int, float)):
        return None
    return "bad" if value >= 1 else "warning" if value >= TIGHT else "accent"


def _short(value: Value) -> str:
    return format_short(value) if isinstance(value, int) else ""


def _numbers(value: Value) -> Sequence[float | Missing]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return [one if isinstance(one, (int, float, Missing)) else ABSENT for one in value]


def rate_text(value: Value) -> str:
    """``+1.5M/s``: by how much a second the use of a pool grows or shrinks."""
    if not isinstance(value, (int, float)):
        return ""
    count, sign = round(abs(value)), "-" if value < 0 else "+"
    number, unit = format_bytes(count).split(" ")
    # A mean of a few looks has no more than two digits that mean anything.
    return f"{sign}{float(number):.{0 if float(number) >= 10 else 1}f}{unit[0]}/s" if count else "0/s"


def pools_panel(picture: Picture, history: History, glyphs: Glyphs) -> Panel:
    """Every pool with its level and how that came to be."""
    states = picture.pools
    items = [pool_record(state, history) for state in states]
    return Panel("pools", "Pools", columns(glyphs), items, [str(state.address) for state in states], EMPTY,
                 summary=summary(states))  # fmt: skip


def summary(states: Iterable[PoolState]) -> str:
    """``365.0 MiB of 18.0 GiB in use; 1 tight, 1 no pool``."""
    states = tuple(states)
    pools = [state for state in states if state.state != "unregistered"]
    words = [strain(state) for state in states]
    counts = [f"{words.count(word)} {word}" for word in _STRAINS if word in words]
    known = [(s.used, s.size) for s in pools if not isinstance(s.used, Missing) and not isinstance(s.size, Missing)]
    unknown = len(pools) - len(known)
    if unknown:
        counts.append(f"{unknown} unknown")
    used = f"{format_bytes(sum(u for u, _ in known))} of {format_bytes(sum(s for _, s in known))} in use"
    return "; ".join(filter(None, (used if known else "", ", ".join(counts))))


def pool_record(state: PoolState, history: History) -> Item:
    """A pool with its rate, in bytes a second, and the shares of it that were in use over the last minute."""
    size = state.size
    levels = history.levels(state.address, CURVE, MINUTE)
    shares: list[Value] = [
        one if isinstance(one, Missing) else one / size if not isinstance(size, Missing) and size else ABSENT
        for one in levels
    ]
    rate = history.rate(state.address)
    return {
        **pool_item(state),
        "share": share(state),
        "strain": strain(state),
        "rate": rate if rate is not None else ABSENT if state.state == "unregistered" else NOT_READ,
        "history": ABSENT if state.state == "unregistered" else shares,
    }


class PoolPages:
    """Makes the page of one pool."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, picture: Picture) -> Page | None:
        """The page; None once the pool is gone."""
        address = Address.from_sysfs(self.key)
        return pool_page(picture.snapshot, address) if address else None


class _Held(NamedTuple):
    key: str
    item: Item


def holders_panel(picture: Picture, address: str | None = None) -> Panel:
    """Who holds every byte: of all pools, or of one."""
    states = [state for state in picture.pools if address in {None, str(state.address)}]
    held = [one for state in states for one in _holders(state)]
    asked = all(state.holders is not None or isinstance(state.used, Missing) for state in states)
    title = f"Holders of {address}" if address else "Holders"
    return Panel("holders", title, _OF_ONE if address else _HOLDERS, [one.item for one in held],
                 [one.key for one in held], _nobody(states, asked=asked), (BASIS,) if held else ())  # fmt: skip


_OF_ONE = _HOLDERS[1:]


def _nobody(states: Sequence[PoolState], *, asked: bool) -> str:
    if not asked:
        return "Not known: nobody looked into the processes."
    if len(states) == 1 and states[0].state == "unregistered":
        return "It is no pool, so nobody can hold any of it."
    if len(states) == 1 and isinstance(states[0].used, Missing):
        return "Not known: its level could not be read."
    return "Nobody holds any of it."


def _holders(state: PoolState) -> Iterator[_Held]:
    for place, holder in enumerate(state.holders or ()):
        who = holder.pid if holder.pid is not None else place
        yield _Held(f"{state.address} {holder.kind} {who}", {"pool": str(state.address), **holder_item(holder)})
