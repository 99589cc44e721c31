"""Everything that can go wrong in the user's terms, and the exit codes.

::

    P2pctlError             1   failed; nothing is changed, or all was rolled back
    +-- UsageError          2   usage, an ambiguous name, a bad input file, a change asked of a recording
    +-- NotFoundError       3   no such device, pool or file
    +-- DeniedError         4   permission or lockdown
    +-- UnsupportedError    5   this kernel or this source cannot
    +-- BusyError           6   busy, locked, or moved since it was looked at
    +-- PartialError        7   failed half way: neither as before nor as wanted
    +-- RefusedError        8   the answer is no: a check before the first write says so
    +-- UnknownError        9   it cannot be told, and what was asked for hangs on it
    +-- RecoverError       10   an interrupted change must be finished or undone first

Errors carry facts; the sentence for the terminal and the JSON object are made from them in ``cli``.
"""

from __future__ import annotations

import enum
import errno as errno_numbers
from collections.abc import Mapping
from types import MappingProxyType


class ExitCode(enum.IntEnum):
    """What the process exits with. The numbers are a contract with scripts."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    UNSUPPORTED = 5
    BUSY = 6
    PARTIAL = 7
    ANSWER_NO = 8
    """The answer is no: with ``--exit-code``, and where a check refuses before the first write."""
    ANSWER_UNKNOWN = 9
    """It cannot be told: in the same cases."""
    RECOVER = 10
    INTERRUPTED = 130


class P2pctlError(Exception):
    """A failure that the user is told about in one line.

    ``hint`` says what to do next, ``errno`` and ``path`` what the kernel answered and where.
    """

    exit_code = ExitCode.FAILED
    facts: Mapping[str, object] = MappingProxyType({})
    """More keys of the error document: for machines."""
    details: tuple[str, ...] = ()
    """More lines: for people."""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        errno: int | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.errno = errno
        self.path = path


class UsageError(P2pctlError):
    """The request itself is wrong: an option, a name, an input file."""

    exit_code = ExitCode.USAGE


class NotFoundError(P2pctlError):
    """What was named does not exist."""

    exit_code = ExitCode.NOT_FOUND


class DeniedError(P2pctlError):
    """The kernel refuses this user, or is locked down."""

    exit_code = ExitCode.DENIED


class UnsupportedError(P2pctlError):
    """The kernel, or the source of facts in use, has no way to do it."""

    exit_code = ExitCode.UNSUPPORTED


class BusyError(P2pctlError):
    """Somebody else holds it; trying again later may work."""

    exit_code = ExitCode.BUSY


class PartialError(P2pctlError):
    """A change failed and could not be undone whole: the tree is neither as before nor as wanted."""

    exit_code = ExitCode.PARTIAL


class RefusedError(P2pctlError):
    """A check before the first write found what stands against the change."""

    exit_code = ExitCode.ANSWER_NO


class UnknownError(P2pctlError):
    """Whether the change would do what is asked cannot be told; nothing was written."""

    exit_code = ExitCode.ANSWER_UNKNOWN


class RecoverError(P2pctlError):
    """A change was interrupted; it must be continued or undone before the next one."""

    exit_code = ExitCode.RECOVER


_BY_ERRNO: dict[int, type[P2pctlError]] = {
    errno_numbers.ENOENT: NotFoundError,
    errno_numbers.ENODEV: NotFoundError,
    errno_numbers.ENXIO: NotFoundError,
    errno_numbers.EACCES: DeniedError,
    errno_numbers.EPERM: DeniedError,
    errno_numbers.EROFS: DeniedError,
    errno_numbers.EBUSY: BusyError,
    errno_numbers.EAGAIN: BusyError,
    errno_numbers.EOPNOTSUPP: UnsupportedError,
    errno_numbers.ENOSYS: UnsupportedError,
}


def from_os_error(error: OSError, doing: str, *, hint: str | None = None) -> P2pctlError:
    """The error that tells a user of ``error``, met while ``doing`` (such as "read the capture x.tar.gz")."""
    reason = (error.strerror or str(error)).lower()
    kind = _BY_ERRNO.get(error.errno or 0, P2pctlError)
    path = error.filename if isinstance(error.filename, str) else None
    return kind(f"cannot {doing}: {reason}", hint=hint, errno=error.errno, path=path)
