"""Snapshots whose pools are at levels that a test chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from p2pctl.dashboard.picture import Painter, Picture
from p2pctl.model.address import Address
from p2pctl.model.facts import Fact
from p2pctl.model.snapshot import Snapshot

NVME0 = Address(0, 0x18, 0, 0)
"""The demo host's first pool, of 512 MiB."""
MIB = 1 << 20


def leveled(snapshot: Snapshot, free: Mapping[Address, Fact[int]], *, after: float = 0.0) -> Snapshot:
    """The snapshot ``after`` seconds, with so many bytes free in some of its pools."""
    assert snapshot.pools is not None
    taken = snapshot.taken + after
    pools = {
        address: replace(pool, available=free.get(address, pool.available))
        for address, pool in snapshot.pools.pools.items()
    }
    return replace(snapshot, taken=taken, pools=replace(snapshot.pools, taken=taken, pools=pools))


def without(snapshot: Snapshot, address: Address, *, after: float = 0.0) -> Snapshot:
    """The snapshot ``after`` seconds, with one of its pools gone."""
    assert snapshot.pools is not None
    taken = snapshot.taken + after
    pools = {one: pool for one, pool in snapshot.pools.pools.items() if one != address}
    return replace(snapshot, taken=taken, pools=replace(snapshot.pools, taken=taken, pools=pools))


def painted(snapshot: Snapshot) -> Picture:
    """The picture of a snapshot."""
    return Painter(lambda _: {}).paint(snapshot)
