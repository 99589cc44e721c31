"""Hosts and their DH-CHAP keys (drivers/nvme/target/configfs.c, auth.c)."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from p2pctl.simulator.nodes import Node, error
from p2pctl.simulator.nvmet import grammar
from p2pctl.simulator.nvmet.items import Collection, Item

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.kernel import NvmetKernel

AUTH_SINCE = (6, 0)

_HASHES = (b"hmac(sha256)", b"hmac(sha384)", b"hmac(sha512)")
_GROUPS = (b"null", b"ffdhe2048", b"ffdhe3072", b"ffdhe4096", b"ffdhe6144", b"ffdhe8192")
_LAST_HASH = 3
"""The greatest number of a hash that a key may name: SHA-512."""


class Host(Item):
    """``hosts/NQN``."""

    __slots__ = ("group", "hash", "keys")

    def __init__(self, kernel: NvmetKernel, parent: Item, name: str) -> None:
        super().__init__(kernel, parent, name)
        self.keys: dict[str, bytes] = {}
        """By attribute; missing while unset."""
        self.hash = _HASHES[0]
        self.group = _GROUPS[0]

    def attributes(self) -> Mapping[str, Node]:
        """The keys, the hash and the group, where the kernel can authenticate."""
        if not self.kernel.environment.options.auth or self.kernel.environment.version < AUTH_SINCE:
            return {}
        found: dict[str, Node] = {
            name: self.attribute(partial(self._show_key, name), partial(self._set_key, name))
            for name in ("dhchap_ctrl_key", "dhchap_key")
        }
        found["dhchap_hash"] = self.attribute(lambda: self.hash + b"\n", self._set_hash)
        found["dhchap_dhgroup"] = self.attribute(lambda: self.group + b"\n", self._set_group)
        return found

    @property
    def authenticates(self) -> bool:
        """Whether it must prove who it is."""
        return "dhchap_key" in self.keys

    def _show_key(self, name: str) -> bytes:
        return self.keys.get(name, b"") + b"\n"

    def _set_key(self, name: str, page: bytes) -> None:
        text = grammar.string(page)
        if not text:
            self.keys.pop(name, None)
            return
        prefix, rest = text[:7], text[7:]
        found = grammar.scanned(rest, signed=True) if prefix == b"DHHC-1:" else None
        if found is None:
            raise error(errno.EINVAL)
        number = found[0] % 256
        if number > _LAST_HASH:
            self.kernel.say(f"nvmet: Invalid DH-HMAC-CHAP hash id {number}")
            raise error(errno.EINVAL)
        self.keys[name] = text.strip(grammar.SPACE)

    def _set_hash(self, page: bytes) -> None:
        self.hash = _starts_with_one_of(page, _HASHES)

    def _set_group(self, page: bytes) -> None:
        group = _starts_with_one_of(page, _GROUPS)
        if group != _GROUPS[0] and group.decode() not in self.kernel.environment.groups:
            raise error(errno.EINVAL)
        self.group = group


class Hosts(Collection):
    """``hosts``: any name will do."""

    __slots__ = ()

    def new(self, name: str) -> Host:
        """A host."""
        return Host(self.kernel, self, name)


def _starts_with_one_of(page: bytes, words: tuple[bytes, ...]) -> bytes:
    text = grammar.string(page)
    for one in words:
        if text.startswith(one):
            return one
    raise error(errno.EINVAL)
