"""NVMe controllers, their Controller Memory Buffers and namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Gap, Missing

SQ_ENTRY = 64
"""Bytes of a submission queue entry (NVM Express Base Specification, section 4.1)."""
PAGE = 4096
"""The pool hands out whole pages (drivers/pci/p2pdma.c: the pool's order is PAGE_SHIFT)."""


_CMB_BITS = ((0x1, "SQS"), (0x2, "CQS"), (0x4, "LISTS"), (0x8, "RDS"), (0x10, "WDS"))


class Cmb(NamedTuple):
    """A Controller Memory Buffer, from CMBLOC and CMBSZ (NVM Express Base Specification, sections 3.1.4.12-13)."""

    location: int
    """The CMBLOC register."""
    size_register: int
    """The CMBSZ register; never 0 here."""

    @property
    def bar(self) -> int:
        """Index of the BAR that it lies in (CMBLOC.BIR)."""
        return self.location & 0x7

    @property
    def _unit(self) -> int:
        return 1 << (12 + 4 * (self.size_register >> 8 & 0xF))

    @property
    def offset(self) -> int:
        """Bytes from the start of that BAR (CMBLOC.OFST, in units of CMBSZ.SZU)."""
        return (self.location >> 12) * self._unit

    @property
    def size(self) -> int:
        """Bytes (CMBSZ.SZ x CMBSZ.SZU)."""
        return (self.size_register >> 12) * self._unit

    @property
    def submission_queues(self) -> bool:
        """CMBSZ.SQS: submission queues may live in it."""
        return bool(self.size_register & 0x1)

    @property
    def abilities(self) -> tuple[str, ...]:
        """The names of the CMBSZ bits that are set; the kernel asks for RDS and WDS before it publishes the pool."""
        return tuple(name for mask, name in _CMB_BITS if self.size_register & mask)

    @property
    def takes_data(self) -> bool:
        """Whether the driver publishes the pool: data both ways (drivers/nvme/host/pci.c, ``nvme_map_cmb``)."""
        return {"RDS", "WDS"} <= set(self.abilities)


class Controller(NamedTuple):
    """One NVMe controller."""

    name: str
    """``nvme0``."""
    transport: Fact[str]
    """``pcie``, ``tcp``, ``rdma``, ``loop``, ``fc``."""
    address: Fact[Address]
    """Its PCI function; ABSENT for fabrics."""
    model: Fact[str]
    serial: Fact[str]
    firmware: Fact[str]
    state: Fact[str]
    """``live``, ``new``, ``resetting``, ``connecting``, ``deleting``, ``dead``."""
    subsystem: Fact[str]
    """Subsystem NQN."""
    cmb: Fact[Cmb]
    """ABSENT with CMBSZ 0, where the kernel shows no register."""
    queue_depth: Fact[int]
    """Entries of an I/O submission queue: the kernel's ``sqsize`` is 0's based."""
    queue_count: Fact[int]
    """Queues with the admin queue, which never lives in the CMB."""
    namespaces: tuple[str, ...]
    """Block device names of its namespaces or of its paths to them (``nvme0n1``, ``nvme0c0n1``)."""

    def queue_bytes(self) -> int | None:
        """Bytes of its I/O submission queues, in whole pages each; None while the numbers are not known."""
        if isinstance(self.queue_depth, Missing) or isinstance(self.queue_count, Missing):
            return None
        each = -(-self.queue_depth * SQ_ENTRY // PAGE) * PAGE
        return each * max(self.queue_count - 1, 0)


class Namespace(NamedTuple):
    """A namespace as a block device."""

    name: str
    """``nvme0n1``."""
    nsid: Fact[int]
    size: Fact[int]
    """Bytes."""
    multipath: bool
    """Whether it is a multipath head, which has no PCI parent and so is never eligible for P2P in nvmet."""
    controllers: tuple[str, ...]
    """Names of the controllers that reach it."""


class Nvme(NamedTuple):
    """The part of a Snapshot that holds NVMe."""

    taken: float
    controllers: Mapping[str, Controller]
    namespaces: Mapping[str, Namespace]
    queues_in_cmb: Fact[bool]
    """Module parameter ``nvme.use_cmb_sqes``."""
    multipath: Fact[bool]
    """Module parameter ``nvme_core.multipath``."""
    gaps: tuple[Gap, ...] = ()

    def at(self, address: Address) -> Controller | None:
        """The controller on a PCI function."""
        return next((c for c in self.controllers.values() if c.address == address), None)
