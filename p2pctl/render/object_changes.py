"""What becomes of each object of the target between two states: made, changed, deleted, in which attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, TypeVar

from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import MAIN_GROUP, SECRET_ATTRIBUTES, Attributes, Nvmet, Port, Subsystem
from p2pctl.render.cells import words
from p2pctl.render.report import Item, Value
from p2pctl.render.target_attributes import SET, attribute_value
from p2pctl.target import paths
from p2pctl.target.schema import Kind, key_for, same

Event = Literal["created", "changed", "deleted"]

K = TypeVar("K")
T = TypeVar("T")

SIGNS: Mapping[Event, str] = {"created": "+", "changed": "~", "deleted": "-"}


class Difference(NamedTuple):
    """One attribute, or list of names, that becomes another."""

    key: str
    before: Value
    """None where the object is new, or the value is not known."""
    after: Value


class ObjectChange(NamedTuple):
    """What becomes of one object."""

    event: Event
    kind: Kind
    subject: str
    """It in the user's terms."""
    differences: tuple[Difference, ...] = ()


def object_changes(live: Nvmet, wanted: Nvmet) -> tuple[ObjectChange, ...]:
    """All of them in the order of the tree. What ``wanted`` does not mention is the kernel's, and no change."""
    return tuple(_changes(live, wanted))


def _changes(live: Nvmet, wanted: Nvmet) -> Iterator[ObjectChange]:
    yield from _object("root", "target", live.attributes, wanted.attributes)
    for nqn, (host, host_then) in _pairs(live.hosts, wanted.hosts):
        yield from _object("host", paths.called_host(nqn), host and host.attributes, host_then and host_then.attributes)
    for nqn, (one, then) in _pairs(live.subsystems, wanted.subsystems):
        yield from _subsystem(nqn, one, then)
    for name, (port, port_then) in _pairs(live.ports, wanted.ports):
        yield from _port(name, port, port_then)


def _subsystem(nqn: str, one: Subsystem | None, then: Subsystem | None) -> Iterator[ObjectChange]:
    hosts = _names("allowed_hosts", one.allowed_hosts if one else (), then.allowed_hosts if then else ())
    called = paths.called_subsystem(nqn)
    yield from _object("subsystem", called, one and one.attributes, then and then.attributes, hosts)
    if then is not None:
        yield from _object("passthru", f"passthru of {called}", one.passthru if one else {}, then.passthru)
    for nsid, (space, later) in _pairs(one.namespaces if one else {}, then.namespaces if then else {}):
        called = paths.called_namespace(nqn, nsid)
        yield from _object("namespace", called, space and space.attributes, later and later.attributes)


def _port(name: str, one: Port | None, then: Port | None) -> Iterator[ObjectChange]:
    exports = _names("subsystems", one.subsystems if one else (), then.subsystems if then else ())
    yield from _object("port", paths.called_port(name), one and one.attributes, then and then.attributes, exports)
    for number, (group, later) in _pairs(one.ana_groups if one else {}, then.ana_groups if then else {}):
        called = paths.called_group(name, number)
        if number != MAIN_GROUP:
            yield from _object("ana-group", called, group and group.attributes, later and later.attributes)
        elif later is not None:  # it comes and goes with the port
            yield from _object("ana-group", called, group.attributes if group else {}, later.attributes)
    for label, (referral, after) in _pairs(one.referrals if one else {}, then.referrals if then else {}):
        called = paths.called_referral(name, label)
        yield from _object("referral", called, referral and referral.attributes, after and after.attributes)


def _pairs(before: Mapping[K, T], after: Mapping[K, T]) -> Iterator[tuple[K, tuple[T | None, T | None]]]:
    for key in dict.fromkeys((*before, *after)):
        yield key, (before.get(key), after.get(key))


def _object(
    kind: Kind, subject: str, before: Attributes | None, after: Attributes | None, names: Iterable[Difference] = ()
) -> Iterator[ObjectChange]:
    if after is None:
        yield ObjectChange("deleted", kind, subject)
        return
    found = (*_attributes(kind, before or {}, after), *names)
    if before is None or found:
        yield ObjectChange("created" if before is None else "changed", kind, subject, found)


def _attributes(kind: Kind, before: Attributes, after: Attributes) -> Iterator[Difference]:
    for file, text in after.items():
        read = before.get(file)
        if isinstance(text, Missing) or (isinstance(read, str) and same(kind, file, text, read)):
            continue
        old = None if read is None or isinstance(read, Missing) else attribute_value(kind, file, before)
        new = attribute_value(kind, file, after)
        if file in SECRET_ATTRIBUTES and old == new == SET:
            new = "set anew"
        yield Difference(
            key_for(kind, file), None if isinstance(old, Missing) else old, None if isinstance(new, Missing) else new
        )


def _names(key: str, before: tuple[str, ...], after: tuple[str, ...]) -> tuple[Difference, ...]:
    return () if before == after else (Difference(key, list(before), list(after)),)


def object_item(change: ObjectChange) -> Item:
    """One change for machines."""
    return {
        "object": change.subject,
        "kind": change.kind,
        "change": change.event,
        "attributes": [{"key": one.key, "before": one.before, "after": one.after} for one in change.differences],
    }


def difference_texts(one: Difference) -> Iterator[str]:
    """``p2pmem off -> auto``; of a list, what comes and what goes, each by itself: ``allowed_hosts +nqn.x``."""
    if isinstance(one.before, list) and isinstance(one.after, list):
        yield from (f"{one.key} +{name}" for name in one.after if name not in one.before)
        yield from (f"{one.key} -{name}" for name in one.before if name not in one.after)
    elif one.before is None:
        yield f"{one.key}={words(one.after)}"
    else:
        yield f"{one.key} {words(one.before)} -> {words(one.after)}"


def change_line(change: ObjectChange) -> str:
    """One line for people: ``changed namespace 1 of nqn.x: p2pmem off -> auto``."""
    told = ", ".join(text for one in change.differences for text in difference_texts(one))
    return f"{change.event} {change.subject}{': ' if told else ''}{told}"
