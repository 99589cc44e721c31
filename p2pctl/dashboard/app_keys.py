"""The keys that work in every view."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from p2pctl.dashboard import changes
from p2pctl.dashboard.views import VIEWS

APP_KEYS: list[BindingType] = [
    *(
        Binding(
            str(number),
            f"view('{view.NAME}')",
            view.TITLE,
            show=False,
            tooltip=f"To the view {view.TITLE}",
            id=f"view.{view.NAME}",
        )
        for number, view in enumerate(VIEWS, 1)
    ),
    Binding("tab", "app.focus_next", "Next list", show=False, tooltip="To the next list", id="app.next"),
    Binding(
        "shift+tab", "app.focus_previous", "List before", show=False, tooltip="To the list before", id="app.previous"
    ),
    Binding("space", "pause", "Pause", show=False, tooltip="Hold the picture, or let it go on", id="app.pause"),
    Binding("plus", "rate(-1)", "Faster", show=False, tooltip="Look more often", id="app.faster"),
    Binding("minus", "rate(1)", "Slower", show=False, tooltip="Look less often", id="app.slower"),
    Binding("r", "look", "Look again", show=False, tooltip="Read everything anew, now", id="app.look"),
    Binding("ctrl+l", "redraw", "Draw anew", show=False, tooltip="Draw the screen anew", id="app.redraw"),
    Binding("e", "export", "Export", show=False, tooltip="Write this view to a file", id="app.export"),
    Binding("escape", "lead_back", "Back", tooltip="Back to the view that led here", id="app.back"),
    # Only the first with priority: where somebody types, a colon is a letter.
    Binding("ctrl+p", "command_palette", "palette", show=False, priority=True),
    Binding("colon", "command_palette", "palette", show=False),
    *changes.BINDINGS,
    Binding("question_mark", "help", "Help", tooltip="All keys that work here", id="app.help"),
    Binding("q", "quit", "Quit", tooltip="End p2pctl", id="app.quit"),
    Binding(
        "ctrl+c", "quit", "Quit", show=False, priority=True, tooltip="End p2pctl, from anywhere", id="app.interrupt"
    ),
    Binding(
        "ctrl+z", "suspend_process", "Suspend", show=False, tooltip="Back to the shell for a while", id="app.suspend"
    ),
]
