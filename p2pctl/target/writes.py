"""Which attributes of one object are to be written, in which order, and what must be switched off meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import SECRET_ATTRIBUTES, Attributes
from p2pctl.target.plan import Disruption, Step
from p2pctl.target.schema import Change, Kind, canonical, key_for, same, spec

SWITCH = "enable"
"""The attribute that switches a namespace, a referral or passthru on."""

AUTO = "-1"
"""What a port's parameter reads until the port is enabled: then the kernel writes its choice there."""

_UNLIMITED = "0"
"""What ``param_mdts`` becomes when a port is enabled without one; unlike others it does not take ``-1``."""

_FIRST_ID, _LAST_ID = "attr_cntlid_min", "attr_cntlid_max"

_RESETS: Mapping[str, str] = {"addr_trtype": "addr_tsas", "addr_tsas": "addr_treq"}
"""Attributes whose store sets another one anew (drivers/nvme/target/configfs.c)."""

_PRIVATE = "0600"


class Object(NamedTuple):
    """One object, and what to say of it."""

    kind: Kind
    path: str
    subject: str


class Wanted(NamedTuple):
    """An attribute to write."""

    file: str
    value: str
    before: str | None
    change: Change
    order: int


def differing(of: Object, live: Attributes, wanted: Attributes, *, in_use: bool = False) -> list[Wanted]:
    """The attributes of an object that must be written, in the order in which the kernel needs them.

    ``in_use`` says that a port is live and stays so: a parameter that is to be automatic is then what the kernel has
    made of it.
    """
    found: list[Wanted] = []
    forced: set[str] = set()
    for file, value in sorted(wanted.items(), key=lambda entry: (_order(of.kind, entry[0]), entry[0])):
        if isinstance(value, Missing):
            continue
        before = live.get(file)
        known = None if before is None or isinstance(before, Missing) else before
        text = _UNLIMITED if file == "param_mdts" and value == AUTO else value
        if file not in forced and known is not None and _holds(of.kind, file, text, known, in_use=in_use):
            continue
        # A new object lacks it by itself, and so does one whose transport changes.
        if (known is None or file in forced) and (value == AUTO or _is_unset(of.kind, file, text)):
            continue
        if not live and file not in forced and _is_default(of.kind, file, text):
            continue
        if file in _RESETS:
            forced.add(_RESETS[file])
        found.append(Wanted(file, text, known, _change(of.kind, file), _order(of.kind, file)))
    return _widest_first(found)


def _widest_first(found: list[Wanted]) -> list[Wanted]:
    """The range of controller ids must hold after each of its two writes: the end goes first, if it can."""
    ends = {one.file: one for one in found if one.file in {_FIRST_ID, _LAST_ID}}
    if len(ends) < 2:
        return found
    first, last = ends[_FIRST_ID], ends[_LAST_ID]
    if first.before is not None and int(last.value) < int(first.before):
        return found
    rest = [one for one in found if one is not last]
    at = rest.index(first)
    return [*rest[:at], last, *rest[at:]]


def _holds(kind: Kind, file: str, value: str, read: str, *, in_use: bool) -> bool:
    if kind == "port" and file.startswith("param_") and (in_use or file == "param_mdts"):
        if value == AUTO:
            return True
        if file == "param_mdts" and (value, read) == (_UNLIMITED, AUTO):
            return True
    return same(kind, file, value, read) or (kind == "passthru" and _is_unset(kind, file, value))


def _is_default(kind: Kind, file: str, value: str) -> bool:
    """Whether a new object has the value by itself."""
    found = spec(kind, file)
    return found is not None and found.default is not None and same(kind, file, value, found.default)


def _is_unset(kind: Kind, file: str, value: str) -> bool:
    """Whether a value is the lack of one, and nothing that is written brings that about."""
    found = spec(kind, file)
    return found is not None and found.clear is None and found.default == "" and canonical(kind, file, value) is None


def stuck(of: Object, live: Attributes, wanted: Attributes) -> list[str]:
    """Keys of attributes that have a value and are to have none, which only a new object has."""
    return [
        key_for(of.kind, one.file)
        for one in differing(of, live, wanted)
        if one.before is not None and _is_unset(of.kind, one.file, one.value)
    ]


def _change(kind: Kind, file: str) -> Change:
    found = spec(kind, file)
    return found.change if found is not None else "live"


def _order(kind: Kind, file: str) -> int:
    """Attributes that nobody knows come last of those that are written before the switch."""
    found = spec(kind, file)
    if found is not None:
        return found.order
    switch = spec(kind, SWITCH)
    return switch.order - 1 if switch is not None else sys.maxsize


def store(of: Object, one: Wanted, disruption: Disruption = Disruption.NONE, why: str = "") -> Iterator[Step]:
    """The write of an attribute; a secret is hidden from other users first."""
    path = f"{of.path}/{one.file}"
    if one.file in SECRET_ATTRIBUTES:
        yield Step("chmod", path, of.subject, _PRIVATE, why="a key is nobody else's business")
    yield Step("write", path, of.subject, one.value, one.before, disruption, why)


def switched(of: Object, live: Attributes, wanted: Attributes, disruption: Disruption) -> Iterator[Step]:
    """All writes of an object that has a switch. It is off while what needs that is written.

    ``disruption`` is what hosts notice of the switch.
    """
    writes = differing(of, live, wanted)
    switch = next((one for one in writes if one.file == SWITCH), None)
    others = [one for one in writes if one.file != SWITCH]
    is_on, stays_on = _on(live), _on(wanted)
    blocked = [one for one in others if one.change == "disabled"]
    if is_on and (blocked or not stays_on):
        why = "" if not stays_on else f"to change {', '.join(key_for(of.kind, one.file) for one in blocked)}"
        yield Step("write", f"{of.path}/{SWITCH}", of.subject, "0", "1", disruption, why)
    late = [one for one in others if _after_switch(of.kind, one)]
    for one in others:
        if one not in late:
            yield from store(of, one)
    if stays_on and (blocked or switch is not None or not is_on):
        why = "" if not is_on else "to switch it on again"
        yield Step("write", f"{of.path}/{SWITCH}", of.subject, "1", "0", Disruption.NONE, why)
    for one in late:
        yield from store(of, one)


def _after_switch(kind: Kind, one: Wanted) -> bool:
    """Whether an attribute takes a value only while the object is on."""
    found = spec(kind, SWITCH)
    return found is not None and one.order > found.order


def _on(attributes: Attributes) -> bool:
    value = attributes.get(SWITCH)
    return value is not None and not isinstance(value, Missing) and same("namespace", SWITCH, "1", value)
