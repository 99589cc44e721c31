"""A host with a target, for tests of port states: two drives and a network card behind one switch, a drive elsewhere.

``0000:03:00.0`` nvme0 and ``0000:04:00.0`` nvme1, both with a pool, and ``0000:05:00.0`` mlx5_0 (192.0.2.10) are below
the switch; ``0000:06:00.0`` nvme2, with a pool, is below another root port, and so is ``0000:07:00.0`` mlx5_1
(192.0.2.11). It is what facts about real kernels were measured on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address

from p2pctl.model.address import Address
from p2pctl.model.block import Block, BlockDevice
from p2pctl.model.connections import Connections, Controller
from p2pctl.model.facts import ABSENT, Fact
from p2pctl.model.log import KernelLog, Record
from p2pctl.model.nvme import Namespace, Nvme
from p2pctl.model.nvmet import Nvmet, Port, Subsystem, TargetNamespace
from p2pctl.model.rdma import Gid, Interface, Rdma, RdmaDevice, RdmaPort
from p2pctl.model.snapshot import Snapshot
from p2pctl.resolver.ports import gid_of
from p2pctl.simulator.pci import Device, RootBus
from p2pctl.target.port_state import PortState, port_states
from tests.unit.test_resolver_hosts import UNLISTED, downstream, drive, first, host, root_port, switch

NVME0, NVME1, CARD = Address(0, 3, 0, 0), Address(0, 4, 0, 0), Address(0, 5, 0, 0)
NVME2, FAR_CARD = Address(0, 6, 0, 0), Address(0, 7, 0, 0)
NQN = "nqn.2026-11.org.example:pool0"
OTHER = "nqn.2026-11.org.example:other"
HOST = "nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349"


def machine(
    card: int | None = 0,
    drives: int | None = 0,
    published: Mapping[str, Fact[bool]] | None = None,
    virtual: Fact[bool] = False,
) -> Snapshot:
    """The host; ``card`` and ``drives`` are ACS Control of the switch's ports above them."""
    nic = Device(ids=(0x15B3, 0x101D), class_code=0x020000, port=drive().port)
    below = switch(downstream(drive(), on=drives), downstream(drive(), at=1, on=drives), downstream(nic, at=2, on=card))
    bus = RootBus(0, 0, (first(UNLISTED), root_port(below), root_port(drive(), at=2), root_port(nic, at=3)))
    pools = {"03:00.0": True, "04:00.0": True, "06:00.0": True} if published is None else published
    base = host(bus, published=pools)
    disks = [
        _disk("nvme0n1", NVME0), _disk("nvme1n1", NVME1), _disk("nvme2n1", NVME2),
        _disk("nvme5n1", ABSENT, "multipath head: it stands above its paths"),
        _disk("md0", ABSENT, "md array: the kernel sees no PCI device under it"),
        _disk("dm-0", ABSENT, "device mapper: the kernel sees no PCI device under it"),
        _disk("loop0", ABSENT, "loop device: backed by a file"),
        _disk("sda", NVME2),
    ]  # fmt: skip
    heads = {"nvme5n1": Namespace("nvme5n1", 1, 1 << 30, multipath=True, controllers=("nvme5",))}
    cards = (_card("mlx5_0", CARD, "192.0.2.10", virtual), _card("mlx5_1", FAR_CARD, "192.0.2.11", False))
    return replace(
        base,
        block=Block(0.0, {one.name: one for one in disks}),
        nvme=Nvme(0.0, {}, heads, ABSENT, ABSENT),
        rdma=Rdma(0.0, {one.name: one for one in cards}, {"eth0": Interface("eth0", CARD, "up")}),
        log=KernelLog(0.0, (), complete=True),
        connections=Connections(0.0, debugfs=False),
    )


def _disk(name: str, address: Fact[Address], reason: str | None = None) -> BlockDevice:
    return BlockDevice(name, 1 << 30, address, reason, ())


def _card(name: str, address: Address, text: str, virtual: Fact[bool]) -> RdmaDevice:
    gid = Gid(0, gid_of(ip_address(text)), "RoCE v2", "eth0")
    why = "it registers without a DMA device" if virtual is True else None
    return RdmaDevice(
        name, address, "mlx5_core", "guid", virtual, why, (RdmaPort(1, "ACTIVE", "Ethernet", (gid,)),), ("eth0",)
    )


def namespace(nsid: int = 1, device: str = "/dev/nvme1n1", p2pmem: str = "1", **others: str) -> TargetNamespace:
    values = {"device_path": device, "p2pmem": p2pmem, "enable": "1", "buffered_io": "0", **others}
    return TargetNamespace(nsid, values)


def subsystem(*namespaces: TargetNamespace, nqn: str = NQN, **attributes: str) -> Subsystem:
    return Subsystem(nqn, attributes, {one.nsid: one for one in namespaces})


def port(name: str = "1", *nqns: str, trtype: str = "rdma", traddr: str = "192.0.2.10", **others: str) -> Port:
    values = {"addr_trtype": trtype, "addr_traddr": traddr, "addr_trsvcid": "4420", "param_inline_data_size": "0"}
    return Port(name, {**values, **others}, {nqn: nqn for nqn in nqns or (NQN,)})


def exporting(snapshot: Snapshot, ports: Iterable[Port], subsystems: Iterable[Subsystem]) -> Snapshot:
    """The host with this target."""
    target = Nvmet(
        0.0,
        present=True,
        loaded=True,
        subsystems={one.nqn: one for one in subsystems},
        ports={one.name: one for one in ports},
    )
    return replace(snapshot, nvmet=target)


def simple(one: TargetNamespace | None = None, snapshot: Snapshot | None = None, **ports: str) -> Snapshot:
    """The host with one port, one subsystem and one namespace."""
    return exporting(snapshot or machine(), [port("1", NQN, **ports)], [subsystem(one or namespace())])


def logged(snapshot: Snapshot, *texts: str | tuple[float, str], complete: bool = True) -> Snapshot:
    """The host with these lines in its log, a tenth of a second apart where no time is given."""
    records = [
        Record(at, 100.0 + at / 10, one) if isinstance(one, str) else Record(at, one[0], one[1])
        for at, one in enumerate(texts)
    ]
    return replace(snapshot, log=KernelLog(0.0, tuple(records), complete))


def using(provider: Address, nsid: int = 1) -> str:
    return f"nvmet: using p2pmem on {provider} for nsid {nsid}"


def nothing(path: str = "/dev/nvme1n1", device: str = "mlx5_0") -> str:
    return f"nvmet: no peer-to-peer memory is available that's supported by {device} and {path}"


def denied(provider: Address, client: Address = CARD) -> str:
    return (
        f"mlx5_core {client}: cannot be used for peer-to-peer DMA as the client and provider ({provider}) do not share "
        "an upstream bridge or whitelisted host bridge"
    )


def created(cntlid: int = 1, nqn: str = NQN, host_nqn: str = HOST) -> str:
    return f"nvmet: Created nvm controller {cntlid} for subsystem {nqn} for NQN {host_nqn}."


def listening(number: int = 1, transport: str = "rdma") -> str:
    return f"nvmet_{transport}: enabling port {number} (192.0.2.10:4420)"


def shown(snapshot: Snapshot, *controllers: tuple[int, str, str]) -> Snapshot:
    """The host with debugfs, and these controllers in it: number, subsystem, port."""
    found = tuple(
        Controller(nqn, cntlid, via, HOST, "192.0.2.99", "ready", 5, ABSENT, ABSENT, f"/d/{nqn}/ctrl{cntlid}")
        for cntlid, nqn, via in controllers
    )
    return replace(snapshot, connections=Connections(0.0, debugfs=True, controllers=found))


def state(snapshot: Snapshot, port_name: str = "1", nqn: str = NQN, nsid: int | None = 1) -> PortState:
    """The state of one namespace by one port."""
    return next(one for one in port_states(snapshot) if (one.port, one.subsystem, one.nsid) == (port_name, nqn, nsid))
