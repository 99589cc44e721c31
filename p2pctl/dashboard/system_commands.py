"""Commands of the palette that are about the screen itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.actions import parse
from textual.app import SystemCommand
from textual.binding import Binding

from p2pctl.dashboard.changes import BINDINGS
from p2pctl.dashboard.views import VIEWS

if TYPE_CHECKING:
    from p2pctl.dashboard.app import Dashboard
    from p2pctl.dashboard.changing import Verb


def system_commands(app: Dashboard) -> Iterator[SystemCommand]:
    """Views, what can be done with the picture, and the way out."""
    for view in VIEWS:
        yield SystemCommand(f"View: {view.TITLE}", f"Show the view {view.TITLE}", partial(app.lead, view.NAME))
    yield from _changes(app)
    yield SystemCommand("Pause", "Hold the picture, or let it go on", app.action_pause)
    yield SystemCommand("Look again", "Read everything anew, now", app.action_look)
    yield SystemCommand("Faster", "Look more often", partial(app.action_rate, -1))
    yield SystemCommand("Slower", "Look less often", partial(app.action_rate, 1))
    yield SystemCommand("Export", "Write this view to a file", app.action_export)
    yield SystemCommand("Theme", "Choose other colours", app.action_change_theme)
    yield SystemCommand("Help", "All keys that work here", app.action_help)
    yield SystemCommand("Quit", "End p2pctl", app.action_quit)


def _changes(app: Dashboard) -> Iterator[SystemCommand]:
    """Those that may begin now, with what the cursor is on. When one is chosen, the gate is asked again."""
    for one in BINDINGS:
        if isinstance(one, Binding):
            verb = cast("Verb", parse(one.action)[2][0])
            if app.check_action("change", (verb,)):
                yield SystemCommand(f"Change: {one.description}", one.tooltip, partial(app.action_change, verb))
