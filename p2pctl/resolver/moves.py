"""A device in another slot."""

from __future__ import annotations

from dataclasses import replace

from p2pctl.errors import NotFoundError, UsageError
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Missing
from p2pctl.model.pci import Function
from p2pctl.model.snapshot import Snapshot
from p2pctl.model.tree import Pci


def move(snapshot: Snapshot, device: Address, place: str | Address) -> tuple[Snapshot, tuple[str, ...]]:
    """The host with a device, and all that hangs on it, below another port, and what that was taken to mean.

    ``place``: the port, or the name of a physical slot. The functions keep their addresses, so that the same question
    can be asked again. Raises NotFoundError for what is not there, UsageError for what cannot be moved there.
    """
    if snapshot.pci is None:
        raise ValueError("a move needs the part pci")
    pci = snapshot.pci
    function = pci.functions.get(device)
    if function is None:
        raise NotFoundError(f"no PCI function {device}", hint="p2pctl device list shows what is there")
    port = _port(pci, place)
    moved = _with_it(pci, function)
    if port.address in moved:
        raise UsageError(f"{device} cannot be moved below itself", hint="name a port that is not part of it")
    functions = dict(pci.functions)
    for address in moved:
        functions[address] = _placed(functions[address], function, port)
    sentences = [
        f"{device} is plugged in below {port.address}; it keeps its address here, a real host gives it another"
    ]
    taken = [str(other.address) for other in pci.below(port.address, port.root) if other.address not in moved]
    if taken:
        sentences.append(f"what is there now is taken out: {', '.join(taken)}")
        for address in _subtrees(pci, [other for other in map(Address.parse, taken) if other is not None]) - moved:
            functions.pop(address, None)
    return replace(snapshot, pci=replace(pci, functions=functions)), tuple(sentences)


def slots(pci: Pci) -> tuple[Function, ...]:
    """The ports that a device can be plugged in below: root ports and downstream ports."""
    return tuple(one for one in pci.functions.values() if one.looks_down)


def is_free(pci: Pci, port: Function) -> bool:
    """Whether nothing is plugged in below it."""
    return not any(one.parent == port.address for one in pci.functions.values())


def _port(pci: Pci, place: str | Address) -> Function:
    if isinstance(place, str):
        holders = {one.parent for one in pci.functions.values() if one.slot == place and one.parent is not None}
        ports = {one for one in holders if one in pci.functions}
        if not ports:
            raise NotFoundError(f"no slot is called {place}", hint="name the port above it by its PCI address")
        if len(ports) > 1:
            raise UsageError(
                f"slot {place} is ambiguous: {', '.join(map(str, sorted(ports)))}", hint="name one of these ports"
            )
        return pci.functions[ports.pop()]
    port = pci.functions.get(place)
    if port is None:
        raise NotFoundError(f"no PCI function {place}", hint="p2pctl topology shows the ports")
    if not port.is_bridge:
        raise UsageError(f"{place} is no port, it is an {port.role}", hint="p2pctl topology shows the ports")
    return port


def _with_it(pci: Pci, function: Function) -> frozenset[Address]:
    """All functions of the device, the virtual ones too, and what is below them."""
    physical = function.address if isinstance(function.physfn, Missing) else function.physfn
    place = physical[:3]
    parent = function.parent
    own = [
        one.address
        for one in pci.functions.values()
        if (one.address[:3] == place and one.parent == parent) or one.physfn == physical
    ]
    return _subtrees(pci, own)


def _subtrees(pci: Pci, tops: list[Address]) -> frozenset[Address]:
    found = set(tops)
    children: dict[Address, list[Address]] = {}
    for one in pci.functions.values():
        if one.parent is not None:
            children.setdefault(one.parent, []).append(one.address)
    waiting = list(found)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return frozenset(found)


def _placed(one: Function, top: Function, port: Function) -> Function:
    direct = one.parent == top.parent
    tail = one.path[len(top.path.rpartition("/")[0]) :]
    return one._replace(
        parent=port.address if direct else one.parent,
        path=f"{port.path}{tail}",
        root=port.root,
        numa_node=port.numa_node,
        slot=ABSENT if direct else one.slot,
    )
