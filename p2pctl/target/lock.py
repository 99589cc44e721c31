"""One writer at a time. The kernel lets go of the lock when its holder dies, however that happens."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator

from p2pctl.errors import BusyError, from_os_error
from p2pctl.target.rundir import HINT

NAME = "lock"

_LOCKS = "/proc/locks"
_FIELDS = 6

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_MODE = 0o600
_PAUSE = 0.05
"""Seconds between two tries."""
_LIMIT = 4096


@contextlib.contextmanager
def locked(
    directory: str,
    command: str,
    *,
    timeout: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Holds the lock of the run directory, which must be there. ``command`` is what a contender is told.

    Raises BusyError where it is not free within ``timeout`` seconds, and what `from_os_error` makes of the rest.
    The file stays when the lock is given back: who waits for it has it open.
    """
    path = f"{directory}/{NAME}"
    try:
        descriptor = os.open(path, _FLAGS, _MODE)
    except OSError as error:
        raise from_os_error(error, f"open the lock {path}", hint=HINT) from None
    taken = False
    try:
        deadline = clock() + timeout
        while not _taken(descriptor, path):
            if clock() >= deadline:
                raise BusyError(
                    f"another p2pctl is at work: {_holder(descriptor)}",
                    hint="wait for it; commands that take --lock-timeout do",
                    path=path,
                )
            sleep(_PAUSE)
        taken = True
        _sign(descriptor, {"pid": os.getpid(), "command": command})
        yield
    finally:
        if taken:
            _sign(descriptor, None)
        os.close(descriptor)


def busy(directory: str) -> bool:
    """Whether somebody holds the lock of a run directory. It is not taken for that: a change must not fail for a look.

    Raises OSError.
    """
    inode = os.lstat(f"{directory}/{NAME}").st_ino
    with open(_LOCKS, "rb") as stream:  # noqa: PTH123  as in the other functions, paths are text
        # "1: FLOCK  ADVISORY  WRITE 1234 00:19:5678 0 EOF" (proc_locks(5))
        held = (line.split() for line in stream)
        return any(len(one) >= _FIELDS and one[1] == b"FLOCK" and one[5].endswith(b":%d" % inode) for one in held)


def _taken(descriptor: int, path: str) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES, errno.EINTR}:
            return False
        raise from_os_error(error, f"lock {path}", hint=HINT) from None
    return True


def _sign(descriptor: int, holder: dict[str, object] | None) -> None:
    """Says in the file who holds the lock. The lock holds without it, so a full disk does not matter."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        if holder is not None:
            os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _holder(descriptor: int) -> str:
    try:
        found = json.loads(os.pread(descriptor, _LIMIT, 0))
        return f"process {int(found['pid'])} ({found['command']})"
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return "which process it is cannot be told"
