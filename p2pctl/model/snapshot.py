"""One immutable picture of a host, in parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # a command pays for the parts that it asks for
    from p2pctl.model.block import Block
    from p2pctl.model.connections import Connections
    from p2pctl.model.exporters import Exporters
    from p2pctl.model.facts import Fact, Gap
    from p2pctl.model.holders import Holders
    from p2pctl.model.kernel import Kernel
    from p2pctl.model.log import KernelLog
    from p2pctl.model.machine import Machine
    from p2pctl.model.network import Network
    from p2pctl.model.nvme import Nvme
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.model.pools import Pools
    from p2pctl.model.rdma import Rdma
    from p2pctl.model.rnbd import Rnbd
    from p2pctl.model.tree import Pci

PartName = Literal[
    "pci", "pools", "nvme", "block", "rdma", "exporters", "nvmet", "holders", "kernel",
    "connections", "log", "network", "rnbd", "machine",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """Where a Snapshot comes from."""

    kind: Literal["live", "sysroot", "capture", "demo"]
    host: Fact[str]
    kernel: Fact[str]
    boot_id: Fact[str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was read of a host. A part that nobody asked for is None; each part has its own time."""

    source: Source
    taken: float
    """Seconds since 1970 on the source."""
    pci: Pci | None = None
    pools: Pools | None = None
    nvme: Nvme | None = None
    block: Block | None = None
    rdma: Rdma | None = None
    exporters: Exporters | None = None
    nvmet: Nvmet | None = None
    holders: Holders | None = None
    kernel: Kernel | None = None
    connections: Connections | None = None
    log: KernelLog | None = None
    network: Network | None = None
    rnbd: Rnbd | None = None
    machine: Machine | None = None

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The gaps of all parts."""
        parts = (
            self.pci, self.pools, self.nvme, self.block, self.rdma,
            self.exporters, self.nvmet, self.holders, self.kernel,
            self.connections, self.log, self.network, self.rnbd, self.machine,
        )  # fmt: skip
        return tuple(gap for part in parts if part is not None for gap in part.gaps)
