"""What configfs itself does: directories of items, attributes, links between them (fs/configfs/dir.c, symlink.c)."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from p2pctl.simulator.nodes import Directory, File, Find, Link, Node, error
from p2pctl.simulator.nvmet import grammar

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.kernel import NvmetKernel

Show = Callable[[], bytes]
Store = Callable[[bytes], int | None]
"""Takes a page; returns how many bytes it took where that is not all."""


class ItemAttribute(File):
    """An attribute of an item: what reads it and what takes a store."""

    __slots__ = ("_item", "_kernel", "_store", "write_only")

    settles = True

    def __init__(self, item: Item, show: Show, store: Store, mode: int = 0o644) -> None:
        super().__init__(show, mode)
        self.write_only = not mode & 0o444
        self._item = item
        self._kernel = item.kernel
        self._store = store

    def read(self) -> bytes:
        """The value. Raises ENOENT once the item is gone: who has the file open still has it."""
        if self._item.gone:
            raise error(errno.ENOENT)
        return super().read()

    def store(self, data: bytes) -> None:
        """One store. Raises EFAULT for nothing, EIO where the kernel took less than all, else what the store says."""
        if not data:
            raise error(errno.EFAULT)
        with self._kernel.lock:
            taken = self._store(data[: grammar.PAGE])
        if len(data) > grammar.PAGE or (taken is not None and taken < len(data)):
            raise error(errno.EIO)


class Item(Directory):
    """A directory of configfs. Users change what is in it only as far as its kind allows."""

    __slots__ = ("default", "holders", "kernel", "name", "parent", "removed")

    def __init__(self, kernel: NvmetKernel, parent: Item | None, name: str, *, default: bool = False) -> None:
        super().__init__(self._contents)
        self.kernel = kernel
        self.parent = parent
        self.name = name
        self.default = default
        """Whether the kernel made it; users cannot remove it."""
        self.holders = 0
        """Links that point here."""
        self.removed = False

    @property
    def gone(self) -> bool:
        """Whether it, or what it came with, has been removed."""
        return self.removed or (self.parent is not None and self.parent.gone)

    @property
    def raw(self) -> bytes:
        """The name as the kernel has it."""
        return os.fsencode(self.name)

    def attributes(self) -> Mapping[str, Node]:
        """Its attributes, on this kernel."""
        return {}

    def groups(self) -> tuple[Item, ...]:
        """The directories that come with it."""
        return ()

    def _contents(self) -> Mapping[str, Node]:
        return {**self.attributes(), **{one.name: one for one in self.groups()}}

    def attribute(self, show: Show, store: Store, mode: int = 0o644) -> ItemAttribute:
        """An attribute of it."""
        return ItemAttribute(self, show, store, mode)

    def occupied(self) -> bool:
        """Whether users made anything in it or in what came with it."""
        return any(one.occupied() for one in self.groups())

    def released(self) -> None:
        """What the kernel does when it is removed."""

    @property
    def path(self) -> str:
        """From the root of configfs: ``/nvmet/hosts/x``."""
        return f"{self.parent.path if self.parent is not None else ''}/{self.name}"

    @property
    def depth(self) -> int:
        """How many directories below the root of configfs it is."""
        return 1 + (self.parent.depth if self.parent is not None else 0)


class Collection(Item):
    """A group in which users make items."""

    __slots__ = ()

    def new(self, name: str) -> Item:
        """The item for a name that is not there. Raises what the kernel says about the name."""
        raise NotImplementedError

    def make(self, name: str) -> None:
        """mkdir(2). Raises what `new` does."""
        with self.kernel.lock:
            if name in self.entries:
                raise error(errno.EEXIST)
            self.entries[name] = self.new(name)

    def remove(self, name: str) -> None:
        """rmdir(2). Raises EPERM, EBUSY for the target of a link, ENOTEMPTY."""
        with self.kernel.lock:
            node = self.entries.get(name)
            if not isinstance(node, Item):
                raise error(errno.ENOENT if node is None else errno.EPERM)
            if node.default:
                raise error(errno.EPERM)
            if node.holders:
                raise error(errno.EBUSY)
            if node.occupied():
                raise error(errno.ENOTEMPTY)
            del self.entries[name]
            node.removed = True
            node.released()

    def items(self) -> tuple[Item, ...]:
        """What users made in it, in order of creation."""
        return tuple(one for one in self.entries.values() if isinstance(one, Item) and not one.default)

    def occupied(self) -> bool:
        """Whether anything is left in it."""
        return bool(self.items())


class ItemLink(Link):
    """A link to an item, written as configfs writes it: from the root of configfs."""

    __slots__ = ("item",)

    def __init__(self, holder: Item, item: Item) -> None:
        super().__init__("../" * holder.depth + item.path.removeprefix("/"))
        self.item = item


class Links(Item):
    """A group in which users make links to items of one kind."""

    __slots__ = ()

    def allow(self, item: Directory) -> Item:
        """The item that a link may point to. Raises what the kernel says."""
        raise NotImplementedError

    def dropped(self, item: Item) -> None:
        """What the kernel does when a link is gone."""

    def link(self, name: str, target: str, here: str, find: Find) -> None:  # noqa: ARG002
        """symlink(2). Raises what the lookup of the target does, ENOTDIR, EPERM outside configfs, what `allow` does."""
        node = find(target)
        if not isinstance(node, Directory):
            raise error(errno.ENOTDIR)
        if not isinstance(node, Item) and node is not self.kernel.configfs:
            raise error(errno.EPERM)
        with self.kernel.lock:
            if name in self.entries:
                raise error(errno.EEXIST)
            item = self.allow(node)
            item.holders += 1
            self.entries[name] = ItemLink(self, item)

    def unlink(self, name: str) -> None:
        """Unlinking of a link that is there."""
        with self.kernel.lock:
            node = self.entries.get(name)
            if not isinstance(node, ItemLink):
                raise error(errno.ENOENT)
            del self.entries[name]
            node.item.holders -= 1
            self.dropped(node.item)

    def targets(self) -> tuple[Item, ...]:
        """What the links point to, in order of creation."""
        return tuple(one.item for one in self.entries.values() if isinstance(one, ItemLink))

    def occupied(self) -> bool:
        """Whether a link is left in it."""
        return bool(self.entries)
