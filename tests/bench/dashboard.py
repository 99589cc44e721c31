"""What the live screen costs: processor, memory, time to the first picture and from an event to the screen.

It runs as a user runs it, in a terminal of its own that this process drains; the host is a directory whose pools this
process moves, or the demo host whose target this process changes.

    python -m tests.bench.dashboard [--seconds 60]
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from p2pctl.model.nvmet import ROOT
from p2pctl.simulator import export
from p2pctl.simulator.door import DemoDoor, state_directory
from p2pctl.simulator.nodes import nest
from p2pctl.simulator.nvmet.environment import Environment, Function, Opened, RdmaDevice
from p2pctl.simulator.nvmet.kernel import CONFIGFS, NvmetKernel
from p2pctl.simulator.pci import Device
from p2pctl.simulator.tree import MemoryFiles
from tests.bench import host

Report = Callable[..., None]
"""Takes what was measured, the measurement, what to compare it with, a budget for the ratio, and a unit."""

PLAIN_ROWS = 20
CORE = 2.5
"""Percent of a core that a screen of 20 pools may take."""
MEMORY = 60.0
"""MiB that it may take."""
TICK = os.sysconf("SC_CLK_TCK")
_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>78])")


class Terminal:
    """A program in a terminal that somebody reads all the time."""

    def __init__(self, argv: list[str], environment: dict[str, str], size: tuple[int, int] = (120, 40)) -> None:
        self.started = time.perf_counter()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.execvpe(argv[0], argv, environment)
        self.chunks: list[tuple[float, bytes]] = []
        """When something was written, and what."""
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def _drain(self) -> None:
        while True:
            try:
                select.select([self._master], [], [])
                data = os.read(self._master, 1 << 16)
            except OSError:
                return
            if not data:
                return
            self.chunks.append((time.perf_counter(), data))

    @property
    def written(self) -> int:
        """Bytes so far."""
        return sum(len(data) for _, data in self.chunks)

    def seen(self, text: bytes, since: int = 0, patience: float = 60.0) -> float:
        """When a text stood in what was written from a chunk on. Raises TimeoutError."""
        until = time.perf_counter() + patience
        while time.perf_counter() < until:
            whole = b""
            for when, data in self.chunks[since:]:
                whole += data
                if text in _ESCAPES.sub(b"", whole):
                    return when
            time.sleep(0.005)
        raise TimeoutError(f"{text!r} never came; at the end: {_ESCAPES.sub(b'', whole)[-400:]!r}")

    def answer(self, key: bytes, patience: float = 10.0) -> float:
        """Milliseconds until something is written after a key."""
        before = len(self.chunks)
        start = time.perf_counter()
        os.write(self._master, key)
        while len(self.chunks) == before:
            if time.perf_counter() - start > patience:
                raise TimeoutError(f"no answer to {key!r}")
            time.sleep(0.0005)
        return (self.chunks[before][0] - start) * 1000

    @property
    def cpu(self) -> float:
        """Seconds of processor that it has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self, which: str = "VmRSS") -> float:
        """MiB that it has in memory, or had at most (``VmHWM``)."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        (found,) = re.findall(rf"^{which}:\s+(\d+) kB", text, re.MULTILINE)
        return int(found) / 1024

    def end(self) -> None:
        """Quits it as a user does, and insists where that does not help. Raises RuntimeError where it had failed."""
        os.write(self._master, b"q")
        for _ in range(500):
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                break
            time.sleep(0.01)
        else:
            os.kill(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
        self._reader.join(1)
        os.close(self._master)
        if status:
            raise RuntimeError(f"the screen ended with {status}: {self.chunks[-1:]}")


@contextmanager
def terminal(*words: str, state: str, program: str = "p2pctl", size: tuple[int, int] = (120, 40)) -> Iterator[Terminal]:
    """A module of Python that runs in a terminal, with a home of its own."""
    own = {
        "HOME": state,
        "XDG_STATE_HOME": state,
        "XDG_CONFIG_HOME": state,
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    path = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    one = Terminal([sys.executable, "-m", program, *words], {**own, **path}, size)
    try:
        yield one
    finally:
        one.end()


def build(directory: Path, pools: int, namespaces: int, subsystems: int = 20) -> list[Path]:
    """A host with so many pools and namespaces; gives the files that say how much of each pool is free."""
    adapters = max(pools // 10, 1)

    def cards(nth: int) -> tuple[Device, ...]:
        return host.mixed(5) if nth % 11 == 0 and nth < 11 * adapters else host.drive(buffered=True)

    # A bridge, a root port and a switch of 24 ports come with every 24 cards.
    whole, left = divmod(pools + adapters, host.PORTS)
    functions = pools * 2 + adapters * 9 + 3 * (whole + bool(left))
    host.build(directory, functions, cards)
    _export(directory, pools, namespaces, subsystems)
    return sorted(directory.glob("sys/devices/**/p2pmem/available"))


def _export(directory: Path, drives: int, namespaces: int, subsystems: int) -> None:
    """The target of that host, on one RDMA port and one TCP port."""
    each = namespaces // subsystems
    # Each drive lends to itself, so that every namespace can be enabled.
    disks = {f"/dev/nvme{nth}n1": Opened("block", p2p=True, pci=f"at{nth}") for nth in range(drives)}
    environment = Environment(
        devices=disks,
        rdma={"10.0.0.0": RdmaDevice("mlx5_0")},
        addresses=frozenset({"10.0.0.0"}),
        functions={f"at{nth}": Function("nvme", published=True) for nth in range(drives)},
    )
    kernel = NvmetKernel(environment)
    files = MemoryFiles(nest({CONFIGFS: kernel.configfs}))
    for port, transport in (("1", "rdma"), ("2", "tcp")):
        files.mkdir(f"{ROOT}/ports/{port}")
        told = {
            "addr_trtype": transport,
            "addr_adrfam": "ipv4",
            "addr_traddr": "10.0.0.0",
            "addr_trsvcid": f"442{port}",
        }
        for name, value in told.items():
            files.write(f"{ROOT}/ports/{port}/{name}", value.encode())
    for number in range(subsystems):
        top = f"{ROOT}/subsystems/nqn.2026-11.org.example:s{number:03}"
        files.mkdir(top)
        files.write(f"{top}/attr_allow_any_host", b"1")
        for nsid in range(each):
            one = f"{top}/namespaces/{nsid + 1}"
            files.mkdir(one)
            files.write(f"{one}/device_path", f"/dev/nvme{(number * each + nsid) % drives}n1".encode())
            files.write(f"{one}/p2pmem", b"1")
            files.write(f"{one}/enable", b"1")
        for port in "12":
            files.symlink(top, f"{ROOT}/ports/{port}/subsystems/{top.rpartition('/')[2]}")
    above = directory / CONFIGFS[1:]
    above.mkdir(parents=True)
    export.write(kernel.configfs, str(above))


class Moving:
    """Moves the levels of a directory's pools, a step a second, while something is measured."""

    def __init__(self, files: list[Path]) -> None:
        self._files = [(one, int(one.read_text())) for one in files]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        step = 0
        while not self._ended.wait(1.0):
            step += 1
            for nth, (path, free) in enumerate(self._files):
                used = 131072 * ((nth * 7 + step * 3) % 97)
                # As long as before, so that a reader never meets half of it.
                path.write_text(f"{max(free - used, 0):<{len(str(free))}}\n")


def over_time(one: Terminal, seconds: float) -> tuple[float, float]:
    """Percent of a core, and kilobytes a second to the terminal, over a time."""
    cpu, written, start = one.cpu, one.written, time.perf_counter()
    time.sleep(seconds)
    passed = time.perf_counter() - start
    return 100 * (one.cpu - cpu) / passed, (one.written - written) / 1024 / passed


def steady(directory: Path, seconds: float, report: Report) -> None:
    """20 pools that all move and 200 namespaces, at 1 Hz, beside a screen that does nothing but tick."""
    files = build(directory / "host", 20, 200)
    with terminal("--plain", state=str(directory), program="tests.bench.dashboard") as plain:
        plain.seen(b"row 19")
        least, _ = over_time(plain, seconds / 2)
        small = plain.memory()
    for view in ("overview", "target"):
        words = ("--sysroot", str(directory / "host"), "dashboard", "--view", view)
        with terminal(*words, state=str(directory)) as one, Moving(files):
            one.seen(b"nvme1")
            time.sleep(3)
            percent, kilobytes = over_time(one, seconds)
            what = f"20 pools, 200 namespaces, {view}, 1 Hz:"
            report(f"{what} processor", percent, None, CORE if view == "overview" else None, "% of a core")
            report(f"{what} : {PLAIN_ROWS} rows of textual alone", percent, least)
            report(f"{what} KiB/s to the terminal", kilobytes, None)
            report(f"{what} memory at the peak", one.memory("VmHWM"), None, MEMORY, "MiB")
            report(f"{what} MiB : textual alone", one.memory("VmHWM"), small)


def first_paint(directory: Path, report: Report, rounds: int = 5) -> None:
    """From exec to the first screen and to the first facts, best of some."""
    screens, facts, bare = [], [], []
    for _ in range(rounds):
        with terminal("--demo", "dashboard", state=str(directory)) as one:
            facts.append(one.seen(b"0000:18:00.0") - one.started)
            screens.append(one.seen(b"READ-ONLY") - one.started)
        with terminal("--plain", state=str(directory), program="tests.bench.dashboard") as plain:
            bare.append(plain.seen(b"row 19") - plain.started)
    report("exec to first screen, ms : textual alone", min(screens) * 1000, min(bare) * 1000)
    report("exec to first facts, ms : textual alone", min(facts) * 1000, min(bare) * 1000)


def event_to_screen(directory: Path, report: Report, rounds: int = 7) -> None:
    """From the end of another process's mkdir in the target to the subsystem's name on the screen."""
    took = []
    with terminal("--demo", "dashboard", "--view", "target", state=str(directory), size=(200, 60)) as one:
        one.seen(b"nqn.")
        other = DemoDoor(state=state_directory({"XDG_STATE_HOME": str(directory)}))
        for nth in range(rounds):
            since = len(one.chunks)
            nqn = f"nqn.2000-01.org.example:bench{nth}"
            other.files.mkdir(f"{ROOT}/subsystems/{nqn}")
            start = time.perf_counter()
            took.append((one.seen(nqn.encode(), since, 10) - start) * 1000)
            time.sleep(0.3)
    report("target changed to screen, ms, median", statistics.median(took), None)
    report("target changed to screen, ms, worst : 1 s", max(took), 1000.0, 1.0)


def large(directory: Path, seconds: float, report: Report) -> None:
    """500 pools and 5,000 namespaces: does it stay usable."""
    files = build(directory / "large", 500, 5000, 50)
    words = ("--sysroot", str(directory / "large"), "dashboard", "--view")
    for view in ("overview", "pools", "target"):
        with terminal(*words, view, state=str(directory)) as one, Moving(files):
            facts = one.seen(b"nvme1" if view != "target" else b"s000") - one.started
            what = f"500 pools, 5,000 namespaces, {view}:"
            report(f"{what} exec to first facts, s", facts, None)
            time.sleep(3)
            percent, _ = over_time(one, seconds)
            report(f"{what} % of a core at 1 Hz", percent, None)
            keys = []
            for _ in range(20):
                keys.append(one.answer(b"j"))
                time.sleep(0.1)
            report(f"{what} ms from a key to the screen, median", statistics.median(keys), None)
            report(f"{what} ms from a key to the screen, worst : 250 ms", max(keys), 250.0, 1.0)
            report(f"{what} MiB", one.memory("VmHWM"), None)


def measure(report: Report, seconds: float = 60.0) -> None:
    """Everything."""
    with tempfile.TemporaryDirectory(prefix="p2pctl-bench-") as directory:
        first_paint(Path(directory), report)
        event_to_screen(Path(directory), report)
        steady(Path(directory), seconds, report)
        large(Path(directory), seconds / 3, report)


def plain() -> None:
    """A screen of 20 rows of which two cells change every second, with nothing behind it."""
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    class Plain(App[None]):
        BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012  as textual declares it

        def compose(self) -> ComposeResult:
            yield DataTable[Any]()

        def on_mount(self) -> None:
            table = self.query_one(DataTable)
            self.columns = [table.add_column(name, width=12) for name in "abcdefgh"]
            self.keys = [table.add_row(f"row {row}", *"bcdefgh") for row in range(PLAIN_ROWS)]
            self.set_interval(1.0, self.tick)

        def tick(self) -> None:
            for key in self.keys:
                for column in self.columns[2:4]:
                    self.query_one(DataTable).update_cell(key, column, f"{time.monotonic():.3f}")

    Plain().run()


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description="Measure the live screen.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--plain", action="store_true", help="run the screen that others are compared with")
    parser.add_argument("--only", choices=["first_paint", "event_to_screen", "steady", "large"])
    arguments = parser.parse_args()
    if arguments.plain:
        plain()
        return

    def report(
        what: str, measured: float, baseline: float | None, budget: float | None = None, unit: str = "x"
    ) -> None:
        against = "" if baseline is None else f" : {baseline:.4g} = {measured / baseline:.2f}"
        print(f"{what:64} {measured:.4g}{against}{'' if budget is None else f'  (<= {budget} {unit})'}", flush=True)

    if arguments.only is None:
        measure(report, arguments.seconds)
        return
    with tempfile.TemporaryDirectory(prefix="p2pctl-bench-") as directory:
        more = (arguments.seconds,) if arguments.only in ("steady", "large") else ()
        globals()[arguments.only](Path(directory), *more, report)


if __name__ == "__main__":
    main()
