"""Drives: memory buffers that are no pool, or not wholly one, and namespaces that can never use one."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.findings.finding import Finding, some
from p2pctl.findings.holders import queue_bytes
from p2pctl.findings.kernel import kernel_has_p2pdma, kernel_remedy
from p2pctl.findings.pools import PoolState
from p2pctl.findings.scene import Scene
from p2pctl.model.facts import Missing
from p2pctl.model.nvme import Cmb
from p2pctl.units import format_bytes

_NOTEWORTHY, _MOST = 8, 2
"""Queues that take this fraction of a buffer are worth a word, or a warning."""


def nvme_findings(scene: Scene) -> Iterator[Finding]:
    """Pools that are not, are used up, or belong to queues; multipath heads."""
    for state in scene.pools:
        yield from _unregistered(scene, state)
        yield from _exhausted(state)
        yield from _queues(scene, state)
        yield from _unpublished(scene, state)
    yield from _no_pool(scene)
    yield from _multipath(scene)


def _unregistered(scene: Scene, state: PoolState) -> Iterator[Finding]:
    if state.why is None:
        return
    cmb = _cmb(scene, state)
    of_use = cmb is None or cmb.takes_data
    advice = kernel_remedy(scene.snapshot) if "CONFIG_PCI_P2PDMA" in state.why.text else state.why.advice
    yield Finding(
        "cmb-not-registered",
        "warning" if of_use else "info",
        str(state.address),
        f"{state.controller} has a memory buffer (CMB) that is no pool: {state.why.text}",
        f"/sys/class/nvme/{state.controller}/cmbsz without /sys/bus/pci/devices/{state.address}/p2pmem",
        advice if of_use else None,
        meaning="nobody can use this memory for P2P, its own drive included"
        if of_use
        else "little: it takes no data both ways (RDS and WDS), so that the driver would not publish it anyway",
        line=_registers(scene, state),
        commands=(f"dmesg | grep -E '{state.address}|CMB'",),
        verify=(f"cat /sys/bus/pci/devices/{state.address}/p2pmem/size",),
    )


def _registers(scene: Scene, state: PoolState) -> str | None:
    cmb = _cmb(scene, state)
    return None if cmb is None else f"cmbloc {cmb.location:#010x}, cmbsz {cmb.size_register:#010x}"


def _cmb(scene: Scene, state: PoolState) -> Cmb | None:
    nvme = scene.snapshot.nvme
    controller = nvme.controllers.get(state.controller or "") if nvme else None
    return None if controller is None or isinstance(controller.cmb, Missing) else controller.cmb


def _exhausted(state: PoolState) -> Iterator[Finding]:
    if state.available == 0 and not isinstance(state.size, Missing) and state.size > 0:
        yield Finding(
            "pool-exhausted",
            "warning",
            str(state.address),
            "the pool has nothing left: what asks for more falls back to system memory without a word",
            f"/sys/bus/pci/devices/{state.address}/p2pmem/available",
            f"p2pctl pool show {state.address} --holders says who holds it",
            line="0",
            commands=(f"p2pctl pool show {state.address} --holders",),
            verify=(f"cat /sys/bus/pci/devices/{state.address}/p2pmem/available",),
        )


def _queues(scene: Scene, state: PoolState) -> Iterator[Finding]:
    pool = scene.snapshot.pools.pools.get(state.address) if scene.snapshot.pools else None
    taken = 0 if pool is None else queue_bytes(pool, scene.snapshot.nvme)
    size = state.size
    if isinstance(size, Missing) or taken * _NOTEWORTHY < size or not taken:
        return
    yield Finding(
        "cmb-used-by-queues",
        "warning" if taken * _MOST >= size else "info",
        str(state.address),
        f"{format_bytes(taken)} of the {format_bytes(size)} of {state.controller} are its own submission queues",
        "/sys/module/nvme/parameters/use_cmb_sqes",
        "keep the queues in host memory: nvme.use_cmb_sqes=0 on the kernel command line, or as an option of the module",
        meaning=f"{format_bytes(max(size - taken, 0))} are left for data",
        line="Y",
        commands=("nvme.use_cmb_sqes=0",),
        risk="the drive fetches commands from host memory then, which takes it slightly longer",
        verify=(f"p2pctl pool show {state.address}",),
    )


def _unpublished(scene: Scene, state: PoolState) -> Iterator[Finding]:
    cmb = _cmb(scene, state) if state.state == "private" else None
    if cmb is None or cmb.takes_data:
        return
    yield Finding(
        "cmb-not-published",
        "info",
        str(state.address),
        f"the buffer of {state.controller} takes no data both ways (CMBSZ has {' '.join(cmb.abilities) or 'none'}, and "
        "RDS and WDS are asked for), so that the driver does not publish it",
        f"/sys/class/nvme/{state.controller}/cmbsz",
        "ask the vendor for firmware that sets them; nothing on the host can",
        meaning="the NVMe target neither finds nor takes it; programs can map it all the same",
        line=f"{cmb.size_register:#010x}",
    )


def _no_pool(scene: Scene) -> Iterator[Finding]:
    pools = scene.snapshot.pools
    listed = pools is not None and not any(gap.fact == "pci functions" for gap in pools.gaps)
    if listed and not scene.pools and kernel_has_p2pdma(scene.snapshot)[0] is not False:
        yield Finding(
            "no-pool",
            "info",
            None,
            "no device offers P2P memory: somebody has to, such as a drive with a CMB or an accelerator's driver",
            "/sys/bus/pci/devices/*/p2pmem",
            None,
        )


def _multipath(scene: Scene) -> Iterator[Finding]:
    nvme = scene.snapshot.nvme
    if nvme is None:
        return
    local = {name for name, controller in nvme.controllers.items() if controller.transport == "pcie"}
    heads = [n.name for n in nvme.namespaces.values() if n.multipath and local & set(n.controllers)]
    if heads:
        named = ", ".join(heads[:4]) + (f" and {len(heads) - 4} more" if len(heads) > 4 else "")
        yield Finding(
            "multipath-head",
            "info",
            named,
            "a multipath head has no PCI device above it, so that nvmet never gives it P2P memory",
            f"/sys/block/{heads[0]}",
            "nvme_core.multipath=N on the kernel command line, at the price of failover",
            meaning=f"a target's namespace on {some(heads)} cannot be enabled with p2pmem set",
            commands=("nvme_core.multipath=N",),
            risk="drives with two ports lose failover, and device names may change",
            verify=("cat /sys/module/nvme_core/parameters/multipath  # N",),
        )
