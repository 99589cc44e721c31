"""What reading a big host costs, against a bare loop of the same system calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn, Self

from p2pctl.hardware.live import LiveFiles
from p2pctl.hardware.snapshot import take
from p2pctl.hardware.without import WithoutLog, WithoutMemory, WithoutModules
from p2pctl.kernel import Files, Handle, SourceKind
from p2pctl.model.snapshot import PartName
from tests.bench.rows import Row, compared, cpu_of_call, in_child, side_by_side

FUNCTIONS = 4096
PCI: tuple[PartName, ...] = ("pci",)


class Recorded:
    """Files that remember what was asked of them, for a bare loop to ask the same."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.reads: list[str] = []
        self.pieces: list[tuple[str, list[tuple[int, int]]]] = []
        self.lists: list[str] = []
        self.links: list[str] = []

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        self.reads.append(path)
        return self._files.read(path, limit)

    def open(self, path: str) -> Handle:
        pieces: list[tuple[int, int]] = []
        self.pieces.append((path, pieces))
        return _RecordedHandle(self._files.open(path), pieces)

    def list(self, path: str) -> tuple[str, ...]:
        self.lists.append(path)
        return self._files.list(path)

    def readlink(self, path: str) -> str:
        self.links.append(path)
        return self._files.readlink(path)

    def __getattr__(self, name: str) -> object:
        return getattr(self._files, name)


class _RecordedHandle:
    def __init__(self, handle: Handle, pieces: list[tuple[int, int]]) -> None:
        self._handle = handle
        self._pieces = pieces
        self.close = handle.close

    def pread(self, offset: int, length: int) -> bytes:
        self._pieces.append((offset, length))
        return self._handle.pread(offset, length)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Bare:
    """A door with nothing but files: what things are called is another question."""

    kind: SourceKind = "live"
    log = WithoutLog()
    modules = WithoutModules()
    memory = WithoutMemory()

    def __init__(self, files: object) -> None:
        self.files: Files = files  # type: ignore[assignment]

    @property
    def processes(self) -> Bare:
        return self

    @property
    def names(self) -> Bare:
        return self

    def events(self) -> NoReturn:
        raise NotImplementedError

    def who(self, _pid: int) -> None:
        return None

    def device(self, _vendor: int, _device: int) -> tuple[None, None]:
        return None, None

    def now(self) -> float:
        return 0.0


def bare_loop(directory: str, recorded: Recorded) -> Callable[[], None]:
    """The same system calls on the same files and nothing else; what is not there fails, as it does for us."""
    reads = [directory + path for path in recorded.reads]
    pieces = [(directory + path, each) for path, each in recorded.pieces]
    lists = [directory + path for path in recorded.lists]
    links = [directory + path for path in recorded.links]

    def loop() -> None:
        for path in reads:
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            os.read(descriptor, 4096)
            os.close(descriptor)
        for path, each in pieces:
            descriptor = os.open(path, os.O_RDONLY)
            for offset, length in each:
                os.pread(descriptor, length, offset)
            os.close(descriptor)
        for path in lists:
            os.listdir(path)
        for path in links:
            try:
                os.readlink(path)
            except OSError:
                continue

    return loop


def reading(files: Files, directory: str, what: str, budget: float | None) -> Row:
    """The PCI tree of a big host against a bare loop over the same files, which lie below ``directory``."""
    recorded = Recorded(files)
    take(Bare(recorded), PCI)
    loop = bare_loop(directory, recorded)
    ours, theirs = side_by_side(lambda: cpu_of_call(lambda: take(Bare(files), PCI)), lambda: cpu_of_call(loop), 7)
    count = len(recorded.reads) + len(recorded.pieces)
    return compared(f"{what}: {FUNCTIONS} functions, {count} files : bare loop", ours, theirs, budget)


def reading_live(directory: str) -> list[Row]:
    """The same by the running host's door, with the big host as the root directory. Only root may do that."""
    if os.geteuid() != 0:
        return [Row(f"live: {FUNCTIONS} functions: not measured, changing the root takes root", "", "", None, "", 1.5)]

    def measured() -> Row:
        os.chroot(directory)
        return reading(LiveFiles(), "", "live", 1.5)

    return [in_child(measured)]
