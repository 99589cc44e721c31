"""Devices that go away while a host is read: every page is made of what is left."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from p2pctl.findings.pools import also_needed
from p2pctl.hardware.snapshot import ALL_PARTS, extend, take
from p2pctl.kernel import Files
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.devices import device_report
from p2pctl.render.pools import pool_report
from p2pctl.render.report import Item
from p2pctl.render.status import status_page
from p2pctl.render.topology import topology_page
from p2pctl.simulator.door import DemoDoor

WHOLE = DemoDoor(lambda: 0.0)
NAMES = WHOLE.files.list("/sys/bus/pci/devices")


class Thinned:
    """The demo host without some of its PCI functions."""

    kind = WHOLE.kind
    processes = WHOLE.processes
    names = WHOLE.names
    log = WHOLE.log
    modules = WHOLE.modules
    events = WHOLE.events
    memory = WHOLE.memory

    def __init__(self, gone: set[str]) -> None:
        self._gone = gone

    @property
    def files(self) -> Files:
        return self  # type: ignore[return-value]

    def now(self) -> float:
        return 0.0

    def list(self, path: str) -> tuple[str, ...]:
        found = WHOLE.files.list(path)
        return tuple(name for name in found if name not in self._gone) if path == "/sys/bus/pci/devices" else found

    def __getattr__(self, name: str) -> object:
        return getattr(WHOLE.files, name)


def addresses(item: Item) -> set[str]:
    """Everything below a node of the topology's document."""
    children = item["children"]
    assert isinstance(children, list)
    found = {str(child["address"]) for child in children if isinstance(child, dict)}
    return found.union(*(addresses(child) for child in children if isinstance(child, dict)))


def read(gone: set[str]) -> Snapshot:
    door = Thinned(gone)
    snapshot = take(door, ALL_PARTS)
    return extend(door, snapshot, also_needed(snapshot))


@settings(max_examples=25, deadline=None)
@given(st.sets(st.sampled_from(NAMES)))
def test_whatever_goes_away_the_rest_is_shown(gone: set[str]) -> None:
    """No page fails, and what the list of devices has, the tree has too, wherever a bridge is missing."""
    snapshot = read(gone)
    status_page(snapshot)
    pool_report(snapshot)
    topology_page(snapshot)
    listed = {str(item["address"]) for item in device_report(snapshot, everything=True).items}
    tree = set[str]().union(*(addresses(item) for item in topology_page(snapshot, everything=True).report.items))
    assert tree == listed == set(NAMES) - gone
