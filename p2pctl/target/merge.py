"""Wishes laid over the target as it is: the whole target as it is wanted.

What no wish mentions stays as it is. An attribute that the kernel will decide anew, since a wish changes one that it
hangs on, is left out: it is the kernel's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeVar

from p2pctl.errors import NotFoundError, RefusedError
from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import MAIN_GROUP, AnaGroup, Host, Nvmet, Port, Referral, Subsystem, TargetNamespace
from p2pctl.target import paths
from p2pctl.target.overlay import changes, laid_over, links_of, port_name
from p2pctl.target.port_rules import family_of
from p2pctl.target.pruning import Prune, Pruning
from p2pctl.target.schema import same
from p2pctl.target.wishes import (
    GroupWish,
    HostWish,
    NamespaceWish,
    PortWish,
    ReferralWish,
    SubsystemWish,
    Values,
    Wishes,
)


class Merged(NamedTuple):
    """The target as it is wanted, and what to know of it."""

    wanted: Nvmet
    notes: tuple[str, ...] = ()
    """What comes with the wishes although none of them says so."""


K = TypeVar("K")
T = TypeVar("T")

_NOTHING: Mapping[Any, Any] = {}


def merge(live: Nvmet, wishes: Wishes, *, prune: Prune = "none", owned: Collection[str] = ()) -> Merged:
    """The target as it is wanted. ``owned`` are the kernel paths of objects that p2pctl made in this boot.

    A host that a subsystem is to allow is made where there is none. Raises NotFoundError for a subsystem that is to be
    exported and does not exist, UnsupportedError for an attribute that this kernel does not have, RefusedError for
    wishes that cannot hold together with what is there.
    """
    merging = _Merging(Pruning(prune, frozenset(owned), live, wishes))
    subsystems = merging.objects(live.subsystems, wishes.subsystems, paths.subsystem, merging.subsystem, Subsystem)
    hosts = merging.objects(live.hosts, wishes.hosts, paths.host, merging.host, Host)
    gone = {nqn for nqn, wish in wishes.hosts.items() if wish.absent}
    subsystems = {nqn: _without_hosts(one, gone & live.hosts.keys()) for nqn, one in subsystems.items()}
    notes = merging.notes
    for one in subsystems.values():
        _check_access(one)
        for nqn in one.allowed_hosts:
            if nqn not in hosts:
                hosts[nqn] = live.hosts.get(nqn, Host(nqn))
                notes.append(f"{paths.called_host(nqn)} stays or is made, since {one.nqn} allows it")
    removed = live.subsystems.keys() - subsystems.keys()
    ports = {name: _without_subsystems(port, removed) for name, port in _ports(live, wishes, merging).items()}
    for port in ports.values():
        _check_exports(port, subsystems)
    wanted = live._replace(
        attributes=laid_over("root", "the target", live.attributes, wishes.attributes, new=False),
        hosts=hosts,
        subsystems=subsystems,
        ports=ports,
    )
    return Merged(wanted, tuple(notes))


class _Merging:
    """One merge: what is pruned, and a method for each kind of object."""

    def __init__(self, pruning: Pruning) -> None:
        self._pruning = pruning
        self.notes: list[str] = []

    def objects(
        self,
        live: Mapping[K, T],
        wishes: Mapping[K, Any],
        path: Callable[[Any], str],
        merged: Callable[[T, Any, bool], T],
        new: Callable[[K], T],
    ) -> dict[K, T]:
        """Objects of one kind: those that stay, those that change, those that are made."""
        found: dict[K, T] = {}
        for key, one in live.items():
            wish = wishes.get(key)
            if wish is None:
                if self._pruning.stays(path(key)):
                    found[key] = one
                elif isinstance(one, Subsystem) and one.nqn in self._pruning.exported:
                    self.notes.append(f"{paths.called_subsystem(one.nqn)} stays: {self._pruning.exported[one.nqn]}")
                    found[key] = one
                elif others := self._pruning.foreign(one):
                    self.notes.append(f"{others[0]} is not p2pctl's own: what it is in stays with it")
                    found[key] = merged(one, SubsystemWish() if isinstance(one, Subsystem) else PortWish(), False)
            elif not wish.absent:
                found[key] = merged(one, wish, False)
        for key, wish in wishes.items():
            if key not in live and not wish.absent:
                found[key] = merged(new(key), wish, True)
        return found

    @staticmethod
    def host(one: Host, wish: HostWish, new: bool) -> Host:
        _check_withheld(one, wish)
        attributes = laid_over("host", paths.called_host(one.nqn), one.attributes, wish.attributes, new=new)
        return one._replace(attributes=attributes)

    def subsystem(self, one: Subsystem, wish: SubsystemWish, new: bool) -> Subsystem:
        name = paths.called_subsystem(one.nqn)
        attributes = dict(laid_over("subsystem", name, one.attributes, wish.attributes, new=new))
        if changes("passthru", "enable", one.passthru, wish.passthru) and "attr_version" not in wish.attributes:
            attributes.pop("attr_version", None)
        return one._replace(
            attributes=attributes,
            passthru=laid_over("passthru", f"passthru of {name}", one.passthru, wish.passthru, new=new),
            host_links=links_of(one.host_links, wish.allowed_hosts, wish.allow, wish.disallow),
            namespaces=self.objects(
                one.namespaces,
                wish.namespaces,
                lambda nsid: paths.namespace(one.nqn, one.namespaces[nsid]),
                lambda live, wished, fresh: _namespace(one.nqn, live, wished, new=fresh),
                TargetNamespace,
            ),
        )

    def port(self, one: Port, wish: PortWish, new: bool) -> Port:
        links = links_of(one.links, wish.subsystems, wish.link, wish.unlink)
        wished = _with_family(one, wish.attributes, new=new, exports=bool(links))
        return one._replace(
            attributes=laid_over("port", paths.called_port(one), one.attributes, wished, new=new),
            links=links,
            ana_groups=self._groups(one, wish),
            referrals=self.objects(
                one.referrals,
                wish.referrals,
                lambda name: paths.referral(one.name, name),
                lambda live, wished, fresh: _referral(one.name, live, wished, new=fresh),
                Referral,
            ),
        )

    def _groups(self, one: Port, wish: PortWish) -> dict[int, AnaGroup]:
        live = {**({MAIN_GROUP: AnaGroup(MAIN_GROUP)} if not one.ana_groups else {}), **one.ana_groups}
        found = self.objects(
            live,
            wish.ana_groups,
            lambda number: paths.ana_group(one.name, live[number]),
            lambda group, wished, fresh: _group(one.name, group, wished, new=fresh),
            AnaGroup,
        )
        # The kernel made it with the port, and it goes with the port only.
        found.setdefault(MAIN_GROUP, live[MAIN_GROUP] if MAIN_GROUP in live else AnaGroup(MAIN_GROUP))
        return found


def _with_family(one: Port, wished: Values, *, new: bool, exports: bool) -> Values:
    """What is wished of a port, with the address family that its address has: the kernel does not look for itself."""
    file = "addr_adrfam"
    live = {name: text for name, text in one.attributes.items() if isinstance(text, str)}
    has_room = new or one.attributes.get(file) == ""
    moves = any(live.get(name) != wished[name] for name in ("addr_trtype", "addr_traddr") if name in wished)
    family = family_of({**live, **wished}) if has_room and file not in wished and (exports or moves) else None
    return wished if family is None else {**wished, file: family}


def _check_withheld(one: Host, wish: HostWish) -> None:
    """A document whose keys were taken out fits a host that has them, and would leave any other without."""
    for file in wish.withheld:
        if one.attributes.get(file) in {None, ""}:
            raise RefusedError(
                f"{paths.called_host(one.nqn)}: the document withholds its {file}, and it has none here",
                hint="name a file that holds the key, or export again with --show-secrets",
            )


def _namespace(nqn: str, one: TargetNamespace, wish: NamespaceWish, *, new: bool) -> TargetNamespace:
    name = paths.called_namespace(nqn, one.nsid)
    return one._replace(attributes=laid_over("namespace", name, one.attributes, wish.attributes, new=new))


def _referral(port: str, one: Referral, wish: ReferralWish, *, new: bool) -> Referral:
    name = paths.called_referral(port, one.name)
    return one._replace(attributes=laid_over("referral", name, one.attributes, wish.attributes, new=new))


def _group(port: str, one: AnaGroup, wish: GroupWish, *, new: bool) -> AnaGroup:
    values = {} if wish.state is None else {"ana_state": wish.state}
    name = paths.called_group(port, one.number)
    new = new or not one.attributes
    return one._replace(attributes=laid_over("ana-group", name, one.attributes, values, new=new))


def _ports(live: Nvmet, wishes: Wishes, merging: _Merging) -> dict[str, Port]:
    """Wishes name ports by number; a directory may spell its number in many ways."""
    by_name = {port_name(live, number): wish for number, wish in wishes.ports.items()}
    # What is to be absent is so by every name.
    absent = {number: wish for number, wish in wishes.ports.items() if wish.absent}
    by_name |= {name: absent[port.number] for name, port in live.ports.items() if port.number in absent}
    return merging.objects(live.ports, by_name, paths.port, merging.port, Port)


def _without_hosts(one: Subsystem, gone: Collection[str]) -> Subsystem:
    links = {name: nqn for name, nqn in one.host_links.items() if nqn not in gone}
    return one if len(links) == len(one.host_links) else one._replace(host_links=links)


def _without_subsystems(port: Port, gone: Collection[str]) -> Port:
    links = {name: nqn for name, nqn in port.links.items() if nqn not in gone}
    return port if len(links) == len(port.links) else port._replace(links=links)


def _check_access(one: Subsystem) -> None:
    value = one.attributes.get("attr_allow_any_host")
    if one.host_links and value is not None and not isinstance(value, Missing):
        if not same("subsystem", "attr_allow_any_host", "1", value):
            return
        raise RefusedError(
            f"{paths.called_subsystem(one.nqn)} cannot allow any host and a list of hosts",
            hint="the kernel takes one or the other: set allow_any_host=0, or an empty list of allowed hosts",
        )


def _check_exports(port: Port, subsystems: Collection[str]) -> None:
    missing = sorted(set(port.links.values()) - set(subsystems))
    if missing:
        raise NotFoundError(
            f"{paths.called_port(port)} is to export {missing[0]}, and there is no such subsystem",
            hint="create the subsystem first, or name it in the same document",
        )
