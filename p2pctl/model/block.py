"""Block devices, down to their PCI function or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Gap


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """A whole disk; partitions are not listed."""

    name: str
    size: Fact[int]
    """Bytes."""
    address: Fact[Address]
    """The PCI function it hangs on; ABSENT with ``reason``."""
    reason: str | None
    """Why there is no PCI function above it, in words."""
    below: tuple[str, ...]
    """Devices that it is made of (``slaves``)."""


@dataclass(frozen=True, slots=True)
class Block:
    """The part of a Snapshot that holds block devices."""

    taken: float
    devices: Mapping[str, BlockDevice]
    gaps: tuple[Gap, ...] = ()
