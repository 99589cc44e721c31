"""Remedies for pairs that no bridge connects: another slot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from p2pctl.model.address import Address
from p2pctl.model.facts import Missing, known
from p2pctl.model.pci import Function
from p2pctl.model.snapshot import Snapshot
from p2pctl.model.tree import Pci
from p2pctl.resolver.acs_remedies import disable_line, grub_line, redirecting_ports
from p2pctl.resolver.boot import boot, release_of
from p2pctl.resolver.explain import resolve
from p2pctl.resolver.moves import is_free, move, slots
from p2pctl.resolver.releases import has_kernel_parameter_bug
from p2pctl.resolver.remedy import Remedy, RemedyCode, again, better
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Outcome, Verdict

_TRIES = 12
"""Slots that are tried for each device: beyond that a person chooses better."""


def move_remedies(snapshot: Snapshot, verdict: Verdict) -> Iterator[Remedy]:
    """At most one below a common switch and one on a common root bus: a free slot before one that is taken."""
    if snapshot.pci is None or isinstance(verdict.client, str) or verdict.common is not None:
        return
    ends = ((verdict.client, verdict.provider), (verdict.provider, verdict.client))
    for code in _CODES:
        found = (
            remedy
            for device, other in ends
            for port in islice(_candidates(snapshot.pci, Topology.of(snapshot), device, other, code), _TRIES)
            for remedy in _try(snapshot, verdict, device, port, code)
        )
        yield from islice(found, 1)


_CODES: tuple[RemedyCode, ...] = ("move-below-one-switch", "move-to-one-root-bus")


def _candidates(pci: Pci, topology: Topology, device: Address, other: Address, code: RemedyCode) -> Iterator[Function]:
    """Ports that the device could be plugged in below, the most likely ones first."""
    function = pci.functions[device]
    above = topology.chain(other)
    if function.parent is None or function.is_bridge or not isinstance(function.physfn, Missing):
        return  # soldered to the root bus, no card, or not a card of its own
    near = set(above[1:])

    def together(port: Function) -> bool:
        return bool(near & set(topology.chain(port.address)))

    wanted = code == "move-below-one-switch"
    ports = [
        port
        for port in slots(pci)
        if port.root == topology.root(other) and port.address not in above and together(port) is wanted
    ]
    taken = {one.parent for one in pci.functions.values()}
    yield from sorted(ports, key=lambda port: (port.address in taken, port.address))


def _try(snapshot: Snapshot, verdict: Verdict, device: Address, port: Function, code: RemedyCode) -> Iterator[Remedy]:
    moved, said = move(snapshot, device, port.address)
    result = again(moved, verdict)
    commands: tuple[str, ...] = ()
    ports: tuple[Address, ...] = ()
    if not better(verdict, result):
        ports, commands, result = _with_acs_off(moved, verdict, result)
        if not better(verdict, result):
            return
    free = snapshot.pci is not None and is_free(snapshot.pci, port)
    slot = known(port.slot, None)
    where = f"the {'free ' if free else ''}slot below {port.address}{f' ({slot})' if slot else ''}"
    swapped = "" if free else f"; {said[-1]}"
    also = "; the ports there redirect, so that it needs this option too" if commands else ""
    yield Remedy(
        code=code,
        text=f"move {device} to {where}{swapped}{also}",
        commands=commands,
        risk=_RISKS[code],
        verify=(f"p2pctl topology  # both below {'one switch' if code == _CODES[0] else port.root}",),
        result=result,
        ports=ports,
    )


def _with_acs_off(
    moved: Snapshot, verdict: Verdict, result: Outcome
) -> tuple[tuple[Address, ...], tuple[str, ...], Outcome]:
    if has_kernel_parameter_bug(release_of(moved)):
        return (), (), result
    there = resolve(Resolver(Topology.of(moved), verdict.rules), verdict.provider, verdict.client)
    ends = {verdict.provider, verdict.client}
    ports = redirecting_ports(there)
    if not ports or ends & set(ports):  # an end's own path form is different in its new place
        return (), (), result
    option, line = disable_line(moved, ports)
    return ports, (option, grub_line(option)), again(boot(moved, line)[0], verdict)


_RISKS: dict[RemedyCode, str] = {
    "move-below-one-switch": "the machine is off meanwhile; both then share the switch's link to the processor",
    "move-to-one-root-bus": "the machine is off meanwhile; traffic through a host bridge is slower than its links",
}
