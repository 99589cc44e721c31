"""Small hosts for the tests of the resolver: described as the hardware nests, and straight to a Snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from p2pctl.model.address import Address
from p2pctl.model.facts import ABSENT, NOT_READ, UNREADABLE, Fact, Missing
from p2pctl.model.kernel import Cpu, Kernel
from p2pctl.model.pci import Acs, Config, Function, PortType
from p2pctl.model.pools import Pool, Pools
from p2pctl.model.snapshot import Snapshot, Source
from p2pctl.model.tree import HostBridge, IommuGroup, Pci
from p2pctl.resolver.resolver import Resolver
from p2pctl.resolver.rules import RuleSet
from p2pctl.resolver.selection import find_rules
from p2pctl.resolver.topology import Topology
from p2pctl.resolver.verdict import Outcome
from p2pctl.simulator.layout import Layout, Place
from p2pctl.simulator.pci import BRIDGE_CLASS, MIB, Device, RootBus, Virtual

XEON = Cpu("GenuineIntel", 6, "Xeon", 8)
ZEN = Cpu("AuthenticAMD", 0x17, "EPYC", 8)
ARM = Cpu("", None, "", 8)

REDIRECTING, DIRECT = 0x1D, 0x11
"""What the kernel sets with an IOMMU, and what is left of it after pci=disable_acs_redir."""

UNLISTED, ANY_BRIDGE, SAME_BRIDGE, OLD_ZEN = (0x8086, 0x29C0), (0x8086, 0x09A2), (0x8086, 0x2F00), (0x1022, 0x1450)
"""First functions of root buses that Linux does not list, lists, lists for pairs below one, and listed until 5.9."""


def acs(control: int | None) -> Acs | None:
    return None if control is None else Acs(0x7F, control)


def port(kind: PortType, *below: Device, at: int = 0, on: int | None = 0) -> Device:
    """A port with ACS Control ``on``; None for one without the capability."""
    return Device(ids=(0x1000, 0xC030), class_code=BRIDGE_CLASS, at=(at, 0), port=kind, acs=acs(on), below=below)


def root_port(*below: Device, at: int = 1, on: int | None = 0, ids: tuple[int, int] = (0x8086, 0x352A)) -> Device:
    return port(PortType.ROOT_PORT, *below, at=at, on=on)._replace(ids=ids)


def switch(*ports: Device, on: int | None = None) -> Device:
    return port(PortType.UPSTREAM, *ports, on=on)


def downstream(*below: Device, at: int = 0, on: int | None = 0) -> Device:
    return port(PortType.DOWNSTREAM, *below, at=at, on=on)


def drive(at: tuple[int, int] = (0, 0), on: int | None = None) -> Device:
    return Device(ids=(0x144D, 0xA824), class_code=0x010802, at=at, port=PortType.ENDPOINT, acs=acs(on))


def first(ids: tuple[int, int], at: tuple[int, int] = (0, 0)) -> Device:
    """What starts a root bus: a host bridge without a PCI Express capability."""
    return Device(ids=ids, class_code=0x060000, at=at)


def two_drives(on: int | None = 0, other: int | None = 0, ids: tuple[int, int] = UNLISTED) -> tuple[RootBus, ...]:
    """03:00.0 and 04:00.0 below one switch, whose ports have ``on`` and ``other``; 05:00.0 below a root port; 43:00.0
    below a switch of another host bridge."""
    below = switch(downstream(drive(), on=on), downstream(drive(), at=1, on=other))
    far = switch(downstream(drive()))
    return (
        RootBus(0, 0, (first(ids), root_port(below), root_port(drive(), at=2))),
        RootBus(0x40, 1, (first(ids), root_port(far))),
    )


def host(
    *buses: RootBus,
    cpu: Fact[Cpu] = XEON,
    iommus: Sequence[str] = (),
    release: Fact[str] = "7.3.4",
    p2pdma: Fact[bool] = True,
    published: Mapping[str, Fact[bool]] | None = None,
) -> Snapshot:
    """The host as it would be read; ``published`` has its pools."""
    layout = Layout(buses)
    functions = {place.address: _function(place) for place in layout}
    bridges: dict[str, HostBridge] = {}
    for function in functions.values():
        if function.parent is None and isinstance(function.physfn, Missing):
            bridges.setdefault(function.root, HostBridge(function.root, function.address, NOT_READ))
    groups = {0: IommuGroup(0, "DMA")} if iommus else {}
    pools = {
        address(text): Pool(functions[address(text)], 16 * MIB, 16 * MIB, known, mappable=True)
        for text, known in (published or {}).items()
    }
    return Snapshot(
        source=Source("sysroot", ABSENT, release, ABSENT),
        taken=0.0,
        pci=Pci(0.0, functions, bridges, groups),
        pools=Pools(0.0, pools, {}),
        kernel=Kernel(0.0, release, "", cpu, tuple(iommus), ABSENT, p2pdma, ""),
    )


def _function(place: Place) -> Function:
    device = place.device
    config = Config(port_type=ABSENT if device.port is None else device.port, acs=device.acs or ABSENT)
    return Function(
        address=place.address,
        path=place.path,
        parent=place.parent.address if place.parent else None,
        root=place.root.name,
        vendor=device.ids[0],
        device=device.ids[1],
        class_code=device.class_code,
        physfn=place.physical.address if place.physical else ABSENT,
        config=config,
    )


def edit(
    snapshot: Snapshot, text: str, *, control: Fact[int] = NOT_READ, port_type: Fact[int] | None = None
) -> Snapshot:
    """The snapshot with another ACS Control register, or port type, in one function."""
    assert snapshot.pci is not None
    where = address(text)
    function = snapshot.pci.functions[where]
    config = function.config
    if port_type is None:
        config = config._replace(acs=control if isinstance(control, Missing) else Acs(0x7F, control))
    else:
        config = config._replace(port_type=port_type)
    functions = {**snapshot.pci.functions, where: function._replace(config=config)}
    return replace(snapshot, pci=replace(snapshot.pci, functions=functions))


def address(text: str) -> Address:
    found = Address.parse(text)
    assert found is not None, text
    return found


def resolver(snapshot: Snapshot, rules: str | RuleSet = "linux-7.3") -> Resolver:
    return Resolver(Topology.of(snapshot), find_rules(rules) if isinstance(rules, str) else rules)


def answer(snapshot: Snapshot, provider: str, client: str, rules: str = "linux-7.3") -> Outcome:
    """Verdict, map type and distance."""
    return resolver(snapshot, rules).verdict(address(provider), address(client))


def adapter(*, on: int | None = None) -> tuple[Device, ...]:
    """A function at 00.0 with two virtual ones, at 00.2 and 00.3; all with the same ACS Control register."""
    physical = drive(on=on)._replace(virtual=Virtual(4, 2, 2, 0x1234, MIB))
    return (physical, *(drive((0, 2 + nth), on)._replace(virtual_of=(0, 0)) for nth in range(2)))


def test_a_host_has_the_addresses_that_the_tests_name() -> None:
    """Buses are numbered depth first, as firmware does."""
    pci = host(*two_drives()).pci
    assert pci is not None
    assert [str(one) for one in pci.functions][:8] == [
        "0000:00:00.0", "0000:00:01.0", "0000:00:02.0", "0000:01:00.0",
        "0000:02:00.0", "0000:02:01.0", "0000:03:00.0", "0000:04:00.0",
    ]  # fmt: skip
    assert edit(host(*two_drives()), "02:00.0", control=UNREADABLE) != host(*two_drives())
