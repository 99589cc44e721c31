"""Boots a virtual machine, runs one script in it as root, and brings back what came of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from tests.vm import accel, cache, qemu, ramdisk
from tests.vm.actions import Actions
from tests.vm.kernels import Kernel
from tests.vm.topology import Topology

REACHED = "p2pctl-vm: userspace reached"
BOOTS = 3
"""How often a guest may be started in all, when it keeps dying before it reaches userspace."""
BOOT_SECONDS = 180


@dataclass(frozen=True)
class Result:
    """What came of a machine. `status` is the script's exit status, None when it never ended."""

    release: str
    accel: str
    boots: int
    reached: bool
    timed_out: bool
    status: int | None
    boot_seconds: float
    seconds: float
    console: str
    log: str

    def story(self, lines: int = 60) -> str:
        """Returns what a failure report needs: how it ended, and the ends of its log and console."""
        if not self.reached:
            end = f"died before it reached userspace, {self.boots} times"
        elif self.timed_out:
            end = "was stopped at its time limit"
        elif self.status is None:
            end = "died in the middle of its script"
        else:
            end = f"ended with status {self.status}"
        head = f"the guest ({self.release}, {self.accel}) {end} after {self.seconds:.0f} s"
        tails = (("log", self.log), ("console", self.console))
        return "\n".join([head, *(f"--- {name}:\n{_tail(text, lines)}" for name, text in tails)])


class Ended(NamedTuple):
    """What came of one boot; see Result."""

    reached: bool
    timed_out: bool
    status: int | None
    boot_seconds: float
    seconds: float
    console: str
    log: str


class MachineError(Exception):
    """QEMU itself refused to start; the message is QEMU's own."""


def boot(topology: Topology, kernel: Kernel, script: str, out: Path, seconds: float = 600) -> Result:
    """Boots a machine, runs a shell script in it and returns the result; `out` is the guest's /out.

    A guest that dies, or takes too long, before it reaches userspace is booted again, `BOOTS`
    times in all, and the result counts them; after that nothing is retried. `seconds` bounds the
    script. Raises MachineError when QEMU does not start, UnavailableError when something is missing
    here, TimeoutError when no place for a machine comes free.
    """
    image = ramdisk.build(kernel)
    kind = accel.accelerator(kernel, image, topology.cpu)
    out.mkdir(parents=True, exist_ok=True)
    facts = {
        "topology": topology.name,
        "drives": [asdict(drive) for drive in topology.drives],
        "release": kernel.release,
        "has_p2pdma": kernel.has_p2pdma,
    }
    (out / "machine.json").write_text(json.dumps(facts))
    (out / "run.sh").write_text(script)
    setting = qemu.Setting(kernel.image, image, kind, out)
    for boots in range(1, BOOTS + 1):
        with cache.slot():
            ended = _once(topology, setting, seconds)
        result = Result(release=kernel.release, accel=kind, boots=boots, **ended._asdict())
        if result.reached:
            break
        print(f"guest {kernel.release} died before userspace (boot {boots} of {BOOTS})", flush=True)
    return result


def _once(topology: Topology, setting: qemu.Setting, seconds: float) -> Ended:
    out = setting.out
    console = out / "console"
    for leftover in ("console", "log", "status", "dmesg"):
        (out / leftover).unlink(missing_ok=True)
    started = time.monotonic()
    reached_at: float | None = None
    timed_out = False
    with ExitStack() as stack:
        # Short, because a socket's path may have 107 bytes at most.
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p2pctl-vm-")))
        command = qemu.command(topology, setting, scratch)
        (out / "qemu").write_text("\n".join(command))
        process = stack.enter_context(_running(command, scratch / "stderr", BOOT_SECONDS + seconds + 60))
        actions = Actions(topology, out, scratch / "qmp")
        stack.callback(actions.stop)
        actions.start()
        # Entered last, left first: QEMU goes before the thread that may be waiting for it.
        stack.callback(_kill, process)
        while process.poll() is None and not timed_out:
            if reached_at is None and REACHED in _text(console):
                reached_at = time.monotonic()
            limit = BOOT_SECONDS + started if reached_at is None else seconds + reached_at
            timed_out = time.monotonic() > limit
            time.sleep(0.05)
        if not timed_out and process.returncode != 0 and not _text(console):
            raise MachineError(f"QEMU ended with {process.returncode}: {_text(scratch / 'stderr').strip()}")
    ended = time.monotonic()
    if reached_at is None and REACHED in _text(console):
        reached_at = ended
    status = _text(out / "status").strip()
    return Ended(
        reached=reached_at is not None,
        timed_out=timed_out,
        status=int(status) if status else None,
        boot_seconds=(reached_at or ended) - started,
        seconds=ended - started,
        console=_text(console),
        log=_text(out / "log"),
    )


@contextmanager
def _running(command: list[str], errors: Path, limit: float) -> Iterator[subprocess.Popen[bytes]]:
    # timeout(1) bounds QEMU's life even when this process is killed.
    bounded = [shutil.which("timeout") or "timeout", "--signal=KILL", f"{limit:.0f}", *command]
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            bounded, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, start_new_session=True
        )
    try:
        yield process
    finally:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""


def _tail(text: str, lines: int) -> str:
    return "\n".join(text.splitlines()[-lines:])
