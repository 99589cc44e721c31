"""The NVMe target as configfs shows it. Attributes keep the kernel's file names; secrets are never read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from p2pctl.model.facts import Fact, Gap

Attributes = Mapping[str, Fact[str]]
"""File name to text without the final newline, one entry for every attribute that this kernel lists."""

SECRET_ATTRIBUTES = frozenset({"dhchap_key", "dhchap_ctrl_key"})
"""World-readable in configfs all the same (drivers/nvme/target/configfs.c)."""


@dataclass(frozen=True, slots=True)
class TargetNamespace:
    """``subsystems/NQN/namespaces/NSID``."""

    nsid: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Subsystem:
    """``subsystems/NQN``."""

    nqn: str
    attributes: Attributes
    namespaces: Mapping[int, TargetNamespace]
    allowed_hosts: tuple[str, ...]
    """Host NQNs, from the links' targets."""
    passthru: Attributes


@dataclass(frozen=True, slots=True)
class Port:
    """``ports/ID``."""

    name: str
    """Directory name: ``1`` and ``01`` are different directories with the same port number."""
    attributes: Attributes
    subsystems: tuple[str, ...]
    """NQNs that it exports, from the links' targets, since a link may have any name."""


@dataclass(frozen=True, slots=True)
class Nvmet:
    """The part of a Snapshot that holds the target; empty with ``present`` False without the module."""

    taken: float
    present: Fact[bool]
    loaded: Fact[bool]
    """Whether the module is: then what is missing is the mount of configfs."""
    subsystems: Mapping[str, Subsystem]
    ports: Mapping[str, Port]
    hosts: tuple[str, ...]
    gaps: tuple[Gap, ...] = ()
