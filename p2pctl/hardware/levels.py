"""Looks at the pools again and again, at the price of one read a pool."""

from __future__ import annotations

from dataclasses import replace

from p2pctl.hardware.pci import DEVICES
from p2pctl.hardware.reading import Reader
from p2pctl.hardware.snapshot import take
from p2pctl.kernel import Closing, Door, Handle
from p2pctl.model.address import Address
from p2pctl.model.facts import Missing
from p2pctl.model.pools import Pool, Pools
from p2pctl.model.snapshot import PartName, Snapshot

RESCAN = 5.0
"""Seconds after which new pools are looked for. A pool that goes away is noticed at once: its file fails."""


_PARTS: tuple[PartName, ...] = ("pools",)


class PoolLevels(Closing):
    """The levels of pools that are known. Keeps each pool's ``available`` file open; close it."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._handles: dict[Address, Handle] = {}

    def read(self, pools: Pools) -> Pools | None:
        """The pools with their levels now; None when one of them cannot be told, so that all has to be read anew.

        One that could not be told before either is left at that.
        """
        for address in self._handles.keys() - pools.pools.keys():
            self._handles.pop(address).close()
        found: dict[Address, Pool] = {}
        for address, pool in pools.pools.items():
            level = self._level(address)
            if level is None:
                self._forget(address)
                if not isinstance(pool.available, Missing):
                    return None
            if level is not None and level != pool.available:
                pool = replace(pool, available=level)  # noqa: PLW2901  as it is now
            found[address] = pool
        return replace(pools, taken=self._door.now(), pools=found)

    def _level(self, address: Address) -> int | None:
        try:
            handle = self._handles.get(address)
            if handle is None:
                handle = self._handles[address] = self._door.files.open(_path(address))
            text = handle.pread(0, 32).decode("ascii", "replace").strip()
        except OSError:
            return None
        level = Reader(self._door.files).to_number(text, _path(address), "pool level", address)
        return None if isinstance(level, Missing) else level

    def _forget(self, address: Address) -> None:
        handle = self._handles.pop(address, None)
        if handle is not None:
            handle.close()

    def close(self) -> None:
        """Gives the descriptors back; another look opens them anew. Harmless when repeated."""
        for handle in self._handles.values():
            handle.close()
        self._handles.clear()


class PoolWatch(Closing):
    """Pools over time. Keeps files open; close it, or use it in a ``with`` block."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._levels = PoolLevels(door)
        self._snapshot: Snapshot | None = None
        self._scanned = 0.0

    def look(self) -> Snapshot:
        """The pools now: everything about them at first and every few seconds, else the levels alone."""
        now = self._door.now()
        last = self._snapshot
        pools = None
        # A clock that was set back counts as time gone by.
        if last is not None and last.pools is not None and 0 <= now - self._scanned < RESCAN:
            pools = self._levels.read(last.pools)
        if last is None or pools is None:
            self._snapshot = self._scan()
        else:
            self._snapshot = replace(last, taken=now, pools=replace(pools, taken=now))
        return self._snapshot

    def _scan(self) -> Snapshot:
        self._levels.close()
        self._scanned = self._door.now()
        return take(self._door, _PARTS)

    def close(self) -> None:
        """Gives the descriptors back. Harmless when repeated."""
        self._levels.close()


def _path(address: Address) -> str:
    return f"{DEVICES}/{address}/p2pmem/available"
