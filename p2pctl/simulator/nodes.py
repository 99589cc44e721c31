"""What a kernel tree in memory is made of: directories, files, symbolic links.

Directories and contents may be given as functions, so that a host costs nothing until somebody looks.
Names below a directory are plain; where it hangs is known only to who walks there (`tree.MemoryFiles`).
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn, TypeAlias

ATTRIBUTE_SIZE = 4096
"""What the kernel reports as the size of a sysfs or configfs attribute: a page."""

Contents: TypeAlias = bytes | Callable[[], bytes]
"""Bytes, or what makes them at every read; it may raise OSError with the kernel's errno."""


def error(number: int, path: str | None = None) -> OSError:
    """The OSError that the kernel's errno makes."""
    return OSError(number, os.strerror(number), path) if path is not None else OSError(number, os.strerror(number))


def refused(number: int) -> Callable[[], bytes]:
    """Contents that cannot be read: every read fails with this errno."""

    def fail() -> NoReturn:
        raise error(number)

    return fail


class File:
    """A file that is read."""

    __slots__ = ("contents", "guarded", "head", "mode", "size")

    settles = False
    """Whether whoever has it open keeps getting what the first read gave (fs/configfs/file.c)."""
    write_only = False
    """Whether nothing shows it: then nobody can open it to read, whatever its mode says."""

    def __init__(
        self,
        contents: Contents,
        mode: int = 0o444,
        size: int = ATTRIBUTE_SIZE,
        *,
        head: int | None = None,
        guarded: bool = False,
    ) -> None:
        self.contents = contents
        self.mode = mode
        self.size = size
        self.head = head
        """Bytes that a reader without CAP_SYS_ADMIN gets; None for all of them."""
        self.guarded = guarded
        """Whether opening it takes the right to trace its process, whatever the mode says (/proc/PID/maps)."""

    def read(self) -> bytes:
        """All of it, as of now. Raises OSError as its contents do."""
        contents = self.contents
        return contents if isinstance(contents, bytes) else contents()

    def store(self, data: bytes) -> None:  # noqa: ARG002  part of the signature for the kinds that take data
        """Takes one write. Raises EACCES: nothing here does anything with it."""
        raise error(errno.EACCES)


class Special(File):
    """A node of a device that nobody reads here: opening it fails as for a device that is not there (ENXIO)."""

    __slots__ = ()

    def __init__(self, mode: int = 0o660) -> None:
        super().__init__(refused(errno.ENXIO), mode, 0)


class Attribute(File):
    """A file that keeps what is written to it."""

    __slots__ = ()

    def store(self, data: bytes) -> None:
        """Replaces the contents."""
        self.contents = data


class Link:
    """A symbolic link."""

    __slots__ = ("target",)

    def __init__(self, target: str) -> None:
        self.target = target
        """As it is written: relative to the directory that holds the link, or absolute."""


_filling = threading.RLock()


class Directory:
    """A directory whose names the kernel alone makes and removes."""

    __slots__ = ("_entries", "_fill", "mode")

    def __init__(
        self, entries: Mapping[str, Node] | Callable[[], Mapping[str, Node]] | None = None, mode: int = 0o755
    ) -> None:
        self._entries: dict[str, Node] = {}
        self._fill: Callable[[], Mapping[str, Node]] | None = None
        if callable(entries):
            self._fill = entries
        elif entries is not None:
            self._entries = dict(entries)
        self.mode = mode

    @property
    def entries(self) -> dict[str, Node]:
        """What is in it, made at the first look."""
        if self._fill is not None:
            # Two threads of a dashboard may look first: who comes second must not undo what the first changed since.
            with _filling:
                if self._fill is not None:
                    self._entries.update(self._fill())
                    self._fill = None
        return self._entries

    def make(self, name: str) -> None:  # noqa: ARG002
        """mkdir(2) of a name that is not there. Raises EPERM, as sysfs does."""
        raise error(errno.EPERM)

    def remove(self, name: str) -> None:  # noqa: ARG002
        """rmdir(2) of a directory that is there. Raises EPERM."""
        raise error(errno.EPERM)

    def link(self, name: str, target: str, here: str, find: Find) -> None:  # noqa: ARG002
        """symlink(2) to the kernel path ``target``; ``here`` is the path of this directory. Raises EPERM.

        ``find`` looks a path up, links followed, for those kinds of directory that care where a link leads.
        """
        raise error(errno.EPERM)

    def unlink(self, name: str) -> None:  # noqa: ARG002
        """Unlinking of a link that is there. Raises EPERM."""
        raise error(errno.EPERM)


class LiveDirectory(Directory):
    """A directory that is made anew at every look."""

    __slots__ = ("_make_entries",)

    def __init__(self, entries: Callable[[], Mapping[str, Node]], mode: int = 0o755) -> None:
        super().__init__(None, mode)
        self._make_entries = entries

    @property
    def entries(self) -> dict[str, Node]:
        """What is in it now."""
        return dict(self._make_entries())


class OpenDirectory(Directory):
    """A directory that users change, with no rules but a file system's own."""

    __slots__ = ()

    def make(self, name: str) -> None:
        """Makes an empty directory of the same kind."""
        self.entries[name] = OpenDirectory()

    def remove(self, name: str) -> None:
        """Removes a directory. Raises ENOTEMPTY where anything is left in it."""
        node = self.entries[name]
        if isinstance(node, Directory) and node.entries:
            raise error(errno.ENOTEMPTY)
        del self.entries[name]

    def link(self, name: str, target: str, here: str, find: Find) -> None:  # noqa: ARG002
        """Makes a link, written relative."""
        self.entries[name] = Link(relative(target, here))

    def unlink(self, name: str) -> None:
        """Removes a link."""
        del self.entries[name]


Node: TypeAlias = Directory | File | Link

Find: TypeAlias = Callable[[str], Node]
"""Looks a kernel path up; raises OSError."""


def relative(target: str, here: str) -> str:
    """How the kernel writes a link in directory ``here`` that points to ``target``, both kernel paths.

    It climbs to a directory that holds the target's own directory, so a link to a directory above comes back down by
    its name: ``../../../0000:03:00.0`` (fs/kernfs/symlink.c, ``kernfs_get_target_path``).
    """
    there = target.strip("/").split("/")
    above = here.strip("/").split("/")
    common = 0
    for one, other in zip(there[:-1], above, strict=False):
        if one != other:
            break
        common += 1
    return "../" * (len(above) - common) + "/".join(there[common:])


def text(value: object, mode: int = 0o444) -> File:
    """An attribute that holds one line."""
    return File(f"{value}\n".encode(), mode)


def nest(paths: Mapping[str, Node]) -> Directory:
    """A directory from paths below it: ``{"bus/pci": node}``. Directories in between are plain ones."""
    top = Directory()
    for path, node in paths.items():
        *above, name = path.strip("/").split("/")
        here = top
        for step in above:
            below = here.entries.setdefault(step, Directory())
            if not isinstance(below, Directory):
                raise NotADirectoryError(path)
            here = below
        if name in here.entries:
            raise FileExistsError(path)
        here.entries[name] = node
    return top


def walk(top: Directory, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every node below a directory with its path, in order of name; links are not followed."""
    for name, node in sorted(top.entries.items()):
        below = f"{path}/{name}"
        yield below, node
        if isinstance(node, Directory):
            yield from walk(node, below)
