"""The NVMe target as configfs shows it. Attributes keep the kernel's file names.

The same classes hold what is there and what is wanted; in the latter an attribute that is not mentioned is left to the
kernel. Secrets are NOT_READ unless a reader was told to fetch them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from p2pctl.model.facts import NOT_READ, Fact, Gap

ROOT = "/sys/kernel/config/nvmet"
"""Where configfs shows the target."""

MAIN_GROUP = 1
"""The ANA group that every port has and nobody can remove."""

Attributes = Mapping[str, Fact[str]]
"""File name to text without the final newline, one entry for every attribute that this kernel lists."""

SECRET_ATTRIBUTES = frozenset({"dhchap_key", "dhchap_ctrl_key"})
"""World-readable in configfs all the same (drivers/nvme/target/configfs.c)."""

WRITE_ONLY_ATTRIBUTES = frozenset({"revalidate_size"})

TRANSPORT_MODULES: Mapping[str, str] = MappingProxyType(
    {"tcp": "nvmet_tcp", "rdma": "nvmet_rdma", "loop": "nvme_loop", "fc": "nvmet_fc", "pci": "nvmet_pci_epf"}
)
"""``addr_trtype`` to the module that serves it."""

MODULES_TO_LOAD = frozenset({"fc", "pci"})
"""Transports that the kernel does not load itself when a port is linked (no ``nvmet-transport-N`` alias)."""

_NONE: Mapping[Any, Any] = MappingProxyType({})


class KeyFile(NamedTuple):
    """A file that holds a secret, as far as it can be told without reading the secret."""

    mode: Fact[int]
    """Permission bits: the kernel makes such files readable to everybody (drivers/nvme/target/configfs.c)."""
    filled: Fact[bool] = NOT_READ
    """Whether a key is set, where somebody asked."""


class Host(NamedTuple):
    """``hosts/NQN``."""

    nqn: str
    attributes: Attributes = _NONE
    keys: Mapping[str, KeyFile] = _NONE
    """The attributes of ``SECRET_ATTRIBUTES`` that it has."""


class TargetNamespace(NamedTuple):
    """``subsystems/NQN/namespaces/NSID``."""

    nsid: int
    attributes: Attributes = _NONE
    name: str = ""
    """Directory name where it is not the plain number: ``0x1`` is namespace 1, too."""

    @property
    def directory(self) -> str:
        """Directory name."""
        return self.name or str(self.nsid)


class Subsystem(NamedTuple):
    """``subsystems/NQN``."""

    nqn: str
    attributes: Attributes = _NONE
    namespaces: Mapping[int, TargetNamespace] = _NONE
    host_links: Mapping[str, str] = _NONE
    """Link name to the host NQN that the link points to; a link may have any name."""
    passthru: Attributes = _NONE

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Host NQNs, sorted."""
        return tuple(sorted(set(self.host_links.values())))


class AnaGroup(NamedTuple):
    """``ports/ID/ana_groups/GROUP``."""

    number: int
    attributes: Attributes = _NONE
    name: str = ""
    """Directory name where it is not the plain number."""
    aliases: tuple[str, ...] = ()
    """More directories of the same group, such as ``02``: the kernel takes them, and they share its state."""

    @property
    def directory(self) -> str:
        """Directory name."""
        return self.name or str(self.number)


class Referral(NamedTuple):
    """``ports/ID/referrals/NAME``."""

    name: str
    attributes: Attributes = _NONE


class Port(NamedTuple):
    """``ports/ID``."""

    name: str
    """Directory name: ``1`` and ``01`` are different directories with the same port number."""
    attributes: Attributes = _NONE
    links: Mapping[str, str] = _NONE
    """Link name to the NQN that the link points to; a link may have any name."""
    ana_groups: Mapping[int, AnaGroup] = _NONE
    referrals: Mapping[str, Referral] = _NONE

    @property
    def subsystems(self) -> tuple[str, ...]:
        """NQNs that it exports, sorted."""
        return tuple(sorted(set(self.links.values())))

    @property
    def number(self) -> int | None:
        """The port number; None for a name that the kernel would not have taken."""
        return kernel_number(self.name)


class Nvmet(NamedTuple):
    """The part of a Snapshot that holds the target; empty with ``present`` False without the module."""

    taken: float
    present: Fact[bool]
    loaded: Fact[bool]
    """Whether the module is: then what is missing is the mount of configfs."""
    subsystems: Mapping[str, Subsystem] = _NONE
    ports: Mapping[str, Port] = _NONE
    hosts: Mapping[str, Host] = _NONE
    attributes: Attributes = _NONE
    """Of the root: ``discovery_nqn``."""
    gaps: tuple[Gap, ...] = ()
    built: Fact[bool] = NOT_READ
    """Whether this kernel was built with the target (CONFIG_NVME_TARGET); looked up only where it is not there."""


def kernel_number(text: str) -> int | None:
    """What kstrtoint(text, 0) makes of a directory's name: decimal, ``0x`` hexadecimal, a leading ``0`` octal.

    None for what it refuses (lib/kstrtox.c).
    """
    digits = text.removeprefix("+")
    if not digits.isascii() or not digits.isalnum():
        return None
    try:
        if digits[:2].lower() == "0x":
            return int(digits, 16)
        if digits.startswith("0") and digits != "0":
            return int(digits[1:], 8)
        return int(digits, 10)
    except ValueError:
        return None
