"""The PCI tree as records, what a pair of devices makes of it, and a node of it in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from p2pctl.dashboard.glyphs import Glyphs
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.findings.devices import Device
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.pci import ACS_REDIRECT, Acs, acs_names
from p2pctl.render.cells import NOTHING
from p2pctl.render.items import link_item, show_link
from p2pctl.render.page import Lines, Node, Page, Section, Tree
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.text import Line, Tone, clean, spans
from p2pctl.render.topology import COLUMNS, topology_tree
from p2pctl.resolver.host_bridge import cross
from p2pctl.units import format_bytes

_SENT_UP = {"RR": "requests", "CR": "completions", "EC": "what its egress control names"}
_TRAIL_TONES: Mapping[str, Tone] = {"lends": "good", "uses": "accent", "own": "good"}

BELOW = 40
"""Devices below a host bridge that its page tells of."""


class Branch(NamedTuple):
    """A line of the tree."""

    key: str
    """The address, or the name of the host bridge."""
    above: tuple[str, ...]
    """Keys of what it hangs below, from the root."""
    guides: str
    node: Node


def tree_of(picture: Picture) -> Tree:
    """The tree of a picture."""
    return topology_tree(picture.snapshot)


def branches(tree: Tree, glyphs: Glyphs, folded: Collection[str] = ()) -> tuple[Branch, ...]:
    """The lines of the tree; what hangs below a folded node is left out."""
    return tuple(line for root in tree.roots for line in _walk(Branch(key_of(root), (), "", root), "", glyphs, folded))


def _walk(branch: Branch, below: str, glyphs: Glyphs, folded: Collection[str]) -> Iterator[Branch]:
    yield branch
    if branch.key in folded:
        return
    child, last, beside, under_last = glyphs.guides
    children = branch.node.children
    for place, one in enumerate(children, 1):
        guide, under = (last, under_last) if place == len(children) else (child, beside)
        line = Branch(key_of(one), (*branch.above, branch.key), below + guide, one)
        yield from _walk(line, below + under, glyphs, folded)


def aloof(lines: Collection[Branch], way: Collection[str]) -> frozenset[str]:
    """The nodes to fold so that of what has no part in the way no more than its top shows."""
    used = {key for line in lines if line.key in way for key in (*line.above, line.key)}
    return frozenset(
        line.key
        for line in lines
        if line.node.children and line.key not in used and (not line.above or line.above[-1] in used)
    )


def bridge_page(picture: Picture, name: str) -> Page | None:
    """A host bridge, and what hangs below it; None where there is no such one."""
    found = {key_of(root): root for root in tree_of(picture).roots}.get(name)
    if found is None:
        return None
    devices = picture.verdicts.names.devices
    below = [one for key in _keys(found) if (address := Address.parse(key)) and (one := devices.get(address))]
    ends = [one for one in below if not one.function.is_bridge]
    told = [clean(", ".join(_device_words(picture, one)) + ".") for one in ends[:BELOW]]
    told += [f"and {len(ends) - BELOW} more"] if len(ends) > BELOW else []
    report = Report.of(picture.snapshot, "host-bridge", [{"address": name, "below": len(ends)}], (), gaps=())
    first = Section(name, (Lines((in_words(picture, name),)),))
    return Page(report, (first, Section("Below it", (Lines(tuple(told), bullet="- "),))))


def _keys(node: Node) -> Iterator[str]:
    yield key_of(node)
    for child in node.children:
        yield from _keys(child)


def key_of(node: Node) -> str:
    """The address, or the name of the host bridge."""
    return spans(node.label)[0].text


def topology_panel(
    lines: Collection[Branch], *, folded: Collection[str] = (), way: Mapping[str, str] | None = None
) -> Panel:
    """The lines as records, each with what it is to the pair that is looked at."""
    way = way or {}
    items = [_item(line, folded=line.key in folded, way=way.get(line.key, "")) for line in lines]
    tones: dict[str, dict[str, Tone]] = {column.title: {} for column in COLUMNS}
    for line in lines:
        for column, value in zip(COLUMNS, line.node.cells, strict=False):
            piece = spans(value)[0]
            if piece.tone:
                tones[column.title][piece.text] = piece.tone
    refusing: dict[str, Tone] = {text: "bad" for text in way.values() if text.endswith(("sends up", "refuses"))}
    doubtful: dict[str, Tone] = {text: "warning" for text in way.values() if text.endswith("?")}
    path = Column("way", "path", style="name", show=_or_blank, tones={**_TRAIL_TONES, **refusing, **doubtful})
    columns = (
        Column("tree", "address", style="name"),
        *((path,) if way else ()),
        *(
            Column(column.title, column.title, style="name", priority=column.priority, tones=tones[column.title],
                   show=_or_blank, align="right" if column.right else None)
            for column in COLUMNS
        ),
    )  # fmt: skip
    return Panel("tree", "PCI tree", columns, items, [line.key for line in lines],
                 "No function on this host takes part in P2P.")  # fmt: skip


def _or_blank(value: object) -> str:
    """Nothing beside a node stays nothing: a dash says that there is no ACS."""
    return str(value) or " "


def _item(line: Branch, *, folded: bool, way: str) -> Item:
    cells = {column.title: _bare(value) for column, value in zip(COLUMNS, line.node.cells, strict=False)}
    more = f" +{_count(line.node)}" if folded and line.node.children else ""
    return {"address": line.key, "tree": f"{line.guides}{line.key}{more}", "way": way, **cells}


def _bare(value: Line) -> str:
    return "".join(span.text for span in spans(value))


def _count(node: Node) -> int:
    return sum(1 + _count(child) for child in node.children)


def in_words(picture: Picture, key: str) -> str:
    """A node of the tree in a line or two, cleaned."""
    address = Address.parse(key)
    device = picture.verdicts.names.devices.get(address) if address else None
    return clean(_bridge_words(picture, key) if device is None else ", ".join(_device_words(picture, device)) + ".")


def _device_words(picture: Picture, device: Device) -> Iterator[str]:
    function = device.function
    names = picture.verdicts.names
    what = function.role.replace("-", " ") if function.is_bridge else device.kind
    yield f"{names.label(function.address)}: {what if what != 'other' else function.role}"
    yield from _pool_words(picture, function.address)
    if not isinstance(function.numa_node, Missing):
        yield f"NUMA node {function.numa_node}"
    link = show_link(link_item(function))
    if link and link != NOTHING:
        yield f"link {link}"
    yield _acs_words(function.config.acs, bridge=function.is_bridge)


def _pool_words(picture: Picture, address: Address) -> Iterator[str]:
    for state in picture.pools:
        if state.address != address:
            continue
        if state.state == "unregistered":
            yield "has a memory buffer that is not registered as P2P memory"
        else:
            size = "?" if isinstance(state.size, Missing) else format_bytes(state.size)
            whom = {"published": "to whoever may", "private": "only through its own driver"}.get(str(state.state), "")
            yield f"lends {size} {whom}".rstrip()


def _acs_words(acs: Acs | Missing, *, bridge: bool) -> str:
    if isinstance(acs, Missing):
        return "no ACS" if acs is Missing.ABSENT else "ACS ?: what it does could not be read"
    names = acs_names(acs.control & ACS_REDIRECT)
    if not names:
        return "ACS off: it passes peers' traffic on" if bridge else "ACS off"
    sent = " and ".join(_SENT_UP.get(name, name) for name in names)
    return f"ACS {'+'.join(names)}: sends peers' {sent} up to the host bridge"


def _bridge_words(picture: Picture, name: str) -> str:
    resolver = picture.verdicts.resolver
    bridge = resolver.topology.host_bridge(name)
    if bridge is None:
        return f"{name}."
    if not resolver.rules.crosses_host_bridge:
        return f"{name}: a host bridge; these rules let no peer traffic through any."
    answer = cross(resolver.topology, resolver.rules, name, name).open
    if answer is None:
        return f"{name}: a host bridge; it cannot be told whether this kernel lets peer traffic through it."
    return f"{name}: a host bridge; this kernel lets {'' if answer else 'no '}peer traffic through it."
