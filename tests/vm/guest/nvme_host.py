"""An NVMe host in the guest: connects over fabrics, reads and writes past the page cache, and sees what it is told."""

from __future__ import annotations

import mmap
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.vm.guest.api import wait

FABRICS = Path("/dev/nvme-fabrics")
NVME = Path("/sys/class/nvme")
BLOCK = 4096
PAUSE = 0.002
"""Seconds between two transfers: with one processor a host that never rests would keep everybody else waiting."""
TROUBLE = re.compile(
    r"reconnect|error recovery|timeout|keep.?alive|I/O error|reset|removing ctrl|failed", re.IGNORECASE
)


class Identity(NamedTuple):
    """What stays the same as long as a connection is not made anew."""

    instance: str
    cntlid: str
    state: str


@dataclass(frozen=True)
class Controller:
    """A connection."""

    name: str

    @property
    def directory(self) -> Path:
        """In sysfs."""
        return NVME / self.name

    def identity(self) -> Identity:
        """As it is now. Raises OSError when it is gone."""
        cntlid, state = ((self.directory / what).read_text().strip() for what in ("cntlid", "state"))
        return Identity(self.name, cntlid, state)

    def spaces(self) -> dict[int, str]:
        """The disks that the host sees through it, by namespace number; where there are heads, those."""
        found = {}
        for disk in Path("/sys/block").glob("nvme*"):
            owner = (disk / "device").resolve()
            with suppress(OSError):
                hidden = (disk / "hidden").read_text().strip() == "1"
                if not hidden and (owner.name == self.name or (owner / self.name).exists()):
                    found[int((disk / "nsid").read_text())] = f"/dev/{disk.name}"
        return found

    def disk(self, nsid: int) -> str:
        """The disk of a namespace, once it can be opened. Raises AssertionError when there is none."""
        assert wait(lambda: nsid in self.spaces() and Path(self.spaces()[nsid]).exists(), 20), (self, self.spaces())
        return self.spaces()[nsid]

    def disconnect(self) -> None:
        """Ends it. Harmless when it is gone."""
        with suppress(FileNotFoundError):
            (self.directory / "delete_controller").write_text("1")
        assert wait(lambda: not self.directory.exists(), 20)


def connect(transport: str, nqn: str, **options: str) -> Controller:
    """Connects, as `nvme connect` does: by a write to the fabrics device. Raises OSError with the kernel's errno."""
    words = {"transport": transport, "nqn": nqn, **options}
    descriptor = os.open(FABRICS, os.O_RDWR)
    try:
        os.write(descriptor, ",".join(f"{key}={value}" for key, value in words.items()).encode())
        answer = os.read(descriptor, BLOCK).decode()
    finally:
        os.close(descriptor)
    matched = re.search(r"instance=(\d+)", answer)
    assert matched, answer
    return Controller(f"nvme{matched[1]}")


def disconnect_all() -> None:
    """Ends every connection over fabrics."""
    for directory in NVME.iterdir():
        with suppress(OSError):
            if (directory / "transport").read_text().strip() != "pcie":
                Controller(directory.name).disconnect()


def tcp(nqn: str, address: str = "127.0.0.1", service: str = "4420", **options: str) -> Controller:
    """Connects over TCP."""
    return connect("tcp", nqn, traddr=address, trsvcid=service, **options)


@contextmanager
def opened(disk: str) -> Iterator[tuple[int, mmap.mmap]]:
    """A disk, past the page cache, and a buffer that is aligned as that wants it."""
    buffer = mmap.mmap(-1, BLOCK)
    descriptor = os.open(disk, os.O_RDWR | os.O_DIRECT)
    try:
        yield descriptor, buffer
    finally:
        os.close(descriptor)


def write(disk: str, offset: int, data: bytes) -> None:
    """Writes a block, filled up with zeroes."""
    with opened(disk) as (descriptor, buffer):
        buffer[:] = data.ljust(BLOCK, b"\0")
        assert os.pwritev(descriptor, [buffer], offset) == BLOCK


def read(disk: str, offset: int, length: int) -> bytes:
    """Reads the start of a block."""
    with opened(disk) as (descriptor, buffer):
        assert os.preadv(descriptor, [buffer], offset) == BLOCK
        return bytes(buffer[:length])


@dataclass
class Traffic:
    """What came of transfers that went on all the time."""

    blocks: int = 0
    longest: float = 0.0
    """Seconds that one transfer took at most."""
    errors: list[str] = field(default_factory=list)


@contextmanager
def traffic(disk: str) -> Iterator[Traffic]:
    """Writes to a disk and reads it back as long as the block lasts, and checks what it reads."""
    told, over = Traffic(), threading.Event()

    def work() -> None:
        with opened(disk) as (descriptor, buffer):
            while not over.wait(PAUSE):
                data, offset = f"block {told.blocks}".encode().ljust(BLOCK, b"."), told.blocks % 64 * BLOCK
                before = time.monotonic()
                try:
                    buffer[:] = data
                    os.pwritev(descriptor, [buffer], offset)
                    buffer[:] = bytes(BLOCK)
                    os.preadv(descriptor, [buffer], offset)
                except OSError as error:
                    told.errors.append(str(error))
                    return
                told.longest = max(told.longest, time.monotonic() - before)
                if buffer[:] != data:
                    told.errors.append(f"block {told.blocks} came back changed")
                told.blocks += 1

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        assert wait(lambda: told.blocks or told.errors)
        yield told
        seen = told.blocks
        assert wait(lambda: told.blocks > seen or told.errors)
    finally:
        over.set()
        worker.join(30)


class KernelLog:
    """The kernel's messages from now on."""

    def __init__(self) -> None:
        self._descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._descriptor, 0, os.SEEK_END)
        self.lines: list[str] = []

    def read(self) -> list[str]:
        """All of them so far."""
        with suppress(BlockingIOError):
            while record := os.read(self._descriptor, 8192):
                self.lines.append(record.decode(errors="replace").partition(";")[2].splitlines()[0])
        return self.lines

    def about(self, *words: str) -> list[str]:
        """Those in which all the words are."""
        return [line for line in self.read() if all(word in line for word in words)]

    def trouble(self, controller: Controller) -> list[str]:
        """Those that say that a connection was in trouble."""
        return [line for line in self.about(f"{controller.name}:") if TROUBLE.search(line)]

    def close(self) -> None:
        """Gives the descriptor back."""
        os.close(self._descriptor)


@contextmanager
def kernel_log() -> Iterator[KernelLog]:
    """The kernel's messages while the block lasts."""
    log = KernelLog()
    try:
        yield log
    finally:
        log.close()
