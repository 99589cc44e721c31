"""Describes a virtual machine's PCI topology as the QEMU devices that make it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Property = str | int | bool
Device = dict[str, Property]

PLAIN_CPU = "max,la57=off,vendor=AuthenticAMD,family=15,model=107,stepping=1"
"""A CPU that the kernel's host bridge rule does not know, on every host and under KVM too.

Without five-level page tables an emulated guest boots a tenth faster.
"""

SERIAL_LIMIT = 20
"""The NVMe specification's length of a serial number, in bytes."""


@dataclass(frozen=True)
class Drive:
    """An NVMe drive: its QEMU id (for plugging), its serial number (for finding it in the guest)."""

    id: str
    serial: str
    cmb_mb: int


@dataclass
class Topology:
    """QEMU devices under construction; every method that adds one returns its QEMU id.

    `cpu` decides the kernel's host bridge rule (`EPYC` passes its AMD rule),
    `append` goes to the kernel command line, `load` names modules to load beyond NVMe's,
    `nodes` splits the memory over that many NUMA nodes.
    """

    cpu: str = PLAIN_CPU
    append: str = ""
    load: Sequence[str] = ()
    nodes: int = 1
    devices: list[Device] = field(default_factory=list)
    drives: list[Drive] = field(default_factory=list)
    nets: list[str] = field(default_factory=list)
    name: str = ""
    _ports: int = 0

    def add(self, driver: str, bus: str = "", **more: Property) -> str:
        """Adds any device. Raises ValueError without an `id`, or for one that is taken."""
        identity = str(more.get("id", ""))
        if not identity or any(device["id"] == identity for device in self.devices):
            raise ValueError(f"device {driver} needs an id of its own, not {identity!r}")
        self.devices.append({"driver": driver, **({"bus": bus} if bus else {}), **more})
        return identity

    def iommu(self) -> None:
        """Adds an Intel IOMMU and turns it on; it has to come before every other device.

        Raises ValueError when it does not.
        """
        if self.devices:
            raise ValueError("QEMU wants the IOMMU before the devices behind it")
        self.add("intel-iommu", id="iommu", intremap="on")
        self.append += " intel_iommu=on"

    def root_port(self, bus: str = "pcie.0", **more: Property) -> str:
        """Adds a port with an ACS capability: a root port, or below a switch a downstream port."""
        return self._port("pcie-root-port", bus, {**self._numbers(), **more})

    def upstream(self, bus: str) -> str:
        """Adds a switch, without ACS, below a port; downstream ports go below the id returned."""
        return self._port("x3130-upstream", bus, {})

    def downstream(self, bus: str, **more: Property) -> str:
        """Adds a switch's downstream port that has no ACS capability."""
        return self._port("xio3130-downstream", bus, {**self._numbers(), **more})

    def host_bridge(self, bus_nr: int, node: int | None = None) -> str:
        """Adds a PCIe host bridge of its own, with its root bus at `bus_nr`, near a NUMA node."""
        near: Device = {} if node is None else {"numa_node": node}
        return self._port("pxb-pcie", "pcie.0", {"bus_nr": bus_nr, **near})

    def nvme(self, bus: str, cmb: int = 0, serial: str | None = None, **more: Property) -> str:
        """Adds an NVMe drive with a CMB of so many MiB (0: none); its QEMU id is n1, n2, ...

        `more` are properties of QEMU's nvme device with `_` for `-`. Raises ValueError for a serial
        number longer than the specification's.
        """
        number = len(self.drives) + 1
        drive = Drive(f"n{number}", f"SERIAL{number}" if serial is None else serial, cmb)
        if len(drive.serial.encode()) > SERIAL_LIMIT:
            raise ValueError(f"serial number longer than {SERIAL_LIMIT} bytes: {drive.serial!r}")
        size: Device = {"cmb_size_mb": cmb} if cmb else {}
        self._controller(bus, drive, {"drive": block_node(drive.id), **size, **more})
        return drive.id

    def virtual_functions(self, bus: str, count: int) -> str:
        """Adds an NVMe controller with SR-IOV and one namespace; QEMU allows it no CMB."""
        number = len(self.drives) + 1
        drive = Drive(f"n{number}", f"SERIAL{number}", 0)
        subsystem = self.add("nvme-subsys", id=f"{drive.id}-subsystem", nqn=f"subsys{number}")
        queues: Device = {"max_ioqpairs": 2 * count + 2, "sriov_vq_flexible": 2 * count, "sriov_vi_flexible": count}
        shared: Device = {"subsys": subsystem, "sriov_max_vfs": count, "msix_qsize": 2 * count + 3}
        self._controller(bus, drive, {**shared, **queues})
        self.add("nvme-ns", drive.id, id=f"{drive.id}-namespace", drive=block_node(drive.id), nsid=1)
        return drive.id

    def nic(self, bus: str) -> str:
        """Adds an Intel network card with its own user-mode network; loads its driver."""
        number = len(self.nets) + 1
        self.nets.append(f"net{number}")
        self.load = (*self.load, "e1000e")
        return self.add("e1000e", bus, id=f"nic{number}", netdev=f"net{number}")

    def device(self, identity: str) -> Device:
        """Returns a device by its id, to plug it again. Raises KeyError for an unknown id."""
        for device in self.devices:
            if device["id"] == identity:
                return device
        raise KeyError(identity)

    def _controller(self, bus: str, drive: Drive, more: Device) -> None:
        self.add("nvme", bus, **{"id": drive.id, "serial": drive.serial, **more})
        self.drives.append(drive)

    def _numbers(self) -> Device:
        return {"chassis": self._ports + 1, "slot": self._ports + 1}

    def _port(self, driver: str, bus: str, more: Device) -> str:
        self._ports += 1
        return self.add(driver, bus, **{"id": f"p{self._ports}", **more})


def block_node(drive: str) -> str:
    """Returns the name of the block node behind a drive; it outlives the drive's unplugging."""
    return f"disk-{drive}"
