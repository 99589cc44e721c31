"""What the sampler has handed over and the screen has not seen yet."""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING

from textual.message import Message

from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.sampler import Sample

if TYPE_CHECKING:
    from p2pctl.dashboard.app import Dashboard


class Sampled(Message):
    """The sampler has looked; what it saw lies in the inbox. Several in a row count as one."""

    def can_replace(self, message: Message) -> bool:
        """A screen that lags behind shows the last picture only."""
        return isinstance(message, Sampled)


class Inbox:
    """Filled by the sampler's thread, emptied by the one that draws."""

    def __init__(self, app: Dashboard) -> None:
        self._app = app
        self._samples: deque[Sample] = deque()

    def put(self, sample: Sample) -> None:
        """Called by the sampler's thread."""
        self._samples.append(sample)
        with contextlib.suppress(RuntimeError):  # the screen has closed meanwhile
            self._app.post_message(Sampled())

    def empty(self) -> Picture | None:
        """Keeps all of it; returns the last picture, None without a new one."""
        app, seen = self._app, None
        while self._samples:
            sample = self._samples.popleft()
            app.shown.events += sample.events
            app.freshness.trouble = sample.trouble
            if sample.picture is not None:
                seen = sample.picture
                app.freshness.seen = sample.at
                if seen.snapshot.pools is not None:
                    # The levels have a time of their own: other parts may be newer.
                    app.shown.history.add(seen.snapshot.pools.taken, seen.pools, every=app.sampler.interval)
        return seen
