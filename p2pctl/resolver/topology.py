"""The PCI tree as the kernel walks it for P2P: up from a function to its root bus."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from p2pctl.errors import NotFoundError
from p2pctl.model.address import Address
from p2pctl.model.facts import NOT_READ, Fact, Gap, Missing
from p2pctl.model.pci import Acs, Function
from p2pctl.model.snapshot import Snapshot
from p2pctl.model.tree import HostBridge, Pci
from p2pctl.resolver.host import HostFacts, host_facts


class Topology:
    """What verdicts need of a snapshot. It works out only what is asked for, and remembers it."""

    def __init__(self, pci: Pci, host: HostFacts) -> None:
        self.host = host
        self._pci = pci
        self._functions: Mapping[Address, Function] = pci.functions
        self._chains: dict[Address, tuple[Address, ...]] = {}

    @classmethod
    def of(cls, snapshot: Snapshot) -> Topology:
        """Of a snapshot with the part ``pci``; without ``kernel`` what a rule asks of the host is unknown.

        Raises ValueError without ``pci``.
        """
        if snapshot.pci is None:
            raise ValueError("a topology needs the part pci")
        return cls(snapshot.pci, host_facts(snapshot))

    def function(self, address: Address) -> Function | None:
        """The function; None where one is known only as a bridge above others."""
        return self._functions.get(address)

    def root(self, address: Address) -> str:
        """The root bus that it is below: ``pci0000:00``, one host bridge of the kernel. Raises NotFoundError."""
        return self._known(address).root

    def host_bridge(self, root: str) -> HostBridge | None:
        """The root bus of that name."""
        return self._pci.host_bridges.get(root)

    def acs(self, address: Address) -> Fact[Acs]:
        """Its ACS registers; ABSENT where it has none."""
        function = self._functions.get(address)
        return NOT_READ if function is None else function.config.acs

    def gap(self, address: str) -> Gap | None:
        """Why its configuration space is not known, or not all of it."""
        return self._gaps.get(address)

    def chain(self, address: Address) -> tuple[Address, ...]:
        """The function itself and every bridge above it, as ``pci_upstream_bridge`` climbs (include/linux/pci.h).

        A virtual function is its own first node, but what is above it is what is above its physical function; a
        function on a root bus has nothing above it. Raises NotFoundError.
        """
        chain = self._chains.get(address)
        if chain is None:
            chain = self._chains[address] = self._climb(self._known(address))
        return chain

    def common(self, one: Address, other: Address) -> Address | None:
        """The lowest node that both chains have. Raises NotFoundError."""
        above = set(self.chain(other))
        return next((node for node in self.chain(one) if node in above), None)

    def _known(self, address: Address) -> Function:
        function = self._functions.get(address)
        if function is None:
            raise NotFoundError(f"no PCI function {address}", hint="p2pctl device list shows what is there")
        return function

    def _climb(self, function: Function) -> tuple[Address, ...]:
        physical = None if isinstance(function.physfn, Missing) else self._functions.get(function.physfn)
        place = physical or function
        chain = [function.address]
        while place.parent is not None and place.parent not in chain:  # a made-up tree may be its own parent
            chain.append(place.parent)
            bridge = self._functions.get(place.parent)
            if bridge is None:
                chain.extend(_beyond(place))
                break
            place = bridge
        return tuple(chain)

    @cached_property
    def _gaps(self) -> dict[str, Gap]:
        gaps = (gap for gap in self._pci.gaps if gap.address is not None and gap.fact == "configuration space")
        return {gap.address: gap for gap in gaps if gap.address is not None}


def _beyond(function: Function) -> tuple[Address, ...]:
    """What is above the bridge above a function, nearest first, from the name of its directory."""
    names = function.path.rpartition(f"/{function.root}/")[2].split("/")[:-2]
    return tuple(address for address in map(Address.from_sysfs, reversed(names)) if address is not None)
