"""Drives that are taken away while p2pctl looks harm nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from tests.vm.guest.api import ENTRY, PCI, Context, wait

SECONDS = 240


class Watch:
    """A `pool watch` in a process of its own, and the lines it has printed so far."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ENTRY, "pool", "watch", "-o", "jsonl", "--interval", "0.3"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        self.events: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            document = json.loads(line)
            if "event" in document:
                self.events.append(document)

    def saw(self, event: str, address: str) -> Callable[[], bool]:
        return lambda: any(e["event"] == event and e["address"] == address for e in self.events)

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


def check_watch_survives_all_three_ways(context: Context) -> None:
    """Unplugged through QEMU, removed through sysfs, unbound from its driver: gone, and back again."""
    address = context.bdf("n2")
    other = context.bdf("n1")
    ways: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (lambda: context.host_action("unplug", "n2"), lambda: context.host_action("plug", "n2")),
        (
            lambda: (PCI / "devices" / address / "remove").write_text("1"),
            lambda: (PCI / "rescan").write_text("1"),
        ),
        (
            lambda: (PCI / "drivers/nvme/unbind").write_text(address),
            lambda: (PCI / "drivers/nvme/bind").write_text(address),
        ),
    ]
    watch = Watch()
    assert wait(watch.saw("present", address), 60), watch.process.poll()
    for take, give in ways:
        watch.events.clear()
        take()
        assert wait(watch.saw("vanished", address), 60), watch.events
        give()
        assert wait(watch.saw("appeared", address), 60), watch.events
        assert wait(lambda: settled(context, "n2"), 60)
        assert not watch.saw("vanished", other)(), "the other pool was never gone"
    assert watch.end() == ""


def check_scans_survive_drives_that_come_and_go(context: Context) -> None:
    """Scan after scan while a thread removes and rescans: each one answers, without a traceback."""
    address = context.bdf("n2")
    stop = threading.Event()
    rounds = []

    def shake() -> None:
        while not stop.is_set():
            (PCI / "devices" / address / "remove").write_text("1")
            (PCI / "rescan").write_text("1")
            wait(lambda: settled(context, "n2"), 30)
            rounds.append(1)

    thread = threading.Thread(target=shake)
    thread.start()
    seen: set[bool] = set()
    scans = 0
    try:
        while scans < 25 or len(rounds) < 5:
            for words in (["pool", "list", "--holders"], ["device", "list", "--all"], ["topology"], ["status"]):
                ran = context.p2pctl(*words, "-o", "json")
                assert (ran.code, ran.err) == (0, ""), ran
                document = json.loads(ran.out)
                scans += 1
                if words[0] == "pool":
                    seen.add(any(item["address"] == address for item in document["items"]))
                    for item in document["items"]:
                        assert item["state"] != "unregistered", item
    finally:
        stop.set()
        thread.join()
    assert rounds
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
