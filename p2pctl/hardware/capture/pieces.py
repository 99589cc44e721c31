"""What is known of a file that was read in pieces."""

from __future__ import annotations

from dataclasses import dataclass, field

from p2pctl.hardware.capture.manifest import Ranges


@dataclass(slots=True)
class Pieces:
    """What is known of one file's contents."""

    data: bytearray = field(default_factory=bytearray)
    """From the start to the last byte that was read; zeros where nobody read."""
    known: list[tuple[int, int]] = field(default_factory=list)
    """Offset and end of what was read, in order, apart from each other."""
    end: int | None = None
    """Where the file stopped giving, for the first reader that got there."""

    def add(self, offset: int, data: bytes, *, asked: int) -> None:
        """Takes in what a read of ``asked`` bytes gave. What was read first stays: of two times, a file shows one."""
        if self.end is not None and not holes(self.known, 0, self.end):
            return
        end = offset + len(data)
        if len(data) < asked:
            self.end = end if self.end is None else min(self.end, end)
        if len(self.data) < end:
            self.data.extend(bytes(end - len(self.data)))
        for start, stop in holes(self.known, offset, end):
            self.data[start:stop] = data[start - offset : stop - offset]
        if data:
            self.known = _joined([*self.known, (offset, end)])

    def contents(self) -> tuple[bytes, Ranges]:
        """The file as it can be read again, and the parts of it that nobody read."""
        data = bytes(self.data if self.end is None else self.data[: self.end])
        return data, holes(self.known, 0, len(data))


def holes(known: list[tuple[int, int]], start: int, end: int) -> Ranges:
    """The parts of ``start`` to ``end`` that no range of ``known`` covers."""
    found = []
    for known_start, known_end in known:
        if known_start >= end:
            break
        if known_start > start:
            found.append((start, known_start))
        start = max(start, known_end)
    if start < end:
        found.append((start, end))
    return tuple(found)


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined
