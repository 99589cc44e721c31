"""A door that remembers what goes through it, so that the same questions can be answered again elsewhere."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from p2pctl.hardware.capture.allow import holds_secret
from p2pctl.hardware.capture.manifest import NamePair
from p2pctl.hardware.capture.pieces import Pieces
from p2pctl.hardware.capture.trim import trim
from p2pctl.hardware.confine import ReadOnly, resolve
from p2pctl.hardware.log import concerns
from p2pctl.hardware.without import WithoutMemory, WithoutModules, without_events
from p2pctl.kernel import (
    READ_LIMIT,
    Closing,
    Door,
    Events,
    Files,
    Handle,
    Log,
    LogRead,
    Names,
    Process,
    Processes,
    SourceKind,
    Stat,
)

_LOG_LINES = 20_000

_OF_ITSELF = frozenset({errno.EISDIR, errno.ENOTDIR, errno.ELOOP})
"""What a tree of the same directories, files and links answers without being told."""


@dataclass(slots=True)
class Record:
    """All that was asked and answered, by kernel paths without a link in them."""

    files: dict[str, Pieces] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    directories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of what was listed."""
    stats: dict[str, Stat] = field(default_factory=dict)
    """Whatever was met on the way or asked for."""
    errors: dict[str, int] = field(default_factory=dict)
    processes: dict[int, Process] = field(default_factory=dict)
    names: dict[tuple[int, int], NamePair] = field(default_factory=dict)
    log: LogRead | int | None = None
    """What the log said that concerns p2pctl, or the errno that reading it gave."""


class RecordingFiles(ReadOnly):
    """``Files`` that passes everything on and keeps it in ``record``. Errors are those of the files below it."""

    _source = "a capture that is being taken"

    def __init__(self, files: Files, record: Record) -> None:
        self._files = files
        self._record = record
        self._places: dict[str, str] = {}

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """The file's contents, ``limit`` bytes at most."""
        try:
            data = self._files.read(path, limit)
        except OSError as error:
            self._failed(path, error)
            raise
        # Trimmed here already: the maps of all processes are large, and few of them matter.
        self.took(path, 0, trim(path, data), limit)
        return data

    def open(self, path: str) -> Handle:
        """A handle whose reads are recorded too."""
        try:
            handle = self._files.open(path)
        except OSError as error:
            self._failed(path, error)
            raise
        return _RecordingHandle(handle, path, self)

    def list(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        try:
            names = self._files.list(path)
        except OSError as error:
            self._failed(path, error)
            raise
        place = self._place(path)
        if place is not None:
            self._record.directories.setdefault(place, names)
        return names

    def readlink(self, path: str) -> str:
        """Where a symbolic link points, as it is written."""
        try:
            target = self._files.readlink(path)
        except OSError as error:
            # That something is no link needs no record of its own, unlike what it is.
            if error.errno == errno.EINVAL:
                self._place(path)
            else:
                self._failed(path, error, last=False)
            raise
        place = self._place(path, last=False)
        if place is not None:
            self._record.links[place] = target
            self._record.stats.setdefault(place, Stat("link", 0o777, len(target)))
        return target

    def realpath(self, path: str) -> str:
        """The kernel path with every link resolved; each link on the way is kept."""
        try:
            place = self._files.realpath(path)
        except OSError as error:
            self._failed(path, error)
            raise
        self._place(path)
        return place

    def stat(self, path: str) -> Stat:
        """Kind, mode and size; a link is not followed."""
        try:
            found = self._files.stat(path)
        except OSError as error:
            self._failed(path, error, last=False)
            raise
        place = self._place(path, last=False)
        if place is not None:
            self._met(place, found)
        return found

    def took(self, path: str, offset: int, data: bytes, asked: int) -> None:
        """Keeps what a read of ``asked`` bytes at ``offset`` gave."""
        place = self._place(path)
        if place is not None:
            self._record.files.setdefault(place, Pieces()).add(offset, data, asked=asked)

    def failed_at(self, path: str, offset: int, error: OSError) -> None:
        """Keeps a read that failed: as the file's error, or as its end where some of it could be read."""
        place = self._place(path)
        if place is not None and place in self._record.files:
            self.took(path, offset, b"", 1)
        else:
            self._failed(path, error)

    def _met(self, place: str, found: Stat) -> None:
        self._record.stats[place] = found
        if found.kind == "link" and place not in self._record.links:
            self._record.links[place] = self._files.readlink(place)

    def _failed(self, path: str, error: OSError, *, last: bool = True) -> None:
        try:
            place = self._resolve(path, last=last)
        except OSError as elsewhere:
            place = elsewhere.filename
        if error.errno not in _OF_ITSELF:
            self._record.errors.setdefault(place, error.errno or errno.EIO)

    def _place(self, path: str, *, last: bool = True) -> str | None:
        """Where ``path`` leads; None where it led somewhere a moment ago and no longer does."""
        try:
            return self._resolve(path, last=last)
        except OSError:
            return None

    def _resolve(self, path: str, *, last: bool) -> str:
        parent, _, name = path.rpartition("/")
        if name in {"", ".", ".."}:
            return resolve(path, self._look, last=last)
        directory = self._places.get(parent)
        if directory is None:
            try:
                directory = resolve(parent, self._look)
            except OSError as error:
                raise OSError(error.errno, error.strerror, f"{error.filename}/{name}") from None
            self._places[parent] = directory
        return resolve(f"{directory}/{name}", self._look, last=last)

    def _look(self, place: str) -> str | None:
        if place not in self._record.stats:
            self._met(place, self._files.stat(place))
        return self._record.links.get(place)


class _RecordingHandle(Closing):
    def __init__(self, handle: Handle, path: str, files: RecordingFiles) -> None:
        self._handle = handle
        self._path = path
        self._files = files

    def pread(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``, fewer at the end."""
        try:
            data = self._handle.pread(offset, length)
        except OSError as error:
            self._files.failed_at(self._path, offset, error)
            raise
        self._files.took(self._path, offset, data, length)
        return data

    def close(self) -> None:
        """Closes the file."""
        self._handle.close()


class _RecordingProcesses:
    def __init__(self, processes: Processes, record: Record) -> None:
        self._processes = processes
        self._record = record

    def who(self, pid: int) -> Process | None:
        found = self._processes.who(pid)
        if found is not None:
            self._record.processes.setdefault(pid, found)
        return found


class _RecordingNames:
    def __init__(self, names: Names, record: Record) -> None:
        self._names = names
        self._record = record

    def device(self, vendor: int, device: int) -> NamePair:
        pair = self._names.device(vendor, device)
        self._record.names[vendor, device] = pair
        return pair


class _RecordingLog:
    def __init__(self, log: Callable[[], Log], record: Record) -> None:
        self._log = log
        self._record = record

    def mark(self) -> int:
        return self._log().mark()

    def since(self, mark: int = -1) -> LogRead:
        """The records after ``mark``; the whole of what concerns p2pctl is kept the first time."""
        if self._record.log is None:
            self._keep()
        return self._log().since(mark)

    def _keep(self) -> None:
        try:
            lines, complete = self._log().since()
        except OSError as error:
            self._record.log = error.errno or errno.EIO
            return
        kept = tuple(line for line in lines if concerns(line.text) and not holds_secret(os.fsencode(line.text)))
        # More than that no reader needs, and the newest tell of what is.
        self._record.log = LogRead(kept[-_LOG_LINES:], complete and len(kept) <= _LOG_LINES)


class RecordingDoor:
    """A ``Door`` that passes everything on to another one and keeps it in ``record``."""

    def __init__(self, door: Door) -> None:
        self.record = Record()
        self.kind: SourceKind = door.kind
        self.files = RecordingFiles(door.files, self.record)
        self.processes = _RecordingProcesses(door.processes, self.record)
        self.names = _RecordingNames(door.names, self.record)
        self.log = _RecordingLog(lambda: door.log, self.record)
        self.modules = WithoutModules()
        self.memory = WithoutMemory()
        self._time = door.now()

    def events(self) -> Events:
        """Refuses: a capture holds no news. Raises EOPNOTSUPP."""
        without_events()

    def now(self) -> float:
        """Seconds since 1970: the one time that the capture has."""
        return self._time
