"""Hosts that are connected: controllers, and what debugfs shows of them (drivers/nvme/target/core.c, debugfs.c)."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p2pctl.simulator.nodes import Directory, File, LiveDirectory, Node, error

if TYPE_CHECKING:
    from p2pctl.simulator.nvmet.environment import RdmaDevice
    from p2pctl.simulator.nvmet.kernel import NvmetKernel
    from p2pctl.simulator.nvmet.ports import Port
    from p2pctl.simulator.nvmet.subsystems import Subsystem

DEBUGFS_SINCE = (6, 11)
_FATAL = b"fatal"
_LONGEST_STATE = 16


@dataclass(eq=False, slots=True)
class Controller:
    """What the target keeps of one host's connection to one subsystem."""

    number: int
    """``cntlid``: no two controllers of the target have the same."""
    port: Port
    subsystem: Subsystem
    hostnqn: str
    address: str = ""
    """Where the host is, as text; empty for loop."""
    keep_alive: int = 5
    """Seconds; 0 for none."""
    queues: int = 4
    """For I/O; over TCP there is a connection for each, and one more."""
    client: RdmaDevice | None = None
    """The target's side, over RDMA."""


class _State(File):
    """``state``: who writes ``fatal`` ends the controller."""

    __slots__ = ("_end",)

    def __init__(self, end: Callable[[], None]) -> None:
        super().__init__(b"ready\n", 0o600, 0)
        self._end = end

    def store(self, data: bytes) -> None:
        """Raises EINVAL for anything but ``fatal``."""
        if len(data) >= _LONGEST_STATE or not data.startswith(_FATAL):
            raise error(errno.EINVAL)
        self._end()


def debugfs(kernel: NvmetKernel) -> LiveDirectory:
    """``/sys/kernel/debug/nvmet``: a directory for every subsystem and every controller."""

    def subsystems() -> Mapping[str, Node]:
        names = [os.fsdecode(kernel.discovery_nqn), *(one.name for one in kernel.each_subsystem())]
        return {name: LiveDirectory(lambda name=name: _controllers(kernel, name)) for name in names}  # type: ignore[misc]

    return LiveDirectory(subsystems)


def _controllers(kernel: NvmetKernel, name: str) -> Mapping[str, Node]:
    return {
        f"ctrl{one.number}": Directory(_files(kernel, one))
        for one in kernel.controllers()
        if one.subsystem.name == name
    }


def _files(kernel: NvmetKernel, one: Controller) -> Mapping[str, Node]:
    def end() -> None:
        kernel.say(f"nvmet: ctrl {one.number} fatal error occurred!")
        kernel.disconnect(one)

    return {
        "port": File(f"{one.port.portid}\n".encode(), 0o400, 0),
        "hostnqn": File(os.fsencode(one.hostnqn), 0o400, 0),
        "kato": File(f"{one.keep_alive}\n".encode(), 0o400, 0),
        "host_traddr": File(f"{one.address}\n".encode() if one.address else b"", 0o400, 0),
        "state": _State(end),
    }
