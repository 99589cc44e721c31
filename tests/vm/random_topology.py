"""Topologies made up from a seed: `random-SEED-NUMBER` is the same machine every time.

The number chooses CPU and IOMMU, seed and number the tree.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from tests.vm.topology import PLAIN_CPU, Property, Topology

PREFIX = "random-"

DRIVES = 12
POOLS = 6
CARDS = 2
DEPTH = 4
"""How many switches may be above one another."""
ROOT_BUSES = (0x40, 0x80, 0xC0)
"""Bus numbers of the host bridges beside the first one."""
ROOT_SLOTS = 16
FIRST_SLOT = 4
"""On pcie.0: the slots below it are the host bridges'."""

LISTED = "EPYC", "EPYC-Milan"
"""CPUs that pass the kernel's AMD rule: families 17h and 19h."""
HYGON = "Dhyana"
"""Family 18h, but of a vendor of its own: it does not pass."""
OLD_AMD = PLAIN_CPU.replace("family=15", "family=22")
"""One family short of the rule."""
INTEL = "Skylake-Server"


class Setting(NamedTuple):
    """What a number stands for."""

    cpus: tuple[str, ...]
    iommu: bool


SETTINGS = (
    Setting((PLAIN_CPU, OLD_AMD), iommu=False),
    Setting((INTEL,), iommu=True),
    Setting(LISTED, iommu=True),
    Setting((INTEL, HYGON), iommu=False),
    Setting((PLAIN_CPU, OLD_AMD), iommu=True),
    Setting(LISTED, iommu=False),
)


def named(name: str) -> Topology:
    """Builds the topology of that name. Raises ValueError for one that is not `random-SEED-NUMBER`."""
    seed, dash, number = name.removeprefix(PREFIX).partition("-")
    if not (name.startswith(PREFIX) and seed and dash and number.isdigit()):
        raise ValueError(f"not the name of a random topology: {name!r}")
    random = Random(name)  # noqa: S311 - it has to be the same every time
    setting = SETTINGS[int(number) % len(SETTINGS)]
    made = Topology(cpu=random.choice(setting.cpus))
    if setting.iommu:
        made.iommu()
    _Growth(made, random).grow()
    return made


class _Place(NamedTuple):
    """Where something can be plugged: a root bus or the inside of a switch."""

    bus: str
    depth: int
    """Switches above it, itself included."""


class _Growth:
    """A topology while devices are added to it."""

    def __init__(self, topology: Topology, random: Random) -> None:
        self._made = topology
        self._random = random
        self._cmbs = [*(random.choice((4, 8, 16)) for _ in range(POOLS)), *(0 for _ in range(DRIVES - POOLS))]
        random.shuffle(self._cmbs)
        others = random.sample(ROOT_BUSES, random.randint(1, len(ROOT_BUSES)))
        roots = ["pcie.0", *(topology.host_bridge(bus_nr) for bus_nr in sorted(others))]
        self._free = {root: list(range(ROOT_SLOTS)) for root in roots}
        self._free["pcie.0"] = list(range(FIRST_SLOT, ROOT_SLOTS))
        self._places = [_Place(root, 0) for root in roots]

    def grow(self) -> None:
        """Adds one of everything, then more at random until all drives have a place."""
        self._deep()
        self._several(self._anywhere(), 2)
        self._integrated()
        while self._cmbs:
            what = self._random.random()
            if what < 0.2:
                self._switch(self._shallow())
            elif what < 0.35:
                self._several(self._anywhere(), self._random.randint(2, 3))
            elif what < 0.4:
                self._integrated()
            else:
                self._drive(self._port(self._anywhere()))
        for _ in range(CARDS):
            self._card()

    def _card(self) -> None:
        # Last, so that the drives stay where they would be without.
        self._made.nic(self._port(self._anywhere()))

    def _deep(self) -> None:
        place = self._random.choice(self._places)
        for _ in range(DEPTH):
            place = self._switch(place)
        for _ in range(2):
            self._drive(self._port(place))

    def _switch(self, place: _Place) -> _Place:
        inside = _Place(self._made.upstream(self._port(place)), place.depth + 1)
        self._free[inside.bus] = list(range(ROOT_SLOTS))
        self._places.append(inside)
        return inside

    def _several(self, place: _Place, count: int) -> None:
        """One device with that many functions, all of them drives."""
        port = self._port(place)
        for function in range(min(count, len(self._cmbs))):
            self._drive(port, f"0.{function}", multifunction=True)

    def _integrated(self) -> None:
        """A drive right on the root bus; QEMU's other host bridges take only ports."""
        if self._cmbs:
            self._drive("pcie.0", f"{self._slot('pcie.0'):x}.0")

    def _drive(self, bus: str, addr: str = "0.0", *, multifunction: bool = False) -> None:
        self._made.nvme(bus, self._cmbs.pop(), addr=addr, multifunction=multifunction)

    def _port(self, place: _Place) -> str:
        """A port with or without ACS, at times a function of a device with several, at times not in the next slot."""
        slot = self._slot(place.bus)
        if self._random.random() < 0.2:
            # The other function is a port with nothing below it: it only makes the numbers differ.
            self._one_port(place, f"{slot:x}.0", multifunction=True)
            return self._one_port(place, f"{slot:x}.{self._random.randint(1, 7)}", multifunction=True)
        return self._one_port(place, f"{slot:x}.0")

    def _one_port(self, place: _Place, addr: str, **more: Property) -> str:
        acs = self._random.random() < 0.7
        if place.depth and not acs:
            return self._made.downstream(place.bus, addr=addr, **more)
        plain: dict[str, Property] = {} if acs else {"disable-acs": True}
        return self._made.root_port(place.bus, addr=addr, **more, **plain)

    def _slot(self, bus: str) -> int:
        free = self._free[bus]
        slot = free[0] if self._random.random() < 0.7 else self._random.choice(free)
        free.remove(slot)
        return slot

    def _anywhere(self) -> _Place:
        return self._random.choice(self._places)

    def _shallow(self) -> _Place:
        return self._random.choice([place for place in self._places if place.depth < DEPTH])
