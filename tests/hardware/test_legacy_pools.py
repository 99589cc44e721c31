"""Pools of the proposal of 2017: a class of devices, statistics in debugfs, a character device each."""

from __future__ import annotations

import errno

import pytest

from p2pctl.findings.pools import pool_states
from p2pctl.hardware.snapshot import take
from p2pctl.kernel import Process
from p2pctl.model.address import Address
from p2pctl.model.facts import UNREADABLE
from p2pctl.model.pools import Pools
from p2pctl.model.snapshot import Snapshot
from p2pctl.simulator.nodes import Contents, File, Link, refused
from tests.trees import TreeDoor, pci_function, tree

Entries = dict[str, Contents | Link | File | None]

A = Address(0, 3, 0, 0)
DEVICE = f"pci0000:00/{A}/p2pmem/p2pmem0"
STATS = "/sys/kernel/debug/p2pmem/p2pmem0/stats"
POOL: Entries = {
    **pci_function(str(A), identity="11F8:F117", class_code="58000", driver="mtramon"),
    "/sys/class/p2pmem/p2pmem0": Link(f"../../devices/{DEVICE}"),
    f"/sys/devices/{DEVICE}/dev": b"241:0\n",
    f"/sys/devices/{DEVICE}/uevent": b"",
    STATS: b"total size: 16777216\navailable:  12582912\n",
}


def look(entries: Entries, *, privileged: bool = True, holders: bool = False) -> Snapshot:
    door = TreeDoor(tree(entries, privileged=privileged), {812: Process(812, "root", "fio")})
    return take(door, {"pools", "holders"} if holders else {"pools"})


def pools(entries: Entries) -> Pools:
    found = look(entries).pools
    assert found is not None
    return found


def test_a_pool_of_2017_is_a_pool() -> None:
    """In the same list, with its size and what is left of it, its device's driver and a state."""
    snapshot = look(POOL)
    (state,) = pool_states(snapshot)
    assert (state.address, state.size, state.available, state.used) == (A, 16 << 20, 12 << 20, 4 << 20)
    assert (state.state, state.mappable, state.function.driver) == ("published", True, "mtramon")
    assert snapshot.pools is not None
    assert snapshot.pools.pools[A].character_device == "p2pmem0"
    assert snapshot.gaps == ()


def test_the_first_version_had_no_character_device() -> None:
    found = pools({path: data for path, data in POOL.items() if not path.endswith("/dev")})
    assert found.pools[A].mappable is False


@pytest.mark.parametrize(
    ("stats", "number"),
    [(refused(errno.EACCES), errno.EACCES), (b"what?\n", None), (b"total size: 5\n", None), (None, errno.ENOENT)],
)
def test_sizes_that_cannot_be_read_are_unknown(stats: Contents | None, number: int | None) -> None:
    """Statistics are for root, on a mounted debugfs: without them there is a pool all the same."""
    entries = {**POOL, STATS: stats} if stats is not None else {path: POOL[path] for path in POOL if path != STATS}
    found = pools(entries)
    assert (found.pools[A].size, found.pools[A].available) == (UNREADABLE, UNREADABLE)
    (gap,) = found.gaps
    assert gap.path == STATS
    assert gap.errno in {number, None}


def test_a_pool_of_today_with_a_character_device_stays_what_it_is() -> None:
    """A driver outside the kernel makes one; sizes come from where today's kernels show them."""
    today: Entries = {
        f"/sys/devices/pci0000:00/{A}/p2pmem/size": b"1048576\n",
        f"/sys/devices/pci0000:00/{A}/p2pmem/available": b"1048576\n",
        f"/sys/devices/pci0000:00/{A}/p2pmem/published": b"0\n",
    }
    pool = pools({**POOL, **today}).pools[A]
    assert (pool.size, pool.published, pool.mappable, pool.character_device) == (1 << 20, False, True, "p2pmem0")


def test_odd_devices_of_the_class() -> None:
    """One on no PCI function, a second one on the same, a name that is none: gaps, and the first one counts."""
    found = pools(
        {
            **POOL,
            "/sys/class/p2pmem/p2pmem1": Link(f"../../devices/{DEVICE.replace('p2pmem0', 'p2pmem1')}"),
            f"/sys/devices/{DEVICE.replace('p2pmem0', 'p2pmem1')}/uevent": b"",
            "/sys/class/p2pmem/p2pmem2": Link("../../devices/virtual/p2pmem/p2pmem2"),
            "/sys/devices/virtual/p2pmem/p2pmem2/uevent": b"",
            "/sys/class/p2pmem/p2pmem3": Link("../../devices/gone"),
            "/sys/class/p2pmem/other": None,
        }
    )
    assert [pool.character_device for pool in found.pools.values()] == ["p2pmem0"]
    assert [(gap.fact, gap.address) for gap in found.gaps] == [("pool", "p2pmem1"), ("pool", "p2pmem2")]


def test_who_holds_a_pool_through_its_character_device() -> None:
    """As through those of NVMe."""
    maps = b"7f0000000000-7f0000400000 rw-s 00000000 00:05 77                         /dev/p2pmem0\n"
    snapshot = look({**POOL, "/proc/812/maps": maps, "/proc/812/status": b"PPid:\t1\n"}, holders=True)
    assert snapshot.holders is not None
    (mapping,) = snapshot.holders.mappings
    assert (mapping.address, mapping.size, mapping.command, mapping.via) == (A, 4 << 20, "fio", "/dev/p2pmem0")
