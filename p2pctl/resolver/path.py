"""The way between two functions, hop by hop."""

from __future__ import annotations

from p2pctl.model.address import Address
from p2pctl.model.facts import NOT_READ
from p2pctl.model.pci import Link
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.verdict import Hop, Side

_UNKNOWN_LINK = Link(*(NOT_READ,) * len(Link._fields))


def walk(resolver: Resolver, provider: Address, client: Address) -> tuple[Hop, ...]:
    """From the provider up and down to the client. Raises NotFoundError."""
    topology = resolver.topology
    up, down = topology.chain(provider), topology.chain(client)
    common = topology.common(provider, client)
    if common is not None:
        up, down = up[: up.index(common)], down[: down.index(common)]
    counts = common is not None and bool(resolver.rules.acs_mask)

    def hop(address: Address, side: Side) -> Hop:
        return _hop(resolver, address, side, counts=counts)

    return (
        *(hop(address, "provider") for address in up),
        *(() if common is None else (hop(common, "common"),)),
        *(hop(address, "client") for address in reversed(down)),
    )


def counting(resolver: Resolver, provider: Address, client: Address) -> tuple[Address, ...]:
    """The functions of that way whose redirection counts; none without a common bridge. Raises NotFoundError."""
    topology = resolver.topology
    common = topology.common(provider, client)
    if common is None or not resolver.rules.acs_mask:
        return ()
    up, down = topology.chain(provider), topology.chain(client)
    return (*up[: up.index(common) + 1], *reversed(down[: down.index(common)]))


def _hop(resolver: Resolver, address: Address, side: Side, *, counts: bool) -> Hop:
    function = resolver.topology.function(address)
    return Hop(
        address=address,
        side=side,
        role="unknown" if function is None else function.role,
        slot=NOT_READ if function is None else function.slot,
        acs=resolver.topology.acs(address),
        redirects=resolver.redirects(address),
        counts=counts,
        link=_UNKNOWN_LINK if function is None else function.link,
    )
