"""The running kernel's messages: from a ring buffer that wraps, and from the journal."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.hardware.journal import Entry
from p2pctl.hardware.kmsg import LiveLog, parse
from p2pctl.kernel import LogRead


class Ring:
    """A ring buffer of ``capacity`` records behind the system calls that read it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capacity: int = 1000) -> None:
        self.capacity = capacity
        self.records: list[bytes] = []
        self.reads = 0
        self.refusal = 0
        self._places: dict[int, int] = {}
        monkeypatch.setattr("p2pctl.hardware.kmsg.os.open", self._open)
        monkeypatch.setattr("p2pctl.hardware.kmsg.os.read", self._read)

    @property
    def oldest(self) -> int:
        return max(len(self.records) - self.capacity, 0)

    def say(self, *texts: str) -> None:
        for text in texts:
            number = len(self.records)
            self.records.append(f"6,{number},{stamp(number)},-;{text}\n SUBSYSTEM=pci\n".encode())

    def _open(self, path: str, flags: int) -> int:
        assert path == "/dev/kmsg"
        assert flags & os.O_NONBLOCK
        if self.refusal:
            raise OSError(self.refusal, os.strerror(self.refusal), path)
        self._places[len(self._places)] = self.oldest
        return len(self._places) - 1

    def _read(self, descriptor: int, length: int) -> bytes:
        self.reads += 1
        place = self._places[descriptor]
        if place < self.oldest:
            self._places[descriptor] = self.oldest
            raise BrokenPipeError(errno.EPIPE, "")
        if place == len(self.records):
            raise BlockingIOError(errno.EAGAIN, "")
        self._places[descriptor] = place + 1
        assert len(self.records[place]) <= length
        return self.records[place]


def stamp(number: int) -> int:
    """Microseconds; two records each have the same one."""
    return 1_000_000 + number // 2 * 10


def entries(*numbers: int) -> Callable[[], tuple[Entry, ...]]:
    """A journal that has these records."""
    return lambda: tuple(Entry(stamp(number), f"line {number}") for number in numbers)


def nothing() -> tuple[Entry, ...]:
    raise FileNotFoundError(errno.ENOENT, "there is no journal")


def texts(read: LogRead) -> list[str]:
    return [line.text for line in read.lines]


def test_a_mark_and_what_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the new records, each once, at whatever mark; and they are read once, however often they are asked for."""
    ring = Ring(monkeypatch)
    log = LiveLog(journal=nothing)
    assert log.mark() == -1
    ring.say("line 0", "line 1")
    first = log.mark()
    ring.say("line 2")
    assert (first, log.mark()) == (1, 2)
    before = ring.reads
    assert log.since(first) == LogRead(log.since().lines[2:], complete=True)
    assert texts(log.since(first)) == ["line 2"]
    assert log.since(2) == LogRead((), complete=True)
    assert texts(log.since()) == ["line 0", "line 1", "line 2"]
    assert [line.sequence for line in log.since().lines] == [0, 1, 2]
    assert ring.reads - before <= 6, "one look each, that finds nothing new"


def test_times_are_those_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Microseconds since the boot become seconds since 1970."""
    ring = Ring(monkeypatch)
    ring.records.append(f"6,0,{int(time.monotonic() * 1e6)},-;now\n".encode())
    (line,) = LiveLog(journal=nothing).since().lines
    assert abs(line.time - time.time()) < 60


def test_what_was_overwritten_is_known_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first look, and between two."""
    ring = Ring(monkeypatch, capacity=3)
    ring.say(*(f"line {number}" for number in range(5)))
    log = LiveLog(journal=nothing)
    read = log.since()
    assert (texts(read), read.complete) == (["line 2", "line 3", "line 4"], False)
    mark = log.mark()
    ring.say(*(f"line {number}" for number in range(5, 10)))
    read = log.since(mark)
    assert (texts(read), read.complete) == (["line 7", "line 8", "line 9"], False)
    assert log.since(8).complete


def test_the_journal_fills_in_what_was_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the kernel's own numbers where it has everything; records of the same microsecond count once."""
    ring = Ring(monkeypatch, capacity=3)
    ring.say(*(f"line {number}" for number in range(8)))
    log = LiveLog(journal=entries(*range(8)))
    read = log.since()
    assert texts(read) == [f"line {number}" for number in range(8)]
    assert [line.sequence for line in read.lines] == list(range(8))
    assert read.complete
    ring.say("line 8")
    assert log.since().complete


@given(st.sets(st.integers(0, 4), max_size=4))
def test_a_journal_that_lost_something_does_not_make_the_log_complete(kept: set[int]) -> None:
    """Whatever it lost; and nothing is there twice."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        ring = Ring(monkeypatch, capacity=3)
        ring.say(*(f"line {number}" for number in range(8)))
        read = LiveLog(journal=entries(*sorted(kept), 5, 6, 7)).since()
    assert not read.complete
    assert texts(read) == [f"line {number}" for number in [*sorted(kept), 5, 6, 7]]
    assert [line.sequence for line in read.lines] == sorted({line.sequence for line in read.lines})


def test_the_journal_stands_in_for_a_log_that_is_not_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what there is, and never as complete; a mark needs the log itself."""
    ring = Ring(monkeypatch)
    ring.refusal = errno.EPERM
    calls: list[int] = []

    def journal() -> tuple[Entry, ...]:
        calls.append(1)
        return (Entry(5, "nvmet: x"),)

    log = LiveLog(journal=journal)
    assert (texts(log.since()), log.since().complete) == (["nvmet: x"], False)
    assert len(calls) == 1, "a look each second does not run a program each second"
    for call in (log.mark, lambda: log.since(0)):
        with pytest.raises(PermissionError):
            call()


def test_neither_log_nor_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the kernel's."""
    Ring(monkeypatch).refusal = errno.EACCES
    for journal in (nothing, entries()):
        with pytest.raises(PermissionError):
            LiveLog(journal=journal).since()


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (b"6,7,100,-;plain\n", "plain"),
        (b"30,7,100,c,caller=T12;with a caller\n KEY=value\n", "with a caller"),
        (rb"6,7,100,-;two\x0alines \x1b[31m \x5cx41" + b"\n", "two\nlines \x1b[31m \\x41"),
        (b"6,7,100,-;\xff\n", "\udcff"),
        (b"6,7,100,-;a;b\n", "a;b"),
    ],
)
def test_records(record: bytes, text: str) -> None:
    """As Documentation/ABI/testing/dev-kmsg has them."""
    message = parse(record)
    assert message is not None
    assert (message.sequence, message.microseconds, message.text) == (7, 100, text)


@given(st.binary(max_size=80))
def test_no_record_is_too_odd(record: bytes) -> None:
    """It is one, or it is none."""
    assert parse(record) is None or b";" in record


@pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/kmsg"), reason="needs root and a kernel log")  # noqa: PTH110
def test_the_log_of_this_host() -> None:
    """A message that is written to it comes back, after the mark and with the time of now."""
    log = LiveLog(journal=nothing)
    mark = log.mark()
    descriptor = os.open("/dev/kmsg", os.O_WRONLY)
    try:
        os.write(descriptor, b"p2pctl: test of the log\n")
    finally:
        os.close(descriptor)
    found = [line for line in log.since(mark).lines if line.text == "p2pctl: test of the log"]
    assert len(found) == 1
    assert found[0].sequence > mark
    assert abs(found[0].time - time.time()) < 60
