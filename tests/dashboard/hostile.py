"""Hosts that nobody should have: with nothing known, with names that attack a terminal, with far too much of all."""

from __future__ import annotations

import enum
import importlib
import pkgutil
import random
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

import p2pctl.model
from p2pctl.hardware.snapshot import ALL_PARTS
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.nvmet import Subsystem, TargetNamespace
from p2pctl.model.snapshot import PartName, Snapshot

EVIL = (
    "[red]x[/]",
    "[/dev/nvme0n1]",
    "[",
    "[/]",
    "[@click=app.quit]quit[/]",
    "\\[bold]",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[1;1H",
    "\x9b31m",
    "\x07",
    "\x00",
    "\x7f",
    "a\nb\r\nc\td\x0be",
    "\u5bbd\u5b57\u7b26\u540d\u79f0" * 4,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\ufe0f",
    "e\u0301\u0327\u0300" * 9,
    "\u202eevil\u202c\u2066x\u2069",
    "\udcff\udc80",
    "\U000e0041\u3164\u2800",
    "nqn.2014-08.org." + "n" * 284,
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "$(reboot); `id` 'x' \"y\" %s {0} {x!r}",
    " ",
    "",
)
"""Names that one of the layers below might take for something else than a name."""

Chooser = Callable[[], "Missing | None"]
"""What a fact becomes; None leaves it."""


def without_parts(snapshot: Snapshot) -> Snapshot:
    """Nothing was read at all."""
    nothing: dict[str, Any] = dict.fromkeys(ALL_PARTS)
    return replace(snapshot, **nothing)


def without_part(snapshot: Snapshot, part: PartName) -> Snapshot:
    """All but one part."""
    gone: dict[str, Any] = {part: None}
    return replace(snapshot, **gone)


def emptied(snapshot: Snapshot) -> Snapshot:
    """Every part is there and has nothing in it: all devices and all of the target are gone."""
    return _parts(snapshot, _without_members)


def blurred(snapshot: Snapshot, choose: Chooser) -> Snapshot:
    """The same objects, but ``choose`` decides for each fact whether it is known."""

    def blur(value: Any) -> Any:
        return _blurred(value, type(value), choose)

    return replace(_parts(snapshot, blur), source=blur(snapshot.source))


def at_random(seed: int, share: float = 0.3) -> Chooser:
    """Forgets a share of the facts, one way or another."""
    dice = random.Random(seed)  # noqa: S311  the same host at every run
    return lambda: dice.choice(list(Missing)) if dice.random() < share else None


def renamed(snapshot: Snapshot, seed: int = 0, *, everything: bool = True) -> Snapshot:
    """Every word in the host is one of a stranger's, the same one wherever the same word stood.

    Without ``everything`` only what is a name or free text: the kernel's own short words stay, so that the states
    that need them come about.
    """
    dice = random.Random(seed)  # noqa: S311  the same host at every run
    words: dict[str, str] = {}

    def rename(word: str) -> str:
        own = word.replace("-", "").isalnum() and word.islower() and len(word) < 14
        if (own or word.startswith("/sys/")) and not everything:
            return word
        if word not in words:
            evil = dice.choice(EVIL)
            words[word] = dice.choice((evil, f"{word}{evil}", f"{evil}{word}"))
        return words[word]

    def each(value: Any) -> Any:
        return _renamed(value, rename)

    return _parts(snapshot, each)


def crowded(snapshot: Snapshot, pools: int, namespaces: int, subsystems: int = 20) -> Snapshot:
    """So many pools and so many namespaces of the target, modelled on those that are there."""
    assert snapshot.pools is not None
    assert snapshot.nvmet is not None
    some = list(snapshot.pools.pools.values())
    many = {}
    for number in range(pools):
        address = Address(number // 4096, number // 32 % 128, number % 32, 0)
        model = some[number % len(some)]
        many[address] = replace(model, function=model.function._replace(address=address))
    own = [one for subsystem in snapshot.nvmet.subsystems.values() for one in subsystem.namespaces.values()]
    exported = {}
    for number in range(subsystems):
        nqn = f"nqn.2026-11.org.example:crowd{number}"
        members = {
            nsid: TargetNamespace(nsid, own[nsid % len(own)].attributes)
            for nsid in range(1, namespaces // subsystems + 1)
        }
        exported[nqn] = Subsystem(nqn, next(iter(snapshot.nvmet.subsystems.values())).attributes, members)
    ports = {name: port._replace(links={nqn: nqn for nqn in exported}) for name, port in snapshot.nvmet.ports.items()}
    return replace(
        snapshot,
        pools=replace(snapshot.pools, pools=many),
        nvmet=snapshot.nvmet._replace(subsystems=exported, ports=ports),
    )


def _parts(snapshot: Snapshot, change: Callable[[Any], Any]) -> Snapshot:
    """The snapshot with each part changed."""
    names = [one.name for one in fields(snapshot) if one.name not in ("source", "taken")]
    parts = {name: getattr(snapshot, name) for name in names}
    return replace(snapshot, **{name: change(part) for name, part in parts.items() if part is not None})


def _without_members(part: Any) -> Any:
    gone: dict[str, Any] = {
        name: type(value)() if isinstance(value, (tuple, dict)) else MappingProxyType({})
        for name, value in _members(part).items()
        if isinstance(value, (tuple, Mapping)) and type(value) in (tuple, dict, MappingProxyType)
    }
    return _with(part, gone)


def _members(record: Any) -> dict[str, Any]:
    names = record._fields if hasattr(record, "_fields") else [one.name for one in fields(record)]
    return {name: getattr(record, name) for name in names}


def _with(record: Any, members: Mapping[str, Any]) -> Any:
    return record._replace(**members) if hasattr(record, "_replace") else replace(record, **members)


def _is_record(value: object) -> bool:
    return hasattr(value, "_fields") or (is_dataclass(value) and not isinstance(value, type))


@cache
def _known_names() -> dict[str, Any]:
    """Every class of the model, for hints that are only imported for types."""
    found: dict[str, Any] = {"Literal": typing.Literal}
    for one in pkgutil.iter_modules(p2pctl.model.__path__):
        found |= vars(importlib.import_module(f"p2pctl.model.{one.name}"))
    return found


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind, localns=_known_names())


def _blurred(value: Any, hint: Any, choose: Chooser) -> Any:
    if Missing in typing.get_args(hint):
        chosen = choose()
        if chosen is not None:
            return chosen
    if isinstance(value, (enum.Enum, str, int, float, Address)) or value is None:
        return value
    if _is_record(value):
        kind: Any = type(value)
        hints = _hints(kind)
        return _with(value, {name: _blurred(one, hints[name], choose) for name, one in _members(value).items()})
    inner = typing.get_args(hint)[-1:] or (Any,)
    if isinstance(value, Mapping):
        return {key: _blurred(one, inner[0], choose) for key, one in value.items()}
    if type(value) is tuple:
        return tuple(_blurred(one, Any, choose) for one in value)
    return value


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return rename(value)
    if isinstance(value, (enum.Enum, int, float, Address)) or value is None:
        return value
    if _is_record(value):
        return _with(value, {name: _renamed(one, rename) for name, one in _members(value).items()})
    if isinstance(value, Mapping):
        return {_renamed(key, rename): _renamed(one, rename) for key, one in value.items()}
    if type(value) is tuple:
        return tuple(_renamed(one, rename) for one in value)
    return value
