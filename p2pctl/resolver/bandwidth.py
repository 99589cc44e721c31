"""What the links of a path could carry at most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from p2pctl.model.address import Address
from p2pctl.model.facts import NOT_READ, Fact, Missing
from p2pctl.model.pci import Function, Link
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.verdict import Verdict

USUAL_PAYLOAD = 256
"""Bytes of payload in a packet on most hosts; reckoned with where it could not be read."""

_OWN_TRAFFIC = 0.95
"""What is left beside acknowledgements, flow control and skip sets."""

_HOST_BRIDGE = (0.65, 0.85)
"""Of the line rate, what came through host bridges where it was measured: 0.68 on Ice Lake-SP, 0.83 on Zen."""

_FLIT_SPEED = 64.0
"""GT/s from which on packets travel in flits."""


@dataclass(frozen=True, slots=True)
class LinkCeiling:
    """One link of a path."""

    address: Address
    """Its lower end; the upper end is the port above that."""
    link: Link
    payload: Fact[int]
    """Bytes of payload in a packet (MPS): the smaller setting of its two ends."""
    raw: float | None
    """GB/s (10^9 bytes) in one direction after line encoding; None where speed or width is not known."""
    ceiling: float | None
    """GB/s of payload: ``raw`` less the packets' headers and the link's own traffic."""
    below_best: bool
    """Whether it runs slower or narrower than both its ends could."""


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """What an allowed path could carry in one direction. Says nothing about whether the data arrives intact."""

    kind: Literal["ceiling", "measured-range", "no-prediction"]
    """``ceiling``: through switches alone; ``measured-range``: through the host bridge, between ``low`` and ``high``
    on the machines where it was measured; ``no-prediction``: between sockets, or links are not known."""
    low: float | None
    """GB/s (10^9 bytes); only for a range."""
    high: float | None
    """GB/s (10^9 bytes): the ceiling, or the upper end of the range."""
    limiting: Address | None
    """Lower end of the link that carries least; the first of several."""
    payload: int | None
    """Bytes of payload in a packet that were reckoned with: the least on the path."""
    links: tuple[LinkCeiling, ...]
    """From the provider to the client; a port inside a switch has none."""
    below_best: tuple[Address, ...]
    """Lower ends of links that run slower or narrower than both their ends could."""
    warnings: tuple[str, ...]


def line_rate(speed: float, width: int) -> float:
    """GB/s (10^9 bytes) in one direction after line encoding, at ``speed`` GT/s on ``width`` lanes.

    8/10 up to 5 GT/s, 128/130 up to 32 GT/s (include/linux/pci.h: ``PCIE_SPEED2MBS_ENC``); from 64 GT/s on 236 of the
    256 bytes of a flit are packets (PCI Express Base Specification 6.0, section 4.2.3).
    """
    encoding = 0.8 if speed < 8 else 128 / 130 if speed < _FLIT_SPEED else 236 / 256
    return speed * encoding / 8 * width


def efficiency(payload: int, speed: float) -> float:
    """The share of a write packet that is payload; ``payload`` in bytes.

    Beside it go 24 bytes: framing and sequence number 4, header 16, check sum 4; in flits the header alone.
    """
    return payload / (payload + (16 if speed >= _FLIT_SPEED else 24))


def bandwidth(snapshot: Snapshot, verdict: Verdict) -> Bandwidth | None:
    """The ceiling of an allowed path; None where the pair is not allowed, or provider and client are one function.

    Raises ValueError without the part ``pci``.
    """
    if verdict.verdict != "allowed" or verdict.provider == verdict.client:
        return None
    if snapshot.pci is None:
        raise ValueError("a bandwidth needs the part pci")
    functions = snapshot.pci.functions
    path = [functions[hop.address] for hop in verdict.path if hop.address in functions]
    payload = _least_payload(path)
    ends = [functions[address] for address in _way(functions, verdict) if address in functions]
    links = tuple(_links(snapshot, ends, payload))
    warnings = [*_payload_warnings(path, payload), *_link_warnings(links)]
    below = tuple(dict.fromkeys(link.address for link in links if link.below_best))
    known = [link for link in links if link.ceiling is not None and link.raw is not None]
    limiting = min(known, key=lambda link: link.ceiling or 0.0, default=None)
    apart = verdict.map_type == "through-host-bridge" and _sockets_differ(path)
    if verdict.map_type == "through-host-bridge":
        warnings += _host_bridge_warnings(verdict, apart=apart)
    low, high, kind = _prediction(verdict, limiting, apart=apart)
    return Bandwidth(
        kind=kind,
        low=low,
        high=high,
        limiting=limiting.address if limiting else None,
        payload=payload or USUAL_PAYLOAD,
        links=links,
        below_best=below,
        warnings=tuple(warnings),
    )


def _way(functions: Mapping[Address, Function], verdict: Verdict) -> tuple[Address, ...]:
    """The nodes whose upward links are on the way, that of the common bridge too where the way leads above it."""
    above: list[Address] = []
    place = verdict.common if verdict.map_type == "through-host-bridge" else None
    while place is not None and place not in above:
        above.append(place)
        place = functions[place].parent if place in functions else None
    sides = {side: [hop.address for hop in verdict.path if hop.side == side] for side in ("provider", "client")}
    return (*sides["provider"], *above, *sides["client"])


def _prediction(
    verdict: Verdict, limiting: LinkCeiling | None, *, apart: bool
) -> tuple[float | None, float | None, Literal["ceiling", "measured-range", "no-prediction"]]:
    if (
        limiting is None
        or limiting.raw is None
        or apart
        or verdict.map_type not in {"bus-address", "through-host-bridge"}
    ):
        return None, None, "no-prediction"
    if verdict.map_type == "bus-address":
        return None, limiting.ceiling, "ceiling"
    least, most = _HOST_BRIDGE
    return limiting.raw * least, limiting.raw * most, "measured-range"


def _links(snapshot: Snapshot, ends: Sequence[Function], payload: int | None) -> Iterator[LinkCeiling]:
    functions = snapshot.pci.functions if snapshot.pci else {}
    for function in ends:
        owner = function if isinstance(function.physfn, Missing) else functions.get(function.physfn, function)
        if owner.looks_down or owner.parent is None:
            continue  # the link below a port belongs to what is plugged into it; on a root bus there is none
        parent = functions.get(owner.parent)
        link = owner.link
        raw = None
        ceiling = None
        if not isinstance(link.speed, Missing) and not isinstance(link.width, Missing) and link.width > 0:
            raw = line_rate(link.speed, link.width)
            ceiling = raw * efficiency(payload or USUAL_PAYLOAD, link.speed) * _OWN_TRAFFIC
        ends_payload = _least_payload([owner, *([parent] if parent else [])])
        yield LinkCeiling(
            owner.address, link, NOT_READ if ends_payload is None else ends_payload, raw, ceiling, owner.link.below_best
        )


def _least_payload(functions: Sequence[Function]) -> int | None:
    sizes = [one.config.max_payload for one in functions]
    return min((size for size in sizes if not isinstance(size, Missing)), default=None)


def _payload_warnings(path: Sequence[Function], payload: int | None) -> Iterator[str]:
    if payload is None:
        yield f"how much a packet carries (MPS) could not be read: reckoned with {USUAL_PAYLOAD} bytes"
        return
    over = [str(end.address) for end in (path[0], path[-1]) if _over(end, payload)]
    if over:
        yield (
            f"{', '.join(over)} may send packets larger than the {payload} bytes that something on the way takes: such "
            "packets are errors (Malformed TLP); pci=pcie_bus_peer2peer sets 128 bytes everywhere"
        )


def _over(end: Function, payload: int) -> bool:
    size = end.config.max_payload
    return not isinstance(size, Missing) and size > payload


def _link_warnings(links: Sequence[LinkCeiling]) -> Iterator[str]:
    unknown = [str(link.address) for link in links if link.raw is None]
    if unknown:
        yield f"the speed or width of these links is not known: {', '.join(unknown)}"


def _sockets_differ(path: Sequence[Function]) -> bool:
    nodes = {one.numa_node for one in (path[0], path[-1]) if not isinstance(one.numa_node, Missing)}
    return len({node for node in nodes if node >= 0}) > 1


def _host_bridge_warnings(verdict: Verdict, *, apart: bool) -> Iterator[str]:
    if apart:
        yield "the two are on different NUMA nodes: between sockets there is no telling what arrives"
    else:
        yield (
            "through a host bridge it depends on the processor: 65 to 85 % of the line rate were measured, and less "
            "when one source writes to several host bridges at once"
        )
    if any(
        bridge.entry is not None and bridge.entry.same_only
        for bridge in (verdict.crossing.bridges if verdict.crossing else ())
    ):
        yield "host bridges of this age read far slower than they write"
