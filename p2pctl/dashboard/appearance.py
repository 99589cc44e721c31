"""Colours, letters and the palette of the screen, which are the same whatever it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from textual.app import App
from textual.binding import Binding
from textual.command import CommandPalette
from textual.events import Event, Key, MouseDown, Resize
from textual.filter import LineFilter, Monochrome, NoColor
from textual.geometry import Size
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.theme import BUILTIN_THEMES, ThemeProvider

from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.themes import DISTINCT, PlainScrollBar, spelled


def theme_names() -> frozenset[str]:
    """What --theme takes."""
    return frozenset({*BUILTIN_THEMES, DISTINCT.name})


class Drawn(App[int]):
    """A screen with the colours and letters that its settings ask for."""

    NOTIFICATION_TIMEOUT = 4

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._drawn_for: Size | None = None
        self._told = False
        """Whether something was told since the last key."""
        super().__init__(ansi_color=None if settings.color else True)
        self.no_color = not settings.color
        ScrollBar.renderer = PlainScrollBar if settings.ascii else ScrollBarRender
        self.set_class(settings.ascii, "-ascii")
        self.register_theme(DISTINCT)
        if settings.theme:
            self.theme = settings.theme
        self.set_keymap(dict(settings.keymap))

    async def on_event(self, event: Event) -> None:
        """What was told goes with the next key: it lies over the line of keys."""
        if isinstance(event, (Key, MouseDown)) and not event.is_forwarded and self._told:
            self._told = False
            self.clear_notifications()
        await super().on_event(event)

    def on_notify(self) -> None:
        """Only the newest is told: it takes the place of the one before."""
        self.clear_notifications()
        self._told = True

    def on_resize(self, event: Resize) -> None:
        """Draws anew where the size is the old one: what came between, textual may not have seen, the terminal has."""
        if event.size == self._drawn_for:
            self.action_redraw()
        self._drawn_for = event.size

    def action_redraw(self) -> None:
        """Draws the screen anew, whatever something else has written over it."""
        self.refresh(layout=True)

    def action_command_palette(self) -> None:
        """Everything there is to go to and to do."""
        if not CommandPalette.is_open(cast("App[object]", self)):
            # Without the id that textual gives it: the one before may still be on its way out.
            self.push_screen(CommandPalette(placeholder="Search..."))

    def search_themes(self) -> None:
        """The palette, of themes only."""
        self.push_screen(CommandPalette(providers=[ThemeProvider], placeholder="Search for themes..."))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual heeds an empty NO_COLOR, and makes grey of colours; here there are colours or none."""
        found = [one for one in super().get_line_filters() if not isinstance(one, (Monochrome, NoColor))]
        return found if self.settings.color else [*found, NoColor()]

    def get_key_display(self, binding: Binding) -> str:
        """The name of a key, in letters that the terminal has."""
        name = super().get_key_display(binding)
        return spelled(name) if self.settings.ascii else name
