"""Looks at the pools again and again, at the price of one read a pool."""

from __future__ import annotations

from dataclasses import replace

from p2pctl.hardware.pci import DEVICES
from p2pctl.hardware.reading import Reader
from p2pctl.hardware.snapshot import take
from p2pctl.kernel import Closing, Door, Handle
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.pools import Pool
from p2pctl.model.snapshot import PartName, Snapshot

RESCAN = 5.0
"""Seconds after which new pools are looked for. A pool that goes away is noticed at once: its file fails."""


_PARTS: tuple[PartName, ...] = ("pools",)


class PoolWatch(Closing):
    """Pools over time. Keeps each pool's ``available`` file open; close it, or use it in a ``with`` block."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._handles: dict[Address, Handle] = {}
        self._snapshot: Snapshot | None = None
        self._scanned = 0.0

    def look(self) -> Snapshot:
        """The pools now: everything about them at first and every few seconds, else the levels alone."""
        now = self._door.now()
        last = self._snapshot
        levels = None
        # A clock that was set back counts as time gone by.
        if last is not None and 0 <= now - self._scanned < RESCAN:
            levels = self._levels(last)
        if last is None or levels is None or last.pools is None:
            self._snapshot = self._scan()
        else:
            pools = {address: replace(pool, available=levels[address]) for address, pool in last.pools.pools.items()}
            self._snapshot = replace(last, taken=now, pools=replace(last.pools, taken=now, pools=pools))
        return self._snapshot

    def _scan(self) -> Snapshot:
        self.close()
        self._scanned = self._door.now()
        snapshot = take(self._door, _PARTS)
        for address in snapshot.pools.pools if snapshot.pools else ():
            try:
                self._handles[address] = self._door.files.open(_path(address))
            except OSError:
                # Gone already, or not ours to read: the next look scans again and says so.
                continue
        return snapshot

    def _levels(self, last: Snapshot) -> dict[Address, int] | None:
        """Bytes available in each pool; None when one of them cannot be told, so that all has to be read anew."""
        pools: dict[Address, Pool] = dict(last.pools.pools) if last.pools else {}
        levels: dict[Address, int] = {}
        for address in pools:
            handle = self._handles.get(address)
            if handle is None:
                return None
            try:
                text = handle.pread(0, 32).decode("ascii", "replace").strip()
            except OSError:
                return None
            level = Reader(self._door.files).to_number(text, _path(address), "pool level", address)
            if isinstance(level, Missing):
                return None
            levels[address] = level
        return levels

    def close(self) -> None:
        """Gives the descriptors back. Harmless when repeated."""
        for handle in self._handles.values():
            handle.close()
        self._handles.clear()


def _path(address: Address) -> str:
    return f"{DEVICES}/{address}/p2pmem/available"
