"""The topologies that tests name. A drive is described as `id: MiB of CMB`, where that helps."""

from __future__ import annotations

from collections.abc import Callable

from tests.vm import random_topology
from tests.vm.topology import PLAIN_CPU, Topology

HOSTILE_SERIAL = "\x1b]0;x\x07\x1b[31m[red]S1"
"""Sets a terminal's title, turns its text red, and is markup to a renderer that takes it for some."""


def flat() -> Topology:
    """Three drives on root ports of their own. n1: 16, n2: 0, n3: 32."""
    made = Topology()
    for cmb in (16, 0, 32):
        made.nvme(made.root_port(), cmb)
    return made


def flat_amd() -> Topology:
    """`flat` on a CPU whose host bridge the kernel allows transfers through."""
    made = flat()
    made.cpu = "EPYC"
    return made


def bare() -> Topology:
    """Drives, and no peer-to-peer memory at all."""
    made = Topology()
    for _ in range(2):
        made.nvme(made.root_port())
    return made


def switch(*, acs: bool = False, iommu: bool = False, cpu: str = PLAIN_CPU, append: str = "") -> Topology:
    """Three drives behind one switch, a fourth beside it. n1: 16, n2: 32, n3: 0, n4: 0."""
    made = Topology(cpu=cpu, append=append)
    if iommu:
        made.iommu()
    above = made.upstream(made.root_port())
    for cmb in (16, 32, 0):
        made.nvme(made.root_port(above) if acs else made.downstream(above), cmb)
    made.nvme(made.root_port())
    return made


def two_sockets(*, cpu: str = PLAIN_CPU) -> Topology:
    """Two host bridges on two NUMA nodes, a switch below each. n1: 16, n2: 0 | n3: 16, n4: 0."""
    made = Topology(cpu=cpu, nodes=2)
    for node, bus_nr in enumerate((0x40, 0x80)):
        above = made.upstream(made.root_port(made.host_bridge(bus_nr, node)))
        made.nvme(made.root_port(above), 16)
        made.nvme(made.downstream(above))
    return made


def cascade() -> Topology:
    """Switches below a switch, ports with and without ACS. n1: 16 | n2: 0, n3: 8 | n4: 32."""
    made = Topology()
    top = made.upstream(made.root_port())
    made.nvme(made.downstream(top), 16)
    left, right = made.upstream(made.downstream(top)), made.upstream(made.root_port(top))
    made.nvme(made.downstream(left))
    made.nvme(made.root_port(left), 8)
    made.nvme(made.root_port(right), 32)
    return made


def multifunction() -> Topology:
    """Two drives that are functions of one device. n1: 16 and n2: 0 | n3: 8."""
    made = Topology()
    port = made.root_port()
    made.nvme(port, 16, addr="0.0", multifunction=True)
    made.nvme(port, addr="0.1")
    made.nvme(made.root_port(), 8)
    return made


def integrated() -> Topology:
    """Two drives right on the root bus, without any port; a switch right on another. n1: 16, n2: 0 | n3: 16 | n4: 0.

    The kernel finds no function that stands for the other root bus: its first is neither 00.0 nor a root port.
    """
    made = Topology()
    made.nvme("pcie.0", 16)
    made.nvme("pcie.0")
    made.nvme(made.root_port(), 16)
    switch = made.add("x3130-upstream", made.host_bridge(0x40), id="switch", addr="1.0")
    made.nvme(made.downstream(switch))
    return made


def rdma_switch() -> Topology:
    """Two drives and a network card behind one switch with ACS, a third drive beside it; all with 16."""
    made = Topology()
    above = made.upstream(made.root_port())
    made.nvme(made.root_port(above), 16)
    made.nvme(made.root_port(above), 16)
    made.nic(made.root_port(above))
    made.nvme(made.root_port(), 16)
    return made


def hostile() -> Topology:
    """A drive whose serial number attacks the terminal (n1: 16) and a well-behaved one (n2: 16)."""
    made = Topology()
    made.nvme(made.root_port(), 16, serial=HOSTILE_SERIAL)
    made.nvme(made.root_port(), 16)
    return made


def unaligned() -> Topology:
    """A CMB too small for the kernel to register (n1: 1) and a good one (n2: 16)."""
    made = Topology()
    made.nvme(made.root_port(), 1)
    made.nvme(made.root_port(), 16)
    return made


def hotplug() -> Topology:
    """Drives to unplug: n1: 16 on a root port, n2: 16 and n3: 0 behind a switch, an empty port."""
    made = Topology()
    made.nvme(made.root_port(), 16)
    above = made.upstream(made.root_port())
    made.nvme(made.downstream(above), 16)
    made.nvme(made.downstream(above))
    made.root_port()
    return made


def sriov() -> Topology:
    """A controller that can have two virtual functions (n1), and a drive with a CMB (n2: 16)."""
    made = Topology()
    made.virtual_functions(made.root_port(), 2)
    made.nvme(made.root_port(), 16)
    return made


NAMED: dict[str, Callable[[], Topology]] = {
    "flat": flat,
    "flat-amd": flat_amd,
    "bare": bare,
    "switch": switch,
    "switch-acs": lambda: switch(acs=True),
    "switch-acs-iommu": lambda: switch(acs=True, iommu=True, cpu="Skylake-Server"),
    "switch-acs-iommu-fixed": lambda: switch(
        acs=True,
        iommu=True,
        cpu="Skylake-Server",
        append="pci=disable_acs_redir=0000:02:00.0;0000:02:01.0",
    ),
    "two-sockets": two_sockets,
    "two-sockets-amd": lambda: two_sockets(cpu="EPYC"),
    "cascade": cascade,
    "multifunction": multifunction,
    "integrated": integrated,
    "rdma-switch": rdma_switch,
    "hostile": hostile,
    "unaligned": unaligned,
    "hotplug": hotplug,
    "sriov": sriov,
}


def named(name: str) -> Topology:
    """Builds a topology by name. Raises KeyError that lists the names for one that is unknown."""
    if name.startswith(random_topology.PREFIX):
        made = random_topology.named(name)
        made.name = name
        return made
    if name not in NAMED:
        raise KeyError(f"no topology {name!r}; there are {', '.join(NAMED)}")
    made = NAMED[name]()
    made.name = name
    return made
