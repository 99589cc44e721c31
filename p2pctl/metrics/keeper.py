"""The last good exposition, and the one thread that makes new ones: whoever asks never waits for a read that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from p2pctl.metrics.families import READ_FAILURES, READ_RUNNING, READ_STALE, READS, Sheet

PATIENCE = 5.0
"""Seconds from the beginning of a read until which it is waited for; Prometheus gives a scrape ten by default."""
REST = 1.0
"""Seconds after a read in which no other begins: what is that young is shown to all who ask."""
SHARE = 5
"""How many times as long as the read itself this rest is at least: a sixth of the time goes into reading."""


class Standing(NamedTuple):
    """What there is to show."""

    body: bytes
    """The last good exposition; empty while there is none."""
    own: Sheet
    """What there is to say of the reads themselves."""


class Keeper:
    """Reads when somebody asks and what there is is not fresh; one read at a time, shared by all who ask meanwhile.

    ``read`` gives an exposition, and may raise anything, or never come back; ``told`` is called with what it raised.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        told: Callable[[Exception], None],
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._told = told
        self._patience = patience
        self._clock = clock
        self._turn = threading.Condition()
        self._body = b""
        self._reads = 0
        self._failures = 0
        self._failed = False
        self._wanted = False
        self._began: float | None = None
        self._rested = 0.0
        """When the next read may begin."""
        # A daemon: a read that never comes back must not keep the program from ending.
        threading.Thread(target=self._work, name="p2pctl-metrics-reader", daemon=True).start()

    def standing(self) -> Standing:
        """What there is to show now, after waiting for a read as long as patience lasts. From any thread."""
        with self._turn:
            stale = self._failed
            if self._began is not None or self._clock() >= self._rested:
                stale = not self._awaited() or self._failed
            running = 0.0 if self._began is None else max(self._clock() - self._began, 0.0)
            own = Sheet()
            own.add(READ_STALE, stale)
            own.add(READ_RUNNING, running)
            own.add(READS, self._reads)
            own.add(READ_FAILURES, self._failures)
            return Standing(self._body, own)

    def _awaited(self) -> bool:
        """Whether the read that is under way, or is begun for this, has ended in time."""
        number = self._reads + 1
        if self._began is None:
            self._wanted = True
            self._turn.notify_all()
        until = (self._clock() if self._began is None else self._began) + self._patience
        return self._turn.wait_for(lambda: self._reads >= number, max(until - self._clock(), 0.0))

    def _work(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._wanted)
                self._wanted = False
                began = self._began = self._clock()
            body = b""
            try:
                body = self._read()
            except Exception as error:  # noqa: BLE001  whatever it is: what was read before stands, and is told to be old
                self._told(error)
            with self._turn:
                now = self._clock()
                self._began = None
                self._rested = now + max(REST, SHARE * (now - began))
                self._reads += 1
                self._failed = not body
                self._failures += self._failed
                self._body = body or self._body
                self._turn.notify_all()
