"""What to do where a namespace asks for P2P memory and gets none by a port, by the reason for it."""

from __future__ import annotations

from shlex import quote
from typing import NamedTuple

from p2pctl.findings.scene import Scene
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.resolver.disks import whole_disk
from p2pctl.target.port_state import PortState


class Cure(NamedTuple):
    """A remedy as a finding tells it."""

    remedy: str
    commands: tuple[str, ...]
    risk: str | None = None


_OUT_OF_REACH = frozenset({"provider-denied", "card-denied", "no-common-provider", "no-provider"})
_NOT_OFFERED = frozenset({"provider-unknown", "provider-unpublished", "pool-vanished"})
_NO_DRIVE = frozenset({"file-backed", "driver-cannot", "not-a-pci-device", "no-such-device", "no-device"})
_NO_ADAPTER = frozenset({"virtual-dma", "no-rdma-device"})

_PLACE = Cure("p2pctl place proposes a provider that suits the drive and the port's adapters", ("p2pctl place",))
_HEADS = Cure(
    "boot with nvme_core.multipath=N, so that each path is a drive of its own",
    ("nvme_core.multipath=N",),
    "drives with two ports lose failover, and device names may change",
)
_ADAPTER = Cure(
    "export it by an RDMA adapter whose driver does its own DMA, such as mlx5, bnxt_re, irdma or cxgb4",
    ("p2pctl device list",),
)


def cure(state: PortState, scene: Scene) -> Cure:
    """What would help: by the first of the state's reasons that tells. ``scene`` finds the pair to explain."""
    found = (_by_code(reason.code, state, reason.address, scene) for reason in state.reasons)
    return next((one for one in found if one is not None), _PLACE)


def _by_code(code: str, state: PortState, about: Address | None, scene: Scene) -> Cure | None:
    if code == "multipath-head":
        return _HEADS
    if code in _OUT_OF_REACH:
        return _explain(code, state, about, scene)
    if code in _NOT_OFFERED:
        return _PLACE
    if code == "pool-low" and about is not None:
        return Cure(
            f"p2pctl pool show {about} --holders says who holds the memory, p2pctl place spreads namespaces over pools",
            (f"p2pctl pool show {about} --holders", "p2pctl place"),
        )
    if code in _NO_ADAPTER:
        return _ADAPTER
    change = f"p2pctl namespace set {quote(state.subsystem)} {state.nsid}"
    if code == "buffered-io":
        return Cure("switch buffered_io off, or p2pmem", (f"{change} buffered_io=0",))
    if code in _NO_DRIVE:
        return Cure(
            "export a local NVMe drive in its place, or switch p2pmem off", ("p2pctl device list", f"{change} p2pmem=0")
        )
    return None


def _explain(code: str, state: PortState, about: Address | None, scene: Scene) -> Cure:
    """The nearest provider that is refused, with the device that it is refused to."""
    client = about if code in {"card-denied", "no-common-provider"} else _drive(state, scene)
    named = Address.from_sysfs(state.p2pmem) if isinstance(state.p2pmem, str) else None
    pair = _nearest(scene, client, named)
    if pair is None:
        return _PLACE
    asked = f"p2pctl explain {pair[0]} {pair[1]}"
    remedy = f"{asked} tells what stands between them and what would change it; p2pctl place proposes another provider"
    return Cure(remedy, (asked, "p2pctl place"))


def _drive(state: PortState, scene: Scene) -> Address | None:
    block = scene.snapshot.block
    name = "" if isinstance(state.device, Missing) else whole_disk(state.device)
    disk = block.devices.get(name) if block is not None else None
    return None if disk is None or isinstance(disk.address, Missing) else disk.address


def _nearest(scene: Scene, client: Address | None, named: Address | None) -> tuple[Address, Address] | None:
    if scene.resolver is None or client is None:
        return None
    resolver = scene.resolver
    pools = [named] if named is not None else [one.address for one in scene.pools if one.state == "published"]
    refused = [
        (verdict.distance if verdict.distance is not None else 1 << 16, pool)
        for pool in pools
        if pool in scene.devices and client in scene.devices
        for verdict in (resolver.verdict(pool, client),)
        if verdict.verdict == "denied"
    ]
    return (min(refused)[1], client) if refused else None
