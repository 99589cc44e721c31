"""Moves data, and watches where it goes: levels of pools, requests for their memory, the kernel's log."""

from __future__ import annotations

import mmap
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.vm.guest.api import PCI
from tests.vm.guest.rdma_target import write

TRACING = Path("/sys/kernel/tracing")
TRANSFER = 64 << 10
LARGEST = 1 << 20
"""The most that one request takes over RDMA."""


def transfer(remote: Path, local: str, seed: str) -> None:
    """Writes through the fabric and reads on the drive, then the other way round. Raises AssertionError."""
    rng = random.Random(seed)  # noqa: S311 - it has to be the same every time
    there, back = rng.randbytes(TRANSFER), rng.randbytes(TRANSFER)
    offset = rng.randrange(256) * TRANSFER
    put(str(remote), there, offset)
    assert get(local, offset) == there, f"what {remote} was given is not on {local}"
    put(local, back, offset)
    assert get(str(remote), offset) == back, f"{remote} does not show what is on {local}"


def put(path: str, data: bytes, offset: int) -> None:
    """Writes past the page cache."""
    with mmap.mmap(-1, len(data)) as buffer:
        buffer[:] = data
        with _direct(path, os.O_WRONLY) as descriptor:
            assert os.pwritev(descriptor, [buffer], offset) == len(data)


def get(path: str, offset: int, length: int = TRANSFER) -> bytes:
    """Reads past the page cache."""
    with mmap.mmap(-1, length) as buffer:
        with _direct(path, os.O_RDONLY) as descriptor:
            assert os.preadv(descriptor, [buffer], offset) == length
        return bytes(buffer)


@contextmanager
def _direct(path: str, mode: int) -> Iterator[int]:
    descriptor = os.open(path, mode | os.O_DIRECT)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def load(path: Path, processes: int = 1) -> Iterator[None]:
    """So many processes read from a disk all the time."""
    children = []
    for _ in range(processes):
        child = os.fork()
        if child == 0:
            _read_for_ever(str(path))
        children.append(child)
    try:
        yield
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _read_for_ever(path: str) -> None:
    try:
        with mmap.mmap(-1, TRANSFER) as buffer, _direct(path, os.O_RDONLY) as descriptor:
            while True:
                os.preadv(descriptor, [buffer], 0)
    finally:
        os._exit(1)


def level(provider: str) -> int:
    """Free bytes of a pool."""
    return int((PCI / "devices" / provider / "p2pmem/available").read_text())


def lowest(providers: Sequence[str], seconds: float) -> Mapping[str, int]:
    """The lowest level of each pool that is seen within some time, or until all of them have moved."""
    first = {provider: level(provider) for provider in providers}
    seen, deadline = dict(first), time.monotonic() + seconds
    while time.monotonic() < deadline and any(seen[provider] == first[provider] for provider in providers):
        for provider in providers:
            seen[provider] = min(seen[provider], level(provider))
    return seen


@contextmanager
def held(provider: str, spare: int) -> Iterator[None]:
    """All of a pool is mapped by this process, but for what `spare` bytes are at most."""
    descriptor = os.open(PCI / "devices" / provider / "p2pmem/allocate", os.O_RDWR)
    mappings = []
    try:
        size = 1 << 20
        while size >= mmap.PAGESIZE:
            if level(provider) - size < spare:
                size //= 2
                continue
            mappings.append(mmap.mmap(descriptor, size, mmap.MAP_SHARED))
        yield
    finally:
        for one in mappings:
            one.close()
        os.close(descriptor)


class Allocations(NamedTuple):
    """Requests that asked a pool for memory: how many got some, how many found none."""

    served: int
    refused: int


@contextmanager
def allocations() -> Iterator[Callable[[], Allocations]]:
    """Counts them with a return probe on `pci_p2pmem_alloc_sgl`; each call tells about the time since the last one."""
    if not (TRACING / "kprobe_events").exists():
        subprocess.run(["mount", "-t", "tracefs", "none", str(TRACING)], check=True)
    write(TRACING / "kprobe_events", "r:rdma/memory pci_p2pmem_alloc_sgl list=$retval:x64\n")
    enable, trace = TRACING / "events/rdma/enable", TRACING / "trace"

    def count() -> Allocations:
        text = trace.read_text()
        trace.write_text("")
        assert "LOST" not in text
        lists = [line.rpartition("=")[2] for line in text.splitlines() if ": memory: " in line]
        return Allocations(sum(1 for one in lists if int(one, 16)), sum(1 for one in lists if not int(one, 16)))

    trace.write_text("")
    write(enable, "1")
    try:
        yield count
    finally:
        write(enable, "0")
        (TRACING / "kprobe_events").write_text("")


class Log:
    """What the kernel logs from now on."""

    def __init__(self) -> None:
        self._descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._descriptor, 0, os.SEEK_END)

    def lines(self) -> list[str]:
        """The lines since the last call."""
        found: list[str] = []
        while True:
            try:
                record = os.read(self._descriptor, 16384)
            except BlockingIOError:
                return found
            head, _, text = record.decode(errors="replace").partition(";")
            # What user space wrote is of another facility than 0.
            if int(head.split(",")[0]) < 8:
                found.append(text.splitlines()[0])
