"""Samples of PCI Express links: whether they run as well as both their ends could.

Speeds and widths themselves are node_exporter's (``node_pcidevice_current_link_*``); nothing is exported twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from p2pctl.findings.devices import PARTS, branches, devices
from p2pctl.metrics import families as f
from p2pctl.metrics.families import Sheet, place
from p2pctl.metrics.labels import foremost
from p2pctl.model.facts import ABSENT, UNREADABLE, Fact, Missing
from p2pctl.model.pci import Function
from p2pctl.model.snapshot import Snapshot

_LISTS = frozenset({"pci functions", "nvme controllers", "rdma devices"})
"""Facts whose gap hides devices."""

_WORDS = {True: "below-best", False: "best", UNREADABLE: "unknown"}


def link_samples(sheet: Sheet, snapshot: Snapshot) -> None:
    """Samples of the links of what takes part in P2P, and of the bridges above it."""
    if any(getattr(snapshot, part) is None for part in PARTS):
        return  # what a device is, and so whether its link counts, is told by all of them together
    links = tuple(_links(snapshot))
    counts = Counter(_WORDS[below] for _, below in links)
    if not any(gap.fact in _LISTS for gap in snapshot.gaps):
        for word in _WORDS.values():
            sheet.add(f.LINKS, counts[word], word)
    shown, left_out = foremost(links, lambda link: link[1] is not False)
    sheet.add(f.LEFT_OUT, left_out, "link")
    for function, below in shown:
        sheet.add(f.LINK_BELOW_BEST, below, *place(function.address))


def _links(snapshot: Snapshot) -> Iterator[tuple[Function, Fact[bool]]]:
    """Each link by the lowest function at its lower end: the functions of one card share it."""
    found = {device.function.address: device for device in devices(snapshot, everything=True)}
    seen: set[tuple[int, ...]] = set()
    for address in sorted(branches(found)):
        function = found[address].function
        below = _below_best(function)
        if below is not ABSENT and address[:3] not in seen:
            seen.add(address[:3])
            yield function, below


def _below_best(function: Function) -> Fact[bool]:
    """ABSENT for what is no lower end of a link, UNREADABLE where one of its values is not known."""
    link = function.link
    if function.looks_down or not isinstance(function.physfn, Missing):
        return ABSENT
    values = (link.speed, link.width, link.best_speed, link.best_width)
    if all(value is ABSENT for value in values):
        return ABSENT
    if link.below_best:
        return True
    return UNREADABLE if any(isinstance(value, Missing) for value in values) else False
