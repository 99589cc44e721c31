"""Processes as /proc shows them, with the P2P memory that they have mapped (fs/proc/array.c, task_mmu.c)."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from p2pctl.kernel import Process
from p2pctl.simulator.nodes import Directory, File, Node, refused

USERS = {0: "root", 33: "www-data", 1000: "operator", 1004: "bench", 64055: "libvirt-qemu"}

_MAPPED_AT = 0x7F2A40000000


class Running(NamedTuple):
    """One process."""

    pid: int
    parent: int
    command: str
    """Its ``comm``: 15 bytes at most."""
    uid: int = 0
    executable: str | None = None
    """None for a kernel thread, which has no memory of its own to show."""
    mapped: tuple[tuple[str, int], ...] = ()
    """Kernel path of a file and bytes, one a mapping, in order of address."""
    sleeping: bool = True


class DemoProcesses:
    """`p2pctl.kernel.Processes` over a list."""

    def __init__(self, running: Iterable[Running]) -> None:
        self._running = {one.pid: one for one in running}

    def who(self, pid: int) -> Process | None:
        """The process, or None where there is none."""
        one = self._running.get(pid)
        return None if one is None else Process(pid, USERS.get(one.uid, str(one.uid)), one.command)


def directory(one: Running) -> Directory:
    """The /proc directory of a process."""
    return Directory(lambda: _files(one), 0o555)


def _files(one: Running) -> Mapping[str, Node]:
    state = "S (sleeping)" if one.sleeping else "R (running)"
    ids = "\t".join([str(one.uid)] * 4)
    status = (
        f"Name:\t{one.command}\nUmask:\t0022\nState:\t{state}\nTgid:\t{one.pid}\nNgid:\t0\nPid:\t{one.pid}\n"
        f"PPid:\t{one.parent}\nTracerPid:\t0\nUid:\t{ids}\nGid:\t{ids}\nFDSize:\t64\nGroups:\t\nThreads:\t1\n"
    )
    numbers = " ".join(["0"] * 48)
    command = f"{one.executable}\0" if one.executable is not None else ""
    return {
        "cmdline": File(command.encode(), size=0),
        "comm": File(f"{one.command}\n".encode(), 0o644, 0),
        "maps": File(_maps(one) if one.executable is not None else refused(errno.ESRCH), size=0, guarded=True),
        "stat": File(f"{one.pid} ({one.command}) {state[0]} {one.parent} {numbers}\n".encode(), size=0),
        "status": File(status.encode(), size=0),
    }


def _maps(one: Running) -> bytes:
    """Lines of /proc/PID/maps: program, heap, what it mapped, stack."""
    lines = [
        _line(0x55D0C8E00000, 0x85000, "r-xp", ("fe:00", 1311768), one.executable or ""),
        _line(0x55D0CA2F1000, 0x42000, "rw-p", ("00:00", 0), "[heap]"),
    ]
    start = _MAPPED_AT
    for path, size in one.mapped:
        inode = 40_000 + zlib.crc32(path.encode()) % 20_000
        lines.append(_line(start, size, "rw-s", ("00:17", inode), path))
        start += size + 0x200000
    lines.append(_line(0x7F2B90A00000, 0x155000, "r-xp", ("fe:00", 1313042), "/usr/lib/x86_64-linux-gnu/libc.so.6"))
    lines.append(_line(0x7FFD4C3E1000, 0x21000, "rw-p", ("00:00", 0), "[stack]"))
    return "".join(lines).encode()


def _line(start: int, size: int, rights: str, where: tuple[str, int], name: str) -> str:
    """One mapping, its name padded as the kernel does, to column 73; ``where`` is a device and an inode."""
    device, inode = where
    head = f"{start:08x}-{start + size:08x} {rights} 00000000 {device} {inode} "
    return f"{head:<73}{name}\n"
