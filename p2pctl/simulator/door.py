"""The door onto the demo host."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property

from p2pctl.kernel import Files, Log, Modules, Names, Processes, SourceKind
from p2pctl.simulator import demo
from p2pctl.simulator.demo_names import DemoNames
from p2pctl.simulator.log import MemoryLog, MemoryModules
from p2pctl.simulator.pools import STEP
from p2pctl.simulator.processes import DemoProcesses
from p2pctl.simulator.tree import MemoryFiles

EPOCH = 1_793_610_000.0
"""When the demo starts, seconds since 1970: 2026-11-02T09:00:00Z."""


class DemoDoor:
    """`p2pctl.kernel.Door` onto a host that exists only here. Its pools move as its clock does."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, privileged: bool = True) -> None:
        self._clock = clock
        self._start = clock()
        root, running = demo.build(self._step)
        self._files = MemoryFiles(root, privileged=privileged)
        self._processes = DemoProcesses(running)
        self._log = MemoryLog(self.now)

    @property
    def kind(self) -> SourceKind:
        """What sort of source it is."""
        return "demo"

    @property
    def files(self) -> Files:
        """Its kernel files."""
        return self._files

    @property
    def processes(self) -> Processes:
        """Its processes."""
        return self._processes

    @cached_property
    def names(self) -> Names:
        """Names for identifiers."""
        return DemoNames()

    @property
    def log(self) -> Log:
        """Its kernel's messages."""
        return self._log

    @cached_property
    def modules(self) -> Modules:
        """Its kernel's modules."""
        return MemoryModules()

    def now(self) -> float:
        """Seconds since 1970: a fixed start and what has passed since the door was opened."""
        return EPOCH + self._elapsed()

    def _elapsed(self) -> float:
        return max(self._clock() - self._start, 0.0)

    def _step(self) -> int:
        return int(self._elapsed() / STEP)
