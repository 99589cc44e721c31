"""The target as one thing: its configfs, its log, its connected hosts, what it shows in debugfs."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from p2pctl.simulator.log import MemoryLog
from p2pctl.simulator.nodes import Directory, LiveDirectory, Node, error, nest
from p2pctl.simulator.nvmet import connections, grammar, p2pmem, sockets
from p2pctl.simulator.nvmet.connections import DEBUGFS_SINCE, Controller
from p2pctl.simulator.nvmet.environment import Environment, RdmaDevice
from p2pctl.simulator.nvmet.hosts import Host, Hosts
from p2pctl.simulator.nvmet.items import Collection, Item
from p2pctl.simulator.nvmet.ports import Port, Ports
from p2pctl.simulator.nvmet.subsystems import DISCOVERY, NQN_BYTES, Subsystem, Subsystems

CONFIGFS = "/sys/kernel/config"
DEBUGFS = "/sys/kernel/debug"

_DISCOVERY_NQN_SINCE = (6, 9)
_LOOP_CLEARS_IDS_SINCE = (5, 19)
_LONGEST_NQN = 255
_RECORD = 1023
"""Bytes of a log record (kernel/printk/printk_ringbuffer.h)."""


class _Root(Item):
    """``nvmet`` itself."""

    __slots__ = ("hosts", "ports", "subsystems")

    def __init__(self, kernel: NvmetKernel) -> None:
        super().__init__(kernel, None, "nvmet", default=True)
        self.hosts = Hosts(kernel, self, "hosts", default=True)
        self.ports = Ports(kernel, self, "ports", default=True)
        self.subsystems = Subsystems(kernel, self, "subsystems", default=True)

    def groups(self) -> tuple[Item, ...]:
        """The three that users make things in."""
        return self.hosts, self.ports, self.subsystems

    def attributes(self) -> Mapping[str, Node]:
        """The name of the discovery service."""
        if not self.kernel.has_discovery_nqn:
            return {}
        return {"discovery_nqn": self.attribute(lambda: self.kernel.discovery_nqn + b"\n", self._set_discovery)}

    def _set_discovery(self, page: bytes) -> int:
        name = grammar.line(page)
        if not 1 <= len(name) <= _LONGEST_NQN:
            raise error(errno.EINVAL)
        # Only as much is compared as was written: the start of a subsystem's name is taken, too.
        for one in self.subsystems.items():
            if one.raw.startswith(name):
                self.kernel.say(f"nvmet: duplicate NQN {one.name}")
                raise error(errno.EINVAL)
        self.kernel.discovery_nqn = name
        return len(name)


class NvmetKernel:
    """A kernel with the target loaded and configfs mounted.

    ``kernel.directory`` is ``/sys/kernel/config/nvmet``; put it into a tree of your own, or take `root`, and reach it
    with `p2pctl.simulator.tree.MemoryFiles` (which resolves links and raises the kernel's errno). A store that the
    kernel answers with a short count (``discovery_nqn`` given a final newline; more than 4095 bytes) raises EIO, as
    every door does, with the value set.

    ``environment`` may be replaced while it runs: ``kernel.environment = dataclasses.replace(...)``. Operations may
    come from several threads.
    """

    def __init__(self, environment: Environment | None = None, log: MemoryLog | None = None) -> None:
        self.environment = environment if environment is not None else Environment()
        self.log = log if log is not None else MemoryLog(time.time)
        self.lock = threading.RLock()
        self.discovery_nqn = DISCOVERY
        self._made: dict[str, int] = {}
        self._controllers: list[Controller] = []
        self.directory = _Root(self)
        """/sys/kernel/config/nvmet."""
        self.configfs = Directory({"nvmet": self.directory})
        """/sys/kernel/config, with nothing else in it."""

    def root(self) -> Directory:
        """A tree with nothing but what the target shows: configfs, debugfs where it is built in, TCP sockets."""
        paths: dict[str, Node] = {CONFIGFS: self.configfs, **sockets.tables(self)}
        paths[DEBUGFS] = Directory({"nvmet": self.debugfs} if self.has_debugfs else {}, 0o700)
        return nest(paths)

    @property
    def has_debugfs(self) -> bool:
        """Whether this kernel shows controllers there."""
        return self.environment.options.debugfs and self.environment.version >= DEBUGFS_SINCE

    @property
    def has_discovery_nqn(self) -> bool:
        """Whether the discovery service of this kernel can have a name of its own."""
        return self.environment.version >= _DISCOVERY_NQN_SINCE

    @property
    def debugfs(self) -> LiveDirectory:
        """/sys/kernel/debug/nvmet."""
        return connections.debugfs(self)

    def say(self, text: str) -> None:
        """Writes to the log what printk would: no final newlines, not more than a record holds."""
        raw = os.fsencode(text)[:_RECORD]
        self.log.say(os.fsdecode(raw).removesuffix("\n"))

    def say_invalid(self, page: bytes, what: str) -> None:
        """Says that a value is invalid, as the kernel does: with the value as it was written, newline and all."""
        self.say(f"nvmet: Invalid value '{os.fsdecode(grammar.string(page))}' for {what}")

    def boolean(self, page: bytes) -> bool:
        """A bool as this kernel reads it. Raises EINVAL."""
        return grammar.boolean(page, self.environment.version)

    def unique(self, what: str) -> str:
        """A purpose for something random; another one when the same thing is made again."""
        count = self._made[what] = self._made.get(what, -1) + 1
        return f"{what} {count}" if count else what

    def each_subsystem(self) -> Iterator[Subsystem]:
        """Every subsystem, in order of creation."""
        return (one for one in self.directory.subsystems.items() if isinstance(one, Subsystem))

    def each_port(self) -> Iterator[Port]:
        """Every port, in order of creation."""
        return (one for one in self.directory.ports.items() if isinstance(one, Port))

    def controllers(self) -> tuple[Controller, ...]:
        """What is connected, in order of connection."""
        return tuple(self._controllers)

    def connect(
        self,
        port: str,
        nqn: str,
        hostnqn: str,
        *,
        address: str = "",
        keep_alive: int = 5,
        queues: int = 4,
        client: RdmaDevice | None = None,
    ) -> Controller:
        """Connects a host through a port, given by the name of its directory, and lets it look at the subsystem.

        ``address`` is the host's, ``client`` the target's RDMA device: without one the device behind the port's
        address. Raises ECONNREFUSED where the port is closed, EINVAL for a subsystem that it does not export or
        without a free number, EACCES for a host that may not.
        """
        with self.lock:
            there = _item(self.directory.ports, port)
            if not isinstance(there, Port) or not there.enabled:
                raise error(errno.ECONNREFUSED)
            wanted = os.fsencode(nqn)
            subsystem = next(
                (one for one in there.exports.targets() if isinstance(one, Subsystem) and one.nqn == wanted), None
            )
            if subsystem is None:
                self.say(f"nvmet: connect request for invalid subsystem {nqn}!")
                raise error(errno.EINVAL)
            host = next((one for one in subsystem.hosts.targets() if one.name == hostnqn), None)
            if host is None and not subsystem.any_host:
                self.say(f"nvmet: connect by host {hostnqn} for subsystem {nqn} not allowed")
                raise error(errno.EACCES)
            found = Controller(
                number=self._free_number(subsystem),
                port=there,
                subsystem=subsystem,
                hostnqn=hostnqn,
                address=address if there.transport != "loop" else "",
                keep_alive=keep_alive,
                queues=min(queues, subsystem.queues),
                client=client if client is not None else self._device(there),
            )
            self._controllers.append(found)
            for namespace in subsystem.namespaces.enabled():
                p2pmem.choose(found, namespace)
            self._greet(found, host)
            return found

    def _greet(self, one: Controller, host: Item | None) -> None:
        subsystem = one.subsystem
        if one.port.transport == "loop" and self.environment.version >= _LOOP_CLEARS_IDS_SINCE:
            subsystem.passthru.numbers["clear_ids"] = 1
        words = " T10-PI is enabled" if one.port.pi and subsystem.pi else ""
        if isinstance(host, Host) and host.authenticates:
            words += " with DH-HMAC-CHAP"
        if one.port.security == b"tls1.3":
            words += ", TLS"
        nqn = os.fsdecode(subsystem.nqn)[:NQN_BYTES]
        self.say(f"nvmet: Created nvm controller {one.number} for subsystem {nqn} for NQN {one.hostnqn}{words}.")
        subsystem.discovered = True

    def _device(self, port: Port) -> RdmaDevice | None:
        if port.transport != "rdma" or port.listens is None:
            return None
        return self.environment.rdma.get(str(port.listens.address))

    def _free_number(self, subsystem: Subsystem) -> int:
        taken = {one.number for one in self._controllers}
        for number in range(subsystem.first_id, subsystem.last_id + 1):
            if number not in taken:
                return number
        raise error(errno.EINVAL)

    def disconnect(self, controller: Controller) -> None:
        """The host goes, or is made to. Harmless when it is gone."""
        self.drop(lambda one: one is controller)

    def drop(self, which: Callable[[Controller], bool]) -> None:
        """Ends controllers."""
        with self.lock:
            self._controllers = [one for one in self._controllers if not which(one)]


def _item(collection: Collection, name: str) -> Node | None:
    return collection.entries.get(name)
