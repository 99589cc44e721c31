"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator

from p2pctl.errors import UsageError, from_os_error

_PRIVATE = 0o600

_HINTS: dict[int | None, str] = {
    errno.ENOENT: "make the directory first, or give a file in another one",
    errno.EACCES: "give a file in a directory that you may write to",
    errno.ENOSPC: "make room there, or give a file elsewhere",
    errno.EDQUOT: "make room there, or give a file elsewhere",
}


def save(data: bytes, path: str, *, force: bool = False, mode: int = _PRIVATE) -> None:
    """Writes ``data`` to a file of this mode, whatever the umask, which appears when it is complete.

    Raises UsageError for what is there already (unless ``force``, and then only a regular file is replaced) and
    P2pctlError as the kernel's errno says. Nothing stays behind where it fails. No link is followed.
    """
    with _folder(path) as (folder, name):
        _into(folder, data, path, name, force=force, mode=mode)


def check(path: str, *, force: bool = False) -> None:
    """Raises what ``save`` would, as far as that can be told beforehand, for callers with much to do until then."""
    with _folder(path) as (folder, name):
        _check_free(folder, path, name, force=force)
        temporary, descriptor = _create(folder)
        try:
            os.close(descriptor)
        finally:
            os.unlink(temporary, dir_fd=folder)


@contextlib.contextmanager
def _folder(path: str) -> Iterator[tuple[int, str]]:
    """The directory of a file, open, and the name in it. Raises P2pctlError for whatever goes wrong meanwhile."""
    directory, _, name = path.rpartition("/")
    if name in {"", ".", ".."} or "\0" in path:
        raise UsageError(f"{path!r} names no file", hint="give the name of a new file", path=path)
    try:
        folder = os.open(directory + "/" if directory or path.startswith("/") else ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield folder, name
        finally:
            os.close(folder)
    except OSError as error:
        hint = _HINTS.get(error.errno, "give a file in another directory, or send it to standard output")
        raise from_os_error(error, f"write {path}", hint=hint) from None


def _create(folder: int) -> tuple[str, int]:
    """A new file under a name that nobody guesses, open for writing."""
    temporary = f".p2pctl-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return temporary, os.open(temporary, flags, _PRIVATE, dir_fd=folder)


def _into(folder: int, data: bytes, path: str, name: str, *, force: bool, mode: int) -> None:
    _check_free(folder, path, name, force=force)
    temporary, descriptor = _create(folder)
    try:
        try:
            os.fchmod(descriptor, mode)
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _publish(folder, temporary, path, name, force=force)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    with contextlib.suppress(OSError):  # not every file system can, and the file is there
        os.fsync(folder)


def _check_free(folder: int, path: str, name: str, *, force: bool) -> None:
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} is there and no regular file", hint="give the name of a new file", path=path)
    if not force:
        raise _taken(path)


def _taken(path: str) -> UsageError:
    return UsageError(
        f"{path} is there already", hint="give another name, or --force to replace it", errno=errno.EEXIST, path=path
    )


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _publish(folder: int, temporary: str, path: str, name: str, *, force: bool) -> None:
    """Gives the complete file its name; link(2) is the call that never replaces what came in between."""
    if force:
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
            raise
        # A file system without hard links, such as vfat.
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    os.unlink(temporary, dir_fd=folder)
