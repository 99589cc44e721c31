"""One pool's level: in words, and as a graph of how it was."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.dashboard.contents.pools import share, strain
from p2pctl.dashboard.glyphs import Glyphs, graph, percent
from p2pctl.dashboard.history import SPAN, History
from p2pctl.dashboard.picture import Picture
from p2pctl.findings.pools import PoolState
from p2pctl.model.facts import ABSENT, NOT_READ, Missing
from p2pctl.render.document import iso
from p2pctl.render.layout import wrap
from p2pctl.render.page import Lines, Page, Section
from p2pctl.render.pools import pool_item
from p2pctl.render.report import Report
from p2pctl.render.text import Line, Span, Tone, width
from p2pctl.target.room import LARGEST_REQUEST
from p2pctl.units import format_bytes, format_short

SPANS = (60.0, 120.0, 300.0, SPAN)
"""Seconds that a graph may show: the least that holds all that is known."""
INDENT = 2
LEAST = 3
"""Lines of the lowest graph."""
MOST = 20
FINEST = 1 / 64
"""The least part of a pool that the top of a graph stands for."""
_STATES = {
    "published": "published: the kernel may give it to others, such as the NVMe target",
    "private": "private: only its own driver and processes that map it use it",
    "unregistered": "no pool",
}
_STRAINS: dict[str, tuple[str, Tone]] = {
    "full": ("full: what asks for more falls back to system memory without a word", "bad"),
    "tight": (f"tight: one request over RDMA may take {format_bytes(LARGEST_REQUEST)}", "warning"),
}


def level_page(
    picture: Picture, address: str, history: History, glyphs: Glyphs, *, wide: int = 80, lines: int = 16
) -> Page | None:
    """A page of about ``wide`` cells and ``lines`` lines; None where there is no such pool."""
    state = next((one for one in picture.pools if str(one.address) == address), None)
    if state is None:
        return None
    room = wide - INDENT
    told = [piece for line in _words(picture, state, history) for piece in wrap(line, room)]
    if not isinstance(state.size, Missing):
        # In a low place the graph goes before what is said last.
        told = told[: max(lines - LEAST - 3, 1)]
    drawn = _graph(state, history, glyphs, room, min(max(lines - len(told) - 3, LEAST), MOST))
    report = Report.of(picture.snapshot, "pool", [pool_item(state)], (), gaps=())
    title = " ".join(filter(None, (address, state.controller, state.name)))
    return Page(report, (Section(title, (Lines((*told, *drawn), whole=True),)),))


def _words(picture: Picture, state: PoolState, history: History) -> Iterator[Line]:
    if state.cause:
        yield (Span("no pool", "warning"), f": {state.cause}")
        return
    yield _use(state)
    yield (*_movement(picture, state, history), _extent(state, history))
    known = None if isinstance(state.state, Missing) else _STATES.get(state.state)
    yield known or (Span("?", "warning"), " whether the kernel may give it to others")


def _use(state: PoolState) -> Line:
    part = share(state)
    if isinstance(part, Missing) or not isinstance(state.used, int) or not isinstance(state.available, int):
        size = "" if isinstance(state.size, Missing) else f" of {format_bytes(state.size)}"
        return (Span("?", "warning"), f"{size} in use: the level could not be read")
    text = f"{format_bytes(state.used)} of {format_bytes(state.used + state.available)} in use ({percent(part)})"
    free = f", {format_bytes(state.available)} free"
    word = _STRAINS.get(strain(state))
    return (Span(text, "strong"), free, *(("; ", Span(*word)) if word else ()))


def _movement(picture: Picture, state: PoolState, history: History) -> tuple[str | Span, ...]:
    """How fast it moves, or why that is not known."""
    rate = history.rate(state.address)
    if rate is not None:
        moved = round(abs(rate))
        if moved:
            return (f"{'-' if rate < 0 else '+'}{format_bytes(moved)} a second",)
        return ("steady these last seconds" if history.still(state.address) else "as much as a few seconds ago",)
    if picture.snapshot.source.kind == "capture":
        return (Span("?", "warning"), " a second: a recording is one look, it has no history")
    return (Span("?", "warning"), " a second: it takes two looks that follow each other")


def _extent(state: PoolState, history: History) -> str:
    extent = history.extent(state.address)
    if extent is None or len(history) < 2:
        return ""
    since = (iso(extent.since) or "?").partition("T")[2].partition(".")[0].rstrip("Z")
    moved = (
        f"never other than {format_bytes(extent.low)}"
        if extent.low == extent.high
        else f"between {format_bytes(extent.low)} and {format_bytes(extent.high)}"
    )
    return f"; {moved} since {since} UTC"


def _graph(state: PoolState, history: History, glyphs: Glyphs, room: int, lines: int) -> Iterator[Line]:
    """The levels with what the top of the graph stands for, and an axis of time; nothing without a level."""
    span = next((one for one in SPANS if one >= history.age()), SPANS[-1])
    if isinstance(state.size, Missing) or not state.size:
        return
    labels = 7
    cells = max(room - labels - 1, 10)
    levels = history.levels(state.address, cells, span)
    known = [one for one in levels if not isinstance(one, Missing)]
    top = _top(state.size, max(known, default=0))
    marks = {0: format_short(top), lines - 1: "0"}
    rows = graph([one if isinstance(one, Missing) else one / top for one in levels], lines, glyphs)
    for place, row in enumerate(rows):
        yield (Span(marks.get(place, "").rjust(labels), "dim"), " ", Span(row, "accent"))
    axis = "".join(" " if one is ABSENT else glyphs.gap if one is NOT_READ else glyphs.axis for one in levels)
    yield (" " * (labels + 1), Span(axis, "dim"))
    yield (" " * (labels + 1), Span(_times(span, cells, top, state.size), "dim"))


def _top(size: int, highest: int) -> int:
    """What the top of the graph stands for: the pool, or the half, quarter... of it that holds all that is shown.

    The whole pool where nothing was used, and never less than ``FINEST`` of it: so little is as good as nothing.
    """
    top = size
    while highest and top >= 2 * LEAST and highest * 1.1 <= top / 2 and top // 2 >= size * FINEST:
        top //= 2
    return top


def _times(span: float, cells: int, top: int, size: int) -> str:
    """What stands below the axis: when it begins, and how much of the pool the graph is high."""
    ago = f"{span / 60:g} min ago"
    middle = "" if top == size else f"top: 1/{round(size / top)} of the pool"
    between = cells - width(ago) - len("now")
    return ago + (middle.center(between) if len(middle) + 2 <= between else " " * max(between, 1)) + "now"
