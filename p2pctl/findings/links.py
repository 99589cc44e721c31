"""PCI Express links: slower than they could be, or with payload sizes that do not fit together."""

from __future__ import annotations

from collections.abc import Iterator

from p2pctl.findings.devices import branches
from p2pctl.findings.fabric import Fabric, Pair
from p2pctl.findings.finding import Finding
from p2pctl.findings.scene import Scene
from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Missing
from p2pctl.model.pci import Function


def link_findings(scene: Scene) -> Iterator[Finding]:
    """Links below their best, and payload sizes that differ on the way of a pair."""
    yield from _links(scene, scene.fabric)
    if scene.fabric is not None:
        yield from _payloads(scene, scene.fabric)


def _links(scene: Scene, fabric: Fabric | None) -> Iterator[Finding]:
    found = scene.devices
    seen: set[tuple[int, ...]] = set()
    for address in sorted(branches(found)):
        device = found[address]
        function = device.function
        if not function.below_best or address[:3] in seen:
            continue
        seen.add(address[:3])  # the functions of one card share its link
        link = function.link
        # A GPU that has nothing to do slows its link down, but gives no lanes away.
        idles = device.kind == "gpu" and link.width == link.best_width
        pair = fabric.over(function.parent or address) if fabric is not None else None
        slot = "" if isinstance(function.slot, Missing) else f" (slot {function.slot})"
        yield Finding(
            "link-below-best",
            "info" if idles or pair is None else "warning",
            str(address),
            f"its link runs at {_pace(link.speed, link.width)}, both ends could do "
            f"{_pace(link.best_speed, link.best_width)}",
            f"{function.path}/current_link_speed, current_link_width",
            "look at the slot's lanes, the riser and the bridge above; some devices slow down only while idle",
            meaning=f"all P2P of {scene.named(address)}{slot} goes through this link, and is no faster"
            + ("; as things are, there is none" if pair is None else ""),
            line=f"{_pace(link.speed, link.width)}",
            commands=(f"lspci -vvs {address} | grep -E 'LnkCap|LnkSta'",),
            verify=(f"p2pctl device show {address}",),
        )


def _pace(speed: Fact[float], width: Fact[float]) -> str:
    return f"{'?' if isinstance(speed, Missing) else f'{speed:g}'} GT/s x{'?' if isinstance(width, Missing) else width}"


def _payloads(scene: Scene, fabric: Fabric) -> Iterator[Finding]:
    """Below each root port, the first pair of a device that sends more than a node on its way takes."""
    below: dict[Address, list[tuple[int, Address]]] = {}
    for node in fabric.nodes:
        payload = _sends(scene, node)
        if payload is not None:
            below.setdefault(fabric.top(node), []).append((payload, node))
    members = set(fabric.members)
    for top, nodes in sorted(below.items()):
        senders = sorted((one for one in nodes if one[1] in members), reverse=True)
        nodes.sort()
        # The one that sends most with all that take less, and the one that takes least with all that send more.
        tried = [*((senders[0], one) for one in nodes), *((one, nodes[0]) for one in senders)] if senders else []
        for most, least in tried:
            pair = _pair(fabric, most[1], least[1]) if most[0] > least[0] else None
            if pair is not None:
                yield _payload(scene, scene.devices[top].function, most, least, pair)
                break


def _sends(scene: Scene, node: Address) -> int | None:
    """Bytes of a packet at most; None for a virtual function, which has the size of its physical one and shows none."""
    function = scene.devices[node].function if node in scene.devices else None
    if function is None or not isinstance(function.physfn, Missing) or isinstance(function.config.max_payload, Missing):
        return None
    return function.config.max_payload


def _pair(fabric: Fabric, sender: Address, narrow: Address) -> Pair | None:
    """A pair of which the sender is one end, and the node that takes less is on the way or the other end."""
    if narrow not in fabric.chains[sender]:
        return fabric.between(sender, narrow)
    return fabric.leaving(narrow, sender)


def _payload(scene: Scene, top: Function, most: tuple[int, Address], least: tuple[int, Address], pair: Pair) -> Finding:
    narrow = scene.devices[least[1]].function
    return Finding(
        "payload-mismatch",
        "warning",
        str(least[1]),
        f"{scene.named(most[1])} may send {most[0]} bytes in a packet, {scene.named(least[1])} takes {least[0]}: a "
        "larger one is an error there (malformed TLP)",
        f"{narrow.path}/config",
        "boot with pci=pcie_bus_safe, which gives all of a tree what its weakest member takes, or "
        "pci=pcie_bus_peer2peer (128 bytes everywhere)",
        meaning=f"P2P between {scene.named(pair.client)} and {scene.named(pair.lender)} below {top.address} may fail "
        "with AER errors, or stop a device",
        line=f"DevCtl MaxPayload {least[0]} bytes, as programmed",
        commands=("pci=pcie_bus_safe",),
        risk="smaller packets carry less: 128 bytes instead of 256 cost about 8 percent",
        verify=(f"lspci -vvs {least[1]} | grep MaxPayload", "dmesg | grep -i 'malformed'"),
    )
