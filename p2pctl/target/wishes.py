"""What somebody wants of the target: a document's contents, or what one command asks for.

A wish is partial: what it does not mention stays as it is. Names are NQNs and numbers; attributes go by the kernel's
file names, and values are the text to write, without a newline.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

Values: TypeAlias = Mapping[str, str]
"""Kernel file name to the text that is wanted there."""

Trail: TypeAlias = tuple[str | int, ...]
"""The way to a node of a document: ``("subsystems", "nqn.x", "namespaces", 1, "device")``."""

Expectation = Literal["required", "preferred", "off"]
"""What the user expects of a port: P2P or nothing, P2P if possible, no P2P."""

_NONE: Mapping[Any, Any] = MappingProxyType({})


class Place(NamedTuple):
    """A place in a text, both counted from 1."""

    line: int
    column: int


class HostWish(NamedTuple):
    """A host."""

    absent: bool = False
    attributes: Values = _NONE
    withheld: tuple[str, ...] = ()
    """Secrets that the document has left out and that must be there already: without them nobody would be asked."""


class NamespaceWish(NamedTuple):
    """A namespace."""

    absent: bool = False
    attributes: Values = _NONE
    """``enable`` among them: ``1`` or ``0``."""
    prefer: tuple[str, ...] = ()
    """Providers that placement is to take if it may; the kernel knows nothing of them."""
    avoid: tuple[str, ...] = ()


class SubsystemWish(NamedTuple):
    """A subsystem."""

    absent: bool = False
    attributes: Values = _NONE
    allowed_hosts: tuple[str, ...] | None = None
    """All of them, where given."""
    allow: tuple[str, ...] = ()
    """Hosts to add to whatever is allowed: what a command asks for."""
    disallow: tuple[str, ...] = ()
    namespaces: Mapping[int, NamespaceWish] = _NONE
    passthru: Values = _NONE


class ReferralWish(NamedTuple):
    """A referral."""

    absent: bool = False
    attributes: Values = _NONE


class GroupWish(NamedTuple):
    """An ANA group of a port."""

    absent: bool = False
    state: str | None = None


class PortWish(NamedTuple):
    """A port."""

    absent: bool = False
    attributes: Values = _NONE
    subsystems: tuple[str, ...] | None = None
    """All that it exports, where given."""
    link: tuple[str, ...] = ()
    """Subsystems to add to whatever it exports: what a command asks for."""
    unlink: tuple[str, ...] = ()
    ana_groups: Mapping[int, GroupWish] = _NONE
    referrals: Mapping[str, ReferralWish] = _NONE
    p2p: Expectation | None = None


class Wishes(NamedTuple):
    """All of them."""

    attributes: Values = _NONE
    """Of the root: ``discovery_nqn``."""
    hosts: Mapping[str, HostWish] = _NONE
    subsystems: Mapping[str, SubsystemWish] = _NONE
    ports: Mapping[int, PortWish] = _NONE
    places: Mapping[Trail, Place] = _NONE
    """Where a document says so; empty for a command's wishes."""
    file: str | None = None
    """The document's name."""
    notes: tuple[str, ...] = ()
    """What to know of the document: what it cannot hold, what was taken for something else."""
