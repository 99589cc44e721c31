"""A picture that was made with what is remembered is the one that is made with nothing remembered."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any, TypeVar

import pytest

from p2pctl.dashboard.parts import NAMES, kept
from p2pctl.dashboard.picture import Painter, Picture
from p2pctl.errors import NotFoundError
from p2pctl.model.block import Block
from p2pctl.model.connections import Connections
from p2pctl.model.exporters import Exporter, Exporters
from p2pctl.model.facts import ABSENT, Missing
from p2pctl.model.log import KernelLog
from p2pctl.model.machine import Board, Machine
from p2pctl.model.nvme import Nvme
from p2pctl.model.nvmet import Nvmet, TargetNamespace
from p2pctl.model.pools import Pools
from p2pctl.model.snapshot import PartName, Snapshot
from p2pctl.model.tree import Pci
from p2pctl.target.port_state import PortState
from tests.dashboard import hostile
from tests.dashboard.piloting import demo_snapshot

T = TypeVar("T")

DEMO = demo_snapshot()
STEPS = 150
LEVELS = (0, 4096, 65536, (1 << 20) - 1, 1 << 20, 1 << 28)


def links(snapshot: Snapshot) -> Mapping[str, str]:
    """Paths lead to disks, so that it matters which paths and which disks there are."""
    disks = list(snapshot.block.devices) if snapshot.block else []
    paths = [
        one.attributes.get("device_path")
        for subsystem in (snapshot.nvmet.subsystems.values() if snapshot.nvmet else ())
        for one in subsystem.namespaces.values()
    ]
    known = [path for path in paths if isinstance(path, str) and "/by-id/" in path]
    return {path: f"/dev/{disks[len(path) % len(disks)]}" for path in known if disks}


def told(picture: Picture) -> dict[str, object]:
    """All that a picture says, but for when parts, predictions and levels were looked at."""
    resolver, pci = picture.verdicts.resolver, picture.snapshot.pci
    try:
        pairs: object = resolver.matrix([one.address for one in picture.pools], list(pci.functions)[:30] if pci else [])
    except NotFoundError as error:
        pairs = error.message
    return {
        "snapshot": replace(picture.snapshot, **{name: timeless(getattr(picture.snapshot, name)) for name in NAMES}),
        "links": picture.links,
        "pools": picture.pools,
        "ports": [state_told(one) for one in picture.ports],
        "findings": picture.findings,
        "selection": picture.verdicts.selection,
        "names": picture.verdicts.names.devices,
        "pairs": pairs,
    }


def timeless(part: Any) -> Any:
    """A part as if it had been read at another time."""
    return at(part, 0.0)


def at(part: Any, time: float) -> Any:
    """A part as if it had been read then: another object."""
    if part is None:
        return None
    return part._replace(taken=time) if hasattr(part, "_replace") else replace(part, taken=time)


def state_told(state: PortState) -> object:
    evidence = [(one.kind, one.text, one.time if one.kind == "log" else None, one.sure) for one in state.evidence]
    return replace(state, evidence=()), evidence


@cache
def variants() -> Mapping[str, Sequence[Any]]:
    """What each part may be: as it is, not read, empty, with facts that are not known, and otherwise."""
    dice = random.Random(5)  # noqa: S311  the same ones at every run
    found: dict[str, list[Any]] = {name: [getattr(DEMO, name)] * 3 for name in NAMES}
    others = [hostile.emptied(DEMO), *(hostile.blurred(DEMO, hostile.at_random(seed, 0.03)) for seed in range(4))]
    others.append(hostile.blurred(DEMO, hostile.at_random(9, 0.4)))
    for name in NAMES:
        found[name] += [None, *(getattr(one, name) for one in others)]
    assert DEMO.pools is not None
    assert DEMO.nvmet is not None
    assert DEMO.log is not None
    found["pools"] += [levelled(DEMO.pools, dice) for _ in range(8)]
    found["nvmet"] += [otherwise_set(DEMO.nvmet, dice) for _ in range(6)]
    found["nvmet"].append(DEMO.nvmet._replace(present=False, loaded=True))
    found["log"] += list(shortened(DEMO.log))
    found["kernel"].append(replace(DEMO.kernel, p2pdma=False))  # type: ignore[type-var]
    found["nvme"] += list(_nvme())
    found["block"] += list(_block())
    found["exporters"].append(_all_lend())
    found["machine"].append(Machine(0.0, Board(board="X1")))
    found["rnbd"].append(DEMO.rnbd._replace(server=True, search_path="/"))  # type: ignore[union-attr]
    found["connections"].append(_strangers())
    return found


def _nvme() -> Iterator[Nvme]:
    """Without controllers that have no pool, and without what tells of multipath."""
    assert DEMO.nvme is not None
    assert DEMO.pools is not None
    pools = {*DEMO.pools.pools, *DEMO.pools.unregistered}
    some = {name: one for name, one in DEMO.nvme.controllers.items() if one.address in pools}
    yield DEMO.nvme._replace(controllers=some)
    yield DEMO.nvme._replace(namespaces={})


def _slow() -> Pci:
    """All links run slower than they could."""
    assert DEMO.pci is not None
    functions = {
        address: one._replace(link=one.link._replace(speed=2.5, width=1, max_speed=5.0, port_speed=5.0))
        for address, one in DEMO.pci.functions.items()
    }
    return replace(DEMO.pci, functions=functions)


def _block() -> Iterator[Block]:
    """Without addresses, and without the reasons for that."""
    assert DEMO.block is not None
    for address in (ABSENT, None):
        devices = {
            name: replace(one, reason=None, address=address or one.address) for name, one in DEMO.block.devices.items()
        }
        yield replace(DEMO.block, devices=devices)


def _strangers() -> Connections:
    """Whoever is connected is no longer allowed."""
    assert DEMO.connections is not None
    some = tuple(one._replace(host="nqn.stranger") for one in DEMO.connections.controllers)
    return DEMO.connections._replace(controllers=some)


def _all_lend() -> Exporters:
    """Every function may lend its memory."""
    assert DEMO.exporters is not None
    assert DEMO.pci is not None
    some = {address: Exporter(address, "some", "memory", 1 << 30, ABSENT, ABSENT, ()) for address in DEMO.pci.functions}
    return replace(DEMO.exporters, exporters=some)


def levelled(pools: Pools, dice: random.Random) -> Pools:
    """With other levels."""
    return replace(
        pools, pools={name: replace(one, available=dice.choice(LEVELS)) for name, one in pools.pools.items()}
    )


def otherwise_set(nvmet: Nvmet, dice: random.Random) -> Nvmet:
    """With namespaces and ports that are set otherwise."""

    def namespace(one: TargetNamespace) -> TargetNamespace:
        path = f"/dev/disk/by-id/nvme-{dice.choice(('a', 'bb', 'ccc', 'dddd'))}"
        changes = {"p2pmem": dice.choice(("0", "1", "0000:18:00.0")), "enable": dice.choice("01")}
        changes |= {"device_path": path} if dice.random() < 0.5 else {}
        return one._replace(attributes={**one.attributes, **changes}) if dice.random() < 0.3 else one

    subsystems = {
        nqn: one._replace(namespaces={nsid: namespace(each) for nsid, each in one.namespaces.items()})
        for nqn, one in nvmet.subsystems.items()
    }
    switch = {"p2pmem": "auto"} if dice.random() < 0.2 else {}
    ports = {
        name: one._replace(attributes={**one.attributes, "param_mdts": dice.choice("0358"), **switch})
        for name, one in nvmet.ports.items()
    }
    return nvmet._replace(subsystems=subsystems, ports=ports)


def shortened(log: KernelLog) -> Iterator[KernelLog]:
    """The log as it was before."""
    assert not isinstance(log.records, Missing)
    for length in range(0, len(log.records), 2):
        yield log._replace(records=log.records[:length])


def one_by_one() -> Iterator[Snapshot]:
    """Each part in all its variants; some of them matter only where another part is not as usual."""
    assert DEMO.pools is not None
    assert DEMO.block is not None
    bare = replace(DEMO.pools, pools={}, unregistered={})
    silent = replace(DEMO.block, devices={name: replace(one, reason="") for name, one in DEMO.block.devices.items()})
    for name in NAMES:
        changed: list[dict[str, Any]] = [{name: one} for one in variants()[name]]
        yield from (replace(DEMO, **one) for one in changed)
        if name == "kernel":
            yield from (replace(DEMO, pools=bare, **one) for one in changed)
        if name == "block":
            by_id = next(one for one in variants()["nvmet"] if one and links(replace(DEMO, nvmet=one)))
            yield from (replace(DEMO, nvmet=by_id, **one) for one in changed)
        if name == "exporters":
            yield from (replace(DEMO, pci=_slow(), **one) for one in changed)
        if name == "nvme":
            yield from (replace(DEMO, block=silent, **one) for one in changed)


def at_random() -> Iterator[Snapshot]:
    """Each differs from the last in a part or two."""
    dice = random.Random(11)  # noqa: S311  the same ones at every run
    snapshot = DEMO
    for step in range(STEPS):
        if dice.random() < 0.2:
            snapshot = DEMO
        some: list[PartName] = dice.sample(NAMES, dice.choice((1, 1, 2)))
        changes: dict[str, Any] = {name: dice.choice(variants()[name]) for name in some}
        # Some are read anew, and say what they said.
        again = {name: at(getattr(snapshot, name), step) for name in dice.sample(NAMES, 4) if name not in changes}
        kernel = dice.choice(("7.3.0-9-generic", "7.3.0-9-generic", "4.19.0", Missing.UNREADABLE))
        source = replace(DEMO.source, kernel=kernel)
        snapshot = replace(snapshot, taken=float(step), source=source, **again, **changes)
        yield snapshot


@cache
def history() -> tuple[tuple[Snapshot, dict[str, object]], ...]:
    """Hosts, and what is to be said of them."""
    return tuple((one, told(Painter(links).paint(one))) for one in (*one_by_one(), *at_random()))


def first_difference(painter: Painter) -> tuple[int, str] | None:
    """The first host of which a painter that remembers the ones before says something else, and about what."""
    for step, (snapshot, wanted) in enumerate(history()):
        found = told(painter.paint(snapshot))
        for name, value in wanted.items():
            if found[name] != value:
                return step, name
    return None


def test_what_is_remembered_makes_no_difference() -> None:
    assert first_difference(Painter(links)) is None


class Forgetful(Painter):
    """Does not see that one of the things changed that something was made of."""

    def __init__(self, name: str, place: int) -> None:
        super().__init__(links)
        self.name = name
        self.place = place

    def _of(self, name: str, parts: tuple[object, ...], make: Callable[[], T], also: Hashable = None) -> T:
        if name == self.name:
            also = None if self.place == len(parts) else also
            parts = tuple(part for place, part in enumerate(parts) if place != self.place)
        return super()._of(name, parts, make, also)


class Noting(Painter):
    """Notes how much each thing is made of."""

    def __init__(self) -> None:
        super().__init__(links)
        self.made: dict[str, tuple[int, bool]] = {}

    def _of(self, name: str, parts: tuple[object, ...], make: Callable[[], T], also: Hashable = None) -> T:
        self.made[name] = (len(parts), also is not None)
        return super()._of(name, parts, make, also)


def _things() -> list[tuple[str, int]]:
    painter = Noting()
    painter.paint(DEMO)
    return [(name, place) for name, (count, more) in painter.made.items() for place in range(count + more)]


NEEDLESS = {
    ("ports", 0),  # the states are made of them, too
    ("states", 1),  # so are the exports of the target
    ("states", 2),
    *(("of ports", place) for place in range(1, 7)),
}
"""What changes only together with another of its things, or matters to none of the hosts here."""


def _needed() -> list[object]:
    """What each thing is made of; of each the last one, which is looked at in any case."""
    found = [one for one in _things() if one not in NEEDLESS]
    last = dict(found)
    return [pytest.param(*one, marks=() if last[one[0]] == one[1] else pytest.mark.full) for one in found]


@pytest.mark.parametrize(("name", "place"), _needed())
def test_what_is_overlooked_makes_one(name: str, place: int) -> None:
    """So the hosts above tell whether each thing is made anew when it has to be."""
    assert first_difference(Forgetful(name, place)) is not None


@pytest.mark.full
@pytest.mark.parametrize(("name", "place"), sorted(NEEDLESS))
def test_no_more_is_needless_than_is_said(name: str, place: int) -> None:
    assert (name, place) in _things()
    assert first_difference(Forgetful(name, place)) is None


def test_a_host_that_was_read_anew_and_says_the_same_is_drawn_from_the_same_objects() -> None:
    painter = Painter(links)
    before = painter.paint(DEMO)
    parts: dict[str, Any] = {name: at(getattr(DEMO, name), DEMO.taken + 30) for name in NAMES}
    after = painter.paint(replace(DEMO, taken=DEMO.taken + 30, **parts))
    for one in fields(Picture):
        if one.name not in {"snapshot", "pools"}:
            assert getattr(after, one.name) is getattr(before, one.name), one.name
    assert after.snapshot.taken == DEMO.taken + 30
    assert after.snapshot.nvmet is DEMO.nvmet


def test_a_level_that_matters_to_nobody_changes_nothing() -> None:
    painter = Painter(links)
    assert DEMO.pools is not None
    before = painter.paint(DEMO)
    plenty = {name: replace(one, available=(1 << 20) + 4096) for name, one in DEMO.pools.pools.items()}
    after = painter.paint(replace(DEMO, pools=replace(DEMO.pools, pools=plenty)))
    assert after.ports is before.ports
    assert after.findings is before.findings
    assert after.pools != before.pools


def test_a_scarce_level_of_a_pool_that_nobody_uses_changes_no_state() -> None:
    painter = Painter(links)
    assert DEMO.pools is not None
    before = painter.paint(DEMO)
    used = {address for one in before.ports for address in one.providers}
    idle = {name: one if name in used else replace(one, available=4096) for name, one in DEMO.pools.pools.items()}
    assert idle != DEMO.pools.pools
    after = painter.paint(replace(DEMO, pools=replace(DEMO.pools, pools=idle)))
    assert after.ports is before.ports


def test_a_scarce_level_changes_the_states_of_its_pool_only() -> None:
    painter = Painter(links)
    assert DEMO.pools is not None
    before = painter.paint(DEMO)
    used = next(one.providers[0] for one in before.ports if one.state == "confirmed")
    low = {**DEMO.pools.pools, used: replace(DEMO.pools.pools[used], available=4096)}
    after = painter.paint(replace(DEMO, pools=replace(DEMO.pools, pools=low)))
    changed = [new for old, new in zip(before.ports, after.ports, strict=True) if new is not old]
    assert changed
    assert {(one.state, one.providers) for one in changed} == {("possibly-exhausted", (used,))}
    assert "p2p-possibly-exhausted" in {one.code for one in after.findings}


@pytest.mark.parametrize("name", NAMES)
def test_a_part_that_says_something_else_is_not_kept(name: PartName) -> None:
    part = getattr(DEMO, name)
    assert part is not None
    for other in variants()[name]:
        if other is not None:
            assert (kept(part, other) is part) == (timeless(other) == timeless(part))
    assert kept(part, at(part, 1.0)) is part
    assert kept(None, part) is part


def test_a_part_that_lists_in_another_order_is_not_kept() -> None:
    pci = DEMO.pci
    assert pci is not None
    turned = replace(pci, functions=dict(reversed(list(pci.functions.items()))))
    assert turned == pci
    assert kept(pci, turned) is turned
