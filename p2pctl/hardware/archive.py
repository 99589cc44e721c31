"""``--capture FILE``: a host that somebody recorded, read once, never unpacked, and never trusted."""

from __future__ import annotations

import errno
import os
from typing import Literal, NoReturn

from p2pctl.errors import DeniedError, NotFoundError, P2pctlError, UsageError
from p2pctl.hardware.capture.manifest import MAX_TOTAL, Manifest, parse
from p2pctl.hardware.capture.replay import RecordedLog, RecordedNames, RecordedProcesses, ReplayFiles
from p2pctl.hardware.capture.untar import Member, members
from p2pctl.hardware.confine import ReadOnly, failure, resolve
from p2pctl.hardware.live import refuse_pool
from p2pctl.hardware.without import WithoutMemory, WithoutModules, without_events
from p2pctl.kernel import READ_LIMIT, Closing, Events, Files, Stat

SOURCE = "--capture"


_IMPLIED = Member("", "directory", 0o755)
"""A directory that no member tells of, but others lie in it."""


class TreeFiles(ReadOnly):
    """``Files`` over a tree in memory: recorded members, and the directories that they imply.

    The ``filename`` of its errors is the place where resolving the path ended.
    """

    _source = SOURCE

    def __init__(self) -> None:
        self._members: dict[str, Member] = {"/": Member("/", "directory", 0o755)}
        self._names: dict[str, list[str]] = {"/": []}
        self._implied = 0

    def add(self, member: Member) -> None:
        """Takes a member in. Raises ValueError (with the reason) where it stands in the way of another one."""
        path = member.path
        there = self._members.get(path)
        if there is None:
            self._imply(path)
        elif there is not _IMPLIED or member.kind != "directory":
            raise ValueError(f"it has {path[:80]!r} twice")
        self._members[path] = member
        if member.kind == "directory":
            self._names.setdefault(path, [])

    def _imply(self, path: str) -> None:
        """Makes the directories above a new path, and each a name in the one above it."""
        above = None
        while above is None:
            parent, _, name = path.rpartition("/")
            parent = parent or "/"
            above = self._members.get(parent)
            if above is None:
                self._implied += len(parent)
                self._members[parent] = _IMPLIED
                self._names[parent] = [name]
            elif above.kind == "directory":
                self._names[parent].append(name)
            else:
                raise ValueError(f"{parent[:80]!r} is no directory and has something in it")
            path = parent
        if self._implied > MAX_TOTAL:
            raise ValueError("its directories are too deep")

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """The file's contents, ``limit`` bytes at most."""
        return self._contents(path)[:limit]

    def open(self, path: str) -> BytesHandle:
        """A handle for reading."""
        return BytesHandle(self._contents(path))

    def list(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        place = self.realpath(path)
        names = self._names.get(place)
        if names is None:
            raise failure(errno.ENOTDIR, place)
        return tuple(sorted(names))

    def readlink(self, path: str) -> str:
        """Where a symbolic link points, as it is written."""
        place, member = self._member(path)
        if member.kind != "link":
            raise failure(errno.EINVAL, place)
        return member.target

    def realpath(self, path: str) -> str:
        """The kernel path with every link resolved. Raises OSError (ENOENT where nothing is there)."""
        return resolve(path, self._look)

    def stat(self, path: str) -> Stat:
        """Kind, mode and recorded size; a link is not followed."""
        _, member = self._member(path)
        return Stat(member.kind, member.mode, len(member.data) or len(os.fsencode(member.target)))

    def _contents(self, path: str) -> bytes:
        refuse_pool(path)
        place = self.realpath(path)
        refuse_pool(place)
        member = self._members[place]
        if member.kind == "directory":
            raise failure(errno.EISDIR, place)
        return member.data

    def _member(self, path: str) -> tuple[str, Member]:
        place = resolve(path, self._look, last=False)
        member = self._members.get(place)
        if member is None:
            raise failure(self._absence(place), place)
        return place, member

    def _look(self, place: str) -> str | None:
        member = self._members.get(place)
        if member is None:
            raise failure(self._absence(place), place)
        return member.target if member.kind == "link" else None

    def _absence(self, place: str) -> int:
        above = self._members.get(place.rpartition("/")[0] or "/")
        return errno.ENOTDIR if above is not None and above.kind == "file" else errno.ENOENT


class BytesHandle(Closing):
    """A ``Handle`` over bytes."""

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data

    def pread(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``, fewer at the end. Raises OSError (EBADF once closed)."""
        if self._data is None:
            raise failure(errno.EBADF, "")
        if offset < 0 or length < 0:
            raise failure(errno.EINVAL, "")
        return self._data[offset : offset + length]

    def close(self) -> None:
        """Lets go of the bytes. Harmless when repeated."""
        self._data = None


def load(path: str) -> tuple[Manifest, TreeFiles]:
    """A capture's manifest and its tree.

    Raises NotFoundError or DeniedError where the file cannot be opened, UsageError for what is no sound capture.
    """
    tree = TreeFiles()
    manifest: Manifest | None = None
    try:
        with open(path, "rb") as stream:  # noqa: PTH123  the path is text from the command line to the kernel
            for member in members(stream, path):
                if manifest is None:
                    manifest = parse(member.data, path)
                else:
                    tree.add(member)
    except OSError as error:
        raise _unreadable(error, path) from None
    except ValueError as error:
        _refuse(path, str(error))
    if manifest is None:
        _refuse(path, "it has no manifest")
    return manifest, tree


def _refuse(path: str, why: str) -> NoReturn:
    raise UsageError(f"{path} is not a sound capture: {why}", hint="do not trust it; ask for a new one", path=path)


def _unreadable(error: OSError, path: str) -> P2pctlError:
    kinds: dict[int | None, type[P2pctlError]] = {
        errno.ENOENT: NotFoundError,
        errno.EACCES: DeniedError,
        errno.EPERM: DeniedError,
    }
    kind = kinds.get(error.errno, UsageError)
    reason = (error.strerror or str(error)).lower()
    hint = _permission(path) if kind is DeniedError else "give a file that `p2pctl capture FILE` wrote"
    return kind(f"cannot read the capture {path}: {reason}", hint=hint, errno=error.errno, path=path)


def _permission(path: str) -> str:
    """What to do about a capture that this user may not read: captures are for their owner alone."""
    try:
        owner = os.stat(path).st_uid  # noqa: PTH116  as the kernel names it
    except (OSError, ValueError):
        return "read it as a user who may enter its directory"
    if owner == os.geteuid():
        return "it is yours: chmod u+r makes it readable"
    who = "root" if owner == 0 else f"user {owner}"
    return f"it belongs to {who}: sudo p2pctl --capture ..., or record it anew: sudo p2pctl capture - > FILE"


class CaptureDoor:
    """``--capture FILE``: ``Door`` over a capture. Raises UsageError, NotFoundError or DeniedError as ``load`` does."""

    kind: Literal["capture"] = "capture"

    def __init__(self, path: str) -> None:
        self.manifest, tree = load(path)
        self.files: Files = ReplayFiles(tree, self.manifest, SOURCE)
        self.processes = RecordedProcesses(self.manifest)
        self.names = RecordedNames(self.manifest)
        self.log = RecordedLog(self.manifest)
        self.modules = WithoutModules()
        self.memory = WithoutMemory()

    def events(self) -> Events:
        """Refuses: what was recorded does not go on. Raises EOPNOTSUPP."""
        without_events()

    def now(self) -> float:
        """Seconds since 1970 when the capture was taken."""
        return self.manifest.time
