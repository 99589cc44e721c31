"""Sees every change of a directory tree, configfs included, through inotify(7)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MODIFY, ATTRIB, MOVED, CREATE, DELETE = 0x2, 0x4, 0xC0, 0x100, 0x200
CHANGES = MODIFY | ATTRIB | MOVED | CREATE | DELETE
IN_NONBLOCK, IN_ISDIR = 0o4000, 0x40000000
EVENT = struct.Struct("iIII")
NAMES = {MODIFY: "modify", ATTRIB: "attrib", CREATE: "create", DELETE: "delete"}


class Changes:
    """What changed below a directory since the beginning; directories made since are not looked into."""

    def __init__(self, top: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(IN_NONBLOCK)
        assert self._descriptor >= 0
        self._places: dict[int, Path] = {}
        for directory in [top, *(path for path in top.rglob("*") if path.is_dir() and not path.is_symlink())]:
            watch = self._libc.inotify_add_watch(self._descriptor, os.fsencode(directory), CHANGES)
            assert watch >= 0, (directory, ctypes.get_errno())
            self._places[watch] = directory
        self._seen: list[tuple[str, Path]] = []

    def read(self) -> list[tuple[str, Path]]:
        """Every change so far: what was done, and to what."""
        with suppress(BlockingIOError):
            while data := os.read(self._descriptor, 1 << 16):
                position = 0
                while position < len(data):
                    watch, mask, _, length = EVENT.unpack_from(data, position)
                    name = data[position + EVENT.size : position + EVENT.size + length].rstrip(b"\0")
                    position += EVENT.size + length
                    place = self._places.get(watch)
                    for bit, what in NAMES.items():
                        if mask & bit and place is not None:
                            self._seen.append((what, place / os.fsdecode(name)))
        return self._seen

    def close(self) -> None:
        """Stops looking."""
        os.close(self._descriptor)


@contextmanager
def changes(top: Path) -> Iterator[Changes]:
    """Looks at a tree while the block lasts."""
    seen = Changes(top)
    try:
        yield seen
    finally:
        seen.close()
