"""What firmware does before the kernel starts: numbers the buses, gives memory to every function and its bridges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from p2pctl.model.address import Address
from p2pctl.model.pci import Bar
from p2pctl.simulator.pci import GIB, MIB, Device, Region, RootBus

IO, MEMORY, PREFETCHABLE = 0, 1, 2
"""The three windows of a bridge, in the order of the kernel's ``resource`` file."""

_GRANULE = (4096, MIB, MIB)
"""Bytes that a bridge's window starts and ends on a multiple of."""
_IO_SPAN = 0x1000
_MEMORY_BASE = 0x80000000
_MEMORY_SPAN = 0x0A000000
_LOW_ROOTS = 10
_PREFETCHABLE_BASE = 0x200000000000
_PREFETCHABLE_SPAN = 1024 * GIB

Window = tuple[int, int]
"""First and last address."""


@dataclass(slots=True, eq=False)
class Root:
    """A root bus in its place."""

    bus: RootBus
    name: str
    """``pci0000:15``."""
    path: str
    """Its directory, a kernel path."""
    owner: Place | None = None
    """The function that makes it, for a domain of its own."""
    last: int = 0
    """Highest bus number below it."""


@dataclass(slots=True, eq=False)
class Place:
    """A function in its place."""

    device: Device
    address: Address
    path: str
    """Its directory, a kernel path."""
    root: Root
    parent: Place | None
    """The bridge above it; None on a root bus."""
    multifunction: bool
    secondary: int = 0
    subordinate: int = 0
    bars: tuple[Bar, ...] = ()
    windows: list[Window | None] = field(default_factory=lambda: [None, None, None])
    below: list[Place] = field(default_factory=list)
    physical: Place | None = None
    """For a virtual function: the one it belongs to."""
    group: int = -1
    """IOMMU group."""


class Layout:
    """Every function of a host in its place."""

    def __init__(self, buses: Sequence[RootBus]) -> None:
        self.roots: list[Root] = []
        self.places: dict[Address, Place] = {}
        """In order of address once built."""
        for bus in buses:
            self._root(bus, "/sys/devices")
        self.places = {address: self.places[address] for address in sorted(self.places)}

    def __iter__(self) -> Iterator[Place]:
        return iter(self.places.values())

    def __getitem__(self, address: str) -> Place:
        """The function at an address as people write it. Raises KeyError."""
        parsed = Address.parse(address)
        if parsed is None:
            raise KeyError(address)
        return self.places[parsed]

    def _root(self, bus: RootBus, above: str, owner: Place | None = None) -> None:
        name = f"pci{bus.domain:04x}:{bus.bus:02x}"
        root = Root(bus, name, f"{above}/{name}", owner)
        # What lies below 4 GiB is scarce: a host with more root buses than fit starts anew instead of squeezing.
        low = len(self.roots) % _LOW_ROOTS
        cursors = [
            0x1000 + low * _IO_SPAN,
            _MEMORY_BASE + low * _MEMORY_SPAN,
            _PREFETCHABLE_BASE + len(self.roots) * _PREFETCHABLE_SPAN,
        ]
        self.roots.append(root)
        before = len(self.places)
        top, root.last = self._number(bus.devices, root, None, bus.bus)
        _allocate(top, cursors)
        for place in list(self.places.values())[before:]:
            if place.device.domain is not None:
                self._root(place.device.domain, place.path, place)

    def _number(
        self, devices: tuple[Device, ...], root: Root, parent: Place | None, bus: int
    ) -> tuple[list[Place], int]:
        """Places what is on a bus and below it; gives back what is on it, and the highest bus number used."""
        last = bus
        here: list[Place] = []
        slots = [device.at[0] for device in devices if device.virtual_of is None]
        above = parent.path if parent else root.path
        for device in sorted(devices, key=lambda one: one.at):
            address = Address(root.bus.domain, bus, *device.at)
            multifunction = device.virtual_of is None and slots.count(device.at[0]) > 1
            place = Place(device, address, f"{above}/{address}", root, parent, multifunction)
            self.places[address] = place
            here.append(place)
            if device.is_bridge:
                place.secondary = last + 1
                place.below, last = self._number(device.below, root, place, place.secondary)
                place.subordinate = last
            if device.virtual_of is not None:
                place.physical = next(other for other in here if other.device.at == device.virtual_of)
        return here, last


def _space(region: Region) -> int:
    if not region.memory:
        return IO
    return PREFETCHABLE if region.prefetchable and region.wide else MEMORY


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _largest(places: list[Place], space: int) -> int:
    """The strictest alignment that anything in these functions and below needs."""
    sizes = [region.size for place in places for region in place.device.regions if _space(region) == space]
    sizes.extend(_largest(place.below, space) for place in places if place.below)
    return max(sizes, default=0)


def _allocate(places: list[Place], cursors: list[int]) -> None:
    """Gives memory from ``cursors`` on, which move, to functions and to the bridges above them."""
    for place in places:
        if place.device.is_bridge:
            _bridge(place, cursors)
        if place.physical is not None:
            _virtual(place, place.physical)
            continue
        bars = [_bar(region, cursors) for region in place.device.regions]
        if place.device.virtual is not None:
            span = Region(7, place.device.virtual.total * place.device.virtual.size, prefetchable=True)
            bars.append(_bar(span, cursors, place.device.virtual.size))
        place.bars = tuple(bars)


def _bridge(place: Place, cursors: list[int]) -> None:
    starts: list[int] = []
    for space in (IO, MEMORY, PREFETCHABLE):
        cursors[space] = _up(cursors[space], max(_GRANULE[space], _largest(place.below, space)))
        starts.append(cursors[space])
    _allocate(place.below, cursors)
    for space, start in enumerate(starts):
        if cursors[space] > start:
            cursors[space] = _up(cursors[space], _GRANULE[space])
            place.windows[space] = (start, cursors[space] - 1)


def _bar(region: Region, cursors: list[int], alignment: int = 0) -> Bar:
    space = _space(region)
    start = _up(cursors[space], alignment or region.size)
    cursors[space] = start + region.size
    return Bar(region.bar, start, region.size, region.memory, region.prefetchable, region.wide)


def _virtual(place: Place, physical: Place) -> None:
    """A virtual function's memory is a piece of what its physical one reserves."""
    virtual = physical.device.virtual
    reserved = next((bar for bar in physical.bars if bar.number == 7), None)
    if virtual is None or reserved is None:
        return
    _, _, device, function = place.address
    nth = (device << 3 | function) - (physical.address.device << 3 | physical.address.function) - virtual.offset
    place.bars = (Bar(0, reserved.start + nth * virtual.size, virtual.size, memory=True, prefetchable=True, wide=True),)
