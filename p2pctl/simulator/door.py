"""The door onto the demo host."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from p2pctl.kernel import Events, Files, Log, Memory, Modules, Names, Processes, SourceKind
from p2pctl.simulator import demo
from p2pctl.simulator.demo_kernel import DemoTarget
from p2pctl.simulator.demo_names import DemoNames
from p2pctl.simulator.events import MemoryEvents, News
from p2pctl.simulator.log import MemoryModules
from p2pctl.simulator.nodes import Directory
from p2pctl.simulator.pools import STEP, Taken
from p2pctl.simulator.processes import DemoProcesses
from p2pctl.simulator.tree import MemoryFiles, Told

if TYPE_CHECKING:
    from p2pctl.simulator.host import Host
    from p2pctl.simulator.hotplug import Hotplug
    from p2pctl.simulator.state import DemoState

EPOCH = 1_793_610_000.0
"""When the demo starts, seconds since 1970: 2026-11-02T09:00:00Z."""

_CONNECTED = 5000.0
"""Seconds that the hosts of its target have been connected when it starts."""


class DemoDoor:
    """`p2pctl.kernel.Door` onto a host that exists only here. Its pools move as its clock does.

    ``state`` is a directory in which what is done to its NVMe target lasts; without one it ends with the door.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, privileged: bool = True, state: Path | None = None
    ) -> None:
        self._clock = clock
        self._start = clock()
        self._news = News()
        self._taken = Taken()
        kept = _state(state, self._news.done)
        self.target = DemoTarget(self.now, kept, EPOCH - _CONNECTED)
        """Its NVMe target, from the kernel's side."""
        self.target.host, root, running = demo.build(self._step, self.target, self._taken)
        self._files = _files(root, kept, self.target, privileged=privileged, told=self._news.done)
        self._others = self.target.get if kept is not None else None
        self._root = root
        self._processes = DemoProcesses(running)

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
        return self.target.log

    @cached_property
    def modules(self) -> Modules:
        """Its kernel's modules."""
        return MemoryModules()

    @cached_property
    def memory(self) -> Memory:
        """Its memory and disks."""
        from p2pctl.simulator.memory import DemoMemory  # noqa: PLC0415  most commands never ask

        return DemoMemory(self._built, self._files, self._taken)

    def events(self) -> Events:
        """A new subscription to what this and other processes do to its target, and to what is plugged here."""
        return MemoryEvents(self._news, self._is_directory, self._others)

    @cached_property
    def hotplug(self) -> Hotplug:
        """What takes its devices away and puts them back: for tests, and for pictures."""
        from p2pctl.simulator.hotplug import Hotplug  # noqa: PLC0415

        return Hotplug(self._built(), self._root, self.target.get, self._news)

    def _built(self) -> Host:
        if self.target.host is None:
            raise RuntimeError("a host that is not built yet")
        return self.target.host

    def _is_directory(self, path: str) -> bool:
        try:
            return self._files.stat(path).kind == "directory"
        except OSError:
            return False

    def now(self) -> float:
        """Seconds since 1970: a fixed start and what has passed since the door was opened."""
        return EPOCH + self._elapsed()

    def _elapsed(self) -> float:
        return max(self._clock() - self._start, 0.0)

    def _step(self) -> int:
        return int(self._elapsed() / STEP)


def state_directory(environment: Mapping[str, str]) -> Path:
    """Where the demo host of this user lasts, by the variables of the process's environment."""
    given = environment.get("XDG_STATE_HOME", "")
    # A relative path there is to be ignored (XDG Base Directory Specification).
    above = Path(given) if given.startswith("/") else Path(environment.get("HOME", "/")) / ".local" / "state"
    return above / "p2pctl" / "demo"


def _state(directory: Path | None, told: Told) -> DemoState | None:
    if directory is None:
        return None
    from p2pctl.simulator.state import DemoState  # noqa: PLC0415

    return DemoState(directory, told)


def _files(
    root: Directory, state: DemoState | None, target: DemoTarget, *, privileged: bool, told: Told
) -> MemoryFiles:
    if state is None:
        return MemoryFiles(root, privileged=privileged, told=told)
    from p2pctl.simulator.state import KeptFiles  # noqa: PLC0415

    return KeptFiles(root, state, target.get, privileged=privileged, told=told)
