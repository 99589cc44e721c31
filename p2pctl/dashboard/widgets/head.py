"""What stands above the views: whose facts these are, the views there are, and what is wrong."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from p2pctl.dashboard.freshness import Freshness, aged, ago
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.sampler import Sampler
from p2pctl.dashboard.standing import words
from p2pctl.dashboard.views import VIEWS
from p2pctl.dashboard.widgets.top_line import TopLine
from p2pctl.dashboard.widgets.view_tabs import ViewTabs
from p2pctl.render.text import clean

PATIENCE = 2.0
"""Seconds of the first read before it is told how long it has been going on."""


class Head(Vertical):
    """A line about the facts, the tabs, and a line of trouble where there is any."""

    DEFAULT_CSS = """
    Head { height: auto; }
    Head > #tabs { height: 1; }
    Head > #trouble {
        height: auto; max-height: 2; padding: 0 1; display: none;
        background: $error-muted; color: $text-error; text-style: bold;
    }
    Head > #trouble.-said { display: block; }
    Head > #trouble.-waiting { background: transparent; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()

    def compose(self) -> ComposeResult:
        """The three of them."""
        yield TopLine(id="top")
        yield ViewTabs([(view.NAME, view.TITLE) for view in VIEWS], id="tabs")
        yield Static("", id="trouble", markup=False)

    def choose(self, view: str) -> None:
        """Marks the view that is seen."""
        self.query_one(ViewTabs).choose(view)

    def say(self, picture: Picture | None, freshness: Freshness, sampler: Sampler, *, write: bool) -> float | None:
        """Brings all of it up to date; gives the seconds after which it no longer is, None for never."""
        now, paused, moves = time.monotonic(), sampler.paused, sampler.source.moves
        snapshot = picture.snapshot if picture else None
        self.query_one(TopLine).show(words(snapshot, freshness, sampler, now, write=write))
        if picture is None:
            self._tell(self._waiting(freshness, now), waiting=not freshness.trouble)
        elif freshness.stale(now, sampler.interval, paused=paused, moves=moves):
            why = freshness.why(now, sampler.busy_since)
            self._tell(f"What you see is {aged(freshness.age(now))} old: {why}")
        else:
            self._tell("")
        return freshness.next_tick(now, sampler.interval, paused=paused, moves=moves)

    def _waiting(self, freshness: Freshness, now: float) -> str:
        waited = now - self._began
        told = f"Reading the host{f', {ago(waited)}' if waited >= PATIENCE else ''}..."
        return f"{told} {freshness.trouble}" if freshness.trouble else told

    def _tell(self, text: str, *, waiting: bool = False) -> None:
        line = self.query_one("#trouble", Static)
        content = Content(clean(text))
        if line.content != content:
            line.set_class(bool(text), "-said")
            line.set_class(waiting, "-waiting")
            line.update(content)
