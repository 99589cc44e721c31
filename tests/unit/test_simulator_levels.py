from __future__ import annotations

import pytest

from p2pctl.simulator.demo import DRIVES, LOADS, MAPPED, demo_pools
from p2pctl.simulator.door import EPOCH, DemoDoor
from p2pctl.simulator.pools import STEP, Load
from tests.clock import Clock

PCI = "/sys/bus/pci/devices"


@pytest.fixture(scope="module")
def still() -> DemoDoor:
    return DemoDoor(lambda: 0.0)


def _text(door: DemoDoor, path: str) -> str:
    return door.files.read(path).decode().removesuffix("\n")


def test_time_is_the_clocks(door: DemoDoor, clock: Clock) -> None:
    """A fixed start plus what the clock says has passed, never before the start."""
    clock.now += 90.25
    assert door.now() == EPOCH + 90.25
    clock.now -= 1000
    assert door.now() == EPOCH


@pytest.mark.parametrize("address", sorted(demo_pools()))
def test_levels_at_the_start_add_up(still: DemoDoor, address: str) -> None:
    """Used is queues plus mappings plus requests of the target, each from its own source."""
    path = f"{PCI}/{address}/p2pmem"
    size, available = int(_text(still, f"{path}/size")), int(_text(still, f"{path}/available"))
    drive = DRIVES.get(address)
    queues = 0
    if drive is not None:
        controller = f"/sys/class/nvme/nvme{drive.number}"
        if int(_text(still, f"{controller}/cmbsz")) & 1:
            depth = int(_text(still, f"{controller}/sqsize")) + 1
            queues = depth * 64 * (int(_text(still, f"{controller}/queue_count")) - 1)
    mapped = sum(MAPPED[address][1]) if address in MAPPED else 0
    load = LOADS[address].start * LOADS[address].request if address in LOADS else 0
    if drive is not None:
        assert size - available == queues + mapped + load
    assert 0 <= available <= size
    resource = _text(still, f"{PCI}/{address}/resource").splitlines()[4].split()
    assert size <= int(resource[1], 16) - int(resource[0], 16) + 1


def test_levels_move_within_bounds(door: DemoDoor, clock: Clock) -> None:
    """Over twenty minutes: those under load move and come back, none leaves [0, size], the others stand still."""
    seen: dict[str, set[int]] = {address: set() for address in demo_pools()}
    start = {address: int(_text(door, f"{PCI}/{address}/p2pmem/available")) for address in seen}
    for _ in range(2400):
        for address, levels in seen.items():
            levels.add(int(_text(door, f"{PCI}/{address}/p2pmem/available")))
        clock.now += STEP
    for address, levels in seen.items():
        assert min(levels) >= 0
        assert max(levels) <= int(_text(door, f"{PCI}/{address}/p2pmem/size"))
        assert all(level % 4096 == 0 for level in levels)
        assert start[address] in levels
        assert (len(levels) > 20) == (address in LOADS)
    assert min(seen["0000:1f:00.0"]) == 0


def test_levels_depend_on_the_time_alone(clock: Clock) -> None:
    """The same at the same clock, however often and through whichever door they are read; a handle sees them move."""
    one, other = DemoDoor(clock), DemoDoor(clock)
    path = f"{PCI}/0000:1f:00.0/p2pmem/available"
    with one.files.open(path) as handle:
        for _ in range(50):
            level = handle.pread(0, 64)
            assert level == handle.pread(0, 64) == other.files.read(path)
            clock.now += STEP * 0.4
        assert handle.pread(0, 64) != DemoDoor(clock).files.read(path)


def test_a_load_starts_where_it_is_told_and_stays_below_its_peak() -> None:
    """Whatever its numbers."""
    load = Load(request=4096, start=3, peak=7, period=9, seed=5)
    held = [load.held(step) for step in range(500)]
    assert held[0] == 3 * 4096
    assert (min(held), max(held)) == (0, 7 * 4096)
