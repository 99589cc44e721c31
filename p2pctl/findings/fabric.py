"""Which pairs of a host meet where: what makes a port or a host bridge matter, without looking at every pair.

A host may have hundreds of pools and as many drives. The functions that lend or use memory are put in the order of the
tree, so that those below a bridge stand together, and each bridge remembers the first and the last of them: whether a
pair passes it is then a matter of a few comparisons.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from p2pctl.findings.devices import Device
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.resolver.topology import Topology


class Pair(NamedTuple):
    """Two functions that P2P could go between."""

    lender: Address
    client: Address


@dataclass(slots=True)
class _Place:
    """Who is below a node, or below a root bus: places in the order of the tree, -1 for nobody."""

    first: int
    last: int
    lender_first: int = -1
    lender_last: int = -1
    client_first: int = -1
    client_last: int = -1

    def note(self, at: int, *, lender: bool, client: bool) -> None:
        """Somebody who comes after all who were noted before."""
        self.last = at
        if lender:
            self.lender_first = at if self.lender_first < 0 else self.lender_first
            self.lender_last = at
        if client:
            self.client_first = at if self.client_first < 0 else self.client_first
            self.client_last = at

    @property
    def lenders(self) -> set[int]:
        return {self.lender_first, self.lender_last} - {-1}

    @property
    def clients(self) -> set[int]:
        return {self.client_first, self.client_last} - {-1}

    def outside(self, inner: _Place, places: set[int]) -> Iterator[int]:
        """Those of ``places`` that are not below ``inner``."""
        return (at for at in sorted(places) if not inner.first <= at <= inner.last)


class Fabric:
    """The functions of a host that lend memory or use it, and the bridges above them."""

    def __init__(self, topology: Topology, devices: Iterable[Device]) -> None:
        self.topology = topology
        part = {one.function.address: one for one in devices if lends(one) or uses(one)}
        chains = {address: topology.chain(address) for address in part}
        self.members = tuple(sorted(part, key=lambda address: (topology.root(address), chains[address][::-1])))
        """In the order of the tree."""
        self.chains = chains
        self._places: dict[Address | str, _Place] = {}
        self._whole = _Place(0, len(self.members) - 1)
        for at, address in enumerate(self.members):
            one = part[address]
            nodes: tuple[Address | str, ...] = (*chains[address], topology.root(address))
            role = {"lender": lends(one), "client": uses(one)}
            self._whole.note(at, **role)
            for node in nodes:
                self._places.setdefault(node, _Place(at, at)).note(at, **role)

    @property
    def nodes(self) -> Iterator[Address]:
        """Every function of interest and every bridge above one."""
        return (node for node in self._places if isinstance(node, Address))

    @property
    def roots(self) -> Iterator[str]:
        """Root buses with such a function below them."""
        return (node for node in self._places if isinstance(node, str))

    def top(self, node: Address) -> Address:
        """The bridge right below the root bus that a node hangs on, or the node itself."""
        member = self.members[self._places[node].first]
        return self.chains[member][-1]

    @property
    def lends(self) -> bool:
        """Whether anybody lends memory."""
        return bool(self._whole.lenders)

    def over(self, node: Address) -> Pair | None:
        """A pair whose data takes the link above a node: one end below or in it, the other one elsewhere."""
        here = self._places.get(node)
        if here is None:
            return None
        for lender in here.lenders:
            for client in self._whole.outside(here, self._whole.clients):
                return Pair(self.members[lender], self.members[client])
        for client in here.clients:
            for lender in self._whole.outside(here, self._whole.lenders):
                return Pair(self.members[lender], self.members[client])
        return None

    def through(self, node: Address) -> Pair | None:
        """A pair with a common bridge whose way leads through a node as the kernel walks it: ends included.

        A node is on the way of a pair that it stands between, or that meets in it; bridges above that do not count.
        """
        here, whole = self._places[node], self._places[self.top(node)]
        for lender in here.lenders:
            for client in whole.outside(here, whole.clients):
                return Pair(self.members[lender], self.members[client])
        for client in here.clients:
            for lender in whole.outside(here, whole.lenders):
                return Pair(self.members[lender], self.members[client])
        return self._meeting(node)

    def _meeting(self, node: Address) -> Pair | None:
        """A pair that meets in a bridge, or the node itself where it lends to itself."""
        here = self._places[node]
        for lender in sorted(here.lenders):
            for client in sorted(here.clients):
                pair = Pair(self.members[lender], self.members[client])
                if pair.lender == pair.client == node or self._parts(node, *pair):
                    return pair
        return None

    def _branch(self, node: Address, member: Address) -> Address:
        """The node on the way from a bridge to a member below it that is nearest to the bridge."""
        chain = self.chains[member]
        at = chain.index(node)
        return chain[max(at - 1, 0)]

    def between(self, one: Address, other: Address) -> Pair | None:
        """A pair with one end below, or in, each of two nodes that do not contain each other."""
        here, there = self._places[one], self._places[other]
        for lenders, clients in ((here.lenders, there.clients), (there.lenders, here.clients)):
            for lender in lenders:
                for client in clients:
                    return Pair(self.members[lender], self.members[client])
        return None

    def leaving(self, node: Address, member: Address) -> Pair | None:
        """A pair of a member below a bridge that passes the bridge, or meets another in it."""
        own, here, whole = self._places[member], self._places[node], self._places[self.top(node)]
        others = (here.lenders | whole.lenders, here.clients | whole.clients)
        for lenders, clients in ((own.lenders, others[1]), (others[0], own.clients)):
            for lender in sorted(lenders):
                for client in sorted(clients):
                    other = client if lender == own.first else lender
                    if not here.first <= other <= here.last or self._parts(node, member, self.members[other]):
                        return Pair(self.members[lender], self.members[client])
        return None

    def _parts(self, node: Address, one: Address, other: Address) -> bool:
        """Whether two members below a bridge meet in it, and not further down."""
        return self._branch(node, one) != self._branch(node, other)

    def across(self, provider: str, client: str) -> Pair | None:
        """A pair without a common bridge: lender below one root bus, client below another, or the same."""
        here, there = self._places[provider], self._places[client]
        for lender in sorted(here.lenders):
            for user in sorted(there.clients):
                pair = Pair(self.members[lender], self.members[user])
                if provider != client or self.chains[pair.lender][-1] != self.chains[pair.client][-1]:
                    return pair
        return None


def lends(device: Device) -> bool:
    """Whether a function has memory that others could use: registers are no buffers.

    vfio-pci could export its device's memory too, but that is for the guest or program to ask that holds the device:
    without such a wish it is isolated, and nothing that p2pctl says may suggest to weaken that.
    """
    return device.exporter in {"pool", "dma-buf"} and not given_away(device)


def uses(device: Device) -> bool:
    """Whether it could use memory of another function, by a driver of this kernel."""
    return device.matters and device.kind in {"nvme", "rdma", "gpu", "accelerator"} and not given_away(device)


def given_away(device: Device) -> bool:
    """Whether a guest or a program holds it: vfio-pci, and the drivers that are made of it."""
    driver = device.function.driver
    return not isinstance(driver, Missing) and driver.replace("_", "-").endswith("vfio-pci")
