"""Who maps P2P memory."""

from __future__ import annotations

from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.model.facts import Gap


@dataclass(frozen=True, slots=True)
class Mapping:
    """P2P memory that a process has mapped."""

    address: Address
    """The pool's device."""
    size: int
    """Bytes, all of the process's mappings of that pool; each mmap(2) takes a fresh piece."""
    pid: int
    user: str
    command: str
    via: str
    """The file that was mapped: ``p2pmem/allocate``, or a character device as the 2022 series did."""
    ranges: tuple[tuple[int, int], ...]
    """Start and end addresses in the process, in order."""
    inherited: bool
    """Whether the parent has the same mapping (fork), so that the bytes count once."""


@dataclass(frozen=True, slots=True)
class Holders:
    """The part of a Snapshot that holds the processes."""

    taken: float
    mappings: tuple[Mapping, ...]
    complete: bool
    """Whether every process could be looked into."""
    gaps: tuple[Gap, ...] = ()
