"""How far apart two functions of a simulated host are for the kernel (drivers/pci/p2pdma.c)."""

from __future__ import annotations

from p2pctl.simulator.layout import Layout, Place

_REDIRECTS = 0x2C
"""ACS bits that send traffic up: request and completion redirect, egress control (``pci_bridge_has_acs_redir``)."""
_LISTED = frozenset({(0x8086, 0x09A2)})
"""Host bridges that the kernel trusts with peer traffic, as far as simulated hosts have them."""


def hops(layout: Layout, provider: str, client: str) -> int:
    """Steps between provider and client, both PCI addresses; -1 where the kernel allows no P2P between them."""
    try:
        up, down = _chain(layout[provider]), _chain(layout[client])
    except KeyError:
        return -1
    for steps, node in enumerate(down):
        if node in up:
            way = [*down[: steps + 1], *up[: up.index(node)]]
            if any(_redirects(one) for one in way) and not _trusted(up[0]):
                return -1
            return steps + up.index(node)
    return len(up) + len(down) if _trusted(up[0]) and _trusted(down[0]) else -1


def _chain(place: Place) -> list[Place]:
    """A function and the bridges above it."""
    found = [place]
    while found[-1].parent is not None:
        found.append(found[-1].parent)
    return found


def _redirects(place: Place) -> bool:
    return place.device.acs is not None and bool(place.device.acs.control & _REDIRECTS)


def _trusted(place: Place) -> bool:
    """Whether the first function of its root bus is on the list."""
    first = next((one for one in place.root.bus.devices if one.at == (0, 0)), None)
    return first is not None and first.ids in _LISTED
