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


class IrregularError(FileExistsError):
    """A link, a directory or a device is there: none of them is ever replaced."""


def save(data: bytes, path: str, *, force: bool = False, mode: int = _PRIVATE) -> None:
    """Does what ``write`` does, for a command line that has ``--force``.

    Raises UsageError for what is there already or names no file, and P2pctlError as the kernel's errno says.
    """
    with _told(path):
        write(data, path, force=force, mode=mode)


def check(path: str, *, force: bool = False) -> None:
    """Raises what ``save`` would, as far as that can be told beforehand, for callers with much to do until then."""
    with _told(path), _folder(path) as (folder, name):
        _check_free(folder, name, force=force)
        temporary, descriptor = _create(folder)
        try:
            os.close(descriptor)
        finally:
            os.unlink(temporary, dir_fd=folder)


def write(data: bytes, path: str, *, force: bool = False, mode: int = _PRIVATE) -> None:
    """Writes ``data`` to a file of this mode, whatever the umask, which appears when it is complete.

    Raises FileExistsError for what is there already (unless ``force``, and then only a regular file is replaced),
    ValueError for a path that names no file, and OSError. Nothing stays behind where it fails. No link is followed.
    """
    with _folder(path) as (folder, name):
        _into(folder, data, name, force=force, mode=mode)


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    """Whatever goes wrong with a file, in the user's terms."""
    new = "give the name of a new file"
    try:
        yield
    except ValueError:
        raise UsageError(f"{path!r} names no file", hint=new, path=path) from None
    except IrregularError:
        raise UsageError(f"{path} is there and no regular file", hint=new, path=path) from None
    except FileExistsError:
        hint = "give another name, or --force to replace it"
        raise UsageError(f"{path} is there already", hint=hint, errno=errno.EEXIST, path=path) from None
    except OSError as error:
        hint = _HINTS.get(error.errno, "give a file in another directory, or send it to standard output")
        raise from_os_error(error, f"write {path}", hint=hint) from None


@contextlib.contextmanager
def _folder(path: str) -> Iterator[tuple[int, str]]:
    """The directory of a file, open, and the name in it."""
    directory, _, name = path.rpartition("/")
    if name in {"", ".", ".."}:
        raise ValueError("names no file")
    folder = os.open(directory + "/" if directory or path.startswith("/") else ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield folder, name
    finally:
        os.close(folder)


def _create(folder: int) -> tuple[str, int]:
    """A new file under a name that nobody guesses, open for writing."""
    temporary = f".p2pctl-{secrets.token_hex(8)}"
    return temporary, _open_new(folder, temporary)


def _open_new(folder: int, name: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, _PRIVATE, dir_fd=folder)


def _into(folder: int, data: bytes, name: str, *, force: bool, mode: int) -> None:
    _check_free(folder, name, force=force)
    temporary, descriptor = _create(folder)
    try:
        try:
            os.fchmod(descriptor, mode)
            _write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _publish(folder, temporary, name, force=force)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    with contextlib.suppress(OSError):  # not every file system can, and the file is there
        os.fsync(folder)


def _check_free(folder: int, name: str, *, force: bool) -> None:
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise IrregularError(errno.EEXIST, "no regular file", name)
    if not force:
        raise FileExistsError(errno.EEXIST, "file exists", name)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _publish(folder: int, temporary: str, name: str, *, force: bool) -> None:
    """Gives the complete file its name; link(2) is the call that never replaces what came in between."""
    if force:
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}:
            raise
        _publish_without_links(folder, temporary, name)
        return
    os.unlink(temporary, dir_fd=folder)


def _publish_without_links(folder: int, temporary: str, name: str) -> None:
    """The same where no file has two names, as on vfat: what is replaced is an empty file of our own."""
    os.close(_open_new(folder, name))
    try:
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise
