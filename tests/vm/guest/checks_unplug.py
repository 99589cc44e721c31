"""Drives that are taken away while p2pctl looks harm nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.vm.guest.api import ENTRY, PCI, Context, wait

SECONDS = 240
SCANS, ROUNDS = 60, 4
WAYS = ("unplugged", "removed", "unbound")


class Watch:
    """A `pool watch`, or a `monitor`, in a process of its own, and the lines it has printed so far."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ENTRY, *(command or ("pool", "watch")), "-o", "jsonl", "--interval", "0.3"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        self.events: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            document = json.loads(line)
            if "schema" not in document:
                self.events.append(document)

    def saw(self, event: str, address: str) -> Callable[[], bool]:
        return lambda: any(e["event"] == event and e["address"] == address for e in self.events)

    def told(self, kind: str, words: str) -> Callable[[], bool]:
        return lambda: any(e["kind"] == kind and words in e["text"] for e in self.events)

    def end(self) -> str:
        """Interrupts it; it has to end as interrupted, and to have said nothing on stderr."""
        assert self.process.poll() is None, "it did not survive"
        self.process.send_signal(2)
        self.process.wait(60)
        self._thread.join(10)
        assert self.process.stderr is not None
        assert self.process.returncode == 130, self.process.returncode
        return self.process.stderr.read()


def settled(context: Context, identity: str) -> bool:
    """Whether the drive is back with its pool."""
    return context.find(identity) is not None and (context.pci(identity) / "p2pmem/size").exists()


class Way(NamedTuple):
    """How a drive is taken away, and how it is given back."""

    take: Callable[[], object]
    give: Callable[[], object]


def way(context: Context, name: str, address: str) -> Way:
    """Pulled out in good order through QEMU, removed through sysfs, unbound from its driver."""
    driver = PCI / "drivers/nvme"
    if name == "unplugged":
        return Way(lambda: context.host_action("unplug", "n2"), lambda: context.host_action("plug", "n2"))
    if name == "removed":
        remove, rescan = PCI / "devices" / address / "remove", PCI / "rescan"
        return Way(lambda: remove.write_text("1"), lambda: rescan.write_text("1"))
    return Way(lambda: (driver / "unbind").write_text(address), lambda: (driver / "bind").write_text(address))


def check_watch_survives_all_three_ways(context: Context) -> None:
    """However a drive goes away, it is told to be gone, and to be back again."""
    address = context.bdf("n2")
    other = context.bdf("n1")
    watch = Watch()
    assert wait(watch.saw("present", address), 60), watch.process.poll()
    for take, give in (way(context, name, address) for name in WAYS):
        watch.events.clear()
        take()
        assert wait(watch.saw("vanished", address), 60), watch.events
        give()
        assert wait(watch.saw("appeared", address), 60), watch.events
        assert wait(lambda: settled(context, "n2"), 60)
        assert not watch.saw("vanished", other)(), "the other pool was never gone"
    assert watch.end() == ""


class Shaker(threading.Thread):
    """Takes a drive away and gives it back, in each way in turn, until it is told to stop.

    Every second round waits until a scan has missed the drive, and then until one has seen it: whatever the machine's
    pace, each way is met both in the middle of a scan and by scans that find the drive gone.
    """

    def __init__(self, context: Context, address: str) -> None:
        super().__init__(name="shaker", daemon=True)
        self._context = context
        self._address = address
        self._over = threading.Event()
        self.seen: list[bool] = []
        self.done: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Never raises: what went wrong is in `error`."""
        try:
            while not self._over.is_set():
                for name in WAYS:
                    self._shake(name, way(self._context, name, self._address))
        except BaseException as error:  # noqa: BLE001 - told by whoever waits for this thread
            self.error = error

    def _shake(self, name: str, how: Way) -> None:
        patient = self.done[name] % 2 == 1
        how.take()
        if patient:
            self.missed[name] += self._scanned(False)
        how.give()
        assert wait(lambda: settled(self._context, "n2"), 60), f"it did not come back: {name}"
        if patient:
            self._scanned(True)
        self.done[name] += 1

    def _scanned(self, seen: bool) -> bool:
        start = len(self.seen)
        return wait(lambda: seen in self.seen[start:] or self._over.is_set(), 30) and seen in self.seen[start:]

    def stop(self) -> None:
        self._over.set()
        self.join(150)


def check_scans_survive_drives_that_come_and_go(context: Context) -> None:
    """Scan after scan while a drive goes away in each of the three ways: each answers, and no pool turns up broken."""
    address = context.bdf("n2")
    shaker = Shaker(context, address)
    shaker.start()
    deadline = time.monotonic() + 150
    scans = 0
    try:
        while shaker.is_alive() and (scans < SCANS or min(shaker.done[name] for name in WAYS) < ROUNDS):
            assert time.monotonic() < deadline, (shaker.done, scans)
            for words in (["pool", "list", "--holders"], ["device", "list", "--all"], ["topology"], ["status"]):
                ran = context.p2pctl(*words, "-o", "json")
                assert (ran.code, ran.err) == (0, ""), ran
                items = json.loads(ran.out)["items"]
                assert "unregistered" not in json.dumps(items), items
                scans += 1
                if words[0] == "pool":
                    shaker.seen.append(any(item["address"] == address for item in items))
    finally:
        shaker.stop()
    assert shaker.error is None, shaker.error
    print(f"{scans} scans, {shaker.seen.count(True)} saw it and {shaker.seen.count(False)} did not: {shaker.done}")
    assert set(shaker.seen) == {True, False}
    for name in WAYS:
        assert shaker.done[name] >= ROUNDS, name
        assert shaker.missed[name] >= ROUNDS // 2, name
    assert wait(lambda: settled(context, "n2"), 30)


def check_a_capture_survives_as_well(context: Context) -> None:
    """A drive that goes away during the recording is simply not in it, or has gaps; the file can be read."""
    address = context.bdf("n2")
    thread = threading.Thread(target=lambda: (PCI / "devices" / address / "remove").write_text("1"))
    file = context.out / "shaken.tar.gz"
    thread.start()
    ran = context.p2pctl("capture", str(file))
    thread.join()
    assert ran.code == 0, ran
    assert context.p2pctl("--capture", str(file), "status", "-o", "json").code == 0
    (PCI / "rescan").write_text("1")
    assert wait(lambda: settled(context, "n2"), 30)
