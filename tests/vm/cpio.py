"""Writes the cpio archive (format newc) that the kernel unpacks as its first root directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def archive(tree: Path) -> bytes:
    """Returns a directory tree as a cpio archive: directories, plain files and symbolic links.

    Everything belongs to root and carries no time, so the same tree gives the same bytes.
    Raises ValueError for any other kind of file.
    """
    parts = []
    for number, path in enumerate(sorted(tree.rglob("*")), start=1):
        parts.append(_entry(str(path.relative_to(tree)), path, number))
    parts.append(_member("TRAILER!!!", 0, b"", 0))
    return b"".join(parts)


def _entry(name: str, path: Path, number: int) -> bytes:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return _member(name, mode, os.fsencode(path.readlink()), number)
    if stat.S_ISREG(mode):
        return _member(name, mode, path.read_bytes(), number)
    if stat.S_ISDIR(mode):
        return _member(name, mode, b"", number)
    raise ValueError(f"cannot archive {path}: mode {mode:o}")


def _member(name: str, mode: int, data: bytes, number: int) -> bytes:
    encoded = os.fsencode(name) + b"\0"
    # inode, mode, uid, gid, links, mtime, size, device and rdevice (two words each), name, checksum
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
