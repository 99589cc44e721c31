"""A Snapshot and everything that is concluded from it, worked out once and remembered while its parts stay the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from p2pctl.dashboard.parts import Parts
from p2pctl.findings.pools import PoolState, pool_states
from p2pctl.findings.ports import state_findings
from p2pctl.findings.rules import Finding, by_gravity, findings
from p2pctl.findings.scene import Scene
from p2pctl.model.facts import Missing
from p2pctl.model.snapshot import Snapshot
from p2pctl.model.tree import Pci
from p2pctl.render.verdicts import Names, choose
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.selection import Selection
from p2pctl.resolver.topology import Topology
from p2pctl.target.judge import Judge
from p2pctl.target.port_state import PortState, heard, predictions, with_levels
from p2pctl.target.room import LARGEST_REQUEST

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What answers questions about pairs."""

    selection: Selection
    resolver: Resolver
    names: Names


@dataclass(frozen=True, slots=True)
class Picture:
    """What the views show. Immutable: the thread that draws gets it whole."""

    snapshot: Snapshot
    links: Mapping[str, str]
    """Where device paths of namespaces lead."""
    pools: tuple[PoolState, ...]
    ports: tuple[PortState, ...]
    findings: tuple[Finding, ...]
    verdicts: Verdicts


class Painter:
    """Makes pictures. Of what has not changed since the last one, it hands out the same objects.

    A part that was read anew and says the same counts as not changed.
    """

    def __init__(self, links: Callable[[Snapshot], Mapping[str, str]]) -> None:
        self._links = links
        self._parts = Parts()
        self._kept: dict[str, tuple[tuple[object, ...], object]] = {}

    def paint(self, snapshot: Snapshot) -> Picture:
        """The picture of a snapshot."""
        now = self._parts.settled(snapshot)
        # A host whose tree was not read has no pairs; all else of it is shown.
        whole = now if now.pci is not None else replace(now, pci=Pci(now.taken, {}, {}, {}))
        links = self._followed(now)
        pools = pool_states(now)
        memory = _memory(now)
        fabric = (now.pci, now.nvme, now.rdma, now.block, now.exporters, now.kernel)
        scene = Scene(whole)
        verdicts = self._of("verdicts", fabric, lambda: _verdicts(whole), (memory, _sizes(pools)))
        ports = self._ports(whole, links, memory)
        exhausted = tuple(one.available == 0 for one in pools)
        host = (*fabric, now.nvmet, now.connections, now.machine, now.rnbd)
        hosts = self._of("host", host, lambda: findings(scene), (memory, _sizes(pools), exhausted))
        of_ports = self._of("of ports", (ports, *fabric), lambda: state_findings(ports, scene))
        found = self._of("findings", (hosts, of_ports), lambda: by_gravity((*hosts, *of_ports)))
        return Picture(now, links, pools, ports, found, verdicts)

    def _followed(self, snapshot: Snapshot) -> Mapping[str, str]:
        """Where device paths lead; the same object while they lead to the same."""
        links = self._of("links", (snapshot.nvmet, snapshot.block), lambda: self._links(snapshot))
        return self._of("followed", (), lambda: links, frozenset(links.items()))

    def _ports(self, snapshot: Snapshot, links: Mapping[str, str], memory: Hashable) -> tuple[PortState, ...]:
        """The states, in steps: the log and the levels change often, what the rules say seldom."""
        target = snapshot.nvmet
        if target is None:
            return ()
        parts = (snapshot.pci, snapshot.nvme, snapshot.rdma, snapshot.block, snapshot.kernel, links)
        judge = self._of("judge", parts, lambda: Judge(snapshot, None, links), (memory, snapshot.source))
        exports = self._of("exports", (judge, target), lambda: predictions(judge, target))
        observed = (exports, target, snapshot.rdma, snapshot.connections, snapshot.log)
        states = self._of("states", observed, lambda: heard(snapshot, target, exports))
        return self._of("ports", (exports, states), lambda: with_levels(snapshot, exports, states), _scarce(snapshot))

    def _of(self, name: str, parts: tuple[object, ...], make: Callable[[], T], also: Hashable = None) -> T:
        """What was made of these parts, which count as the same only if they are the same objects."""
        known = self._kept.get(name)
        if known is None or known[0][0] != also or list(map(id, known[0][1:])) != list(map(id, parts)):
            # The parts are kept with what was made of them, so that no other object gets their identity.
            known = ((also, *parts), make())
            self._kept[name] = known
        value: T = known[1]  # type: ignore[assignment]  # the same name always has the same maker
        return value


def _verdicts(snapshot: Snapshot) -> Verdicts:
    selection = choose(snapshot, None)
    return Verdicts(selection, Resolver(Topology.of(snapshot), selection.rules), Names(snapshot))


def _memory(snapshot: Snapshot) -> Hashable:
    """What is known of the memory that there is, but how much of it is free."""
    pools = snapshot.pools
    if pools is None:
        return None
    each = tuple((one.address, one.size, one.published, one.character_device) for one in pools.pools.values())
    return (each, tuple(pools.unregistered.items()), pools.gaps)


def _sizes(pools: tuple[PoolState, ...]) -> Hashable:
    return tuple((one.address, one.state, one.size, one.cause, one.controller) for one in pools)


def _scarce(snapshot: Snapshot) -> Hashable:
    """The levels as far as states depend on them: only where less is free than one request may take."""
    pools = snapshot.pools
    if pools is None:
        return None
    levels = ((address, one.available) for address, one in pools.pools.items())
    low = tuple(one for one in levels if isinstance(one[1], Missing) or one[1] < LARGEST_REQUEST)
    return (low, tuple(pools.pools), pools.gaps)
