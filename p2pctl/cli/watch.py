"""``p2pctl pool watch``: in place on a terminal, a line a change elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from p2pctl.cli import output
from p2pctl.cli.session import Session
from p2pctl.cli.terminal import look
from p2pctl.errors import UnsupportedError
from p2pctl.findings.changes import pool_changes
from p2pctl.findings.pools import PoolState, pool_states
from p2pctl.hardware.levels import PoolWatch
from p2pctl.render.changes import CHANGE_COLUMNS, change_item, levels_report
from p2pctl.render.document import iso
from p2pctl.render.formats import lines
from p2pctl.render.report import Report

if TYPE_CHECKING:
    from p2pctl.model.snapshot import Snapshot

_WIDTHS = (24, 8, 13, 8, 14, 14, 12)
"""Cells of the columns of a change: the lines of a stream align although nobody knows what will come."""


def watch(session: Session, interval: float, count: int | None) -> None:
    """Looks at the pools every ``interval`` seconds, ``count`` times or until interrupted.

    Raises UnsupportedError for a capture, in which nothing will ever move.
    """
    form = session.only("table", "plain", "jsonl")
    if session.door.kind == "capture":
        raise UnsupportedError("a capture does not change", hint="p2pctl --capture FILE pool list shows what it holds")
    with PoolWatch(session.door) as pools:
        looks = _looks(pools.look, interval, count)
        if form == "table":
            _in_place(session, looks)
        else:
            _as_stream(looks, plain=form == "plain")


def _looks(look_again: Callable[[], Snapshot], interval: float, count: int | None) -> Iterator[Snapshot]:
    due = time.monotonic()
    done = 0
    while count is None or done < count:
        if done:
            # From the last due time, so that looking does not stretch the interval; never in a burst to catch up.
            due = max(due + interval, time.monotonic())
            time.sleep(max(due - time.monotonic(), 0))
        yield look_again()
        done += 1


def _as_stream(looks: Iterator[Snapshot], *, plain: bool) -> None:
    from p2pctl.render.document import json_line, jsonl_lines  # noqa: PLC0415
    from p2pctl.render.plain import plain_rows  # noqa: PLC0415

    before: tuple[PoolState, ...] | None = None
    for snapshot in looks:
        after = pool_states(snapshot)
        items = [change_item(change, snapshot.taken) for change in pool_changes(before, after)]
        if plain:
            output.write_lines(plain_rows(CHANGE_COLUMNS, items, header=before is None, at_least=_WIDTHS))
        elif before is None:
            output.write_lines(jsonl_lines(Report.of(snapshot, "pool-change", items, CHANGE_COLUMNS)))
        else:
            output.write_lines(map(json_line, items))
        before = after


def _in_place(session: Session, looks: Iterator[Snapshot]) -> None:
    from rich.console import Console  # noqa: PLC0415  only a terminal is drawn on
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for snapshot in looks:
            how = look(sys.stdout, session.options.color or "auto")
            report = levels_report(snapshot)
            drawn = "\n".join([f"{iso(snapshot.taken)}  Ctrl-C ends", "", *lines(report, "table", how)])
            live.update(Text.from_ansi(drawn, no_wrap=True, overflow="crop"), refresh=True)
