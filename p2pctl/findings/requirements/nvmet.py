"""What the NVMe target needs before P2P memory carries its I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from p2pctl.findings.finding import some
from p2pctl.findings.requirements.common import AS_ROOT, kernel_p2pdma
from p2pctl.findings.requirements.requirement import Requirement
from p2pctl.findings.scene import Scene
from p2pctl.model.address import Address
from p2pctl.model.facts import NOT_READ, Missing
from p2pctl.model.nvmet import ROOT
from p2pctl.resolver.logic import Answer
from p2pctl.resolver.rdma import refuse_rdma
from p2pctl.target.port_state import PortState

_GOOD, _OPEN = frozenset({"confirmed", "predicted"}), frozenset({"unknown"})


def nvmet_requirements(scene: Scene, states: Sequence[PortState]) -> Iterator[Requirement]:
    """From the kernel up to the namespaces."""
    yield kernel_p2pdma(scene)
    yield _target(scene)
    yield _transport(scene)
    yield _card(scene)
    yield _pool(scene)
    yield _drive(scene)
    yield _reach(scene)
    yield _asked(scene, states)
    yield _carried(states)


def _target(scene: Scene) -> Requirement:
    nvmet, title = scene.snapshot.nvmet, "the NVMe target"
    present = NOT_READ if nvmet is None else nvmet.present
    if nvmet is None or (isinstance(present, Missing) and present is not Missing.ABSENT):
        return Requirement("target", title, None, f"{ROOT} could not be read", ROOT, AS_ROOT)
    if present is True:
        return Requirement("target", title, True, "it is loaded and can be configured", ROOT)
    if nvmet.loaded is True:
        remedy = "mount -t configfs none /sys/kernel/config"
        return Requirement("target", title, False, "it is loaded, and configfs is not mounted", ROOT, remedy)
    if nvmet.built is False:
        text = "this kernel was built without it (CONFIG_NVME_TARGET)"
        return Requirement("target", title, False, text, "the kernel's build configuration", "run a kernel that has it")
    return Requirement("target", title, False, "it is not loaded", "/sys/module/nvmet", "modprobe nvmet")


def _transport(scene: Scene) -> Requirement:
    title, machine = "the target's RDMA transport", scene.snapshot.machine
    if machine is not None and "nvmet_rdma" in machine.modules:
        return Requirement("rdma-transport", title, True, "it is loaded", "/sys/module/nvmet_rdma")
    built = NOT_READ if machine is None else machine.option("NVME_TARGET_RDMA")
    where = (machine.options_file if machine else None) or "the kernel's build configuration"
    if isinstance(built, Missing):
        text = "it is not loaded, and whether this kernel has it is not known"
        return Requirement("rdma-transport", title, None, text, where, "modprobe nvmet-rdma tells")
    text = "it is not loaded: the kernel does so when a port is linked" if built else "this kernel was built without it"
    return Requirement("rdma-transport", title, built, text, where, None if built else "run a kernel that has it")


def _card(scene: Scene) -> Requirement:
    title, rdma, resolver = "an RDMA adapter with DMA of its own", scene.snapshot.rdma, scene.resolver
    where = "/sys/class/infiniband"
    if rdma is None or resolver is None or any(gap.fact == "rdma devices" for gap in rdma.gaps):
        return Requirement("rdma-device", title, None, "the RDMA devices were not read", where, AS_ROOT)
    every = {one.name: refuse_rdma(one, resolver.rules) for one in rdma.devices.values()}
    able = [one for one in rdma.devices.values() if isinstance(one.address, Address) and every[one.name] is None]
    if able:
        return Requirement("rdma-device", title, True, f"found: {some(one.name for one in able)}", where)
    open_ones = [name for name, refusal in every.items() if refusal is not None and refusal.refused is None]
    if open_ones:
        text = f"whether {some(open_ones)} do DMA of their own is not known"
        return Requirement("rdma-device", title, None, text, where, AS_ROOT)
    text = f"only {some(every)}, which have none" if every else "there is no RDMA device"
    return Requirement("rdma-device", title, False, text, where, "use an adapter such as mlx5, bnxt_re or irdma drive")


def _pool(scene: Scene) -> Requirement:
    title, where = "a published pool", "/sys/bus/pci/devices/*/p2pmem/published"
    if scene.snapshot.pools is None or any(gap.fact == "pci functions" for gap in scene.snapshot.pools.gaps):
        return Requirement("pool", title, None, "the pools were not read", where, AS_ROOT)
    published = [state for state in scene.pools if state.state == "published"]
    if published:
        named = some(state.controller or state.address for state in published)
        return Requirement("pool", title, True, f"found: {named}", where)
    if any(isinstance(state.state, Missing) for state in scene.pools):
        return Requirement("pool", title, None, "whether the pools are published could not be read", where, AS_ROOT)
    text = "the pools are private to their drivers" if scene.pools else "no device offers P2P memory"
    return Requirement("pool", title, False, text, where, "use a drive with a CMB that takes data (RDS and WDS)")


def _drive(scene: Scene) -> Requirement:
    title, block, nvme = "a drive that can be exported with it", scene.snapshot.block, scene.snapshot.nvme
    where = "/sys/class/block"
    if block is None or nvme is None or any(gap.fact == "block devices" for gap in block.gaps):
        return Requirement("drive", title, None, "the block devices were not read", where, AS_ROOT)
    found = [
        one.name for one in block.devices.values() if one.name.startswith("nvme") and isinstance(one.address, Address)
    ]
    if found:
        return Requirement("drive", title, True, f"found: {some(found)}", where)
    heads = [one.name for one in nvme.namespaces.values() if one.multipath]
    if heads:
        text = f"{some(heads)} are multipath heads, which have no PCI device above them"
        return Requirement("drive", title, False, text, where, "boot with nvme_core.multipath=N")
    return Requirement("drive", title, False, "there is no local NVMe namespace", where)


def _reach(scene: Scene) -> Requirement:
    """A pool that an adapter and a drive may both use: what the kernel asks for when a host connects."""
    title, resolver = "a pool that adapter and drive may both use", scene.resolver
    if resolver is None:
        return Requirement("reach", title, None, "the PCI tree was not read", "/sys/bus/pci/devices", AS_ROOT)
    pools = [state.address for state in scene.pools if state.state == "published" and state.address in scene.devices]
    cards = [address for address, one in scene.devices.items() if one.kind == "rdma" and _does_dma(scene, address)]
    disks = [address for address, one in scene.devices.items() if one.kind == "nvme"]
    evidence = f"the rules of {resolver.rules.name}"
    unsure = False
    for card in cards:
        for pool in pools:
            answers: set[Answer] = set()
            first = resolver.verdict(pool, card).verdict
            if first == "denied":
                continue
            for disk in disks:
                both = {first, resolver.verdict(pool, disk).verdict}
                if both == {"allowed"}:
                    named = f"{scene.named(pool)} for {scene.named(card)} and {scene.named(disk)}"
                    return Requirement("reach", title, True, f"such as {named}", evidence)
                answers.add(None if "denied" not in both else False)
            unsure = unsure or None in answers
    remedy = "p2pctl matrix shows every pair, p2pctl explain what would change one"
    if unsure:
        return Requirement("reach", title, None, "ACS on the way could not be read", evidence, AS_ROOT)
    return Requirement("reach", title, False, "no pool may be used by an adapter and a drive", evidence, remedy)


def _does_dma(scene: Scene, address: Address) -> bool:
    rdma = scene.snapshot.rdma
    return (
        any(one.address == address and one.virtual_dma is not True for one in rdma.devices.values()) if rdma else False
    )


def _asked(scene: Scene, states: Sequence[PortState]) -> Requirement:
    title, where = "a namespace that asks for it, by an RDMA port", f"{ROOT}/subsystems/*/namespaces/*/p2pmem"
    asking = [one for one in states if one.state not in {"off", "transport-cannot"}]
    if asking:
        named = some(f"namespace {one.nsid} of {one.subsystem}" for one in asking[:2])
        return Requirement("namespace", title, True, f"{len(asking)} found, such as {named}", where)
    if scene.snapshot.nvmet is None or scene.snapshot.nvmet.gaps:
        return Requirement("namespace", title, None, "the target could not be read", where, AS_ROOT)
    remedy = "p2pctl namespace set NQN NSID p2pmem=auto, and p2pctl port link with a port of transport rdma"
    return Requirement("namespace", title, False, "none", where, remedy)


def _carried(states: Sequence[PortState]) -> Requirement:
    title, where = "P2P memory for all that ask for it", "p2pctl port state"
    asking = [one for one in states if one.state not in {"off", "transport-cannot"}]
    short = [one for one in asking if one.state not in _GOOD | _OPEN]
    if short:
        first = short[0]
        such = f"namespace {first.nsid} of {first.subsystem}: {first.state}"
        text = f"{len(short)} of {len(asking)} fall short, such as {such}"
        return Requirement("carried", title, False, text, where, f"p2pctl port state {quote(first.port)} tells why")
    if any(one.state in _OPEN for one in asking):
        return Requirement("carried", title, None, "for some it cannot be told", where, AS_ROOT)
    if not asking:
        return Requirement("carried", title, False, "nobody asks for it", where)
    confirmed = sum(one.state == "confirmed" for one in asking)
    text = f"{confirmed} confirmed by the kernel, {len(asking) - confirmed} predicted"
    return Requirement("carried", title, True, text, where)
