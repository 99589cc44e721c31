"""Events as lines: what the dashboard's log shows, for a pipe and for whoever wants no screen."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from p2pctl.cli import output
from p2pctl.cli.dashboard_source import DoorSource
from p2pctl.cli.followed_log import reason_of
from p2pctl.cli.terminal import look
from p2pctl.dashboard.source import Event
from p2pctl.errors import P2pctlError, UnsupportedError
from p2pctl.findings.changes import PoolChange, pool_changes
from p2pctl.findings.pools import pool_states
from p2pctl.model.facts import Missing
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.render.document import iso, json_line, jsonl_lines
from p2pctl.render.page import badge
from p2pctl.render.plain import plain_rows
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.text import Span, clean, pad, paint
from p2pctl.units import format_bytes

if TYPE_CHECKING:
    from p2pctl.cli.session import Session

COLUMNS = (
    Column("time", "time", style="name"),
    Column("severity", "severity", style="name"),
    Column("kind", "kind", style="name"),
    Column("subject", "subject", style="name"),
    Column("text", "event"),
)
PARTS: frozenset[PartName] = frozenset({"pci", "pools", "nvme", "nvmet", "log"})
"""What events come from."""

_WIDTHS = (24, 8, 6, 12)
"""Cells of the columns of a line: they align although nobody knows what will come."""


class Line(NamedTuple):
    """An event, and what it says of a pool's level."""

    event: Event
    change: PoolChange | None = None


def monitor(session: Session, interval: float, count: int | None, seconds: float | None) -> None:
    """Prints events until ``count`` lines are printed, ``seconds`` are over, or somebody interrupts it.

    ``interval`` is the time between two looks at the levels of pools. Raises UnsupportedError for a recording, in which
    nothing will ever happen, P2pctlError where the first look fails.
    """
    form = session.only("table", "plain", "jsonl")
    with DoorSource(session, PARTS, "are not told of") as source:
        if not source.moves:
            raise UnsupportedError("nothing happens in a recording", hint="p2pctl target show and pool list show it")
        snapshot = source.take()
        if snapshot.log is not None and isinstance(snapshot.log.records, Missing):
            needs = snapshot.log.gaps[0].needs if snapshot.log.gaps else "root"
            session.narrator.note(f"the kernel's log cannot be read: what it says is not told of; that needs {needs}")
        lines = islice(_lines(source, snapshot, interval, seconds), count)
        if form == "table":
            how = look(sys.stdout, session.options.color or "auto")
            for line in lines:
                output.write_lines([_painted(line, color=how.color)])
            return
        if form == "plain":
            output.write_lines(plain_rows(COLUMNS, [], at_least=_WIDTHS))
        else:
            output.write_lines(jsonl_lines(Report.of(snapshot, "event", [], COLUMNS)))
        for line in lines:
            item = event_item(line)
            plain = plain_rows(COLUMNS, [item], header=False, at_least=_WIDTHS)
            output.write_lines(plain if form == "plain" else [json_line(item)])


def _lines(source: DoorSource, snapshot: Snapshot, interval: float, seconds: float | None) -> Iterator[Line]:
    """What happens, as it does; what cannot be read is told once, and tried again with each look."""
    now = time.monotonic()
    end = None if seconds is None else now + seconds
    due, failing = now + interval, ""
    while end is None or now < end:
        events = source.wait(max(min(due, end or due) - now, 0.0))
        yield from map(Line, events)
        now = time.monotonic()
        parts = frozenset[PartName]().union(*(event.parts for event in events))
        if not parts and now < due:
            continue
        due = now + interval if now >= due else due
        before = snapshot
        try:
            snapshot = source.refresh(snapshot, parts) if parts else source.levels(snapshot)
        except (P2pctlError, OSError) as error:
            failing, known = reason_of(error), failing
            if failing != known:
                yield Line(Event(source.now(), "screen", "", f"it could not be looked at: {failing}", "warning"))
            continue
        failing = ""
        yield from _moved(before, snapshot)


def _moved(before: Snapshot, after: Snapshot) -> Iterator[Line]:
    """Levels and states of pools; the source itself tells of those that come and go."""
    if before.pools is after.pools:
        return
    for change in pool_changes(pool_states(before), pool_states(after)):
        pool = change.pool
        address = str(pool.address)
        name = pool.controller if isinstance(pool.controller, str) else address
        if change.event == "level":
            yield Line(Event(after.taken, "pool", address, f"{name} has {_level(change)}"), change)
        elif change.event == "state":
            yield Line(Event(after.taken, "pool", address, f"the memory of {name} is {pool.state} now"), change)


def _level(change: PoolChange) -> str:
    pool, delta = change.pool, change.delta
    if isinstance(pool.available, Missing) or isinstance(pool.size, Missing):
        return "an unknown level"
    text = f"{format_bytes(pool.available)} of {format_bytes(pool.size)} available"
    return text if delta is None else f"{text} ({'-' if delta < 0 else '+'}{format_bytes(abs(delta))})"


def event_item(line: Line) -> Item:
    """An event as a record."""
    event, change = line
    pool = None if change is None else change.pool
    return {
        "time": iso(event.time),
        "severity": event.severity,
        "kind": "p2pctl" if event.kind == "screen" else event.kind,
        "subject": event.subject or None,
        "text": event.text,
        "available": None if pool is None else pool.available,
        "size": None if pool is None else pool.size,
        "delta": None if change is None else change.delta,
    }


def _painted(line: Line, *, color: bool) -> str:
    """For people, who read the subject in the text."""
    item = event_item(line)
    texts: Iterable[str] = (clean(str(item[key])) for key in ("time", "severity", "kind"))
    when, severity, kind = (pad(text, wide) for text, wide in zip(texts, _WIDTHS, strict=False))
    shown = Span(severity, badge(line.event.severity).tone)
    return paint((Span(when, "dim"), Span("  "), shown, Span(f"  {kind}  {clean(line.event.text)}")), color=color)
