"""stdout: the data, the help pages and the version. Nothing else writes there but the table that is redrawn."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable

from p2pctl.errors import P2pctlError

_CHUNK = 1 << 16
"""Characters written at a time."""

_HINTS = {
    errno.ENOSPC: "make room there, or send it elsewhere",
    errno.EDQUOT: "make room there, or send it elsewhere",
    errno.EBADF: "standard output is closed: leave it open, or send it to a file",
}
"""What to do about a failed write."""


class OutputError(P2pctlError):
    """stdout cannot be written to."""


class ReaderGoneError(Exception):
    """Whoever read our output has had enough, as ``head`` does: no failure, and nothing to say."""


def write_lines(lines: Iterable[str]) -> None:
    """Writes lines and flushes them. Raises OutputError or ReaderGoneError."""
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size > _CHUNK:
            _write("\n".join(held) + "\n")
            held.clear()
            size = 0
    _write("\n".join(held) + "\n" if held else "")
    flush()


def write_bytes(data: bytes) -> None:
    """Writes bytes as they are. Raises OutputError or ReaderGoneError."""
    flush()
    try:
        sys.stdout.buffer.write(data)
    except (OSError, AttributeError, ValueError) as error:
        raise _failure(error) from error
    flush()


def flush() -> None:
    """Hands over what is held back. Raises OutputError or ReaderGoneError."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as error:
        raise _failure(error) from error


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        # A terminal of the last century: what it has no letter for is spelled out.
        encoding = sys.stdout.encoding or "ascii"
        _write(text.encode(encoding, "backslashreplace").decode(encoding))
    except (OSError, AttributeError, ValueError) as error:
        raise _failure(error) from error


def _failure(error: Exception) -> Exception:
    """What a failed write means. What is still held back is dropped, or the interpreter would try again at its end."""
    _abandon()
    number = error.errno if isinstance(error, OSError) else errno.EBADF
    if number == errno.EPIPE:
        return ReaderGoneError()
    reason = os.strerror(number or errno.EIO).lower()
    hint = _HINTS.get(number or errno.EIO, "send it elsewhere, such as to a file: p2pctl ... > FILE")
    return OutputError(f"cannot write to standard output: {reason}", hint=hint, errno=number)


def _abandon() -> None:
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
