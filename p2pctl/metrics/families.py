"""Every metric that p2pctl exports, and the sheet on which one reading writes their samples.

Names and units follow the Prometheus conventions: base units, a unit suffix, ``_info`` for facts in labels, ``_total``
for counters. A PCI function has the labels that node_exporter's ``node_pcidevice_*`` metrics have, so that they join.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from p2pctl.metrics.labels import label
from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Missing

PLACE = ("segment", "bus", "device", "function")
"""Where a PCI function is, as node_exporter splits it."""


class Family(NamedTuple):
    """One metric: its name, what it means, and its labels in the order in which samples give them."""

    name: str
    text: str
    labels: tuple[str, ...] = ()
    kind: Literal["gauge", "counter"] = "gauge"


BUILD_INFO = Family("p2pctl_build_info", "The version of p2pctl that exports this.", ("version",))
SOURCE_INFO = Family("p2pctl_source_info", "Where the facts come from: live, sysroot, capture or demo.", ("kind",))
READ_TIME = Family("p2pctl_read_timestamp_seconds", "When the host was read, by its own clock.")
DURATION = Family("p2pctl_scrape_duration_seconds", "How long it took to read a part of the host.", ("part",))
SUCCESS = Family("p2pctl_scrape_success", "Whether a part of the host could be read at all.", ("part",))
GAPS = Family(
    "p2pctl_gaps", "Facts that the host may have and that could not be read: they have no samples.", ("part",)
)
LEFT_OUT = Family("p2pctl_left_out", "Objects that have no samples of their own because there are too many.", ("kind",))

KERNEL_INFO = Family("p2pctl_kernel_info", "The kernel that runs.", ("release",))
KERNEL_P2PDMA = Family("p2pctl_kernel_p2pdma", "Whether this kernel can do P2PDMA; no sample where that is unknown.")
FINDINGS = Family("p2pctl_findings", "What stands in the way of P2P or deserves a look.", ("code", "severity"))

POOLS = Family("p2pctl_pools", "Pools of P2P memory, and memory buffers that are none, by state.", ("state",))
POOL_INFO = Family(
    "p2pctl_pool_info", "What a pool belongs to.", (*PLACE, "controller", "model", "driver", "numa_node", "slot")
)
POOL_SIZE = Family("p2pctl_pool_size_bytes", "P2P memory that the device offers.", PLACE)
POOL_AVAILABLE = Family("p2pctl_pool_available_bytes", "P2P memory that nobody holds.", PLACE)
POOL_USED = Family("p2pctl_pool_used_bytes", "P2P memory that somebody holds.", PLACE)
POOL_STATE = Family("p2pctl_pool_state", "1 for the state that the pool is in, 0 for the others.", (*PLACE, "state"))
POOL_HELD = Family(
    "p2pctl_pool_held_bytes", "P2P memory by who holds it; no sample where nobody looked.", (*PLACE, "holder")
)

LINKS = Family("p2pctl_links", "PCI Express links of what takes part in P2P, by state.", ("state",))
LINK_BELOW_BEST = Family(
    "p2pctl_link_below_best", "Whether a link runs slower or narrower than both its ends could.", PLACE
)

TARGET_PRESENT = Family("p2pctl_target_present", "Whether the NVMe target can be configured here.")
TARGET_OBJECTS = Family("p2pctl_target_objects", "Objects of the NVMe target.", ("kind",))
TARGET_NAMESPACES = Family("p2pctl_target_namespaces", "Namespaces of the NVMe target by being enabled.", ("enabled",))
TARGET_SUBSYSTEMS = Family(
    "p2pctl_target_subsystems",
    "Subsystems of the NVMe target by who may connect: any-host or listed-hosts.",
    ("access",),
)
PORT_INFO = Family("p2pctl_port_info", "Where a port listens.", ("port", "transport", "address", "service"))
PORT_ADDRESS = Family(
    "p2pctl_port_address_present",
    "Whether this host has the address of a port that exports something; no sample where that is unknown.",
    ("port",),
)
PORT_LISTENING = Family(
    "p2pctl_port_listening", "Whether a TCP port that exports something listens; of RDMA nobody can tell.", ("port",)
)
PORT_NAMESPACES = Family(
    "p2pctl_port_namespaces", "Namespaces that a port exports, by the state of their P2P memory.", ("port", "state")
)
PORT_STALE = Family(
    "p2pctl_port_stale_namespaces", "Namespaces of a port whose observed state may be out of date.", ("port",)
)
PORT_CONTROLLERS = Family(
    "p2pctl_port_controllers", "Controllers of connected hosts; no sample where the kernel does not tell.", ("port",)
)
SUBSYSTEM_NAMESPACES = Family(
    "p2pctl_subsystem_namespaces",
    "Namespaces of a subsystem by a port, by the state of their P2P memory.",
    ("port", "subsystem", "state"),
)
NAMESPACE_SHORT = Family(
    "p2pctl_namespace_without_p2p",
    "1 for each namespace that asks for P2P memory and does not, or perhaps does not, get it by this port.",
    ("port", "subsystem", "nsid", "state", "reason"),
)

READ_STALE = Family("p2pctl_read_stale", "Whether what is shown is of an earlier read: the last failed or still runs.")
READ_RUNNING = Family("p2pctl_read_running_seconds", "How long the read that is under way has taken; 0 without one.")
READS = Family("p2pctl_reads_total", "Reads of the host that have ended.", kind="counter")
READ_FAILURES = Family("p2pctl_read_failures_total", "Reads of the host that brought nothing.", kind="counter")

FAMILIES: tuple[Family, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Family))
"""All of them, in the order of an exposition."""


class Sheet:
    """The samples of one reading."""

    def __init__(self) -> None:
        self._samples: dict[Family, dict[tuple[str, ...], float]] = {}

    def add(self, family: Family, value: Fact[float], *labels: object) -> None:
        """Writes a sample. What is not known has none: a 0 would say something about the host."""
        if not isinstance(value, Missing):
            self._samples.setdefault(family, {})[tuple(map(label, labels))] = float(value)

    def __iter__(self) -> Iterator[tuple[Family, dict[tuple[str, ...], float]]]:
        return ((family, self._samples[family]) for family in FAMILIES if family in self._samples)


def place(address: Address) -> tuple[str, str, str, str]:
    """The values of `PLACE`."""
    return f"{address.domain:04x}", f"{address.bus:02x}", f"{address.device:02x}", f"{address.function:x}"
