"""The way between two devices, drawn as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.pci import ACS_REDIRECT, acs_names
from p2pctl.render.explain_case import Host, bridge_id, bridges_of
from p2pctl.render.page import Block, Lines, Node, Tree, TreeColumn
from p2pctl.render.text import Line, Span
from p2pctl.resolver.verdict import Hop, Verdict

_TREE_COLUMNS = (
    TreeColumn("device", priority=0),
    TreeColumn("acs", priority=0),
    TreeColumn("link", priority=1),
    TreeColumn("slot", priority=2),
)
_SHORT_ROLES = {"root-port": "root port", "upstream-port": "upstream port", "downstream-port": "downstream port"}


def path_blocks(host: Host, verdict: Verdict) -> Iterator[Block]:
    """The tree and its legend; nothing where there is no way to draw."""
    up = [hop for hop in verdict.path if hop.side == "provider"]
    down = [hop for hop in verdict.path if hop.side == "client"]
    meeting = next((hop for hop in verdict.path if hop.side == "common"), None)
    branches = tuple(_branch(host, verdict, hops) for hops in (tuple(reversed(up)), tuple(down)) if hops)
    provider = host.topology.root(verdict.provider)
    if meeting is not None:
        node = _node(host, verdict, meeting, branches)
        for above in host.topology.chain(meeting.address)[1:]:
            node = Node(str(above), (Span(_what(host, above), "dim"),), (node,))
        roots: tuple[Node, ...] = (_root(verdict, provider, (node,)),)
    elif isinstance(verdict.client, Address) and host.topology.root(verdict.client) == provider:
        roots = (_root(verdict, provider, branches),)
    else:
        others = [host.topology.root(verdict.client)] if isinstance(verdict.client, Address) else []
        roots = tuple(
            _root(verdict, root, (branch,)) for root, branch in zip((provider, *others), branches, strict=True)
        )
    slots = any(not isinstance(hop.slot, Missing) for hop in verdict.path)
    yield Tree(roots, _TREE_COLUMNS if slots else _TREE_COLUMNS[:-1])
    yield from _path_legend(verdict)


def _path_legend(verdict: Verdict) -> Iterator[Block]:
    lines = []
    if any(hop.counts and hop.redirects for hop in verdict.path):
        lines.append(
            "<-- sends up: with these ACS bits on, the port does not pass traffic on to its neighbour but sends it up "
            "to the host bridge, for the IOMMU to check."
        )
    if any(hop.counts and hop.redirects is None for hop in verdict.path):
        lines.append("<-- ?: what ACS does in this port could not be read.")
    asked = any(question.rule == "host-bridge-list" for question in verdict.asked)
    if asked and any(bridge.answer is False for bridge in bridges_of(verdict)):
        lines.append(
            "<-- not listed: this kernel lets peer traffic through a host bridge only where it knows that the host "
            f"bridge forwards it: p2pctl rules show {verdict.rules.name} has its list."
        )
    if lines:
        yield Lines(tuple(lines))


def _branch(host: Host, verdict: Verdict, hops: Sequence[Hop]) -> Node:
    node: Node | None = None
    for hop in reversed(hops):
        node = _node(host, verdict, hop, () if node is None else (node,))
    if node is None:
        raise ValueError("a branch without a hop")
    return node


def _node(host: Host, verdict: Verdict, hop: Hop, children: tuple[Node, ...]) -> Node:
    device = host.names.devices.get(hop.address)
    link = "" if device is None else _short_link(device.function.link.speed, device.function.link.width)
    if device is not None and device.function.below_best:
        link += " !"
    slot = "" if isinstance(hop.slot, Missing) else hop.slot
    return Node(str(hop.address), (_device(host, verdict, hop), _acs(hop), link, slot), children)


def _short_link(speed: object, width: object) -> str:
    return f"{speed:g}x{width}" if isinstance(speed, (int, float)) and isinstance(width, int) else ""


def _device(host: Host, verdict: Verdict, hop: Hop) -> Line:
    name = _what(host, hop.address)
    ends = [word for word, end in (("provider", verdict.provider), ("client", verdict.client)) if end == hop.address]
    return Span(f"{name}: {' and '.join(ends)}", "accent") if ends else name


def _what(host: Host, address: Address) -> str:
    device = host.names.devices.get(address)
    if device is None:
        return "not readable"
    role = device.function.role
    other = _SHORT_ROLES.get(role, role)
    return host.names.name(address) or (other if device.function.is_bridge or device.kind == "other" else device.kind)


def _acs(hop: Hop) -> Line:
    if isinstance(hop.acs, Missing):
        if hop.acs is Missing.ABSENT:
            return Span("-", "dim")
        return Span("? <-- ?" if hop.counts else "?", "warning")
    names = "+".join(acs_names(hop.acs.control & ACS_REDIRECT))
    if hop.redirects and hop.counts:
        return Span(f"{names} <-- sends up", "bad")
    return names or "off"


def _root(verdict: Verdict, root: str, children: tuple[Node, ...]) -> Node:
    bridge = next((one for one in bridges_of(verdict) if one.root == root), None)
    identity = "host bridge" if bridge is None else f"bridge {bridge_id(bridge)}"
    asked = any(question.rule == "host-bridge-list" for question in verdict.asked)
    mark: Line = ""
    if bridge is not None and asked:
        mark = (
            Span("<-- not listed", "bad")
            if bridge.answer is False
            else Span("listed", "good")
            if bridge.answer
            else Span("<-- ?", "warning")
        )
    elif verdict.map_type == "through-host-bridge":
        mark = Span("crossed", "warning")
    return Node(Span(root, "strong"), (identity, mark), children)
