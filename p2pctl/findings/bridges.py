"""Host bridges that the kernel lets no P2P pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from p2pctl.findings.fabric import Fabric, Pair
from p2pctl.findings.finding import Finding, some
from p2pctl.findings.scene import Scene
from p2pctl.model.facts import Missing
from p2pctl.resolver.host_bridge import BridgeAnswer
from p2pctl.resolver.resolver import Resolver

_SILENT = "never override the list in a kernel of your own: a host bridge that does not forward corrupts data silently"


@dataclass(slots=True)
class _Closed:
    """Host bridges that are refused for one reason."""

    bridge: BridgeAnswer
    """The first of them."""
    pair: Pair
    """A pair that would have to cross it."""
    roots: list[str] = field(default_factory=list)


def bridge_findings(scene: Scene) -> Iterator[Finding]:
    """One finding for each kind of host bridge that stands between pairs."""
    resolver, fabric = scene.resolver, scene.fabric
    if resolver is None or fabric is None or not resolver.rules.crosses_host_bridge:
        return
    found, iommu = _closed(resolver, fabric)
    for code, closed in sorted(found.items(), key=lambda one: one[1].roots):
        yield _finding(scene, code[0], closed)
    if iommu is not None:
        yield Finding(
            "iommu-closes-host-bridge",
            "warning",
            None,
            f"kernels such as {resolver.rules.name.removeprefix('linux-')} let P2P pass a host bridge only while there "
            "is no IOMMU, and there is one",
            "/sys/class/iommu",
            "run 5.4 or later, where the IOMMU no longer matters; or boot with it off",
            meaning=_meaning(scene, iommu),
            risk="without an IOMMU no device can be given to a guest, and every device can reach all memory",
            verify=(f"p2pctl explain {iommu.lender} {iommu.client}",),
        )


def _closed(resolver: Resolver, fabric: Fabric) -> tuple[dict[tuple[str, object, object], _Closed], Pair | None]:
    """Refusals by their reason and the ids of the host bridge; and a pair that only an IOMMU keeps apart."""
    found: dict[tuple[str, object, object], _Closed] = {}
    iommu: Pair | None = None
    roots = sorted(fabric.roots)
    for provider in roots:
        for client in roots:
            pair = fabric.across(provider, client)
            if pair is None or resolver.verdict(*pair).verdict != "denied":
                continue
            crossing = resolver.crossing(*pair)
            if crossing.no_iommu is False and (crossing.cpu or crossing.listed):
                iommu = iommu or pair
            for bridge in crossing.bridges:
                if bridge.answer is False:
                    key = (bridge.code, bridge.vendor, bridge.device)
                    closed = found.setdefault(key, _Closed(bridge, pair))
                    if bridge.root not in closed.roots:
                        closed.roots.append(bridge.root)
    return found, iommu


def _finding(scene: Scene, code: str, closed: _Closed) -> Finding:
    bridge = closed.bridge
    where = some(sorted(closed.roots), 3)
    what = {
        "host-bridge-not-listed": f"{_ids(bridge)} is not on the kernel's list of host bridges that forward P2P",
        "host-bridge-same-required": f"{_ids(bridge)} forwards P2P only between devices of one host bridge",
        "host-bridge-no-representative": "the first function there is neither 00.0 nor a root port, and the kernel "
        "takes no other to know a host bridge by",
    }.get(code, "the kernel refuses it")
    cure = "put both devices below one PCIe switch, or below one root port"
    if code == "host-bridge-same-required":
        cure += ", or on the same root bus"
    device = scene.devices.get(bridge.first) if bridge.first is not None else None
    return Finding(
        code,
        "warning",
        None if bridge.first is None else str(bridge.first),
        f"host bridge {where}{scene.of_board()}: {what}",
        f"{device.function.path}/uevent" if device is not None else f"/sys/devices/{bridge.root}",
        f"{cure}; p2pctl explain names releases that would allow it, and if the vendor says that it forwards, report "
        f"{_ids(bridge)} to linux-pci",
        meaning=_meaning(scene, closed.pair),
        line=f"PCI_ID={_ids(bridge).upper()}" if code != "host-bridge-no-representative" else None,
        commands=() if bridge.first is None else (f"lspci -nns {bridge.first}",),
        risk=_SILENT,
        verify=(f"p2pctl explain {closed.pair.lender} {closed.pair.client}",),
    )


def _meaning(scene: Scene, pair: Pair) -> str:
    client, lender = scene.named(pair.client), scene.named(pair.lender)
    return f"no P2P across it, such as between {client} and the memory of {lender}"


def _ids(bridge: BridgeAnswer) -> str:
    return ":".join("????" if isinstance(one, Missing) else f"{one:04x}" for one in (bridge.vendor, bridge.device))
