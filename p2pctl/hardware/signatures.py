"""What a disk says that it holds: file systems, partition tables, members of arrays, by the host's blkid(8)."""

from __future__ import annotations

import errno

from p2pctl.hardware import programs

_SECONDS = 20.0
_LIMIT = 1 << 16
_NOTHING = 2
_SEVERAL = 8


def signatures(path: str) -> tuple[str, ...]:
    """Their names, such as ``ext4`` and ``gpt``; empty where there are none.

    Raises OSError: ENOENT without blkid, ETIMEDOUT, EIO where it failed.
    """
    answer = programs.run("blkid", "-p", "-o", "export", path, seconds=_SECONDS, limit=_LIMIT)
    if answer.code == _NOTHING:
        return ()
    if answer.code == _SEVERAL:
        return ("several things at once",)
    if answer.code != 0:
        raise OSError(errno.EIO, f"blkid failed ({answer.code})", path)
    lines = (line.partition("=") for line in answer.output.decode("utf-8", "replace").splitlines())
    return tuple(value for key, _, value in lines if key in {"TYPE", "PTTYPE"})
