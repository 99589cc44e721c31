"""Transfers against the clock: reads from a disk, or copies from one to another, through a pool or system memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from p2pctl.kernel import Disk, Memory, Part, Region
from p2pctl.proof.data import compare, inverse
from p2pctl.proof.figures import Run, Setting, Way
from p2pctl.proof.histogram import Histogram
from p2pctl.proof.model import Difference
from p2pctl.proof.reading import Place, whole


class Ends(NamedTuple):
    """Between which disks; each transfer stays within ``span`` bytes from their ``start``."""

    source: Disk
    source_path: str
    destination: Disk | None
    """None: reads only."""
    destination_path: str
    span: int
    start: int = 0
    """Of the destination."""


class Memories(NamedTuple):
    """Room for all transfers under way, of both kinds."""

    pool: Region
    ordinary: Region


class Limits(NamedTuple):
    """How long a run takes."""

    seconds: float
    stop: Callable[[], bool] = bool
    """Whether to end it at once; asked after each transfer."""


def run(ends: Ends, memories: Memories, setting: Setting, limits: Limits, latencies: Histogram) -> Run:
    """Transfers with a thread for each until the time is over; each makes one at least.

    The nanoseconds of each are added to ``latencies``; of a copy, of its read and its write together. Raises OSError of
    any, ENODEV where the pool has gone.
    """
    block, depth, way = setting
    over = threading.Event()
    workers = [
        _Worker(ends, _vector(memories, way, number, block), (number, depth), limits, over) for number in range(depth)
    ]
    begun, cpu = time.perf_counter_ns(), time.process_time_ns()
    if depth == 1:
        workers[0].run()
    else:
        _side_by_side(workers, over)
    took, used = time.perf_counter_ns() - begun, time.process_time_ns() - cpu
    for worker in workers:
        if isinstance(worker.error, OSError):
            memories.pool.get(0, 1)  # which fails where the pool has gone: that is the reason then
        if worker.error is not None:
            raise worker.error
    for worker in workers:
        latencies.take(worker.latencies)
    return Run(took / 1e9, used / 1e9, sum(worker.latencies.total for worker in workers))


def _side_by_side(workers: Sequence[_Worker], over: threading.Event) -> None:
    """All of them at once. None is left when this ends, however it does: memory under a transfer is not given back."""
    threads = [threading.Thread(target=worker.run) for worker in workers]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        over.set()
        for thread in threads:
            if thread.is_alive():
                thread.join()


def _vector(memories: Memories, way: Way, number: int, block: int) -> tuple[Part, ...]:
    """The memory of one thread."""
    start = number * block
    if way == "pool":
        return (Part(memories.pool, start, block),)
    if way == "ordinary":
        return (Part(memories.ordinary, start, block),)
    half = block // 2
    return Part(memories.pool, start, half), Part(memories.ordinary, start + half, block - half)


class _Worker:
    """One thread: it takes every so manieth block of the span, and starts again at its end."""

    def __init__(
        self, ends: Ends, vector: tuple[Part, ...], turn: tuple[int, int], limits: Limits, over: threading.Event
    ) -> None:
        self._ends = ends
        self._vector = vector
        self._number, self._depth = turn
        self._limits = limits
        self._over = over
        self.latencies = Histogram()
        self.error: Exception | None = None

    def run(self) -> None:
        """Transfers until the time is over. What goes wrong is kept for who waits."""
        try:
            self._run()
        except Exception as error:  # noqa: BLE001  whatever it is, who waits has to hear of it
            self.error = error
            self._over.set()

    def _run(self) -> None:
        ends, vector, clock = self._ends, self._vector, time.perf_counter_ns
        block = sum(part.length for part in vector)
        blocks = ends.span // block
        source, destination = ends.source, ends.destination
        place = self._number % blocks
        end = clock() + int(self._limits.seconds * 1e9)
        stop = self._limits.stop
        while True:
            offset = place * block
            before = clock()
            whole(source.read(offset, vector), Place(ends.source_path, offset, block))
            if destination is not None:
                there = ends.start + offset
                whole(destination.write(there, vector), Place(ends.destination_path, there, block))
            now = clock()
            self.latencies.add(now - before)
            if now >= end or self._over.is_set() or stop():
                return
            place = (place + self._depth) % blocks


def check_copy(memory: Memory, ends: Ends, pool: Region, length: int) -> Difference | None:
    """One copy through the pool, compared by ordinary reads; the destination holds the inverse beforehand.

    Raises OSError.
    """
    destination = ends.destination
    if destination is None:
        raise ValueError("a copy needs a destination")
    plain = memory.ordinary(length)
    try:
        here, there = Place(ends.source_path, 0, length), Place(ends.destination_path, ends.start, length)
        part = (Part(plain, 0, length),)
        whole(ends.source.read(0, part), here)
        expected = plain.get(0, length)
        before = inverse(expected)
        plain.put(0, before)
        whole(destination.write(ends.start, part), there)
        through = (Part(pool, 0, length),)
        whole(ends.source.read(0, through), here)
        whole(destination.write(ends.start, through), there)
        whole(destination.read(ends.start, part), there)
        return compare(expected, plain.get(0, length), before)
    finally:
        plain.close()


def copy_whole(ends: Ends, ordinary: Region, stop: Callable[[], bool]) -> None:
    """Copies all of the span through system memory; ends early where it is to ``stop``. Raises OSError."""
    destination = ends.destination
    if destination is None:
        raise ValueError("a copy needs a destination")
    for offset in range(0, ends.span, ordinary.size):
        length = min(ordinary.size, ends.span - offset)
        part = (Part(ordinary, 0, length),)
        whole(ends.source.read(offset, part), Place(ends.source_path, offset, length))
        there = ends.start + offset
        whole(destination.write(there, part), Place(ends.destination_path, there, length))
        if stop():
            return
