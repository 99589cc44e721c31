"""IOMMU groups as the kernel forms them (drivers/iommu/iommu.c: ``pci_device_group``)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, Missing
from p2pctl.model.pci import Function, PortType
from p2pctl.model.tree import Pci

ISOLATION = 0x1D
"""ACS bits without which functions are not told apart: SV, RR, CR, UF (``REQ_ACS_FLAGS``)."""

_EGRESS = 0x20
_BRIDGES = {PortType.PCIE_TO_PCI, PortType.PCI_TO_PCIE, PortType.EVENT_COLLECTOR}
_PORTS = {PortType.ROOT_PORT, PortType.DOWNSTREAM}
_GUEST_DRIVERS = ("vfio-pci", "vfio_pci", "mlx5_vfio_pci", "hisi_acc_vfio_pci", "nvgrace_gpu_vfio_pci", "xe_vfio_pci")


@dataclass(frozen=True, slots=True)
class GroupMerge:
    """Groups that become one."""

    before: tuple[tuple[Address, ...], ...]
    """The functions of each group that there is now, in order of address."""
    numbers: tuple[int, ...]
    """Numbers of these groups now, where the kernel has given any; they change with the next boot."""
    members: tuple[Address, ...]
    """The functions that share the one group then."""
    guests: tuple[Address, ...]
    """Those of them that a vfio driver holds: virtual machines, or programs in user space, have them."""


def predict_groups(pci: Pci) -> tuple[tuple[Address, ...], ...]:
    """The groups that a kernel with an IOMMU would make of this tree, in order of their first function.

    Per-device exceptions of the kernel (drivers/pci/quirks.c: ACS by other means, aliases) are left out.
    """
    return _sorted_groups(_leaders(pci))


def recorded_groups(pci: Pci) -> tuple[tuple[Address, ...], ...]:
    """The groups that the kernel made; functions without one are left out."""
    numbers = {f.address: f.iommu_group for f in pci.functions.values() if not isinstance(f.iommu_group, Missing)}
    return _sorted_groups(numbers)


def group_merges(before: Pci, after: Pci) -> tuple[GroupMerge, ...]:
    """Which groups of ``before``, as the kernel recorded them, are one in ``after``; none without an IOMMU.

    What counts is the difference between two predictions, so that an exception of the kernel's for some device, which
    is in neither, does no harm.
    """
    old, new = _leaders(before), _leaders(after)
    numbers = {f.address: f.iommu_group for f in before.functions.values() if not isinstance(f.iommu_group, Missing)}
    if not numbers:
        return ()
    clusters: dict[Address, set[Address]] = {}
    for members in _by_key(numbers).values():
        shared = set(members)
        clusters.update(dict.fromkeys(members, shared))
    for members in _by_key(new).values():
        for one in members[1:]:
            if old.get(one) != old.get(members[0]) and members[0] in clusters and one in clusters:
                _join(clusters, members[0], one)
    unique = {id(cluster): cluster for cluster in clusters.values()}
    found = (_merge(before, numbers, cluster) for cluster in unique.values())
    return tuple(sorted((merge for merge in found if len(merge.before) > 1), key=lambda merge: merge.members))


def is_guest(function: Function) -> bool:
    """Whether a vfio driver holds it."""
    return function.driver in _GUEST_DRIVERS


def _join(clusters: dict[Address, set[Address]], one: Address, other: Address) -> None:
    target, source = clusters[one], clusters[other]
    if target is not source:
        target |= source
        clusters.update(dict.fromkeys(source, target))


def _merge(pci: Pci, numbers: Mapping[Address, int], cluster: set[Address]) -> GroupMerge:
    parts = _by_key({member: numbers[member] for member in sorted(cluster)})
    members = tuple(sorted(cluster))
    return GroupMerge(
        before=tuple(sorted(tuple(part) for part in parts.values())),
        numbers=tuple(sorted({numbers[member] for member in members})),
        members=members,
        guests=tuple(member for member in members if is_guest(pci.functions[member])),
    )


def _sorted_groups(keys: Mapping[Address, Hashable]) -> tuple[tuple[Address, ...], ...]:
    return tuple(sorted(tuple(sorted(members)) for members in _by_key(keys).values()))


def _by_key(keys: Mapping[Address, Hashable]) -> dict[Hashable, list[Address]]:
    found: dict[Hashable, list[Address]] = {}
    for address, key in keys.items():
        found.setdefault(key, []).append(address)
    return found


def _leaders(pci: Pci) -> dict[Address, Address]:
    """For every function the one whose group it joins; itself where it opens one."""
    slots: dict[tuple[Address | None, int, int, int], list[Function]] = {}
    for function in pci.functions.values():
        if isinstance(function.physfn, Missing):
            slots.setdefault((function.parent, *function.address[:3]), []).append(function)
    tree = _Tree(pci, slots)
    return {address: tree.leader(function) for address, function in pci.functions.items()}


class _Tree:
    """One walk over a tree; what is known of a bridge serves all below it."""

    def __init__(self, pci: Pci, slots: Mapping[tuple[Address | None, int, int, int], list[Function]]) -> None:
        self._functions = pci.functions
        self._slots = slots
        self._found: dict[Address, Address] = {}
        self._isolated_path: dict[Address, bool] = {}

    def leader(self, function: Function) -> Address:
        found = self._found.get(function.address)
        if found is None:
            self._found[function.address] = function.address  # a made-up tree may be its own parent
            found = self._found[function.address] = self._leader(function)
        return found

    def _leader(self, function: Function) -> Address:
        for bridge in self._above(function):
            if _is_alias(bridge):
                return self.leader(bridge)
        parent = self._parent(function)
        if parent is not None and not self._path_isolates(parent):
            return self.leader(parent)
        if self._multifunction(function) and not self._isolates(function):
            fellows = (one for one in self._slot(function) if not self._isolates(one))
            return min((one.address for one in fellows), default=function.address)
        return function.address

    def _parent(self, function: Function) -> Function | None:
        return None if function.parent is None else self._functions.get(function.parent)

    def _above(self, function: Function) -> Iterable[Function]:
        seen = {function.address}
        place = self._parent(function)
        while place is not None and place.address not in seen:
            seen.add(place.address)
            yield place
            place = self._parent(place)

    def _slot(self, function: Function) -> list[Function]:
        return self._slots.get((function.parent, *function.address[:3]), [])

    def _multifunction(self, function: Function) -> bool:
        if not isinstance(function.physfn, Missing):
            return False
        return function.config.multifunction is True or function.address.function > 0 or len(self._slot(function)) > 1

    def _path_isolates(self, port: Function) -> bool:
        """Whether it and everything above it tells what is below apart (``pci_acs_path_enabled``)."""
        known = self._isolated_path.get(port.address)
        if known is None:
            self._isolated_path[port.address] = True
            parent = self._parent(port)
            known = self._isolates(port) and (parent is None or self._path_isolates(parent))
            self._isolated_path[port.address] = known
        return known

    def _isolates(self, function: Function) -> bool:
        """``pci_acs_enabled``."""
        kind = function.config.port_type
        if kind is ABSENT or kind in _BRIDGES:
            return False
        looks_down = function.looks_down if isinstance(kind, Missing) else kind in _PORTS
        return _has_flags(function) if looks_down or self._multifunction(function) else True


def _has_flags(function: Function) -> bool:
    acs = function.config.acs
    if isinstance(acs, Missing):
        return acs is not ABSENT  # what could not be read is taken to isolate, so that a change of it shows
    wanted = ISOLATION & (acs.capability | _EGRESS)
    return acs.control & wanted == wanted


def _is_alias(bridge: Function) -> bool:
    """Whether what is below reaches the IOMMU under this bridge's name (``pci_for_each_dma_alias``)."""
    kind = bridge.config.port_type
    return kind is ABSENT or kind in {PortType.PCIE_TO_PCI, PortType.PCI_TO_PCIE}
