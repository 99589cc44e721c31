"""What stands behind the path of a namespace, and who else uses it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from p2pctl.model.facts import Fact

BackingKind = Literal["block", "character", "file", "directory", "other"]


class Backing(NamedTuple):
    """A path that a namespace, or passthru, is to be served from."""

    path: str
    """As it was asked for."""
    real: Fact[str]
    """With every link followed; ABSENT where nothing is there."""
    kind: Fact[BackingKind]
    users: tuple[str, ...] = ()
    """Who uses it, or a part of it, in words: where it is mounted, what is built upon it, that it is swapped to.

    The target opens a device without claiming it, so the kernel stops nobody (drivers/nvme/target/io-cmd-bdev.c).
    """
    users_known: bool = True
    """Whether all of them could be looked for."""
