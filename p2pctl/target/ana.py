"""ANA groups of ports, in an order in which no host loses a path that it is to keep: opened first, closed last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import MAIN_GROUP, AnaGroup, Nvmet, Port, TargetNamespace
from p2pctl.target import paths
from p2pctl.target.plan import Disruption, Step
from p2pctl.target.problems import is_on
from p2pctl.target.writes import Object, differing, store

_STATE, _MEMBERSHIP = "ana_state", "ana_grpid"
_OPEN = frozenset({"optimized", "non-optimized"})
"""States in which a host reaches the namespaces of a group (NVMe base specification, 8.1.1)."""


def opened(live: Port, wanted: Port) -> Iterator[Step]:
    """Groups that are made, and states in which hosts reach more than before, or as much."""
    for number, group in wanted.ana_groups.items():
        below = live.ana_groups.get(number)
        place = _object(wanted.name, below or group)
        there = {below.directory, *below.aliases} if below else {str(MAIN_GROUP)}
        for directory in (group.directory, *group.aliases):
            if directory not in there:
                path = paths.ana_group(wanted.name, group._replace(name=directory))
                yield Step("mkdir", path, place.subject)
        for one in differing(place, below.attributes if below else _initial(number), group.attributes):
            if one.file != _STATE or one.value in _OPEN:
                yield from store(place, one)


def closed(live: Port, wanted: Port, missed: Callable[[], Collection[int]]) -> Iterator[Step]:
    """States in which hosts reach nothing any more, and groups that go; ``missed`` tells which hosts have use for."""
    for number, group in wanted.ana_groups.items():
        below = live.ana_groups.get(number)
        place = _object(wanted.name, below or group)
        for one in differing(place, below.attributes if below else _initial(number), group.attributes):
            if one.file == _STATE and one.value not in _OPEN:
                noticed = _reached(live, number) and number in missed()
                yield from store(place, one, Disruption.NAMESPACE if noticed else Disruption.NONE)
    for number, group in live.ana_groups.items():
        if number not in wanted.ana_groups:
            yield from removed(live, group, noticed=_reached(live, number) and number in missed())


def removed(port: Port, group: AnaGroup, *, noticed: bool = False, why: str = "") -> Iterator[Step]:
    """A group goes with every directory that it has; that of the main one goes with the port."""
    directories = group.aliases if group.number == MAIN_GROUP else (group.directory, *group.aliases)
    for directory in directories:
        yield Step(
            "rmdir",
            paths.ana_group(port.name, group._replace(name=directory)),
            paths.called_group(port.name, group.number),
            disruption=Disruption.NAMESPACE if noticed else Disruption.NONE,
            why=why,
        )


def used(wanted: Nvmet, exported: Collection[str]) -> frozenset[int]:
    """Groups of the enabled namespaces of these subsystems."""
    return frozenset(
        _group(one) for nqn in exported for one in wanted.subsystems[nqn].namespaces.values() if is_on(one.attributes)
    )


def lost(live: TargetNamespace, wanted: TargetNamespace, ports: Iterable[tuple[Port, Port]]) -> bool:
    """Whether a namespace moves to a group that hosts do not reach by one of these ports, and leaves one that they do.

    ``ports`` are those that export it all the while, as they are and as they are wanted: what is opened is open by
    then, and what is closed is not closed yet.
    """
    before, after = _group(live), _group(wanted)
    if not is_on(live.attributes) or before == after:
        return False
    return any(_reached(now, before) and not (_reached(now, after) or _reached(then, after)) for now, then in ports)


def is_membership(step: Step) -> bool:
    """Whether a step moves a namespace to another group."""
    return step.operation == "write" and step.name == _MEMBERSHIP


def _object(port: str, group: AnaGroup) -> Object:
    return Object("ana-group", paths.ana_group(port, group), paths.called_group(port, group.number))


def _initial(number: int) -> Mapping[str, str]:
    """What a new group of a port has (drivers/nvme/target/configfs.c): the main one is there from the start."""
    return {_STATE: "optimized" if number == MAIN_GROUP else "inaccessible"}


def _group(one: TargetNamespace) -> int:
    value = one.attributes.get(_MEMBERSHIP)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else MAIN_GROUP


def _reached(port: Port, number: int) -> bool:
    """Whether hosts reach a group. One that is not there is inaccessible; of one that is not known it may be so."""
    group = port.ana_groups.get(number)
    if group is None:
        return number == MAIN_GROUP
    value = group.attributes.get(_STATE)
    if value is None:
        return number == MAIN_GROUP
    return isinstance(value, Missing) or value in _OPEN
