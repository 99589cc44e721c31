"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from typing import BinaryIO

from p2pctl.errors import UsageError, from_os_error

_PRIVATE = 0o600


def save(data: bytes, path: str, *, force: bool = False, stdout: BinaryIO | None = None) -> None:
    """Writes ``data`` to a file of mode 0600, which appears when it is complete; ``-`` is ``stdout``.

    Raises UsageError for a terminal, for what is there already (unless ``force``, and then only a regular file is
    replaced) and P2pctlError as the kernel's errno says. Nothing stays behind where it fails. No link is followed.
    """
    if path == "-":
        _to_stream(data, stdout)
        return
    directory, _, name = path.rpartition("/")
    if name in {"", ".", ".."} or "\0" in path:
        raise UsageError(f"{path!r} names no file", hint="give the name of a new file", path=path)
    try:
        folder = os.open(directory + "/" if directory or path.startswith("/") else ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            _into(folder, data, path, name, force=force)
        finally:
            os.close(folder)
    except OSError as error:
        raise from_os_error(error, f"write {path}") from None


def _to_stream(data: bytes, stdout: BinaryIO | None) -> None:
    if stdout is None or stdout.isatty():
        raise UsageError("a capture is no text for a terminal", hint="give a file name, or pipe it into a program")
    stdout.write(data)
    stdout.flush()


def _into(folder: int, data: bytes, path: str, name: str, *, force: bool) -> None:
    _check_free(folder, path, name, force=force)
    temporary = f".p2pctl-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, _PRIVATE, dir_fd=folder)
    try:
        try:
            os.fchmod(descriptor, _PRIVATE)
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
