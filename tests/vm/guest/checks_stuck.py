"""A check that no signal ends, to see that the machine's time limit does."""

from __future__ import annotations

import signal
import time


def check_that_hangs() -> None:
    """Waits for what never comes."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    time.sleep(3600)
