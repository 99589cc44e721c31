"""Devices as kernel parameters name them (drivers/pci/pci.c: ``pci_dev_str_match``)."""

from __future__ import annotations

from p2pctl.model.address import Address
from p2pctl.model.facts import known
from p2pctl.resolver.topology import Topology


def path_form(topology: Topology, address: Address) -> str:
    """The name that survives renumbering: from the root bus down, bus numbers only there. Raises NotFoundError."""
    first, *below = reversed(topology.chain(address))
    return "/".join([str(first), *(f"{node.device:02x}.{node.function}" for node in below)])


def names_device(topology: Topology, device: str, address: Address) -> bool:
    """Whether a device string, as the kernel accepts it, means this function. Raises NotFoundError."""
    if device.lower().startswith("pci:"):
        return _ids_match(topology, device, address)
    head, *below = device.split("/")
    chain = topology.chain(address)
    if len(chain) <= len(below):
        return False
    pairs = zip(reversed(below), chain, strict=False)
    return all(_slot(text) == node[2:] for text, node in pairs) and _place(head) == chain[len(below)]


def _ids_match(topology: Topology, device: str, address: Address) -> bool:
    function = topology.function(address)
    if function is None:
        return False
    wanted = [int(part, 16) for part in device.split(":")[1:]]
    ids = (function.vendor, function.device, function.subsystem_vendor, function.subsystem_device)
    return all(want in {0, known(has, -1)} for want, has in zip(wanted, ids, strict=False))


def _slot(text: str) -> tuple[int, int]:
    device, _, function = text.partition(".")
    return int(device, 16), int(function, 16)


def _place(text: str) -> tuple[int, int, int, int]:
    *above, last = text.split(":")
    numbers = [int(part, 16) for part in above]
    domain, bus = (0, *numbers)[-2:]
    return (domain, bus, *_slot(last))
