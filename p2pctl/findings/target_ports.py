"""Ports of the target that cannot serve P2P memory, or of which nobody can say what they will do."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from p2pctl.findings.finding import Finding, some
from p2pctl.findings.scene import Scene
from p2pctl.model.nvmet import ROOT, Nvmet, Port
from p2pctl.resolver.ports import PortDevices


def port_findings(scene: Scene) -> Iterator[Finding]:
    """Ports that listen everywhere, and ports on devices that never do P2P."""
    nvmet = scene.snapshot.nvmet
    if nvmet is None:
        return
    asking = wanting(nvmet)
    for found in scene.ports:
        port = nvmet.ports[found.port]
        wanted = any(nqn in asking for nqn in port.subsystems)
        yield from _wildcard(port, found, wanted=wanted)
        yield from _virtual(port, found, wanted=wanted)


def wanting(nvmet: Nvmet) -> frozenset[str]:
    """Subsystems with a namespace that asks for P2P memory."""
    return frozenset(
        nqn
        for nqn, subsystem in nvmet.subsystems.items()
        if any(one.attributes.get("p2pmem", "0") not in {"0", ""} for one in subsystem.namespaces.values())
    )


def _wildcard(port: Port, found: PortDevices, *, wanted: bool) -> Iterator[Finding]:
    if not any(reason.code == "wildcard" for reason in found.warnings):
        return
    several = len(found.devices) > 1
    names = some(one.name for one in found.devices)
    yield Finding(
        "port-listens-everywhere",
        "warning" if wanted and several else "info",
        f"port {port.name}",
        f"it listens on every address ({found.address}): whichever of {names or 'no RDMA device'} a host comes in by "
        "decides whether P2P memory is used",
        f"{ROOT}/ports/{port.name}/addr_traddr",
        "give it the address of the adapter that is meant, and others ports of their own",
        meaning="P2P memory has to suit all of these devices before anything can be promised of this port",
        line=str(found.address),
        commands=(f"p2pctl port set {quote(port.name)} traddr=ADDRESS",),
        risk="the port's connections drop",
        verify=(f"p2pctl port state {quote(port.name)}",),
    )


def _virtual(port: Port, found: PortDevices, *, wanted: bool) -> Iterator[Finding]:
    refused = [one for one in found.devices if one.refusal is not None and one.refusal.reason.code == "virtual-dma"]
    if not refused or len(refused) < len(found.devices):
        return
    first = refused[0]
    yield Finding(
        "port-virtual-dma",
        "warning" if wanted else "info",
        f"port {port.name}",
        f"{some(one.name for one in refused)} does no DMA of its own, so that the kernel never gives it P2P memory",
        f"/sys/class/infiniband/{first.name}/device",
        "use an RDMA adapter whose driver does its own DMA: not rxe, siw, hfi1 or qib",
        meaning="all I/O by this port goes through system memory, whatever its namespaces ask for",
        line=None if first.refusal is None else first.refusal.reason.text,
        commands=(f"ls -l /sys/class/infiniband/{first.name}/device/driver",),
        verify=(f"p2pctl port state {quote(port.name)}",),
    )
