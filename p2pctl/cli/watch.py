"""``p2pctl pool watch``: in place on a terminal that can, a table a look or a line a change elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from p2pctl.cli import output
from p2pctl.cli.session import Session
from p2pctl.cli.terminal import ColorChoice, height, look, moves_cursor, width
from p2pctl.errors import UnsupportedError
from p2pctl.findings.changes import pool_changes
from p2pctl.findings.pools import PoolState, pool_states
from p2pctl.hardware.levels import PoolWatch
from p2pctl.render.changes import CHANGE_COLUMNS, change_item, levels_report
from p2pctl.render.document import iso
from p2pctl.render.formats import lines
from p2pctl.render.notes import emptiness
from p2pctl.render.report import Report

if TYPE_CHECKING:
    from rich.console import Console

    from p2pctl.model.snapshot import Snapshot
    from p2pctl.render.layout import Look

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
            _as_table(looks, session.options.color or "auto")
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


def _as_table(looks: Iterator[Snapshot], choice: ColorChoice) -> None:
    # Rich may put a stand-in into sys.stdout, which knows neither its encoding nor its size.
    stream = sys.stdout
    if moves_cursor(stream):
        _in_place(stream, looks, choice)
        return
    for snapshot in looks:
        output.write_lines([*_frame(snapshot, _report(snapshot), look(stream, choice)), ""])


def _in_place(stream: TextIO, looks: Iterator[Snapshot], choice: ColorChoice) -> None:
    from rich.console import ConsoleDimensions  # noqa: PLC0415  only a terminal is drawn on
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = _console(stream, look(stream, choice))
    with Live(console=console, auto_refresh=False, redirect_stdout=False, vertical_overflow="crop") as live:
        for snapshot in looks:
            how, room = look(stream, choice), height(stream)
            console.size = ConsoleDimensions(width(stream), room)
            drawn = "\n".join(fitted(snapshot, how, room))
            live.update(Text.from_ansi(drawn, no_wrap=True, overflow="crop"), refresh=True)


def _console(stream: TextIO, how: Look) -> Console:
    """Rich as a means to redraw, all decisions taken from it: it would ask the environment again."""
    from rich.console import Console  # noqa: PLC0415

    return Console(
        file=stream,
        force_terminal=True,
        color_system="standard" if how.color else None,
        no_color=not how.color,
        markup=False,
        highlight=False,
        emoji=False,
        _environ={},
    )


def fitted(snapshot: Snapshot, how: Look, room: int) -> list[str]:
    """The pools in ``room`` lines; where there are more, the last line says how many."""
    report = _report(snapshot)
    drawn = _frame(snapshot, report, how)
    if len(drawn) <= room:
        return drawn
    shown = max(len(report.items) - (len(drawn) - room) - 1, 1)
    drawn = _frame(snapshot, report._replace(items=report.items[:shown]), how)
    more = f"{len(report.items) - shown} more: the terminal has {room} lines (-o plain tells of all)"
    return [*drawn[: room - 1], more[: how.width]]


def _report(snapshot: Snapshot) -> Report:
    """The levels, without remarks; but "none" must not stand for "not known"."""
    report = levels_report(snapshot)
    return report._replace(empty=emptiness(report._replace(gaps=snapshot.gaps)))


def _frame(snapshot: Snapshot, report: Report, how: Look) -> list[str]:
    return [f"{iso(snapshot.taken)}  Ctrl-C ends", "", *lines(report, "table", how)]
