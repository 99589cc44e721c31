"""Pools of P2P memory: their sysfs directory, and how much of them is in use as time passes."""

from __future__ import annotations

import errno
import threading
import zlib
from collections.abc import Callable
from typing import NamedTuple

from p2pctl.simulator.nodes import Directory, File, Node, refused, text

STEP = 0.5
"""Seconds that a level stays as it is."""

ALLOCATE_SIZE = 1 << 40
"""What the kernel reports as the size of ``p2pmem/allocate``: nominal, since it is only for mmap(2)."""


class Taken:
    """Bytes that are mapped of each pool, by the address of its function."""

    def __init__(self) -> None:
        self._bytes: dict[str, int] = {}
        self._lock = threading.Lock()

    def of(self, address: str) -> int:
        """Bytes of one pool."""
        return self._bytes.get(address, 0)

    def add(self, address: str, count: int) -> None:
        """Takes so many more, or gives them back."""
        with self._lock:
            self._bytes[address] = self._bytes.get(address, 0) + count


class Load(NamedTuple):
    """Requests of an NVMe target in flight through a pool: they come and go, and never exceed ``peak``."""

    request: int
    """Bytes that a request takes from the pool, whole pages."""
    start: int
    """Requests at time zero."""
    peak: int
    """Requests at most."""
    period: int
    """Steps from one peak to the next."""
    seed: int
    """Tells the unrest of one pool from another's."""

    def held(self, step: int) -> int:
        """Bytes in use after so many steps."""
        if step <= 0:
            return self.start * self.request
        phase = (self.start / (2 * self.peak) + step / self.period) % 1.0
        swing = 2 * phase if phase < 0.5 else 2 - 2 * phase
        unrest = zlib.crc32(f"{self.seed}:{step}".encode()) % 5 - 2
        return min(max(round(swing * self.peak) + unrest, 0), self.peak) * self.request


class Pool(NamedTuple):
    """One device's pool."""

    size: int
    """Bytes."""
    own: int = 0
    """Bytes that its own driver took, such as for submission queues."""
    mapped: int = 0
    """Bytes that processes have mapped."""
    load: Load | None = None
    published: bool = True

    def available(self, step: int) -> int:
        """Bytes that nobody holds after so many steps."""
        held = self.load.held(step) if self.load is not None else 0
        return self.size - self.own - self.mapped - held


def directory(pool: Pool, step: Callable[[], int], taken: Callable[[], int] = int) -> Node:
    """The ``p2pmem`` directory of a function (drivers/pci/p2pdma.c, ``p2pmem_group``).

    ``taken`` says how many bytes this process itself has mapped.
    """

    def available() -> bytes:
        return f"{max(pool.available(step()) - taken(), 0)}\n".encode()

    return Directory(
        {
            "allocate": File(refused(errno.EIO), 0o660, ALLOCATE_SIZE),
            "available": File(available),
            "published": text(int(pool.published)),
            "size": text(pool.size),
        }
    )
