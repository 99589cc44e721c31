"""A host put together: the PCI tree, the directories that point into it, and whatever else is added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from p2pctl.simulator import attributes, groups
from p2pctl.simulator.attributes import Processors
from p2pctl.simulator.layout import Layout, Place, Root
from p2pctl.simulator.nodes import Directory, File, Link, Node, nest, relative, text
from p2pctl.simulator.pci import RootBus

Extra = Callable[[], Mapping[str, Node]]
"""What a driver adds to the directory of its function, made at the first look."""

MODULES = {"ahci": "ahci", "snd_hda_intel": "snd_hda_intel", "vfio-pci": "vfio_pci", "4xxx": "qat_4xxx"}
"""Module of a driver where the names differ or must be told; other drivers are called like their module."""

BUILT_IN = frozenset({"pcieport", "xhci_hcd"})
"""Drivers without a module."""


class Host:
    """A kernel's tree in the making. Everything added is a kernel path; `root` makes the tree, once."""

    def __init__(self, buses: Sequence[RootBus], processors: Processors, *, iommu: bool) -> None:
        self.layout = Layout(buses)
        self.processors = processors
        self._iommu = iommu
        self._extras: dict[str, list[Extra]] = {}
        self._added: dict[str, Node] = {}
        self._classes: dict[str, dict[str, str]] = {}
        if iommu:
            self.groups = groups.assign(self.layout)

    def __getitem__(self, address: str) -> Place:
        """The function at an address. Raises KeyError."""
        return self.layout[address]

    def extend(self, place: Place, extra: Extra) -> None:
        """Adds to a function's directory."""
        self._extras.setdefault(place.path, []).append(extra)

    def add(self, path: str, node: Node) -> None:
        """Puts a node at a kernel path. Raises FileExistsError when the tree is made, if it is taken."""
        self._added[path] = node

    def register(self, kind: str, *paths: str) -> None:
        """Makes devices known to a class: ``/sys/class/KIND/NAME`` links to each path, NAME being its last part."""
        self._classes.setdefault(kind, {}).update((path.rpartition("/")[2], path) for path in paths)

    def made(self, address: str) -> Directory:
        """The directory of a function, made anew. Raises KeyError."""
        return Directory(partial(self._function, self[address]))

    def iommu(self, place: Place) -> str | None:
        """The IOMMU in charge of a function: one a root bus."""
        if not self._iommu:
            return None
        owner = place.root.owner
        roots = [root for root in self.layout.roots if root.owner is None]
        return f"dmar{roots.index(owner.root if owner else place.root)}"

    def root(self) -> Directory:
        """The tree."""
        tree: dict[str, Node] = {
            "/sys/bus/pci/devices": self._links("/sys/bus/pci/devices", (place.path for place in self.layout)),
            "/sys/bus/pci/drivers": Directory(self._drivers),
            "/sys/bus/pci/slots": Directory(self._slots),
            "/sys/class/pci_bus": self._links("/sys/class/pci_bus", self._buses()),
        }
        for root in self.layout.roots:
            if root.owner is None:
                tree[root.path] = Directory(partial(self._root_bus, root))
        if self._iommu:
            tree["/sys/kernel/iommu_groups"] = Directory(self._groups)
        for kind, members in self._classes.items():
            tree[f"/sys/class/{kind}"] = self._links(f"/sys/class/{kind}", members.values())
        return nest(tree | self._added)

    def _links(self, here: str, targets: Iterable[str]) -> Directory:
        paths = tuple(targets)
        return Directory(lambda: {path.rpartition("/")[2]: Link(relative(path, here)) for path in paths})

    def _buses(self) -> Iterable[str]:
        for root in self.layout.roots:
            yield f"{root.path}/pci_bus/{root.name[3:]}"
        for place in self.layout:
            if place.device.is_bridge:
                yield f"{place.path}/pci_bus/{place.address.domain:04x}:{place.secondary:02x}"

    def _root_bus(self, root: Root) -> Mapping[str, Node]:
        bus = root.name[3:]
        path = f"{root.path}/pci_bus/{bus}"
        return {
            "pci_bus": Directory({bus: attributes.bus_directory(path, root.path, self.processors, root.bus.node)}),
            "uevent": File(b"", 0o644),
            **self._functions(place for place in self.layout if place.root is root and place.parent is None),
        }

    def _functions(self, places: Iterable[Place]) -> dict[str, Node]:
        return {str(place.address): Directory(partial(self._function, place)) for place in places}

    def _function(self, place: Place) -> Mapping[str, Node]:
        files = attributes.function(place, self.processors, self.iommu(place))
        files |= self._functions(place.below)
        for root in self.layout.roots:
            if root.owner is place:
                files[root.name] = Directory(partial(self._root_bus, root))
                files["domain"] = Link(f"{root.name}/pci_bus/{root.name[3:]}")
        for extra in self._extras.get(place.path, ()):
            files |= extra()
        return files

    def _drivers(self) -> Mapping[str, Node]:
        bound: dict[str, list[Place]] = {}
        for place in self.layout:
            if place.device.driver is not None:
                bound.setdefault(place.device.driver, []).append(place)
        return {name: Directory(partial(_driver, name, places)) for name, places in bound.items()}

    def _groups(self) -> Mapping[str, Node]:
        members: dict[int, list[str]] = {number: [] for number in range(self.groups)}
        for place in self.layout:
            members[place.group].append(place.path)
        return {
            str(number): Directory(
                {
                    "devices": self._links(f"/sys/kernel/iommu_groups/{number}/devices", paths),
                    "reserved_regions": File(b"0x00000000fee00000 0x00000000feefffff msi\n"),
                    "type": text("identity", 0o644),
                }
            )
            for number, paths in members.items()
        }

    def _slots(self) -> Mapping[str, Node]:
        return {
            place.device.slot.name: Directory(_slot(place)) for place in self.layout if place.device.slot is not None
        }


def _driver(name: str, places: Iterable[Place]) -> Mapping[str, Node]:
    here = f"/sys/bus/pci/drivers/{name}"
    files: dict[str, Node] = {str(place.address): Link(relative(place.path, here)) for place in places}
    files |= {command: File(b"", 0o200) for command in ("bind", "new_id", "remove_id", "uevent", "unbind")}
    if name not in BUILT_IN:
        files["module"] = Link(relative(f"/sys/module/{MODULES.get(name, name)}", here))
    return files


def _slot(place: Place) -> dict[str, Node]:
    address = place.address
    link = place.device.link
    speed = f"{link.speed:.1f} GT/s PCIe" if link is not None and isinstance(link.speed, float) else "Unknown"
    best = f"{link.max_speed:.1f} GT/s PCIe" if link is not None and isinstance(link.max_speed, float) else "Unknown"
    occupied = int(bool(place.below))
    return {
        "adapter": text(occupied),
        "address": text(f"{address.domain:04x}:{place.secondary:02x}:00"),
        "cur_bus_speed": text(speed),
        "max_bus_speed": text(best),
        "power": text(occupied, 0o644),
    }
