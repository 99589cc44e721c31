"""The keys that work in every dialog, since those of the screen below it do not."""

from __future__ import annotations

from textual.binding import Binding

QUIT = Binding(
    "q", "app.quit", "Quit", tooltip="End p2pctl; a change that is carried out is ended first", id="app.quit"
)
"""As in the views. In a text field it is a letter."""
