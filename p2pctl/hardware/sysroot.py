"""A directory that holds another host's ``sys`` and ``proc``: a mounted host, or an unpacked capture."""

# Paths are text here, as the kernel names them; a Path object costs more than the read itself.
# ruff: noqa: PTH112, PTH115, PTH118, PTH208

from __future__ import annotations

import errno
import os
import stat as modes
import time
from collections.abc import Callable
from typing import Literal, NoReturn, TypeVar

from p2pctl.errors import DeniedError, NotFoundError, UsageError
from p2pctl.hardware.capture import MANIFEST_NAME
from p2pctl.hardware.confine import ReadOnly, failure, resolve
from p2pctl.hardware.live import READING, DescriptorHandle, drain, refuse_pool, stat_of
from p2pctl.hardware.names import PciNames
from p2pctl.hardware.without import WithoutLog, WithoutMemory, WithoutModules, without_events
from p2pctl.kernel import READ_LIMIT, Events, Files, Log, Names, Process, Processes, Stat

T = TypeVar("T")

SOURCE = "--sysroot"

_PLAIN = READING | os.O_NOFOLLOW
_TYPE = 0o170000  # S_IFMT
_SPECIAL = frozenset({"", ".", "..", "allocate"})  # names that need a look at the whole path
_HINT = "give a directory that holds the host's sys and proc, such as an unpacked capture"


class SysrootFiles(ReadOnly):
    """``Files`` confined to a directory: links, absolute ones too, and ``..`` resolve inside it.

    Only regular files are read. Not defended against: somebody who swaps a directory for a link while a read is under
    way, so do not give a tree that others can write.
    """

    _source = SOURCE

    def __init__(self, directory: str) -> None:
        self._root = os.path.realpath(directory).rstrip("/")
        # Directories on the way to what was asked for: a walk from the root costs more than what is at its end.
        self._directories: dict[str, str] = {}
        self._links: dict[str, str | None] = {}

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """The file's contents, ``limit`` bytes at most. Raises OSError (EINVAL for what is no regular file)."""
        descriptor, size = self._open(path)
        try:
            if 0 < size <= limit:
                data = os.read(descriptor, size)
                # The kernel's own files, where they are mounted here, give no size (/proc) or a page (sysfs).
                return data if len(data) == size else data + drain(descriptor, limit - len(data))
            return drain(descriptor, limit)
        finally:
            os.close(descriptor)

    def open(self, path: str) -> DescriptorHandle:
        """A handle for reading. Raises OSError (EINVAL for what is no regular file)."""
        return DescriptorHandle(self._open(path)[0])

    def list(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        try:
            return tuple(sorted(os.listdir(self._root + self.realpath(path))))
        except OSError as error:
            raise failure(error.errno or errno.EIO, path) from None

    def readlink(self, path: str) -> str:
        """Where a symbolic link points, as it is written."""
        return self._unfollowed(path, os.readlink)

    def realpath(self, path: str) -> str:
        """The kernel path with every link resolved. Raises OSError (ENOENT where nothing is there)."""
        return resolve(path, self._look)

    def stat(self, path: str) -> Stat:
        """Kind, mode and size; a link is not followed."""
        return stat_of(self._unfollowed(path, os.lstat))

    def _unfollowed(self, path: str, call: Callable[[str], T]) -> T:
        """What ``call`` says of a path whose last component may be a link. Raises OSError that names the place."""
        parent, _, name = path.rpartition("/")
        if name in _SPECIAL:
            place = resolve(path, self._look, last=False)
            directory, name = self._root, place
        else:
            try:
                directory = self._directories.get(parent) or self._remember(parent)
            except OSError as error:
                raise failure(error.errno or errno.EIO, f"{error.filename}/{name}") from None
            place = directory[len(self._root) :] + name
        try:
            return call(directory + name)
        except ValueError:
            raise _nameless(place) from None
        except OSError as error:
            if error.errno == errno.ENOENT and self._moved(directory):
                return self._unfollowed(path, call)
            raise failure(error.errno or errno.EIO, place) from None

    def _open(self, path: str) -> tuple[int, int]:
        """Descriptor and size of a regular file, quickly where the directory is known and no link in the way."""
        parent, _, name = path.rpartition("/")
        if name in _SPECIAL:
            return self._open_slowly(path)
        directory = self._directories.get(parent) or self._remember(parent)
        try:
            descriptor = os.open(directory + name, _PLAIN)
        except ValueError:
            raise _nameless(path) from None
        except OSError as error:
            if error.errno == errno.ELOOP or (error.errno == errno.ENOENT and self._moved(directory)):
                return self._open_slowly(path)
            raise failure(error.errno or errno.EIO, path) from None
        found = os.fstat(descriptor)
        if found.st_mode & _TYPE == modes.S_IFREG:
            return descriptor, found.st_size
        raise _no_file(descriptor, found, path)

    def _open_slowly(self, path: str) -> tuple[int, int]:
        """The same with every link resolved afresh."""
        place = self.realpath(path)
        refuse_pool(place)
        try:
            descriptor = os.open(self._root + place, _PLAIN)
        except OSError as error:
            raise failure(error.errno or errno.EIO, path) from None
        found = os.fstat(descriptor)
        if found.st_mode & _TYPE == modes.S_IFREG:
            return descriptor, found.st_size
        raise _no_file(descriptor, found, path)

    def _remember(self, parent: str) -> str:
        directory = self._root + resolve(parent, self._look_once).rstrip("/") + "/"
        self._directories[parent] = directory
        return directory

    def _moved(self, directory: str) -> bool:
        """Whether a remembered directory is gone: where a live host is mounted, devices come and go."""
        if os.path.isdir(directory):
            return False
        self._directories.clear()
        self._links.clear()
        return True

    def _look_once(self, place: str) -> str | None:
        if place not in self._links:
            self._links[place] = self._look(place)
        return self._links[place]

    def _look(self, place: str) -> str | None:
        host = self._root + place
        try:
            return os.readlink(host) if modes.S_ISLNK(os.lstat(host).st_mode) else None
        except ValueError:
            raise _nameless(place) from None


def _nameless(path: str) -> OSError:
    """ENOENT for a path with a NUL in it, which a reader may have made of a hostile file's contents."""
    return failure(errno.ENOENT, path)


def _no_file(descriptor: int, found: os.stat_result, path: str) -> OSError:
    """Closes what is no regular file; EISDIR or EINVAL."""
    os.close(descriptor)
    return failure(errno.EISDIR if modes.S_ISDIR(found.st_mode) else errno.EINVAL, path)


class SysrootProcesses:
    """Processes as the tree's ``/proc`` tells of them; whoever they are, the user is a number."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def who(self, pid: int) -> Process | None:
        """The process, or None where the tree has none of that number."""
        fields: dict[str, str] = {}
        try:
            status = self._files.read(f"/proc/{pid}/status")
        except OSError:
            return None
        for line in os.fsdecode(status).splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key, value.strip())
        try:
            name = os.fsdecode(self._files.read(f"/proc/{pid}/comm")).removesuffix("\n")
        except OSError:
            name = fields.get("Name", "")
        return Process(pid, (fields.get("Uid", "").split() or ["?"])[0], name)


class SysrootDoor:
    """``--sysroot DIR``: ``Door`` over a directory. Where that is an unpacked capture, it answers as the capture does.

    Raises UsageError, NotFoundError or DeniedError for a directory that cannot serve.
    """

    kind: Literal["sysroot"] = "sysroot"
    files: Files
    processes: Processes
    names: Names
    log: Log

    def __init__(self, directory: str) -> None:
        _check(directory)
        self.files = SysrootFiles(directory)
        self.processes = SysrootProcesses(self.files)
        self.names = PciNames()
        self.log = WithoutLog()
        self.modules = WithoutModules()
        self.memory = WithoutMemory()
        self._time: float | None = None
        self._replay(directory)

    def events(self) -> Events:
        """Refuses: nothing tells what becomes of a directory's files, or of the host that it was. Raises EOPNOTSUPP."""
        without_events()

    def now(self) -> float:
        """Seconds since 1970: when the capture was taken, else now."""
        return time.time() if self._time is None else self._time

    def _replay(self, directory: str) -> None:
        """Takes errors, time, processes and names from a capture's manifest, if there is one."""
        try:
            self.files.stat(f"/{MANIFEST_NAME}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unusable(error, directory) from None
        from p2pctl.hardware.capture.manifest import MAX_MANIFEST, parse  # noqa: PLC0415  most have none
        from p2pctl.hardware.capture.replay import RecordedLog, RecordedNames, RecordedProcesses, ReplayFiles  # noqa: PLC0415

        try:
            data = self.files.read(f"/{MANIFEST_NAME}", MAX_MANIFEST)
        except OSError as error:
            raise _unusable(error, directory) from None
        manifest = parse(data, directory)
        self.files = ReplayFiles(self.files, manifest, SOURCE)
        self.processes = RecordedProcesses(manifest)
        self.names = RecordedNames(manifest)
        self.log = RecordedLog(manifest)
        self._time = manifest.time


def _check(directory: str) -> None:
    """Raises UsageError, NotFoundError or DeniedError where ``directory`` cannot be a sysroot."""
    try:
        names = os.listdir(directory)
        if "sys" in names:
            os.listdir(os.path.join(directory, "sys"))
    except OSError as error:
        raise _unusable(error, directory) from None
    except ValueError:
        _refuse(directory, "is no path")
    if "sys" not in names:
        _refuse(directory, "holds no sys directory")


def _refuse(directory: str, why: str) -> NoReturn:
    raise UsageError(f"{SOURCE} {directory} {why}", hint=_HINT, path=directory)


def _unusable(error: OSError, directory: str) -> UsageError | NotFoundError | DeniedError:
    kinds: dict[int | None, type[UsageError | NotFoundError | DeniedError]] = {
        errno.ENOENT: NotFoundError,
        errno.EACCES: DeniedError,
        errno.EPERM: DeniedError,
    }
    kind = kinds.get(error.errno, UsageError)
    reason = (error.strerror or "no such directory").lower()
    hint = "run as a user who can read it" if kind is DeniedError else _HINT
    return kind(f"cannot use {SOURCE} {directory}: {reason}", hint=hint, errno=error.errno, path=directory)
