"""For each code of a finding a host that has it, and one much like it that has not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from p2pctl.model.connections import Connections, Controller
from p2pctl.model.exporters import Exporter, Exporters
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact
from p2pctl.model.machine import Board, GrubOption, Machine, Unit
from p2pctl.model.nvme import Cmb, Namespace, Nvme
from p2pctl.model.nvme import Controller as Drive
from p2pctl.model.nvmet import Host, KeyFile, Nvmet, Port, Subsystem
from p2pctl.model.pci import Bar, Link, ResizableBar
from p2pctl.model.pools import Pool
from p2pctl.model.rnbd import ExportedDevice, Rnbd
from p2pctl.model.snapshot import Snapshot
from p2pctl.model.tree import IommuGroup
from p2pctl.simulator.nvme import cmb_size
from p2pctl.simulator.pci import GIB, KIB, MIB, Device, RootBus
from tests.unit.port_hosts import (
    HOST,
    NQN,
    NVME0,
    created,
    exporting,
    logged,
    machine,
    namespace,
    port,
    simple,
    subsystem,
    using,
)
from tests.unit.test_resolver_hosts import (
    ANY_BRIDGE,
    DIRECT,
    OLD_ZEN,
    REDIRECTING,
    SAME_BRIDGE,
    UNLISTED,
    address,
    downstream,
    drive,
    edit,
    first,
    host,
    root_port,
    switch,
    two_drives,
)

Make = Callable[[], Snapshot]


class Case(NamedTuple):
    """A pair of hosts."""

    has: Make
    has_not: Make


NEAR = {"03:00.0": True, "04:00.0": True}


def pair(on: int | None = 0, ids: tuple[int, int] = UNLISTED, **others: Any) -> Snapshot:
    """Two drives with pools below one switch."""
    return host(*two_drives(on=on, ids=ids), **{"published": NEAR, **others})


def function(snapshot: Snapshot, text: str, **fields: Any) -> Snapshot:
    """The snapshot with other facts of one function; ``config`` is a mapping of its fields."""
    assert snapshot.pci is not None
    at = address(text)
    old = snapshot.pci.functions[at]
    if "config" in fields:
        fields["config"] = old.config._replace(**fields["config"])
    new = old._replace(**fields)
    return replace(snapshot, pci=replace(snapshot.pci, functions={**snapshot.pci.functions, at: new}))


def line(text: str, on: int = REDIRECTING, release: str = "7.3.4") -> Snapshot:
    """Two drives below a switch that redirects, booted with a command line."""
    found = pair(on, release=release)
    assert found.kernel is not None
    return replace(found, kernel=replace(found.kernel, command_line=text))


def unbuilt() -> Snapshot:
    """A kernel whose configuration says no."""
    found = host(*two_drives(), p2pdma=False)
    assert found.kernel is not None
    return replace(found, kernel=replace(found.kernel, p2pdma_evidence="/boot/config-7.3.4"))


def locked(state: Fact[str]) -> Snapshot:
    found = pair()
    assert found.kernel is not None
    return replace(found, kernel=replace(found.kernel, lockdown=state))


def linked(speed: float, best: float) -> Snapshot:
    return function(pair(), "03:00.0", link=Link(speed, 4, best, 4, best, 4))


def payloads(one: int, other: int) -> Snapshot:
    """Two drives, and the ports above them, with these payload sizes."""
    found = pair()
    for at, size in (("03:00.0", one), ("02:00.0", 256), ("04:00.0", other), ("02:01.0", 256)):
        found = function(found, at, config={"max_payload": size})
    return found


CMB = Cmb(0x2, cmb_size(16 * MIB))


def with_cmb(cmb: Cmb = CMB, *, published: bool = True, queues: int = 3, taken: int | None = None) -> Snapshot:
    """The first drive with this buffer as its pool; its queues lie in it."""
    found = pair(published={"03:00.0": published, "04:00.0": True})
    assert found.pools is not None
    at = address("03:00.0")
    nvme = Nvme(0.0, {"nvme0": controller(cmb, queues)}, {}, True, True)
    used = 64 * KIB * (queues - 1) if taken is None else taken
    pool = replace(found.pools.pools[at], available=16 * MIB - used)
    return replace(found, nvme=nvme, pools=replace(found.pools, pools={**found.pools.pools, at: pool}))


def controller(cmb: Cmb, queues: int = 3) -> Drive:
    at = address("03:00.0")
    return Drive("nvme0", "pcie", at, "m", "s", "f", "live", "nqn.test", cmb, 1024, queues, ("nvme0n1",))


def unregistered() -> Snapshot:
    found = with_cmb()
    assert found.pools is not None
    assert found.pci is not None
    at = address("03:00.0")
    pools = {where: pool for where, pool in found.pools.pools.items() if where != at}
    return replace(found, pools=replace(found.pools, pools=pools, unregistered={at: found.pci.functions[at]}))


def heads(*, multipath: bool) -> Snapshot:
    found = with_cmb()
    assert found.nvme is not None
    one = Namespace("nvme0n1", 1, GIB, multipath, ("nvme0",))
    return replace(found, nvme=found.nvme._replace(namespaces={"nvme0n1": one}))


def gpus(*, visible: int = 16 * GIB, group: str = "identity", bars: bool = True, size: int = 16 * GIB) -> Snapshot:
    """Two GPUs of amdgpu below one switch, each with 16 GiB."""
    card = Device(ids=(0x1002, 0x7448), class_code=0x030000, port=drive().port)
    found = host(RootBus(0, 0, (first(ANY_BRIDGE), root_port(switch(downstream(card), downstream(card, at=1))))))
    bar = Bar(0, 1 << 40, size, memory=True, prefetchable=True, wide=True)
    resizable = (ResizableBar(0, size, 16 * GIB),)
    exporters = {}
    for text in ("03:00.0", "04:00.0"):
        found = function(
            found, text, driver="amdgpu", iommu_group=7, bars=(bar,) if bars else (), config={"resizable": resizable}
        )
        exporters[address(text)] = Exporter(address(text), "amdgpu", "memory", size, 16 * GIB, visible, ())
    assert found.pci is not None
    groups = replace(found.pci, iommu_groups={7: IommuGroup(7, group)})
    return replace(found, pci=groups, exporters=Exporters(0.0, exporters, ()))


def growing(size: int) -> Snapshot:
    """A pool in a BAR that could have 16 GiB."""
    bar = Bar(4, 1 << 40, size, memory=True, prefetchable=True, wide=True)
    return function(pair(), "03:00.0", bars=(bar,), config={"resizable": (ResizableBar(4, size, 16 * GIB),)})


def target(*ports: Port, **others: Any) -> Snapshot:
    return exporting(machine(**others), ports, [subsystem(namespace())])


def keys(mode: int, *, filled: bool = True, any_host: str = "0") -> Snapshot:
    """A target with a host that has a key."""
    found = exporting(machine(), [port()], [subsystem(namespace(), attr_allow_any_host=any_host)])
    assert found.nvmet is not None
    one = Host(HOST, {}, {"dhchap_key": KeyFile(mode, filled)})
    return replace(found, nvmet=found.nvmet._replace(hosts={HOST: one}))


def connected(*, allowed: bool) -> Snapshot:
    one = Subsystem(NQN, {"attr_allow_any_host": "0"}, {1: namespace()}, {"a": HOST} if allowed else {})
    found = exporting(machine(), [port()], [one])
    session = Controller(NQN, 1, "1", HOST, "192.0.2.99", "ready", 5, ABSENT, ABSENT, "/d")
    return replace(found, connections=Connections(0.0, debugfs=True, controllers=(session,)))


def nothing(**facts: Any) -> Snapshot:
    """A host whose target is not there."""
    return replace(machine(), nvmet=Nvmet(0.0, **facts))


def rnbd(path: str, *exported: str) -> Snapshot:
    found = Rnbd(0.0, False, True, search_path=path, exported=tuple(ExportedDevice(one, one, ()) for one in exported))
    return replace(machine(), rnbd=found)


def low(available: int) -> Snapshot:
    """P2P is confirmed, with so much left in the pool."""
    found = logged(simple(namespace(p2pmem=str(NVME0))), using(NVME0), created())
    assert found.pools is not None
    pool = replace(found.pools.pools[NVME0], available=available)
    return replace(found, pools=replace(found.pools, pools={**found.pools.pools, NVME0: pool}))


def old_pool(device: str | None) -> Snapshot:
    found = pair()
    assert found.pools is not None
    at = address("03:00.0")
    pools = {at: replace(found.pools.pools[at], character_device=device)}
    return replace(found, pools=replace(found.pools, pools=pools))


def exhausted(available: int) -> Snapshot:
    found = pair()
    assert found.pools is not None
    at = address("03:00.0")
    pool: Pool = replace(found.pools.pools[at], available=available)
    return replace(found, pools=replace(found.pools, pools={at: pool}))


def of_board(snapshot: Snapshot) -> Snapshot:
    """The host with a board of which everything is known."""
    board = Board("Example", "Server", "Example", "X1", "Firm", "2.1", "03/14/2025")
    return replace(snapshot, machine=Machine(0.0, board))


def unseen_root() -> tuple[RootBus, ...]:
    """Two root buses that begin with root ports beyond 00.0."""
    return (RootBus(0, 0, (root_port(drive()),)), RootBus(0x40, 1, (root_port(drive()),)))


def cut(text: str) -> Make:
    return lambda: line(text)


def of_machine(snapshot: Snapshot, **facts: Any) -> Snapshot:
    return replace(snapshot, machine=Machine(0.0, **facts))


def booted(options: str, *wanted: str, loader: str = "BOOT_IMAGE=/vmlinuz ", on: int = REDIRECTING) -> Snapshot:
    """A host whose GRUB was asked for these options, and which was booted with those."""
    grub = tuple(GrubOption(one, "/etc/default/grub", 9) for one in wanted)
    return of_machine(line(f"{loader}ro {options}", on=on), grub=grub)


def with_unit(*, enabled: bool, live: bool = True) -> Snapshot:
    """A target, live or empty, beside nvmetcli's unit."""
    unit = Unit("/usr/lib/systemd/system/nvmet.service", "/usr/sbin/nvmetcli clear", enabled)
    return of_machine(target(port()) if live else nothing(present=True, loaded=True), nvmetcli=unit)


WANTED = "pci=disable_acs_redir=0000:02:00.0;0000:02:01.0"
GOOD_LINE = "ro pci=disable_acs_redir=0000:02:00.0;0000:02:01.0"
_ARGUMENT = "pci=disable_acs_redir="

CASES: dict[str, Case] = {
    "kernel-without-p2pdma": Case(unbuilt, pair),
    "user-io-fails": Case(lambda: pair(release="6.16.12+deb14-amd64"), lambda: pair(release="6.18.15+deb13-amd64")),
    "kernel-locked-down": Case(lambda: locked("integrity"), lambda: locked("none")),
    "acs-redirect": Case(lambda: pair(REDIRECTING), lambda: pair(DIRECT)),
    "acs-detour": Case(lambda: pair(REDIRECTING, ANY_BRIDGE), lambda: pair(DIRECT, ANY_BRIDGE)),
    "configuration-space-unread": Case(lambda: edit(pair(), "02:00.0", control=UNREADABLE), pair),
    "host-bridge-not-listed": Case(
        lambda: host(*two_drives(), published={"43:00.0": True}),
        lambda: host(*two_drives(ids=ANY_BRIDGE), published={"43:00.0": True}),
    ),
    "host-bridge-same-required": Case(
        lambda: host(*two_drives(ids=SAME_BRIDGE), published={"43:00.0": True}),
        lambda: host(two_drives(ids=SAME_BRIDGE)[0], published=NEAR),
    ),
    "host-bridge-no-representative": Case(
        lambda: host(*unseen_root(), release="5.15.1", published={"01:00.0": True}),
        lambda: host(*unseen_root(), release="5.19.1", published={"01:00.0": True}),
    ),
    "iommu-closes-host-bridge": Case(
        lambda: host(*two_drives(ids=OLD_ZEN), release="5.2.1", iommus=("ivhd0",), published={"43:00.0": True}),
        lambda: host(*two_drives(ids=OLD_ZEN), release="5.2.1", published={"43:00.0": True}),
    ),
    "link-below-best": Case(lambda: linked(8.0, 16.0), lambda: linked(16.0, 16.0)),
    "payload-mismatch": Case(lambda: payloads(256, 128), lambda: payloads(128, 128)),
    "bar-not-assigned": Case(lambda: gpus(bars=False), gpus),
    "bar-small": Case(lambda: gpus(visible=256 * MIB), gpus),
    "bar-below-best": Case(lambda: growing(256 * MIB), lambda: growing(16 * GIB)),
    "iommu-translates-gpus": Case(lambda: gpus(group="DMA-FQ"), gpus),
    "acs-list-with-commas": Case(cut(f"ro {_ARGUMENT}0000:02:00.0,0000:02:01.0 quiet"), cut(GOOD_LINE)),
    "acs-option-repeated": Case(cut(f"{_ARGUMENT}0000:02:00.0 {_ARGUMENT}0000:02:01.0 quiet"), cut(GOOD_LINE)),
    "acs-list-malformed": Case(cut(f"{_ARGUMENT}0000:02:00.0;nvme0 quiet"), cut(GOOD_LINE)),
    "acs-list-truncated": Case(
        lambda: booted(f"{_ARGUMENT}0000:02:00.0", WANTED), lambda: booted(f"{_ARGUMENT}0000:02:00.0")
    ),
    "grub-option-not-in-force": Case(lambda: booted("quiet", WANTED), lambda: booted(f"quiet {WANTED}", WANTED)),
    "acs-option-too-new": Case(
        lambda: line("pci=config_acs=0x00xx@0000:02:00.0 ro", release="6.8.12"),
        lambda: line("pci=config_acs=0x00xx@0000:02:00.0 ro", release="6.18.1"),
    ),
    "acs-options-overlap": Case(cut(f"{_ARGUMENT}0000:02:00.0 pci=config_acs=0x00xx@0000:02:00.0 ro"), cut(GOOD_LINE)),
    "acs-parameter-broken": Case(
        lambda: line(GOOD_LINE, release="6.12.10"), lambda: line(GOOD_LINE, release="6.12.30")
    ),
    "no-such-option": Case(cut("ro pci=noacs quiet"), cut(GOOD_LINE)),
    "acs-override": Case(cut("ro pcie_acs_override=downstream quiet"), cut(GOOD_LINE)),
    "iommu-option-invalid": Case(cut("ro amd_iommu=pt quiet"), cut("ro iommu=pt quiet")),
    "iommu-off-not-needed": Case(cut("ro intel_iommu=off"), lambda: line("ro intel_iommu=off", release="5.3.18")),
    "swiotlb-forced": Case(cut("ro swiotlb=65536,force"), cut("ro swiotlb=65536")),
    "acs-option-no-device": Case(cut(f"{_ARGUMENT}0000:7f:00.0;0000:02:00.0"), cut(GOOD_LINE)),
    "acs-option-not-in-force": Case(cut(GOOD_LINE), lambda: line(GOOD_LINE, on=DIRECT)),
    "no-pool": Case(lambda: host(*two_drives()), pair),
    "cmb-not-registered": Case(unregistered, with_cmb),
    "cmb-used-by-queues": Case(lambda: with_cmb(queues=33), with_cmb),
    "cmb-not-published": Case(
        lambda: with_cmb(Cmb(0x2, cmb_size(16 * MIB, 0x9)), published=False),
        lambda: with_cmb(Cmb(0x2, cmb_size(16 * MIB, 0x19)), published=False),
    ),
    "pool-exhausted": Case(lambda: exhausted(0), lambda: exhausted(4096)),
    "multipath-head": Case(lambda: heads(multipath=True), lambda: heads(multipath=False)),
    "legacy-pool-device": Case(lambda: old_pool("p2pmem0"), lambda: old_pool(None)),
    "target-not-loaded": Case(lambda: nothing(present=False, loaded=False), lambda: nothing(present=True, loaded=True)),
    "configfs-not-mounted": Case(
        lambda: nothing(present=False, loaded=True), lambda: nothing(present=False, loaded=False)
    ),
    "nvmetcli-service": Case(lambda: with_unit(enabled=True), lambda: of_machine(target(port()), nvmetcli=ABSENT)),
    "legacy-port-switch": Case(lambda: target(port(allow_p2pmem="1")), lambda: target(port())),
    "p2p-falls-back": Case(lambda: simple(snapshot=machine(card=REDIRECTING)), simple),
    "p2p-not-eligible": Case(lambda: simple(namespace(device="/srv/a.img")), simple),
    "p2p-possibly-exhausted": Case(lambda: low(64 * KIB), lambda: low(16 * MIB)),
    "p2p-pool-vanished": Case(
        lambda: simple(namespace(p2pmem=str(NVME0)), machine(published={"04:00.0": True})),
        lambda: simple(namespace(p2pmem=str(NVME0))),
    ),
    "p2p-inline-writes": Case(lambda: simple(param_inline_data_size="4096"), simple),
    "p2p-transport-cannot": Case(lambda: simple(trtype="tcp"), simple),
    "port-listens-everywhere": Case(lambda: target(port(traddr="0.0.0.0")), lambda: target(port())),  # noqa: S104
    "port-virtual-dma": Case(lambda: target(port(), virtual=True), lambda: target(port())),
    "dhchap-key-readable": Case(lambda: keys(0o644), lambda: keys(0o600)),
    "any-host-skips-dhchap": Case(lambda: keys(0o600, any_host="1"), lambda: keys(0o600)),
    "host-still-connected": Case(lambda: connected(allowed=False), lambda: connected(allowed=True)),
    "tls-optional": Case(
        lambda: target(port(addr_tsas="tls1.3", addr_treq="not required")),
        lambda: target(port(addr_tsas="tls1.3", addr_treq="required")),
    ),
    "rnbd-exports-everything": Case(lambda: rnbd("/"), lambda: rnbd("/srv/rnbd/%SESSNAME%")),
    "rnbd-without-p2p": Case(lambda: rnbd("/srv/rnbd", "nvme0n1"), lambda: rnbd("/srv/rnbd")),
}
