"""The PCI tree, annotated."""

from __future__ import annotations

from collections.abc import Mapping

from p2pctl.findings.devices import Device, branches, devices
from p2pctl.findings.pools import PoolState, pool_states
from p2pctl.model.address import Address
from p2pctl.model.facts import Fact, Missing
from p2pctl.model.pci import ACS_REDIRECT, Acs, acs_names
from p2pctl.model.snapshot import Snapshot
from p2pctl.model.tree import HostBridge
from p2pctl.render.items import acs_item, function_name, identity_text, link_item
from p2pctl.render.page import Lines, Node, Page, Section, Tree, TreeColumn
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.text import Line, Span
from p2pctl.units import format_short

COLUMNS = (
    TreeColumn("device", priority=0),
    TreeColumn("pool", priority=1),
    TreeColumn("acs", priority=2),
    TreeColumn("link", priority=3),
    TreeColumn("numa", priority=4, right=True),
    TreeColumn("driver", priority=5),
    TreeColumn("name", priority=6),
)
_SHORT_ROLES = {"root-port": "root port", "upstream-port": "upstream port", "downstream-port": "downstream port"}
_REPORT_COLUMNS = (Column("address", "address", style="name"), Column("role", "role", style="name"))

LEGEND = (
    "pci...: a host bridge, with the id of the function that stands for it when the kernel looks it up.",
    "pool: its size, in brackets where it is private; none: a memory buffer that was not registered.",
    (
        "acs: the bits that send peer traffic up to the host bridge (RR, CR, EC); off: it has ACS, none of them is on; "
        "-: no ACS; ?: not known."
    ),
    "link: GT/s x lanes, ! where it runs below its best.",
)


class _Forest:
    """The tree to draw: each function's children, without the branches that nobody needs."""

    def __init__(self, snapshot: Snapshot, *, everything: bool) -> None:
        self.snapshot = snapshot
        self.states = {state.address: state for state in pool_states(snapshot)}
        self.children: dict[Address | str, list[Device]] = {}
        all_devices = {device.function.address: device for device in devices(snapshot, everything=True)}
        kept = set(all_devices) if everything else branches(all_devices)
        for address, device in all_devices.items():
            if address in kept:
                self.children.setdefault(_hangs_on(device, all_devices), []).append(device)
        self.hidden = len(all_devices) - len(kept)
        bridges = snapshot.pci.host_bridges if snapshot.pci else {}
        self.bridges = [bridge for name, bridge in bridges.items() if everything or name in self.children]

    def below(self, above: Address | str) -> list[Device]:
        """What hangs directly under a bridge or a root bus."""
        return self.children.get(above, [])


def _hangs_on(device: Device, found: Mapping[Address, Device]) -> Address | str:
    """The bridge above, or the root bus; that too where the bridge went away while the tree was read."""
    parent = device.function.parent
    return device.function.root if parent is None or parent not in found else parent


def topology_page(snapshot: Snapshot, *, everything: bool = False) -> Page:
    """The tree: host bridges, ports, endpoints; only what matters for P2P unless ``everything``."""
    forest = _Forest(snapshot, everything=everything)
    items = [_bridge_item(bridge, forest) for bridge in forest.bridges]
    report = Report.of(
        snapshot,
        "topology",
        items,
        _REPORT_COLUMNS,
        summary={"host_bridges": len(items), "hidden_functions": forest.hidden},
        flat=False,
    )
    lines = list(LEGEND)
    if forest.hidden:
        lines.append(f"{forest.hidden} functions without a part in P2P are not shown: --all shows them.")
    tree = _tree(forest)
    if not forest.bridges:
        return Page(report, (Section("", (Lines(("No function on this host takes part in P2P.",)),)),))
    return Page(report, (Section("", (tree,)), Section("", (Lines(tuple(lines)),))))


def topology_tree(snapshot: Snapshot, *, everything: bool = False) -> Tree:
    """The tree alone. The label of a node is the name of the host bridge, or the address of the function."""
    return _tree(_Forest(snapshot, everything=everything))


def _tree(forest: _Forest) -> Tree:
    return Tree(tuple(_bridge_node(bridge, forest) for bridge in forest.bridges), COLUMNS)


def _representative_id(bridge: HostBridge, forest: _Forest) -> str | None:
    first = bridge.representative
    if forest.snapshot.pci is None or isinstance(first, Missing):
        return None
    function = forest.snapshot.pci.functions.get(first)
    return identity_text(function) if function else None


def _bridge_item(bridge: HostBridge, forest: _Forest) -> Item:
    first = bridge.representative
    return {
        "address": bridge.name,
        "role": "host-bridge",
        "representative": first if isinstance(first, Missing) else str(first),
        "representative_id": _representative_id(bridge, forest),
        "children": [_device_item(device, forest) for device in forest.below(bridge.name)],
    }


def _device_item(device: Device, forest: _Forest) -> Item:
    function = device.function
    state = forest.states.get(function.address)
    return {
        "address": str(function.address),
        "role": function.role,
        "kind": device.kind,
        "names": list(device.names),
        "name": function_name(function),
        "driver": function.driver,
        "numa_node": function.numa_node,
        "iommu_group": function.iommu_group,
        "slot": function.slot,
        "link": link_item(function),
        "acs": acs_item(function.config.acs),
        "exporter": device.exporter,
        "pool": None if state is None else _pool_item(state),
        "children": [_device_item(child, forest) for child in forest.below(function.address)],
    }


def _pool_item(state: PoolState) -> Item:
    return {"state": state.state, "size": state.size, "available": state.available}


def _bridge_node(bridge: HostBridge, forest: _Forest) -> Node:
    representative = bridge.representative
    if not isinstance(representative, Missing):
        text = f"represented by {representative}"
        identity = _representative_id(bridge, forest) or "?"
    else:
        text = "no function stands for it" if representative is Missing.ABSENT else "what stands for it is not known"
        identity = "-" if representative is Missing.ABSENT else "?"
    children = tuple(_device_node(device, forest) for device in forest.below(bridge.name))
    return Node(Span(bridge.name, "strong"), (f"bridge {identity}", "", "", "", "", "", text), children)


def _device_node(device: Device, forest: _Forest) -> Node:
    function = device.function
    state = forest.states.get(function.address)
    node = function.numa_node
    return Node(
        str(function.address),
        (
            _what(device),
            _pool_text(state) if state else "",
            _acs_text(function.config.acs),
            _link_text(device),
            "" if isinstance(node, Missing) else str(node),
            "" if isinstance(function.driver, Missing) else function.driver,
            function_name(function) or identity_text(function),
        ),
        tuple(_device_node(child, forest) for child in forest.below(function.address)),
    )


def _what(device: Device) -> Line:
    if device.function.is_bridge:
        role = device.function.role
        return Span(_SHORT_ROLES.get(role, role), "dim")
    if device.names:
        return Span(device.names[0], "accent")
    return device.kind if device.kind != "other" else device.function.role


def _pool_text(state: PoolState) -> Line:
    if state.state == "unregistered":
        return Span("none", "warning")
    if isinstance(state.size, Missing):
        return Span("?", "warning")
    text = format_short(state.size)
    if isinstance(state.state, Missing):
        return text
    return Span(text, "good") if state.state == "published" else f"({text})"


def _acs_text(acs: Fact[Acs]) -> Line:
    if isinstance(acs, Missing):
        return Span("-", "dim") if acs is Missing.ABSENT else Span("?", "warning")
    return Span("+".join(acs_names(acs.control & ACS_REDIRECT)), "warning") if acs.redirects else "off"


def _link_text(device: Device) -> Line:
    link = device.function.link
    if isinstance(link.speed, Missing) or isinstance(link.width, Missing):
        return ""
    text = f"{link.speed:g}x{link.width}"
    return Span(f"{text} !", "warning") if device.function.below_best else text
