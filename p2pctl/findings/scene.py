"""What the rules share: each thing is worked out once, when the first rule asks for it."""

from __future__ import annotations

from functools import cached_property

from p2pctl.findings.devices import Device, devices
from p2pctl.findings.fabric import Fabric
from p2pctl.findings.pools import PoolState, pool_states
from p2pctl.model.address import Address
from p2pctl.model.facts import NOT_READ, Missing, known
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.boot import release_of
from p2pctl.resolver.command_line import CommandLine, read_command_line
from p2pctl.resolver.ports import PortDevices, port_devices
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import select
from p2pctl.resolver.topology import Topology


class Scene:
    """A host as the rules see it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @cached_property
    def devices(self) -> dict[Address, Device]:
        """Every function."""
        return {device.function.address: device for device in devices(self.snapshot, everything=True)}

    @cached_property
    def pools(self) -> tuple[PoolState, ...]:
        """Pools, and memory that should be one."""
        return pool_states(self.snapshot)

    @cached_property
    def resolver(self) -> Resolver | None:
        """What answers questions about pairs; None where the tree was not read."""
        if self.snapshot.pci is None:
            return None
        release = NOT_READ if self.snapshot.kernel is None else self.snapshot.kernel.release
        return Resolver(Topology.of(self.snapshot), select(release).rules)

    @cached_property
    def fabric(self) -> Fabric | None:
        """Who could do P2P with whom, and what lies between them."""
        return None if self.resolver is None else Fabric(self.resolver.topology, self.devices.values())

    @cached_property
    def line(self) -> CommandLine | None:
        """The kernel's command line; None where it is not known."""
        kernel = self.snapshot.kernel
        if kernel is None or isinstance(kernel.command_line, Missing):
            return None
        return read_command_line(kernel.command_line, release=self.release)

    @property
    def release(self) -> str | None:
        """``uname -r``, where it is known."""
        return release_of(self.snapshot)

    @property
    def lockdown(self) -> str:
        """``none``, ``integrity``, ``confidentiality``; ``none`` also where it could not be read."""
        return "none" if self.snapshot.kernel is None else known(self.snapshot.kernel.lockdown, "none")

    @property
    def board(self) -> str | None:
        """Board and BIOS, for people."""
        return None if self.snapshot.machine is None else self.snapshot.machine.board.name

    @cached_property
    def ports(self) -> tuple[PortDevices, ...]:
        """The target's ports, and the RDMA devices behind each."""
        nvmet = self.snapshot.nvmet
        if nvmet is None or self.resolver is None:
            return ()
        rules = self.resolver.rules
        return tuple(port_devices(port, self.snapshot.rdma, rules) for port in nvmet.ports.values())

    def named(self, address: Address) -> str:
        """``nvme0 (0000:03:00.0)``, for sentences."""
        device = self.devices.get(address)
        return f"{device.names[0]} ({address})" if device is not None and device.names else str(address)

    def of_board(self) -> str:
        """`` of Supermicro X13DEI (BIOS 2.1)``, where a sentence blames the board; empty where it is not known."""
        return f" of {self.board}" if self.board else ""
