"""What the machine around the simulated target has: devices, addresses, functions with memory to share, options."""

from __future__ import annotations

import errno
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from p2pctl.simulator import identity
from p2pctl.simulator.nodes import error


class Opened(NamedTuple):
    """What the kernel finds where a path leads."""

    kind: Literal["block", "file", "directory", "character", "controller"]
    """``controller`` is the character device of an NVMe controller, ``/dev/nvme0``."""
    p2p: bool = False
    """Whether the queue of a block device takes P2P memory (BLK_FEAT_PCI_P2PDMA)."""
    pci: str | None = None
    """Address of the PCI function that a block device hangs below; None for md, dm, a multipath head."""
    direct: bool = True
    """Whether a file can be opened with O_DIRECT; a character device never can."""
    number: int = 0
    """Of a controller: what the kernel tells controllers apart by."""
    version: tuple[int, int, int] = (1, 4, 0)
    """Of a controller: the version of NVMe that it states."""


class Function(NamedTuple):
    """A PCI function, for who names it as a provider."""

    driver: str = "pci"
    """Name of the bound driver; ``pci`` without any, as the kernel logs it."""
    published: bool = False
    """Whether it has P2P memory that anybody may take."""


class RdmaDevice(NamedTuple):
    """What is behind an address that an RDMA port listens at."""

    name: str
    pci: str | None = None
    """Address of its PCI function; None for a device in software, which can never use P2P memory."""
    metadata: bool = False
    """Whether it takes protection information."""


Distance = Callable[[str, str], int]
"""Provider and client, both PCI addresses, to the distance in hops; negative where the kernel allows no P2P between."""


class Option(NamedTuple):
    """How the kernel was configured."""

    p2pdma: bool = True
    integrity: bool = True
    """CONFIG_BLK_DEV_INTEGRITY."""
    auth: bool = True
    tls: bool = True
    """CONFIG_NVME_TARGET_TCP_TLS."""
    passthru: bool = True
    debugfs: bool = False
    """CONFIG_NVME_TARGET_DEBUGFS."""


def _nowhere(provider: str, client: str) -> int:
    return 0 if provider == client else -1


EVERY_TRANSPORT = frozenset({"loop", "tcp", "rdma", "fc", "pci"})


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything that the target's answers depend on and that is not in configfs. Replaceable at any time."""

    release: str = "7.3.4"
    """As ``uname -r`` prints it; says which attributes exist."""
    options: Option = field(default_factory=Option)
    page_size: int = 4096
    devices: Mapping[str, Opened] = field(default_factory=dict)
    """By absolute path, links included under their own path. What is not here is not there."""
    addresses: frozenset[str] = frozenset({"127.0.0.1", "::1"})
    """Local IP addresses."""
    listeners: frozenset[tuple[str, int]] = frozenset()
    """TCP addresses and ports that others than the target listen at."""
    rdma: Mapping[str, RdmaDevice] = field(default_factory=dict)
    """RDMA device by local IP address."""
    fc_ports: frozenset[str] = frozenset()
    """Local fibre channel ports as ``addr_traddr`` gives them, in lower case."""
    transports: frozenset[str] = EVERY_TRANSPORT - {"fc", "pci"}
    """Transports whose module is loaded or is loaded when asked for; the kernel asks for rdma, tcp and loop only, so
    fc and pci stand here where their module is loaded."""
    functions: Mapping[str, Function] = field(default_factory=dict)
    """PCI functions by address: which can be named in ``p2pmem``."""
    distance: Distance = _nowhere
    keyring: bool = True
    """Whether the kernel has its ``.nvme`` keyring."""
    groups: frozenset[str] = frozenset({"ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"})
    """Diffie-Hellman groups that the kernel can compute."""
    seed: str = ""
    """Makes serial numbers and uuids; the same seed and the same operations give the same ones."""

    @property
    def version(self) -> tuple[int, int]:
        """The first two numbers of the release, (0, 0) where it has none."""
        found = re.match(r"(\d+)\.(\d+)", self.release)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def open(self, path: str) -> Opened:
        """What a path leads to. Raises ENOENT, ENOTDIR, ENAMETOOLONG as a lookup does."""
        if len(path) >= 4096 or any(len(part) > 255 for part in path.split("/")):
            raise error(errno.ENAMETOOLONG)
        if not path.startswith("/"):
            raise error(errno.ENOENT)
        plain = posixpath.normpath(path).replace("//", "/")
        found = self.devices.get(plain)
        if found is not None:
            if path.endswith(("/", "/.")) and found.kind != "directory":
                raise error(errno.ENOTDIR)
            return found
        above = posixpath.dirname(plain)
        while above != "/":
            holder = self.devices.get(above)
            if holder is not None and holder.kind != "directory":
                raise error(errno.ENOTDIR)
            above = posixpath.dirname(above)
        if any(one.startswith(f"{plain.rstrip('/')}/") for one in self.devices):
            return Opened("directory")
        raise error(errno.ENOENT)

    def with_transports(self, transports: frozenset[str]) -> Environment:
        """The same machine with these transports."""
        return replace(self, transports=transports)

    def digits(self, what: str, length: int) -> str:
        """Random hexadecimal digits for a purpose."""
        return identity.digits(f"{self.seed}{what}", length)

    def uuid(self, what: str) -> str:
        """A random uuid for a purpose."""
        return identity.uuid(f"{self.seed}{what}")
