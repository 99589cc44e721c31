"""Reads the kernel's log, as far as it concerns the target, its transports and peer-to-peer memory."""

from __future__ import annotations

import errno
import re

from p2pctl.hardware.reading import Reader
from p2pctl.kernel import Log
from p2pctl.model.facts import UNREADABLE
from p2pctl.model.log import KernelLog, Record

_CONCERNS = re.compile(r"nvmet|nvme[-_]loop|p2pdma|p2pmem|peer-to-peer|acs[ _]redir", re.IGNORECASE)
_NEEDS = {
    errno.EPERM: "root (CAP_SYSLOG)",
    errno.EACCES: "root (CAP_SYSLOG)",
    errno.EOPNOTSUPP: "a host that runs, or a capture that holds its log",
}


def concerns(text: str) -> bool:
    """Whether a message is about the target, its transports or peer-to-peer memory."""
    return _CONCERNS.search(text) is not None


def read_log(reader: Reader, log: Log, now: float) -> KernelLog:
    """The messages that concern p2pctl; a gap where the log may not be read."""
    try:
        lines, complete = log.since()
    except OSError as error:
        needs = _NEEDS.get(error.errno or 0, "a kernel log that can be read")
        reader.gap("kernel log", None, error.filename, needs, error.errno)
        return KernelLog(now, UNREADABLE, complete=False, gaps=tuple(reader.gaps))
    records = tuple(Record(*line) for line in lines if concerns(line.text))
    if not complete:
        reader.gap("kernel log", None, None, "a log that goes back to the boot: a larger log_buf_len, or a journal")
    return KernelLog(now, records, complete, tuple(reader.gaps))
