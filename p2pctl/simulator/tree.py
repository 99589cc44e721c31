"""`p2pctl.kernel.Files` over a tree in memory, with the kernel's errno for everything that goes wrong."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping

from p2pctl.kernel import READ_LIMIT, Closing, Handle, Stat
from p2pctl.simulator.nodes import Directory, File, Link, Node, Special, error

MAX_LINKS = 40
"""Symbolic links in one lookup (include/linux/namei.h, ``MAXSYMLINKS``)."""
MAX_NAME = 255
"""Bytes of a name."""
_PERMISSIONS = 0o777
_NO_NAME = {"": errno.EEXIST, ".": errno.EEXIST, "..": errno.EEXIST}
_NO_NAME_TO_REMOVE = {"": errno.EBUSY, ".": errno.EINVAL, "..": errno.ENOTEMPTY}
_NO_NAME_TO_UNLINK = {"": errno.EISDIR, ".": errno.EISDIR, "..": errno.EISDIR}
"""What a path gets that ends in no name, by what is asked of it (fs/namei.c, ``filename_create``, ``do_rmdir``)."""

# Named here since a class with a method called list cannot name the type.
_Names = list[str]
_Above = list[Node]


class MemoryHandle(Closing):
    """An open file; what changes is seen at the next read, but for a file that settles."""

    def __init__(self, file: File, path: str, head: int | None) -> None:
        self._file: File | None = file
        self._path = path
        self._head = head
        self._settled: bytes | None = None

    def pread(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``. Raises EBADF once closed, else what the file raises."""
        if self._file is None:
            raise error(errno.EBADF)
        if offset < 0 or length < 0:
            raise error(errno.EINVAL, self._path)
        data = self._settled
        if data is None:
            try:
                data = self._file.read()
            except OSError as problem:
                raise error(problem.errno or errno.EIO, self._path) from None
            if self._file.settles:
                self._settled = data
        return data[: self._head][offset : offset + length]

    def close(self) -> None:
        """Lets go of the file. Harmless when repeated."""
        self._file = None


Told = Callable[[str, str], None]
"""Hears of each operation that was done, and of the path that it was done to."""


def nobody(_operation: str, _path: str) -> None:
    """Nobody hears of it."""


class MemoryFiles:
    """The files of a tree, as root sees them or, with ``privileged`` False, as everybody else does."""

    def __init__(self, root: Directory, *, privileged: bool = True, told: Told = nobody) -> None:
        self._root = root
        self._privileged = privileged
        self._told = told

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """The file's contents, ``limit`` bytes at most."""
        with self.open(path) as handle:
            return handle.pread(0, limit)

    def open(self, path: str) -> Handle:
        """A handle for reading. Raises EISDIR, EACCES and what a lookup raises."""
        node, _ = self._find(path)
        if isinstance(node, Directory):
            raise error(errno.EISDIR, path)
        if not isinstance(node, File):
            raise error(errno.EINVAL, path)
        # Like the kernel, which lets not even root open an attribute that nobody may read (fs/kernfs/file.c).
        if node.write_only or not node.mode & 0o444:
            raise error(errno.EACCES, path)
        if self._privileged:
            return MemoryHandle(node, path, None)
        if node.guarded or not node.mode & 0o004:
            raise error(errno.EACCES, path)
        return MemoryHandle(node, path, node.head)

    def list(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted. Raises ENOTDIR."""
        node, _ = self._find(path)
        if not isinstance(node, Directory):
            raise error(errno.ENOTDIR, path)
        if not self._privileged and not node.mode & 0o004:
            raise error(errno.EACCES, path)
        return tuple(sorted(node.entries))

    def readlink(self, path: str) -> str:
        """Where a link points, as it is written. Raises EINVAL for anything else."""
        node, _ = self._find(path, follow=False)
        if not isinstance(node, Link):
            raise error(errno.EINVAL, path)
        return node.target

    def realpath(self, path: str) -> str:
        """The path with every link resolved."""
        _, names = self._find(path)
        return "/" + "/".join(names)

    def stat(self, path: str) -> Stat:
        """Kind, mode and size of what is there; a link is not followed."""
        node, _ = self._find(path, follow=False)
        if isinstance(node, Directory):
            return Stat("directory", node.mode & _PERMISSIONS, 0)
        if isinstance(node, Link):
            return Stat("link", 0o777, 0)
        return Stat("other" if isinstance(node, Special) else "file", node.mode & _PERMISSIONS, node.size)

    def write(self, path: str, data: bytes) -> None:
        """One store. Raises EISDIR, EACCES and what the file raises."""
        node, _ = self._find(path)
        if isinstance(node, Directory):
            raise error(errno.EISDIR, path)
        if not isinstance(node, File):
            raise error(errno.EINVAL, path)
        if not node.mode & (0o222 if self._privileged else 0o002):
            raise error(errno.EACCES, path)
        try:
            node.store(bytes(data))
        except OSError as problem:
            raise error(problem.errno or errno.EIO, path) from None
        self._told("write", path)

    def mkdir(self, path: str) -> None:
        """Makes a directory. Raises EEXIST, ENAMETOOLONG, EPERM where only the kernel makes any."""
        parent, _, name = self._place(path)
        if name in parent.entries:
            raise error(errno.EEXIST, path)
        self._change("mkdir", path, parent, lambda: parent.make(name))

    def rmdir(self, path: str) -> None:
        """Removes an empty directory. Raises ENOTDIR, ENOTEMPTY, EPERM, and EINVAL for a path that ends in a dot."""
        parent, _, name = self._place(path, _NO_NAME_TO_REMOVE)
        if not isinstance(self._entry(parent, name, path), Directory):
            raise error(errno.ENOTDIR, path)
        self._change("rmdir", path, parent, lambda: parent.remove(name))

    def symlink(self, target: str, path: str) -> None:
        """Makes a link to a kernel path. Raises EEXIST, EPERM where only the kernel makes any."""
        parent, here, name = self._place(path)
        if name in parent.entries:
            raise error(errno.EEXIST, path)
        find = lambda found: self._find(found)[0]  # noqa: E731
        self._change("symlink", path, parent, lambda: parent.link(name, target, here, find))

    def unlink(self, path: str) -> None:
        """Removes a link. Raises EISDIR for a directory, EPERM for a file."""
        parent, _, name = self._place(path, _NO_NAME_TO_UNLINK)
        node = self._entry(parent, name, path)
        if isinstance(node, Directory):
            raise error(errno.EISDIR, path)
        if not isinstance(node, Link):
            raise error(errno.EPERM, path)
        self._change("unlink", path, parent, lambda: parent.unlink(name))

    def chmod(self, path: str, mode: int) -> None:
        """Sets the permission bits."""
        node, _ = self._find(path)
        if not self._privileged:
            raise error(errno.EPERM, path)
        if not isinstance(node, Link):
            node.mode = mode

    def _change(self, operation: str, path: str, parent: Directory, change: Callable[[], None]) -> None:
        if not self._privileged and not parent.mode & 0o002:
            raise error(errno.EACCES, path)
        try:
            change()
        except OSError as problem:
            raise error(problem.errno or errno.EIO, path) from None
        self._told(operation, path)

    def _entry(self, parent: Directory, name: str, path: str) -> Node:
        try:
            return parent.entries[name]
        except KeyError:
            raise error(errno.ENOENT, path) from None

    def _place(self, path: str, nameless: Mapping[str, int] = _NO_NAME) -> tuple[Directory, str, str]:
        """The directory that a name is to be made or removed in, its real path, and the name.

        The directory is looked up first, whatever the name is.
        """
        above, _, name = path.rstrip("/").rpartition("/")
        parent, names = self._find(above + "/")
        if not isinstance(parent, Directory):
            raise error(errno.ENOTDIR, path)
        if name in nameless:
            raise error(nameless[name], path)
        if len(os.fsencode(name)) > MAX_NAME:
            raise error(errno.ENAMETOOLONG, path)
        return parent, "/" + "/".join(names), name

    def _find(self, path: str, *, follow: bool = True) -> tuple[Node, _Names]:
        """The node at a path and its real path's names. A slash at the end asks for a directory, as in the kernel."""
        if not path.startswith("/"):
            raise error(errno.ENOENT, path)
        node: Node = self._root
        names: _Names = []
        above: _Above = []
        todo = path.split("/")[:0:-1]
        links = 0
        while todo:
            if not isinstance(node, Directory):
                raise error(errno.ENOTDIR, path)
            name = todo.pop()
            if name in {"", "."}:
                continue
            if name == "..":
                if above:
                    node = above.pop()
                    names.pop()
                continue
            below = self._step(node, name, path)
            if isinstance(below, Link) and (follow or todo):
                links += 1
                if links > MAX_LINKS:
                    raise error(errno.ELOOP, path)
                if below.target.startswith("/"):
                    node, names, above = self._root, [], []
                todo.extend(reversed(below.target.split("/")))
                continue
            above.append(node)
            names.append(name)
            node = below
        return node, names

    def _step(self, directory: Directory, name: str, path: str) -> Node:
        if not self._privileged and not directory.mode & 0o001:
            raise error(errno.EACCES, path)
        below = directory.entries.get(name)
        if below is None:
            too_long = len(os.fsencode(name)) > MAX_NAME
            raise error(errno.ENAMETOOLONG if too_long else errno.ENOENT, path)
        return below
