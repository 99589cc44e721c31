"""Reading the host again and again, as who serves metrics does for months."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from p2pctl.cli import metrics_reading
from p2pctl.cli.metrics_reading import expose
from p2pctl.cli.options import Globals
from p2pctl.cli.session import Session
from p2pctl.simulator.door import DemoDoor
from tests.metrics.samples import Scrape


@pytest.fixture
def session() -> Session:
    made = Session(Globals())
    made.__dict__["door"] = DemoDoor(lambda: 0.0)
    return made


def test_reads_leave_nothing_behind(session: Session) -> None:
    """No descriptor and no object more than before, however often the host is read."""

    def standing() -> tuple[int, int]:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir())), len(gc.get_objects())

    for _ in range(3):  # what is imported or worked out once is there by then
        expose(session, print, wake=False)
    before = standing()
    for _ in range(10):
        expose(session, print, wake=False)
    after = standing()
    assert after[0] == before[0]
    assert after[1] - before[1] < 10


def test_each_part_has_its_own_time(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves by one at every look: each part took one, and so did the conclusions."""
    ticks = iter(range(1000))
    monkeypatch.setattr(metrics_reading, "clock", lambda: float(next(ticks)))
    told = Scrape(expose(session, print, wake=False))
    parts = {one["part"] for one in told.all("p2pctl_scrape_duration_seconds")}
    assert {"pci", "pools", "nvmet", "holders", "network", "log", "device-paths", "changes", "conclusions"} <= parts
    assert told.total("p2pctl_scrape_duration_seconds") == len(parts) == told.total("p2pctl_scrape_success")


def test_what_is_dear_is_read_only_where_it_tells_something(session: Session) -> None:
    """A host without a target looks at no socket and at no log."""
    session.__dict__["door"] = _Bare()
    parts = {one["part"] for one in Scrape(expose(session, print, wake=False)).all("p2pctl_scrape_success")}
    assert not parts & {"network", "log", "holders"}
    assert {"pci", "pools", "nvmet"} <= parts


class _Bare(DemoDoor):
    """The demo host before anything was put to use."""

    def __init__(self) -> None:
        from tests.trees import tree

        super().__init__(lambda: 0.0)
        self._files = tree({"/proc/sys/kernel/hostname": b"bare\n"})
