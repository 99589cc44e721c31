"""A file that nobody else has open, as long as it is written to."""

from __future__ import annotations

import errno
import fcntl
import math
import signal
import time
from pathlib import Path

from p2pctl.errors import BusyError

_BREAK_TIME = Path("/proc/sys/fs/lease-break-time")
_BREAK_PART = 0.3
"""The part of that time in which a write may still begin.

An NVMe command may take 30 seconds (nvme_core.io_timeout) until its drive is given up: 31.5 of 45 are left for it.
"""


class Lease:
    """The kernel's word that nobody else has a file open (fcntl(2), F_SETLEASE).

    Who opens it meanwhile waits, 45 seconds unless the host says otherwise; then the lease is taken away, unsaid.
    """

    __slots__ = ("_descriptor", "_sure", "_time")

    def __init__(self, descriptor: int) -> None:
        """Raises OSError, EBUSY where somebody has the file open."""
        self._descriptor = descriptor
        # The signal that tells of an opener would end the process; this one is ignored unless somebody asks for it.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        self._time = int(_BREAK_TIME.read_text(encoding="ascii")) * _BREAK_PART or math.inf  # 0: as long as it takes
        self._sure = time.monotonic()
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                raise OSError(errno.EBUSY, "somebody has the file open") from None
            raise

    def check(self, *, back: bool) -> None:
        """Raises BusyError where somebody waits to open the file, or has it open since.

        Not so for ``back`` while the lease cannot have been taken away yet: EBUSY after that.
        """
        now = time.monotonic()
        if fcntl.fcntl(self._descriptor, fcntl.F_GETLEASE) == fcntl.F_WRLCK:
            self._sure = now
            return
        if not back:
            raise BusyError(
                "somebody else opens the file that is written to: nothing more is written there",
                hint="run it again once nobody uses the file",
            )
        # Whoever waits has come since the last time that it was sure, and gets the file no sooner than this.
        if now >= self._sure + self._time:
            raise OSError(errno.EBUSY, "somebody else has opened the file since")
