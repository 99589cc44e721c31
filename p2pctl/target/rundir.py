"""The directory for what must survive a process but not the kernel: lock, journal, record of ownership.

It holds keys and decides what is undone, so nobody else may have a hand in it.
"""

# Paths are text, as everywhere; what is made here must not follow links.
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH108, PTH120

from __future__ import annotations

import contextlib
import errno
import os
import stat

from p2pctl.errors import DeniedError, P2pctlError, UsageError, from_os_error

DIRECTORY = "/run/p2pctl"

HINT = "changing the target takes root, and a little room in the directory for its records"

_PRIVATE_DIRECTORY = 0o700
_PRIVATE_FILE = 0o600
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_PIECE = 1 << 20


def make(directory: str) -> None:
    """Makes the directory, 0700, or makes sure of one that is there and takes from others the right to look into it.

    Raises DeniedError for a link, somebody else's, or one that others may write to, P2pctlError where it cannot be.
    """
    above = os.path.dirname(directory.rstrip("/"))
    try:
        os.makedirs(above, exist_ok=True)
        _make_one(directory)
    except OSError as error:
        doing = f"make the directory {directory}"
        if directory == DIRECTORY:
            raise from_os_error(error, doing, hint="changing the target takes root") from None
        hint = "set XDG_STATE_HOME to a directory that you may write to"  # the demo host's is a user's
        told = from_os_error(error, doing, hint=hint)
        if not isinstance(told, DeniedError):
            told = UsageError(told.message, hint=hint, errno=error.errno)
        raise told from None


def _make_one(directory: str) -> None:
    try:
        os.mkdir(directory, _PRIVATE_DIRECTORY)
    except FileExistsError:
        if _examine(directory) & 0o077:
            os.chmod(directory, _PRIVATE_DIRECTORY)


def _examine(directory: str) -> int:
    """The permission bits. Raises DeniedError, OSError."""
    found = os.lstat(directory)
    what = None
    if not stat.S_ISDIR(found.st_mode):
        what = "it is no directory"
    elif not found.st_uid and os.geteuid():
        raise DeniedError(f"the directory {directory} belongs to root", hint="it takes root", path=directory)
    elif found.st_uid != os.geteuid():
        what = f"it belongs to user {found.st_uid}"
    elif found.st_mode & 0o022:
        what = f"others may write to it (mode {stat.S_IMODE(found.st_mode):04o})"
    if what is not None:
        raise DeniedError(
            f"the directory {directory} cannot be trusted: {what}",
            hint="find out who made it, then remove it: p2pctl makes its own with mode 0700",
            path=directory,
        )
    return stat.S_IMODE(found.st_mode)


def trusted(directory: str) -> bool:
    """Whether the directory is there and as `make` makes it, without making it."""
    try:
        _examine(directory)
    except (OSError, DeniedError):
        return False
    return True


def read(path: str) -> bytes:
    """A file of the directory, whole. Raises OSError (ELOOP for a link)."""
    descriptor = os.open(path, _READ)
    try:
        pieces = []
        while piece := os.read(descriptor, _PIECE):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def create(path: str, data: bytes) -> None:
    """A new file, 0600, with this in it. Raises OSError."""
    descriptor = os.open(path, _NEW, _PRIVATE_FILE)
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def create_whole(path: str, data: bytes) -> None:
    """A new file that is never there in part, not even after a kill or a loss of power, and is on disk when it returns.

    Only the holder of the lock writes here. Raises OSError, EEXIST where there is one: it is left as it is.
    """
    new = _unnamed(path)
    try:
        create(new, data)
        sync(new)
        os.link(new, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(new)
    try:
        sync(os.path.dirname(path))
    except OSError:
        os.unlink(path)
        raise


def sync(path: str) -> None:
    """Waits until a file, or the names in a directory, are on disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unnamed(path: str) -> str:
    """Where a file is made before it gets its name; what a killed run has left there goes."""
    new = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    return new


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of it. Raises OSError."""
    view = memoryview(data)
    while view:
        written = os.write(descriptor, view)
        if not written:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        view = view[written:]


def replace(path: str, data: bytes) -> None:
    """A file with this in it instead of what it held, at one stroke. Raises OSError.

    Only the holder of the lock writes here, so the name of the new file may be a fixed one.
    """
    new = _unnamed(path)
    create(new, data)
    os.rename(new, path)


def move(path: str, other: str) -> None:
    """Gives a file another name, in place of what has it. Raises OSError."""
    os.rename(path, other)


def failed(error: OSError, doing: str) -> P2pctlError:
    """What to tell of a failure in the directory, before anything was changed."""
    return from_os_error(error, doing, hint="nothing was changed")
