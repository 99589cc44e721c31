"""The running kernel's messages.

They come from its ring buffer, and from the journal where that has been overwritten or is not for us to read.
"""

from __future__ import annotations

import errno
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

from p2pctl.hardware.journal import Entry, read_journal
from p2pctl.kernel import LogLine, LogRead

DEVICE = "/dev/kmsg"

_RECORD_LIMIT = 1 << 16
"""Bytes of one record; a shorter buffer than the record is an error (kernel/printk/printk.c, CONSOLE_EXT_LOG_MAX)."""
_KEPT = 100_000
"""Records kept in memory; the ring buffer of most hosts holds a few thousand."""
_AGAIN = 10.0
"""Seconds after which the journal is asked again, where there is nothing else."""
_STEP = 0.5
"""Seconds by which the clock must have been set to matter."""
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


class _Message(NamedTuple):
    sequence: int
    microseconds: int
    """Since the boot, by the clock of printk."""
    text: str


class LiveLog:
    """``Log`` of the running host. Keeps what it has read, so that a mark before every write costs little."""

    def __init__(self, device: str = DEVICE, journal: Callable[[], tuple[Entry, ...]] = read_journal) -> None:
        self._device = device
        self._journal = journal
        self._descriptor = -1
        self._boot = 0.0
        """Seconds since 1970; moves only as the host's clock is set, so that a record keeps its time."""
        self._kept: deque[_Message] = deque(maxlen=_KEPT)
        self._older: tuple[_Message, ...] | None = None
        """What the journal has from before the first record that the ring buffer still had."""
        self._alone: tuple[float, LogRead] | None = None
        """What the journal said, and when, where the ring buffer may not be read."""

    def mark(self) -> int:
        """The sequence number of the newest record, -1 without any. Raises OSError (EPERM, EACCES: not for us)."""
        self._catch_up()
        return self._kept[-1].sequence if self._kept else -1

    def since(self, mark: int = -1) -> LogRead:
        """The records after ``mark``; all that are left without one. Raises OSError.

        Complete means that their numbers follow on each other from the mark on, without one from 0 on.
        """
        try:
            self._catch_up()
        except OSError as error:
            if mark >= 0:
                raise
            return self._journal_alone(error)
        found = list(takewhile(lambda message: message.sequence > mark, reversed(self._kept)))[::-1]
        whole = len(self._kept) < _KEPT
        if found and whole and found[0] is self._kept[0] and found[0].sequence > mark + 1:
            found[:0] = [message for message in self._before(found[0]) if message.sequence > mark]
        return self._log_read(found, mark)

    def _log_read(self, messages: list[_Message], mark: int) -> LogRead:
        # The clock of printk stands still while the host sleeps, as this one does.
        boot = time.time() - time.monotonic()
        if abs(boot - self._boot) > _STEP:
            self._boot = boot
        lines = tuple(LogLine(one.sequence, self._boot + one.microseconds / 1e6, one.text) for one in messages)
        return LogRead(lines, all(line.sequence == number for number, line in enumerate(lines, mark + 1)))

    def _catch_up(self) -> None:
        if self._descriptor < 0:
            self._descriptor = os.open(self._device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._kept.extend(_messages(self._descriptor))

    def _before(self, first: _Message) -> tuple[_Message, ...]:
        """What the journal has from before ``first``, numbered backwards from there.

        The numbers are the kernel's own where the journal has all records; else there are fewer than the kernel made,
        so that the lowest number shows the loss.
        """
        if self._older is None:
            try:
                entries = self._journal()
            except OSError:
                entries = ()
            end = next((index for index, entry in enumerate(entries) if _reaches(entry, first)), len(entries))
            start = max(end - first.sequence, 0)
            self._older = tuple(_Message(first.sequence - end + index, *entries[index]) for index in range(start, end))
        return self._older

    def _journal_alone(self, refused: OSError) -> LogRead:
        """Raises ``refused`` where the journal has nothing either."""
        if self._alone is None or time.monotonic() - self._alone[0] > _AGAIN:
            try:
                entries = self._journal()
            except OSError:
                raise refused from None
            if not entries:
                raise refused
            found = [_Message(index, *entry) for index, entry in enumerate(entries)]
            # Whether the journal missed something cannot be told without the kernel's own numbers.
            self._alone = time.monotonic(), self._log_read(found, -1)._replace(complete=False)
        return self._alone[1]


def _reaches(entry: Entry, first: _Message) -> bool:
    """Whether an entry of the journal is ``first`` itself, or newer."""
    same = entry.microseconds == first.microseconds and entry.text == first.text
    return same or entry.microseconds > first.microseconds


def _messages(descriptor: int) -> Iterator[_Message]:
    """The records from where the descriptor stands to the newest one (Documentation/ABI/testing/dev-kmsg)."""
    while True:
        try:
            data = os.read(descriptor, _RECORD_LIMIT)
        except BlockingIOError:
            return
        except BrokenPipeError:
            continue  # overwritten meanwhile: the next read is of the oldest that is left
        except OSError as error:
            if error.errno == errno.EINVAL:
                return  # a file that is no such device, or a record that no buffer would hold
            raise
        if not data:
            return
        message = parse(data)
        if message is not None:
            yield message


def parse(record: bytes) -> _Message | None:
    """One record: ``priority,sequence,microseconds,flags...;text`` and a dictionary; None for anything else."""
    head, _, rest = record.partition(b";")
    fields = head.split(b",")
    if len(fields) < 4 or not all(field.isdigit() and len(field) < 20 for field in fields[1:3]):
        return None
    text = _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), rest.partition(b"\n")[0])
    return _Message(int(fields[1]), int(fields[2]), text.decode("utf-8", "surrogateescape"))
