"""What the dashboard's source tells of a real kernel: drives that come and go, a target that is changed, its log."""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.vm.guest.api import NVMET, PCI, Context, as_user, modprobe, reset_nvmet, wait
from tests.vm.guest.checks_unplug import Watch
from tests.vm.guest.target import disk, summary

if TYPE_CHECKING:
    from p2pctl.cli.dashboard_source import DoorSource
    from p2pctl.dashboard.source import Event
    from p2pctl.model.nvmet import Nvmet
    from p2pctl.model.snapshot import Snapshot

SECONDS = 240
PATIENCE = 30.0
NQN = "nqn.2026-11.org.example:seen"
MANY = 1000
AT_ONCE = 1.0
"""Seconds from what happened to the event; the machine is emulated, so to the new facts it may take longer."""


def after_each() -> None:
    """The next check finds no target."""
    if NVMET.exists():
        reset_nvmet()


class Screen:
    """What a dashboard does with its source, without the drawing."""

    def __init__(self, source: DoorSource) -> None:
        self.source = source
        self.snapshot: Snapshot = source.take()
        self.events: list[Event] = []
        self.heard: dict[Event, float] = {}

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> float:
        """Follows events until a condition holds, and says when it did. Raises AssertionError if it never does."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, [event.text for event in self.events]
            found = self.source.wait(0.5)
            now = time.monotonic()
            self.heard.update(dict.fromkeys(found, now))
            self.events.extend(found)
            parts = frozenset(part for event in found for part in event.parts)
            if parts:
                self.snapshot = self.source.refresh(self.snapshot, parts)
        return time.monotonic()

    @property
    def target(self) -> Nvmet:
        """The target as the snapshot has it."""
        assert self.snapshot.nvmet is not None
        return self.snapshot.nvmet

    def told(self, text: str) -> Callable[[], bool]:
        """Whether an event says this."""
        return lambda: any(text in event.text for event in self.events)

    def has_pool(self, address: str) -> bool:
        """Whether the snapshot has a pool there."""
        assert self.snapshot.pools is not None
        return address in map(str, self.snapshot.pools.pools)

    def since(self, text: str, moment: float) -> float:
        """Seconds from a moment to the event that says this."""
        return next(when for event, when in self.heard.items() if text in event.text) - moment


@contextmanager
def screen() -> Iterator[Screen]:
    """A source over this host, looked at once."""
    from p2pctl.cli.dashboard_source import DoorSource
    from p2pctl.cli.options import Globals
    from p2pctl.cli.session import Session

    source = DoorSource(Session(Globals()))
    try:
        yield Screen(source)
    finally:
        source.close()


class Later(threading.Thread):
    """Does something in a moment, while the screen waits, and notes when it was done."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._action = action
        self.done = 0.0
        self.start()

    def run(self) -> None:
        """Once."""
        time.sleep(0.3)
        self._action()
        self.done = time.monotonic()


def check_a_pool_is_there_from_the_bind_of_its_driver_on(context: Context) -> None:
    """Unbound: the pool is gone, and told to be. Bound again: event and pool come at once, without a full read."""
    address = context.bdf("n2")
    driver = PCI / "drivers/nvme"
    with screen() as shown:
        assert shown.has_pool(address)
        pci, nvmet = shown.snapshot.pci, shown.snapshot.nvmet
        action = Later(lambda: (driver / "unbind").write_text(address))
        shown.until(lambda: not shown.has_pool(address) and shown.told(f"{address} has no pool")())
        action.join()
        assert shown.since(f"{address} was unbound", action.done) < AT_ONCE
        action = Later(lambda: (driver / "bind").write_text(address))
        moment = shown.until(lambda: shown.has_pool(address) and shown.told(f"{address} has a pool")())
        action.join()
        assert shown.told(f"{address} was bound to nvme")(), shown.events
        delay = shown.since(f"{address} was bound", action.done)
        assert delay < AT_ONCE, delay
        assert shown.snapshot.pci is not pci, "what the driver changed was read anew"
        assert shown.snapshot.nvmet is nvmet, "and what has nothing to do with it was not"
        summary(context, f"bind told after {delay:.2f} s, pool shown after {moment - action.done:.2f} s")
    assert wait((context.pci("n2") / "p2pmem/size").exists, 30)


def check_a_drive_that_is_pulled_out_is_gone_at_once(context: Context) -> None:
    """Its level fails, its function is removed: no error, an event, no pool; and it comes back when it is rescanned."""
    address = context.bdf("n2")
    with screen() as shown:
        before = shown.snapshot = shown.source.levels(shown.snapshot)
        assert before.pools is not None
        (PCI / "devices" / address / "remove").write_text("1")
        shown.snapshot = shown.source.levels(shown.snapshot)
        assert not shown.has_pool(address), "the level that failed had all pools read anew"
        shown.until(lambda: shown.told(f"{address} is gone")() and shown.told(f"{address} has no pool")())
        assert shown.snapshot.pci is not None
        assert address not in map(str, shown.snapshot.pci.functions)
        action = Later(lambda: (PCI / "rescan").write_text("1"))
        shown.until(lambda: shown.has_pool(address) and shown.told(f"{address} was bound to nvme")())
        action.join()
        shown.events.clear()
        context.host_action("unplug", "n2")
        shown.until(lambda: shown.told(f"{address} is gone")() and not shown.has_pool(address))
        context.host_action("plug", "n2")
        shown.until(lambda: shown.told("was bound to nvme")() and shown.has_pool(context.bdf("n2")))
    assert wait((context.pci("n2") / "p2pmem/size").exists, 30)


def check_a_target_that_is_changed_by_others_is_followed(context: Context) -> None:
    """From the loading of its module on: what is made, written and removed in configfs, and what the kernel logs."""
    path = disk(context, "n2")
    space = NVMET / f"subsystems/{NQN}/namespaces/1"
    with screen() as shown:
        if not NVMET.exists():
            assert shown.target.present is False
            modprobe("nvmet")
            shown.until(lambda: shown.told("module nvmet was loaded")() and shown.target.present is True)
        space.parent.parent.mkdir()
        shown.until(shown.told(f"subsystem {NQN} was created"))
        action = Later(space.mkdir)
        shown.until(shown.told(f"namespace 1 of subsystem {NQN} was created"))
        action.join()
        delay = shown.since("namespace 1 of", action.done)
        assert delay < AT_ONCE, delay
        (space / "device_path").write_text(path)
        shown.until(shown.told(f"device_path of namespace 1 of subsystem {NQN} is now {path}"))
        pools = shown.snapshot.pools
        action = Later(lambda: (space / "enable").write_text("1"))
        shown.until(shown.told(f"namespace 1 of subsystem {NQN} was enabled"))
        shown.until(shown.told(f"adding nsid 1 to subsystem {NQN}"))
        action.join()
        shown.snapshot = shown.source.refresh(shown.snapshot, frozenset({"log"}))
        assert shown.snapshot.pools is pools
        assert shown.snapshot.log is not None
        records = shown.snapshot.log.records
        assert isinstance(records, tuple)
        assert "adding nsid 1" in records[-1].text
        assert shown.target.subsystems[NQN].namespaces[1].attributes["enable"] == "1"
        (space / "enable").write_text("0")
        space.rmdir()
        space.parent.parent.rmdir()
        shown.until(lambda: NQN not in shown.target.subsystems)
        assert not shown.told("missed")()
        summary(context, f"namespace told after {delay:.2f} s")


def check_a_pipe_is_told_the_same_line_by_line(context: Context) -> None:
    """`monitor`: a drive that loses its driver, its pool, a level, and what somebody does to the target."""
    modprobe("nvmet")
    address = context.bdf("n2")
    driver = PCI / "drivers/nvme"
    monitor = Watch("monitor")
    try:
        assert wait((NVMET / "subsystems").exists, 10)
        nqn = NVMET / "subsystems" / NQN
        for number in range(int(PATIENCE)):  # until it listens
            (NVMET / "subsystems" / f"{NQN}{number}").mkdir()
            if wait(monitor.told("target", f"subsystem {NQN}{number} was created"), 2):
                break
        nqn.mkdir()
        assert wait(monitor.told("target", f"subsystem {NQN} was created"), PATIENCE), monitor.events
        (driver / "unbind").write_text(address)
        assert wait(monitor.told("device", f"{address} was unbound"), PATIENCE), monitor.events
        assert wait(monitor.told("pool", f"{address} has no pool"), PATIENCE), monitor.events
        (driver / "bind").write_text(address)
        assert wait(monitor.told("device", f"{address} was bound to nvme"), PATIENCE), monitor.events
        assert wait(monitor.told("pool", f"{address} has a pool"), PATIENCE), monitor.events
        with mapped(address):
            assert wait(monitor.told("pool", "(-1.0 MiB)"), PATIENCE), monitor.events
        assert wait(monitor.told("pool", "(+1.0 MiB)"), PATIENCE), monitor.events
    finally:
        assert monitor.end() == ""


@contextmanager
def mapped(address: str) -> Iterator[None]:
    """A mebibyte of a pool, taken."""
    with (PCI / "devices" / address / "p2pmem/allocate").open("r+b") as file, mmap.mmap(file.fileno(), 1 << 20):
        yield


def check_who_is_not_root_is_told_of_events_as_well(context: Context) -> None:
    """Devices and configfs tell everybody."""
    address = context.bdf("n2")
    modprobe("nvmet")
    reader, writer = os.pipe()

    def look() -> list[str]:
        with screen() as shown:
            os.write(writer, b".")
            shown.until(
                lambda: shown.told(f"host {NQN} was created")() and shown.told(f"{address} was bound to nvme")()
            )
            return [event.text for event in shown.events]

    def change() -> None:
        os.read(reader, 1)
        (NVMET / f"hosts/{NQN}").mkdir()
        (PCI / "drivers/nvme/unbind").write_text(address)
        (PCI / "drivers/nvme/bind").write_text(address)

    maker = threading.Thread(target=change, daemon=True)
    maker.start()
    told = as_user(65534, look)
    maker.join(30)
    assert not [text for text in told if "no events" in text or "cannot be watched" in text], told
    for descriptor in (reader, writer):
        os.close(descriptor)
    assert wait((context.pci("n2") / "p2pmem/size").exists, 30)


def check_a_thousand_namespaces_are_followed(context: Context) -> None:
    """One burst, few events, none lost; a change in the last of them is seen."""
    modprobe("nvmet")
    above = NVMET / f"subsystems/{NQN}/namespaces"
    with screen() as shown:
        above.parent.mkdir()
        start = time.monotonic()
        for number in range(1, MANY + 1):
            (above / str(number)).mkdir()
        made = time.monotonic() - start
        start = time.monotonic()
        shown.until(
            lambda: NQN in shown.target.subsystems and len(shown.target.subsystems[NQN].namespaces) == MANY, 120
        )
        first = time.monotonic() - start
        assert not shown.told("missed")()
        assert len(shown.events) < MANY / 4, len(shown.events)
        start = time.monotonic()
        shown.snapshot = shown.source.refresh(shown.snapshot, frozenset({"nvmet"}))
        again = time.monotonic() - start
        (above / f"{MANY}/ana_grpid").write_text("1")
        shown.until(shown.told(f"ana_grpid of namespace {MANY} of subsystem {NQN} is now 1"))
    summary(context, f"{MANY:,} namespaces made in {made:.1f} s, shown {first:.1f} s later, read in {again:.2f} s")
