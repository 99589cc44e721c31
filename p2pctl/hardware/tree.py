"""Reads the whole PCI tree: functions, bridges, host bridges, IOMMU groups."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.hardware.pci import GROUPS, FunctionReader, Surroundings, list_functions
from p2pctl.hardware.reading import Reader, natural
from p2pctl.kernel import Names
from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing, known
from p2pctl.model.pci import Function, PortType
from p2pctl.model.tree import HostBridge, IommuGroup, Pci


def read_pci(reader: Reader, names: Names, surroundings: Surroundings, now: float, *, wake: bool = False) -> Pci:
    """The whole tree. A function that is taken away meanwhile is left out."""
    read = FunctionReader(reader, names, surroundings)
    functions: dict[Address, Function] = {}
    virtual: dict[Address, list[Address]] = {}
    for address in list_functions(reader):
        function = read.read(address, config=True, wake=wake)
        if function is None:
            continue
        functions[address] = function
        if not isinstance(function.physfn, Missing):
            virtual.setdefault(function.physfn, []).append(address)
    for physical, children in virtual.items():
        if physical in functions:
            functions[physical] = functions[physical]._replace(virtfns=tuple(children))
    groups = {
        int(name): IommuGroup(int(name), reader.text(f"{GROUPS}/{name}/type", "iommu group type", name))
        for name in sorted(known(surroundings.groups, ()), key=natural)
        if name.isascii() and name.isdigit() and len(name) < 10
    }
    return Pci(now, functions, _host_bridges(functions), groups, tuple(reader.gaps))


def _host_bridges(functions: Mapping[Address, Function]) -> dict[str, HostBridge]:
    """Root buses with the function that stands for each of them.

    The kernel takes the first device of the bus's list, which the scan filled in order of device and function.
    """
    first: dict[str, Function] = {}
    for function in functions.values():
        if function.parent is None and isinstance(function.physfn, Missing):
            first.setdefault(function.root, function)
    roots = sorted({function.root for function in functions.values()})
    # Of a root bus whose own functions went away meanwhile, nothing is known.
    return {
        root: HostBridge(root, first[root].address, _representative(first[root]))
        if root in first
        else HostBridge(root, None, UNREADABLE)
        for root in roots
    }


def _representative(function: Function) -> Fact[Address]:
    if function.address.device == 0 and function.address.function == 0:
        return function.address
    port_type = function.config.port_type
    if isinstance(port_type, Missing):
        return ABSENT if port_type is ABSENT else UNREADABLE
    return function.address if port_type == PortType.ROOT_PORT else ABSENT
