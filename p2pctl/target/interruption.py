"""Signals that would end the process while it changes the target: noted, and heeded between two steps."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The last comes when a terminal goes away: a lost connection is no reason to leave a change half done."""


class Interruption:
    """Whether one has come, and which first."""

    def __init__(self) -> None:
        self.number: int | None = None

    def note(self, number: int) -> None:
        """One has come; of several the first counts. From any thread, and from a signal handler."""
        if self.number is None:
            self.number = number

    def __call__(self) -> bool:
        """Whether one has come."""
        return self.number is not None

    @property
    def name(self) -> str:
        """What to call it."""
        return "" if self.number is None else signal.Signals(self.number).name


@contextlib.contextmanager
def deferred(noted: Interruption | None = None) -> Iterator[Interruption]:
    """Holds the signals back. Outside the main thread, which alone may do that, they act as ever.

    ``noted`` is where they are noted: who has a change made in another thread gives one, and notes them there itself.
    """
    found = Interruption() if noted is None else noted
    if threading.current_thread() is not threading.main_thread():
        yield found
        return

    def note(number: int, _frame: FrameType | None) -> None:
        found.note(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number, handler in before.items():
            # Who ignores a signal, as nohup does, has a reason to. None is a handler that Python did not set.
            if handler is not signal.SIG_IGN and handler is not None:
                signal.signal(number, note)
        yield found
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
