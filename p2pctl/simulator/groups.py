"""IOMMU groups, by the kernel's own rule (drivers/iommu/iommu.c, ``pci_device_group``)."""

from __future__ import annotations

from p2pctl.model.pci import PortType
from p2pctl.simulator.layout import Layout, Place

ISOLATION = 0x1D
"""What the kernel asks of a port before it tells devices apart: SV, RR, CR, UF (``REQ_ACS_FLAGS``)."""

_EGRESS = 0x20


def assign(layout: Layout) -> int:
    """Numbers the groups in order of address; gives back how many there are."""
    count = 0
    for place in sorted(layout, key=lambda one: (one.root.owner is not None, one.address)):
        group = _joined(place, layout)
        if group < 0:
            group = count
            count += 1
        place.group = group
    return count


def _joined(place: Place, layout: Layout) -> int:
    """The group of an earlier function that this one cannot be told from; -1 where it starts its own."""
    if place.root.owner is not None:
        # Behind VMD every request carries the id of the function that makes the domain.
        return place.root.owner.group
    start = place
    above = place.parent
    while above is not None:
        if above.device.port in {PortType.PCIE_TO_PCI, None}:
            start = above
        above = above.parent
    above = start.parent
    while above is not None and not _path_isolates(above):
        start = above
        above = above.parent
    if start is not place:
        return start.group
    if not place.multifunction or _isolates(place):
        return -1
    for function in range(8):
        other = layout.places.get(place.address._replace(function=function))
        if other is not None and other.multifunction and other.group >= 0 and not _isolates(other):
            return other.group
    return -1


def _path_isolates(place: Place) -> bool:
    """Whether this port and every one above it keep what is below from its peers."""
    here: Place | None = place
    while here is not None:
        if not _isolates(here):
            return False
        here = here.parent
    return True


def _isolates(place: Place) -> bool:
    """``pci_acs_enabled``: what a function cannot do counts as safe, except for ports, where it must be on."""
    device = place.device
    if device.port in {None, PortType.PCIE_TO_PCI, PortType.PCI_TO_PCIE}:
        return False
    if device.port not in {PortType.ROOT_PORT, PortType.DOWNSTREAM} and not place.multifunction:
        return True
    if device.acs is None:
        return False
    wanted = ISOLATION & (device.acs.capability | _EGRESS)
    return device.acs.control & wanted == wanted
