"""Pools of peer-to-peer memory, and the memory that should be one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Gap
from p2pctl.model.pci import Function


@dataclass(frozen=True, slots=True)
class Pool:
    """Page-backed P2P memory that a driver registered: a ``p2pmem`` directory in sysfs, or a device of that class."""

    function: Function
    """The device, without its configuration space."""
    size: Fact[int]
    """Bytes, all registered ranges of the device together."""
    available: Fact[int]
    """Bytes that nobody holds."""
    published: Fact[bool]
    """Whether the kernel offers it to others, such as nvmet; using it from user space needs no publishing."""
    mappable: Fact[bool]
    """Whether user space can map it (``p2pmem/allocate``, since 6.2, or a character device)."""
    character_device: str | None = None
    """``p2pmem0``: as the proposal of 2017 called its pools, and drivers outside the kernel call theirs."""

    @property
    def address(self) -> Address:
        """Where the device is."""
        return self.function.address


@dataclass(frozen=True, slots=True)
class Pools:
    """The part of a Snapshot that holds the pools, in order of address."""

    taken: float
    pools: Mapping[Address, Pool]
    unregistered: Mapping[Address, Function]
    """Functions of live NVMe controllers with a Controller Memory Buffer but no pool."""
    gaps: tuple[Gap, ...] = ()
