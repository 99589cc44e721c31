"""Controllers of connected hosts, as the target's debugfs tells of them (drivers/nvme/target/debugfs.c, since 6.11)."""

from __future__ import annotations

from typing import NamedTuple

from p2pctl.model.facts import Fact, Gap

DEBUGFS = "/sys/kernel/debug/nvmet"
"""Needs CONFIG_NVME_TARGET_DEBUGFS, and root to read."""


class Controller(NamedTuple):
    """One controller: one host's association with one subsystem."""

    subsystem: str
    """NQN; the discovery subsystem has controllers, too."""
    cntlid: int
    port: Fact[str]
    """The number of the port that the host came in by, as text."""
    host: Fact[str]
    """The host's NQN, which is any text that it chose."""
    address: Fact[str]
    """The host's transport address; ABSENT for loop and pci."""
    state: Fact[str]
    """``ready``, ``fatal``, ``shutdown``..., several joined by ``|``."""
    kato: Fact[int]
    """Keep-alive timeout, seconds; 0 for none."""
    tls_concatenated: Fact[bool]
    """Whether the key comes of a secure channel concatenation; ABSENT without TLS in the kernel."""
    tls_key: Fact[str]
    """Serial number of the key in the keyring, hexadecimal (the key itself is not shown); ABSENT without TLS."""
    path: str
    """Its directory; writing ``fatal`` into ``state`` there ends it."""


class Connections(NamedTuple):
    """The part of a Snapshot that holds controllers of connected hosts."""

    taken: float
    debugfs: Fact[bool]
    """Whether the kernel shows them; UNREADABLE where that cannot be told (not root, no debugfs mounted)."""
    controllers: tuple[Controller, ...] = ()
    gaps: tuple[Gap, ...] = ()
