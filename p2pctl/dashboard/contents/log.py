"""What happened, and what the kernel said, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from p2pctl.dashboard.contents.log_words import Meaning, meaning, owners, shortened
from p2pctl.dashboard.contents.target_keys import numbered
from p2pctl.dashboard.journal import LIMIT, Journal
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.remembered import Remembered
from p2pctl.dashboard.source import Event
from p2pctl.model.facts import Missing
from p2pctl.model.log import KernelLog, Record
from p2pctl.render.document import iso
from p2pctl.render.page import Field, Fields, Lines, Page, Section, Severity, badge
from p2pctl.render.report import Column, Item, Report, Value
from p2pctl.render.text import Tone

_SEVERITIES: tuple[Severity, ...] = ("ok", "info", "warning", "error")
_TONES: dict[str, Tone] = {word: tone for word in _SEVERITIES if (tone := badge(word).tone)}

_EMPTY = "Nothing since this screen opened, and nothing about P2P or the target in the kernel's log."


def _clock(value: Value) -> str:
    """The time of day out of ``2026-11-21T14:52:57.123Z``."""
    return str(value)[11:-1]


COLUMNS = (
    Column("day", "day", style="name", priority=5),
    Column("time", "time (UTC)", style="name", show=_clock),
    Column("age", "age", style="name", align="right", priority=2),
    Column("severity", "severity", style="name", priority=1, tones=_TONES),
    Column("kind", "kind", style="name", priority=3),
    Column("subject", "about", priority=4, least=16),
    Column("controller", "ctrl", style="number", priority=2, show=lambda number: str(number or " ")),
    Column("text", "what happened", least=44),
)


@cache
def narrow(mark: str) -> tuple[Column, ...]:
    """The same for a screen on which a long NQN would leave no room for what is said of it."""
    return (*COLUMNS[:-1], COLUMNS[-1]._replace(show=lambda text: shortened(str(text), mark)))


class Entry(NamedTuple):
    """One line of the log."""

    time: float
    """Seconds since 1970 on the source."""
    kind: str
    subject: str
    text: str
    severity: Severity
    meaning: Meaning = Meaning()
    controller: int | None = None
    """The one that it is about, of which a line about its memory says nothing itself."""


class Entries(NamedTuple):
    """The lines that there is room for."""

    by_key: dict[str, Entry]
    """Oldest first."""
    dropped: int
    """Older ones that are left out."""


class LogContents:
    """Makes the panel. A line whose age reads the same is the same object as in the picture before."""

    def __init__(self) -> None:
        self._parts = Remembered()
        self._items: dict[str, Item] = {}
        self._read: dict[Record, Entry] = {}
        """What was read out of the messages that are kept."""

    def entries(self, picture: Picture, journal: Sequence[Event]) -> Entries:
        """The lines by their keys."""
        # Events are only ever added, so the last one tells whether there are new ones.
        parts = (picture.snapshot.log, journal[-1] if journal else None)
        return self._parts.of("entries", parts, lambda: self._merged(picture.snapshot.log, journal))

    def panel(self, picture: Picture, journal: Sequence[Event], columns: tuple[Column, ...] = COLUMNS) -> Panel:
        """The lines, and what is missing of them."""
        entries = self.entries(picture, journal)
        before, now = self._items, picture.snapshot.taken
        found: dict[str, Item] = {}
        for key, entry in entries.by_key.items():
            told = age(now - entry.time)
            old = before.get(key)
            same = old is not None and old["age"] == told and old["controller"] == entry.controller
            found[key] = old if old is not None and same else entry_item(entry, told)
        self._items = found
        notes = log_notes(picture.snapshot.log, entries.dropped)
        return Panel("log", "Log", columns, tuple(found.values()), tuple(found), _EMPTY, notes)

    def _merged(self, log: KernelLog | None, journal: Sequence[Event]) -> Entries:
        every = () if log is None or isinstance(log.records, Missing) else log.records
        records = every[-LIMIT:]
        # A message is read once: there may be thousands, and one new one.
        before = self._read
        self._read = {record: before.get(record) or _of_record(record) for record in records}
        told: dict[int, list[str]] = {}
        for record in records:
            told.setdefault(_tick(record.time), []).append(record.text)
        entries = [*map(self._read.__getitem__, records), *_of_events(journal, told)]
        entries.sort(key=lambda entry: entry.time)
        kept = entries[-LIMIT:]
        of = owners((entry.time, entry.meaning) for entry in kept)
        kept = [entry._replace(controller=one) if one else entry for entry, one in zip(kept, of, strict=True)]
        keys = numbered(f"{entry.kind} {entry.time!r} {entry.text}" for entry in kept)
        gone = len(every) - len(records) + len(entries) - len(kept)
        gone += journal.dropped if isinstance(journal, Journal) else 0
        return Entries(dict(zip(keys, kept, strict=True)), gone)


def entry_item(entry: Entry, told: str) -> Item:
    """A line as a record, with its age in words."""
    when = iso(entry.time)
    return {
        "time": when,
        "day": when[:10] if when else None,
        "age": told,
        "severity": entry.severity,
        "kind": entry.kind,
        "subject": entry.subject or None,
        "controller": entry.controller,
        "text": entry.text,
    }


def age(seconds: float) -> str:
    """``now``, ``12 s``, ``5 min``, ``3 h``, ``2 d``: rounded down."""
    if seconds < 1:
        return "now"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def log_notes(log: KernelLog | None, dropped: int) -> tuple[str, ...]:
    """What is not here, and why."""
    notes = []
    if log is None or isinstance(log.records, Missing):
        needs = log.gaps[0].needs if log is not None and log.gaps else "root"
        notes.append(f"? The kernel's log could not be read: needs {needs}.")
    elif not log.complete:
        notes.append("The kernel's log does not go back to the boot: older messages are gone.")
    if dropped:
        notes.append(f"{dropped} older lines are not kept.")
    return tuple(notes)


def log_page(contents: LogContents, picture: Picture, journal: Sequence[Event], key: str) -> Page | None:
    """A line in full, and what it means; None once it is forgotten."""
    entry = contents.entries(picture, journal).by_key.get(key)
    if entry is None:
        return None
    told = age(picture.snapshot.taken - entry.time)
    item = {**entry_item(entry, told), "meaning": entry.meaning.text or None}
    fields = (
        Field("time", item["time"], style="name", note=f"({told} ago)" if told != "now" else ""),
        Field("kind", entry.kind),
        Field("severity", badge(entry.severity)),
        Field("about", item["subject"], style="name"),
        *((Field("controller", entry.controller, note="(announced right after)"),) if entry.meaning.memory else ()),
    )
    sections = [Section("", (Fields(fields),)), Section("What was said", (Lines((entry.text,)),))]
    if entry.meaning.text:
        sections.append(Section("What it means", (Lines((entry.meaning.text,)),)))
    if entry.meaning.remedy:
        sections.append(Section("What to look at", (Lines((entry.meaning.remedy,), whole=True),)))
    return Page(Report.of(picture.snapshot, "event", [item], COLUMNS, gaps=()), tuple(sections))


def _tick(time: float) -> int:
    """Milliseconds, by which two tellings of one message find each other: seconds may differ in the last bit."""
    return round(time * 1000)


def _of_events(journal: Sequence[Event], told: Mapping[int, Sequence[str]]) -> Iterator[Entry]:
    """Without the messages that the kernel's log has as well, which may stand at the end of what sums up a burst."""
    for event in journal:
        if event.kind != "kernel":
            yield Entry(event.time, event.kind, event.subject, event.text, event.severity)
        elif not any(event.text.endswith(text) for text in told.get(_tick(event.time), ())):
            entry = _of_record(Record(-1, event.time, event.text))
            # What sums up a burst is no line of the kernel's, but whoever wrote it knew how grave it was.
            yield entry if entry.meaning.text else entry._replace(severity=event.severity, subject=event.subject)


def _of_record(record: Record) -> Entry:
    read = meaning(record)
    return Entry(record.time, "kernel", read.subject, record.text, read.severity, read)
