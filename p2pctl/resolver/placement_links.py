"""What a namespace's I/O puts on the links between its drive, a pool and the adapters of its ports.

A read goes from the drive into the pool, and from there to an adapter; a write goes the same way back. Links carry
both directions at once, so a read tells of both: each direction of a link counts for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.pci import Function
from p2pctl.resolver.bandwidth import line_rate
from p2pctl.resolver.conclude import Way
from p2pctl.resolver.resolver import Resolver


class Edge(NamedTuple):
    """One direction of a link."""

    port: Address
    """The root port or downstream port that the link is below."""
    up: bool
    """Towards the root."""


class Links:
    """The links of one host. What they can carry and how functions are connected is worked out once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._topology = resolver.topology
        self._rates: dict[Address, float | None] = {}
        self._routes: dict[tuple[Address, Address], tuple[Edge, ...]] = {}

    def rate(self, port: Address) -> float | None:
        """Decimal GB/s of the link below a port, each way; None where its speed is not known."""
        return self._rates.get(port)

    def flows(self, drive: Address, pool: Address, adapters: Sequence[Address]) -> dict[Edge, float]:
        """How much of a namespace's traffic passes which link when it is read; adapters share it evenly."""
        found = dict.fromkeys(self.route(drive, pool), 1.0)
        for adapter in adapters:
            for edge in self.route(pool, adapter):
                found[edge] = found.get(edge, 0.0) + 1 / len(adapters)
        return found

    def route(self, source: Address, target: Address) -> tuple[Edge, ...]:
        """The links between two functions; none inside one device. Raises NotFoundError."""
        route = self._routes.get((source, target))
        if route is None:
            route = self._routes[source, target] = self._find(source, target)
        return route

    def _find(self, source: Address, target: Address) -> tuple[Edge, ...]:
        if source == target:
            return ()
        direct = self._resolver.way(source, target) is Way.CLEAR
        common = self._topology.common(source, target) if direct else None
        up = [Edge(port, up=True) for port in self._ports(source, common)]
        return (*up, *(Edge(port, up=False) for port in reversed(self._ports(target, common))))

    def _ports(self, address: Address, top: Address | None) -> list[Address]:
        """The ports whose links lie between a function and a bridge above it, or its root bus."""
        found: list[Address] = []
        chain = self._topology.chain(address)
        for lower, upper in pairwise(chain):
            if lower == top:
                break
            port = self._topology.function(upper)
            if port is not None and port.looks_down:
                found.append(upper)
                if upper not in self._rates or self._rates[upper] is None:
                    self._rates[upper] = _rate(self._topology.function(lower)) or _rate(port)
        return found


def _rate(function: Function | None) -> float | None:
    if function is None:
        return None
    speed, width = function.link.speed, function.link.width
    if isinstance(speed, Missing) or isinstance(width, Missing) or speed <= 0 or width <= 0:
        return None
    return line_rate(speed, width)
