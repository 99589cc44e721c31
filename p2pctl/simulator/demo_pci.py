"""The PCI tree of the demo host: two sockets, two switches, and what hangs below.

Socket 0 has switch A (Gen5) on root bus 15. Redirection is off, by kernel parameter, on the ports of its first four
devices and on for the rest. Its root bus is one that the kernel lists, so what is redirected still passes the host
bridge. Socket 1 has switch B (Gen4) on root bus b7, where firmware hides the listed function: the first device there
is a root port that the kernel does not list, and redirection is on everywhere, so peers are refused.
"""

from __future__ import annotations

from p2pctl.model.pci import Acs, Link, PortType
from p2pctl.simulator.pci import BRIDGE_CLASS, GIB, KIB, MIB, Device, Region, RootBus, Slot, Virtual

GEN3, GEN4, GEN5 = 8.0, 16.0, 32.0
"""GT/s."""

INTEL, BROADCOM, AMD, MICROCHIP, MELLANOX = 0x8086, 0x1000, 0x1002, 0x11F8, 0x15B3
SUPERMICRO = 0x15D9

REDIRECTING = Acs(0x5F, 0x1D)
"""What the kernel sets where an IOMMU is in use: SV, RR, CR, UF."""
DIRECT = Acs(0x5F, 0x11)
"""The same after ``pci=disable_acs_redir``: SV and UF stay."""
NO_PEERS = Acs(0, 0)
"""A capability without a bit: the function says that it does no peer traffic of its own."""

DIRECT_PORTS = ("15:01.0/00.0/00.0", "15:01.0/00.0/01.0", "15:01.0/00.0/02.0", "15:01.0/00.0/03.0")
"""The ports named to ``pci=disable_acs_redir``, as paths from their root port."""

NVME_CLASS = 0x010802


def _link(speed: float, width: int, best: float | None = None, widest: int | None = None) -> Link:
    return Link(speed, width, best or speed, widest or width)


def _port(
    at: int,
    ids: tuple[int, int],
    kind: PortType,
    link: Link,
    *below: Device,
    acs: Acs | None = REDIRECTING,
    slot: Slot | None = None,
    ari: bool = False,
) -> Device:
    return Device(
        at=(at, 0), ids=ids, class_code=BRIDGE_CLASS, subsystem=ids, port=kind, driver="pcieport", link=link,
        acs=acs, slot=slot, ari_forwarding=ari, below=below,
    )  # fmt: skip


def _root_port(at: int, link: Link, *below: Device, slot: Slot | None = None, ari: bool = False) -> Device:
    ids = (INTEL, {1: 0x352A, 3: 0x352B}.get(at, 0x352C))
    return _port(at, ids, PortType.ROOT_PORT, link, *below, slot=slot, ari=ari)


def _integrated(function: int, device: int, class_code: int, port: PortType = PortType.INTEGRATED) -> Device:
    return Device(at=(0, function), ids=(INTEL, device), class_code=class_code, subsystem=(INTEL, 0), port=port,
                  revision=0x20)  # fmt: skip


def _listed() -> tuple[Device, ...]:
    """What starts a root bus of such a processor; the first function is on the kernel's list."""
    return (
        _integrated(0, 0x09A2, 0x088000),
        _integrated(1, 0x09A4, 0x088000),
        _integrated(2, 0x09A3, 0x088000),
        _integrated(4, 0x0998, 0x080700, PortType.EVENT_COLLECTOR),
    )


def _drive(ids: tuple[int, int], speed: float, buffer: int = 0) -> Device:
    """An NVMe drive with four lanes; ``buffer`` is the size of the BAR that its memory buffer lies in."""
    memory = (Region(4, buffer, prefetchable=True),) if buffer else ()
    return Device(
        ids=ids, class_code=NVME_CLASS, subsystem=(ids[0], 0x0001), revision=1, port=PortType.ENDPOINT, driver="nvme",
        regions=(Region(0, 32 * KIB), *memory), link=_link(speed, 4), vectors=129,
    )  # fmt: skip


SAMSUNG, KIOXIA, MICRON = (0x144D, 0xA824), (0x1E0F, 0x0013), (0x1344, 0x51C3)


def _nic(ids: tuple[int, int], link: Link, virtual: int, *, ats: bool | None) -> tuple[Device, ...]:
    """A dual-port adapter, with so many virtual functions of the first port in use."""

    def port(function: int, enabled: int) -> Device:
        return Device(
            at=(0, function), ids=ids, class_code=0x020000, subsystem=(MELLANOX, 0x0016), port=PortType.ENDPOINT,
            driver="mlx5_core", regions=(Region(0, 32 * MIB, prefetchable=True),), link=link, acs=NO_PEERS, ats=ats,
            ari=True, vectors=64, virtual=Virtual(8, enabled, 2 + 7 * function, 0x101E, MIB),
        )  # fmt: skip

    functions = tuple(
        Device(
            at=(0, 2 + nth), ids=(MELLANOX, 0x101E), class_code=0x020000, subsystem=(MELLANOX, 0x0016),
            port=PortType.ENDPOINT, driver="mlx5_core", link=Link(max_speed=link.max_speed, max_width=link.max_width),
            acs=NO_PEERS, ari=True, vectors=12, virtual_of=(0, 0),
        )
        for nth in range(virtual)
    )  # fmt: skip
    return (port(0, virtual), port(1, 0), *functions)


def _gpu(*, sound_sleeps: bool) -> Device:
    """A graphics card, which brings a switch of its own."""
    link = _link(GEN4, 16)
    card = Device(
        ids=(AMD, 0x7448), class_code=0x030000, subsystem=(AMD, 0x0E0D), port=PortType.LEGACY_ENDPOINT,
        driver="amdgpu", link=link, acs=NO_PEERS, ats=True, resizable=((0, 64 * GIB),),
        regions=(
            Region(0, 64 * GIB, prefetchable=True),
            Region(2, 2 * MIB, prefetchable=True),
            Region(4, 256, memory=False, wide=False),
            Region(5, MIB, wide=False),
        ),
    )  # fmt: skip
    sound = Device(
        at=(0, 1), ids=(AMD, 0xAB30), class_code=0x040300, subsystem=(AMD, 0xAB30), port=PortType.LEGACY_ENDPOINT,
        driver="snd_hda_intel", link=link, acs=NO_PEERS, regions=(Region(0, 16 * KIB, wide=False),),
        sleeps=sound_sleeps,
    )  # fmt: skip
    inner = _port(0, (AMD, 0x1479), PortType.DOWNSTREAM, link, card, sound)
    return _port(0, (AMD, 0x1478), PortType.UPSTREAM, link, inner, acs=None)


def _switch_a() -> Device:
    ids = (BROADCOM, 0xC030)
    drive, card = _link(GEN4, 4, GEN5, 4), _link(GEN4, 16, GEN5, 16)
    accelerator = Device(
        ids=(0x1DA3, 0x1020), class_code=0x120000, subsystem=(0x1DA3, 0x0001), revision=1, port=PortType.ENDPOINT,
        driver="habanalabs", link=_link(GEN4, 16), vectors=64,
        regions=(
            Region(0, 16 * MIB, prefetchable=True),
            Region(2, 64 * MIB, prefetchable=True),
            Region(4, 128 * GIB, prefetchable=True),
        ),
    )  # fmt: skip
    management = Device(
        ids=(BROADCOM, 0x00B2), class_code=0x010700, subsystem=(BROADCOM, 0x00B2), port=PortType.ENDPOINT,
        driver="mpt3sas", link=_link(GEN5, 1), regions=(Region(0, MIB),), vectors=1,
    )  # fmt: skip

    def port(at: int, link: Link, *below: Device, acs: Acs = REDIRECTING, slot: str = "", ari: bool = False) -> Device:
        place = Slot(slot, 100 + at) if slot else None
        return _port(at, ids, PortType.DOWNSTREAM, link, *below, acs=acs, slot=place, ari=ari)

    nic = _nic((MELLANOX, 0x1021), _link(GEN5, 16), 1, ats=True)
    return _port(
        0, ids, PortType.UPSTREAM, _link(GEN5, 16),
        port(0, drive, _drive(SAMSUNG, GEN4, 512 * MIB), acs=DIRECT, slot="100"),
        port(1, drive, _drive(SAMSUNG, GEN4, 64 * MIB), acs=DIRECT, slot="101"),
        port(2, _link(GEN5, 16), *nic, acs=DIRECT, slot="102", ari=True),
        port(3, card, _gpu(sound_sleeps=True), acs=DIRECT, slot="103"),
        port(4, card, accelerator, slot="104"),
        port(5, _link(GEN5, 4), _drive(KIOXIA, GEN5, 16 * MIB), slot="105"),
        port(6, Link(2.5, 0, GEN5, 4), slot="106"),
        port(7, _link(GEN5, 1), management),
        acs=None,
    )  # fmt: skip


def _switch_b() -> Device:
    ids = (MICROCHIP, 0x4000)
    passed_on = Device(
        ids=(0x10DE, 0x26B5), class_code=0x030200, subsystem=(0x10DE, 0x169D), revision=0xA1, port=PortType.ENDPOINT,
        driver="vfio-pci", link=_link(GEN4, 16), vectors=6, ats=False,
        regions=(
            Region(0, 16 * MIB, wide=False),
            Region(1, 64 * GIB, prefetchable=True),
            Region(3, 32 * MIB, prefetchable=True),
        ),
    )  # fmt: skip

    def port(at: int, link: Link, *below: Device) -> Device:
        return _port(at, ids, PortType.DOWNSTREAM, link, *below, slot=Slot(str(200 + at), 200 + at))

    return _port(
        0, ids, PortType.UPSTREAM, _link(GEN4, 16, GEN4, 16),
        port(0, _link(GEN4, 4), _drive(SAMSUNG, GEN4, 256 * MIB)),
        port(1, _link(GEN4, 4), _drive(SAMSUNG, GEN4, 32 * MIB)),
        port(2, _link(GEN4, 4), _drive(KIOXIA, GEN4)),
        port(3, _link(GEN4, 16), passed_on),
        port(4, Link(2.5, 0, GEN4, 4)),
        acs=None,
    )  # fmt: skip


def _chipset() -> tuple[Device, ...]:
    """What hangs on the platform controller: management, SATA, the board's own network."""
    screen = Device(
        ids=(0x1A03, 0x2000), class_code=0x030000, subsystem=(SUPERMICRO, 0x1B95), revision=0x52, driver="ast",
        regions=(Region(0, 64 * MIB, wide=False), Region(1, 256 * KIB, wide=False),
                 Region(2, 128, memory=False, wide=False)),
    )  # fmt: skip
    to_pci = Device(
        ids=(0x1A03, 0x1150), class_code=BRIDGE_CLASS, subsystem=(0x1A03, 0x1150), revision=6,
        port=PortType.PCIE_TO_PCI, link=_link(5.0, 1), below=(screen,),
    )  # fmt: skip
    network = tuple(
        Device(
            at=(0, function), ids=(INTEL, 0x1521), class_code=0x020000, subsystem=(SUPERMICRO, 0x1521), revision=1,
            port=PortType.ENDPOINT, driver="igb", link=_link(5.0, 2), acs=NO_PEERS, vectors=10,
            regions=(Region(0, MIB, wide=False), Region(3, 16 * KIB, wide=False)),
        )
        for function in range(2)
    )  # fmt: skip

    def own(at: tuple[int, int], device: int, class_code: int, driver: str | None, *regions: Region) -> Device:
        return Device(at=at, ids=(INTEL, device), class_code=class_code, subsystem=(SUPERMICRO, 0x1B95), revision=0x11,
                      driver=driver, regions=regions)  # fmt: skip

    def port(at: int, link: Link, *below: Device) -> Device:
        return _port(at, (INTEL, 0x1BB8), PortType.ROOT_PORT, link, *below)

    return (
        own((0x14, 0), 0x1BCD, 0x0C0330, "xhci_hcd", Region(0, 64 * KIB)),
        own((0x17, 0), 0x1BA2, 0x010601, "ahci", Region(0, 8 * KIB, wide=False), Region(1, 256, wide=False),
            Region(4, 32, memory=False, wide=False), Region(5, 512 * KIB, wide=False)),
        port(0x1C, _link(5.0, 1, GEN3, 1), to_pci),
        port(0x1D, _link(5.0, 2, GEN3, 4), *network),
        own((0x1F, 0), 0x1B81, 0x060100, None),
        own((0x1F, 4), 0x1BC9, 0x0C0500, "i801_smbus", Region(0, 256), Region(4, 32, memory=False, wide=False)),
    )  # fmt: skip


def _accelerator(at: int, device: int, driver: str) -> Device:
    """An accelerator of the processor itself, on a root bus without a port."""
    return Device(
        at=(at, 0), ids=(INTEL, device), class_code=0x088000 if driver == "idxd" else 0x0B4000, subsystem=(INTEL, 0),
        port=PortType.INTEGRATED, driver=driver, ats=True, vectors=9,
        regions=(Region(0, 64 * KIB, prefetchable=True), Region(2, 128 * KIB, prefetchable=True)),
    )  # fmt: skip


def buses() -> tuple[RootBus, ...]:
    """The root buses of the demo host, in order of address."""
    volumes = RootBus(0xE0, 1, domain=0x10000, devices=(
        _root_port(1, _link(GEN4, 4, GEN5, 4), _drive(SAMSUNG, GEN4, 128 * MIB)),
        _root_port(3, _link(GEN4, 4, GEN5, 4), _drive(MICRON, GEN4)),
    ))  # fmt: skip
    controller = Device(
        at=(0, 5), ids=(INTEL, 0x28C0), class_code=0x010400, subsystem=(INTEL, 0), revision=4,
        port=PortType.INTEGRATED, driver="vmd", vectors=19, domain=volumes,
        regions=(Region(0, 32 * MIB, prefetchable=True), Region(2, 32 * MIB, wide=False), Region(4, MIB)),
    )  # fmt: skip
    memory = Device(
        ids=(0x1DE5, 0x1000), class_code=0x058000, subsystem=(0x1DE5, 0x1000), port=PortType.ENDPOINT,
        driver="p2pmem_pci", link=_link(GEN4, 8),
        regions=(Region(0, 16 * KIB), Region(4, 256 * MIB, prefetchable=True)),
    )  # fmt: skip
    slow = _link(GEN3, 16, GEN4, 16)
    return (
        RootBus(0x00, 0, (*_listed(), *_chipset())),
        RootBus(0x15, 0, (*_listed(), _root_port(1, _link(GEN5, 16), _switch_a()))),
        RootBus(0x37, 0, (
            *_listed(),
            _root_port(1, _link(GEN4, 4, GEN5, 4), _drive(MICRON, GEN4), slot=Slot("1", 1)),
            _root_port(3, _link(GEN4, 16, GEN5, 16), _gpu(sound_sleeps=False), slot=Slot("2", 2)),
            _root_port(5, _link(GEN4, 4, GEN5, 4), _drive(MICRON, GEN4), slot=Slot("3", 3)),
        )),
        RootBus(0x6A, 0, (_accelerator(1, 0x0B25, "idxd"), _accelerator(2, 0x0CFE, "idxd"))),
        RootBus(0x80, 1, (
            *_listed(), controller,
            _root_port(1, _link(GEN3, 16, GEN5, 16), *_nic((MELLANOX, 0x101D), slow, 0, ats=None), slot=Slot("4", 4)),
        )),
        RootBus(0x97, 1, (
            *_listed(),
            _root_port(1, _link(GEN4, 4, GEN5, 4), _drive(KIOXIA, GEN4, 2 * MIB), slot=Slot("5", 5)),
            _root_port(3, _link(GEN4, 8, GEN5, 8), memory, slot=Slot("6", 6)),
        )),
        RootBus(0xB7, 1, (_root_port(1, _link(GEN4, 16, GEN5, 16), _switch_b()),)),
        RootBus(0xF2, 1, (_accelerator(0, 0x4940, "4xxx"),)),
    )  # fmt: skip
