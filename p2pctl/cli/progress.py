"""A bar for what takes long: on stderr, and only where somebody looks at it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from p2pctl.cli.terminal import look, moves_cursor
from p2pctl.render.text import clean

if TYPE_CHECKING:
    from p2pctl.cli.session import Session

Progress = Callable[[str], None]
"""Told what is done next, once for every step."""


@contextlib.contextmanager
def progress(session: Session, steps: int) -> Iterator[Progress]:
    """For a block of ``steps`` steps. Without a terminal, or with --quiet, nothing is shown; -v says each step."""
    if session.narrator.level < 0 or not moves_cursor(sys.stderr):
        yield session.narrator.detail
        return
    from rich.console import Console  # noqa: PLC0415  100 ms that only a terminal pays
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    how = look(sys.stderr, session.options.color or "auto")
    console = Console(file=sys.stderr, no_color=not how.color, width=how.width, markup=False, highlight=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=steps)
        started = False

        def advance(what: str) -> None:
            nonlocal started
            bar.update(task, description=clean(what), advance=1 if started else 0)
            started = True

        yield advance
