"""Reads the kernel's log, as far as it concerns the target, its transports and peer-to-peer memory."""

from __future__ import annotations

import errno
import re

from p2pctl.hardware.reading import Reader
from p2pctl.kernel import Log
from p2pctl.model.facts import UNREADABLE, Missing
from p2pctl.model.log import KernelLog, Record

_CONCERNS = re.compile(r"nvmet|nvme[-_]loop|p2pdma|p2pmem|peer-to-peer|acs[ _]redir", re.IGNORECASE)
MOST = 10_000
"""Messages that a tail keeps; after more, the log is read anew. Nobody may ask for them for days."""
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


class LogTail:
    """What the log says from now on, as far as it concerns p2pctl. Raises OSError where nobody can tell."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._mark = log.mark()
        self._since: list[Record] = []
        self._complete = True

    def look(self) -> tuple[Record, ...]:
        """The messages since the last look, for the price of one read where there are none. Raises OSError."""
        lines, complete = self._log.since(self._mark)
        if lines:
            self._mark = lines[-1].sequence
        self._complete = self._complete and complete
        found = tuple(Record(*line) for line in lines if concerns(line.text))
        self._since.extend(found)
        if len(self._since) > MOST:
            self._since.clear()
            self._complete = False
        return found

    def forget(self) -> None:
        """Lets go of what was seen: the log is read anew."""
        self._since.clear()
        self._complete = True

    def extended(self, part: KernelLog, now: float) -> KernelLog | None:
        """The part with what was seen since it was read; None where it has to be read anew."""
        since, self._since = self._since, []
        if isinstance(part.records, Missing) or not self._complete:
            self._complete = True
            return None
        last = part.records[-1].sequence if part.records else -1
        fresh = tuple(record for record in since if record.sequence > last)
        return part._replace(taken=now, records=(*part.records, *fresh))
