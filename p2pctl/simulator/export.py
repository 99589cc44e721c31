"""Writes a tree to a real directory, for what wants to open real files."""

from __future__ import annotations

import errno
import os
from collections.abc import Container

from p2pctl.simulator.nodes import Directory, File, Link


def write(top: Directory, path: str, without: Container[str] = ()) -> int:
    """Writes what is in ``top`` into the directory at ``path``, which exists; gives back how many files it wrote.

    Names in ``without`` are left out, wherever they are. A file that is only for mmap(2) becomes an empty one; any
    other that refuses to be read is left out, since a real file cannot refuse. Raises OSError, FileExistsError for
    what is there already.
    """
    written = 0
    for name, node in top.entries.items():
        if name in without:
            continue
        here = f"{path}/{name}"
        if isinstance(node, Directory):
            os.mkdir(here)  # noqa: PTH102  pathlib would double the time of a large host
            written += write(node, here, without)
        elif isinstance(node, Link):
            os.symlink(node.target, here)  # noqa: PTH211
        else:
            written += _file(node, here)
    return written


def _file(node: File, path: str) -> int:
    try:
        data = node.read()
    except OSError as problem:
        if problem.errno != errno.EIO:
            return 0
        data = b""
    # Owner's rights whatever the mode: who wrote the tree wants to read it and to remove it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, node.mode | 0o600)
    try:
        if data:
            os.write(descriptor, data)
    finally:
        os.close(descriptor)
    return 1
