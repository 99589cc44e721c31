"""The target as one mapping from kernel path to what is there, and back: for comparing, storing and mending it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from p2pctl.model.facts import NOT_READ, Fact, Missing
from p2pctl.model.nvmet import (
    ROOT,
    SECRET_ATTRIBUTES,
    AnaGroup,
    Attributes,
    Host,
    Nvmet,
    Port,
    Referral,
    Subsystem,
    TargetNamespace,
    kernel_number,
)
from p2pctl.target import paths


class Directory(NamedTuple):
    """An object that somebody made."""


class Link(NamedTuple):
    """A symbolic link."""

    target: str
    """Kernel path that it leads to."""


class Value(NamedTuple):
    """An attribute."""

    text: Fact[str]


Entry: TypeAlias = Directory | Link | Value
Flat: TypeAlias = Mapping[str, Entry]

_OBJECT = Directory()


def flat(nvmet: Nvmet) -> dict[str, Entry]:
    """Every object, link and attribute by its kernel path."""
    return dict(_entries(nvmet))


def _entries(nvmet: Nvmet) -> Iterator[tuple[str, Entry]]:
    yield from _values(ROOT, nvmet.attributes)
    for nqn, host in nvmet.hosts.items():
        yield from _object(paths.host(nqn), host.attributes)
    for nqn, subsystem in nvmet.subsystems.items():
        yield from _object(paths.subsystem(nqn), subsystem.attributes)
        yield from _values(paths.passthru(nqn), subsystem.passthru)
        for namespace in subsystem.namespaces.values():
            yield from _object(paths.namespace(nqn, namespace), namespace.attributes)
        for name, host_nqn in subsystem.host_links.items():
            yield paths.allowed_host(nqn, name), Link(paths.host(host_nqn))
    for name, port in nvmet.ports.items():
        yield from _object(paths.port(name), port.attributes)
        for group in port.ana_groups.values():
            yield from _object(paths.ana_group(name, group), group.attributes)
            for alias in group.aliases:
                yield f"{paths.port(name)}/ana_groups/{alias}", _OBJECT
        for referral in port.referrals.values():
            yield from _object(paths.referral(name, referral.name), referral.attributes)
        for link, nqn in port.links.items():
            yield paths.port_link(name, link), Link(paths.subsystem(nqn))


def _object(path: str, attributes: Attributes) -> Iterator[tuple[str, Entry]]:
    yield path, _OBJECT
    yield from _values(path, attributes)


def _values(path: str, attributes: Attributes) -> Iterator[tuple[str, Entry]]:
    for name, text in attributes.items():
        yield f"{path}/{name}", Value(text)


def built(entries: Flat, like: Nvmet) -> Nvmet:
    """The tree that `flat` took apart. What is no object, link or attribute is taken from ``like``.

    Raises ValueError for a path that is none of the target's.
    """
    tree: dict[str, Any] = {}
    for path, entry in entries.items():
        if not path.startswith(f"{ROOT}/"):
            raise ValueError(path)
        here = tree
        *above, name = path[len(ROOT) + 1 :].split("/")
        for step in above:
            here = here.setdefault(step, {})
        if isinstance(entry, Directory):
            here.setdefault(name, {})
        else:
            here[name] = entry.text if isinstance(entry, Value) else _Target(entry.target.rpartition("/")[2])
    return like._replace(
        attributes=_attributes(tree),
        hosts={nqn: Host(nqn, _attributes(one)) for nqn, one in tree.get("hosts", {}).items()},
        subsystems={nqn: _subsystem(nqn, one) for nqn, one in tree.get("subsystems", {}).items()},
        ports={name: _port(name, one) for name, one in tree.get("ports", {}).items()},
    )


class _Target(str):
    """The name of what a link leads to: no attribute's text."""

    __slots__ = ()


def _attributes(node: Mapping[str, Any]) -> Attributes:
    return {name: one for name, one in node.items() if not isinstance(one, dict | _Target)}


def _links(node: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(one) for name, one in node.items() if isinstance(one, _Target)}


def _subsystem(nqn: str, node: Mapping[str, Any]) -> Subsystem:
    return Subsystem(
        nqn,
        _attributes(node),
        dict(_numbered(node.get("namespaces", {}), TargetNamespace)),
        _links(node.get("allowed_hosts", {})),
        _attributes(node.get("passthru", {})),
    )


def _port(name: str, node: Mapping[str, Any]) -> Port:
    return Port(
        name,
        _attributes(node),
        _links(node.get("subsystems", {})),
        _groups(node.get("ana_groups", {})),
        {one: Referral(one, _attributes(below)) for one, below in node.get("referrals", {}).items()},
    )


def _groups(node: Mapping[str, Any]) -> dict[int, AnaGroup]:
    """Groups; of several directories of one group the first has the attributes, which the others share."""
    found: dict[int, AnaGroup] = {}
    for number, group in _numbered(node, AnaGroup):
        first = found.setdefault(number, group)
        if first is not group:
            found[number] = first._replace(aliases=(*first.aliases, group.directory))
    return found


def _numbered(node: Mapping[str, Any], make: Callable[[int, Attributes, str], Any]) -> Iterator[tuple[int, Any]]:
    for name, below in node.items():
        number = kernel_number(name)
        if number is None:
            raise ValueError(name)
        yield number, make(number, _attributes(below), "" if name == str(number) else name)


def fingerprint(nvmet: Nvmet) -> str:
    """A hash of all that configfs showed: equal for two readings of a tree in which nothing has changed."""
    digest = hashlib.sha256()
    for path, entry in sorted(flat(nvmet).items()):
        text = entry.text if isinstance(entry, Value) else ""
        shown = f"?{text.value}" if isinstance(text, Missing) else f"={text}"
        target = entry.target if isinstance(entry, Link) else ""
        digest.update(f"{path}\0{type(entry).__name__}\0{shown}\0{target}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def without_secrets(nvmet: Nvmet) -> Nvmet:
    """The same as it may be shown: keys are NOT_READ, as for who did not ask for them."""
    return nvmet._replace(
        hosts={
            nqn: host._replace(
                attributes={
                    name: NOT_READ if name in SECRET_ATTRIBUTES else text for name, text in host.attributes.items()
                }
            )
            for nqn, host in nvmet.hosts.items()
        }
    )
