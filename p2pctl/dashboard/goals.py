"""What the palette leads to: everything that has a name, and the pair of two devices that are named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from p2pctl.dashboard.contents.findings import keyed
from p2pctl.dashboard.contents.pair import Pair, pairs_of, said
from p2pctl.dashboard.contents.target_keys import connection_keys
from p2pctl.dashboard.fuzzy import Match, match
from p2pctl.dashboard.picture import Picture
from p2pctl.errors import NotFoundError
from p2pctl.findings.devices import devices
from p2pctl.model.address import Address
from p2pctl.model.nvmet import Nvmet, Port
from p2pctl.render.cells import words
from p2pctl.render.target_attributes import where
from p2pctl.render.text import clean
from p2pctl.target import paths
from p2pctl.target.connections import connections

LONGEST = 160
"""Letters of a name that are looked at and shown."""


class Goal(NamedTuple):
    """A record of a view, or a command."""

    view: str
    """Empty for a command."""
    key: str
    name: str
    """What is looked for and shown: cleaned, one line."""
    folded: str
    """The name as it is compared."""


class Found(NamedTuple):
    """A goal that fits what was typed."""

    match: Match
    goal: Goal


def goals(picture: Picture) -> tuple[Goal, ...]:
    """Everything that one may jump to, what concerns people most first."""
    nvmet = picture.snapshot.nvmet
    found = [
        *(goal("overview", key, f"{one.severity}: {one.subject or 'host'}: {one.text}")
          for key, one in keyed(picture.findings)),
        *_memory(picture),
        *(_target(nvmet) if nvmet else ()),
        *_users(picture),
    ]  # fmt: skip
    return tuple(found)


def goal(view: str, key: str, name: str) -> Goal:
    """A goal of this name, which may be a stranger's words."""
    name = clean(name[:LONGEST])
    # Some letters fold into two; then places in the one would not be places in the other.
    folded = name.casefold()
    return Goal(view, key, name, folded if len(folded) == len(name) else name.lower()[: len(name)])


def _memory(picture: Picture) -> Iterator[Goal]:
    pools = {one.address for one in picture.pools}
    for device in devices(picture.snapshot):
        address = device.function.address
        named = " ".join((str(address), *device.names))
        if address in pools:
            yield goal("pools", str(address), f"pool {named}")
        yield goal("topology", str(address), f"device {named} ({device.kind})")


def _target(nvmet: Nvmet) -> Iterator[Goal]:
    for name, port in nvmet.ports.items():
        called = paths.called_port(name)
        yield goal("target", called, f"{called} {_place(port)}")
    for called in (*map(paths.called_subsystem, nvmet.subsystems), *map(paths.called_host, nvmet.hosts)):
        yield goal("target", called, called)
    for nqn, subsystem in nvmet.subsystems.items():
        for nsid, one in subsystem.namespaces.items():
            # The device comes first: a subsystem's name may be longer than what is looked at.
            device = words(one.attributes.get("device_path"))
            yield goal("target", paths.called_namespace(nqn, nsid), f"namespace {nsid} {device} of {nqn}")


def _place(port: Port) -> str:
    has = port.attributes.get
    return f"{words(has('addr_trtype'))} {words(where(has('addr_traddr'), has('addr_trsvcid')))}"


def _users(picture: Picture) -> Iterator[Goal]:
    found = connections(picture.snapshot)
    for key, one in zip(connection_keys(found), found, strict=True):
        named = " ".join(part for part in (one.host, one.address, one.subsystem) if isinstance(part, str))
        yield goal("target", key, f"connection {named} by port {'/'.join(one.ports) or '?'}")


def devices_named(picture: Picture) -> Mapping[str, Address]:
    """Devices by each of their names, folded, and by their address, with its domain and without."""
    found: dict[str, Address] = {}
    for device in devices(picture.snapshot):
        address = device.function.address
        for name in (*device.names, str(address), str(address).removeprefix("0000:")):
            found.setdefault(name.casefold(), address)
    return found


def pair_goals(query: str, named: Mapping[str, Address], picture: Picture) -> Iterator[Goal]:
    """The pairs of the first two devices that are named: what the verdict is, and where it is explained."""
    there = dict.fromkeys(named[word] for word in query.casefold().split() if word in named)
    if len(there) < 2:
        return
    one, other, *_ = there
    for pair in pairs_of(picture.verdicts.names, one, other):
        yield from _asked(picture, pair)


def _asked(picture: Picture, pair: Pair) -> Iterator[Goal]:
    try:
        text = said(picture, pair)
    except NotFoundError:
        return
    yield goal("matrix", f"{pair.provider} {pair.client}", f"why? {text}")


def find(query: str, among: Iterable[Goal]) -> Iterator[Found]:
    """Those that fit, in their order."""
    folded = query.casefold()
    for one in among:
        found = match(folded, one.folded)
        if found is not None:
            yield Found(found, one)
