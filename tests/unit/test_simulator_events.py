"""News of the demo host: what this and other processes do to its target, and devices that come and go."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from p2pctl.kernel import Files, Happening
from p2pctl.simulator.demo import DRIVES
from p2pctl.simulator.door import DemoDoor

LONG = 30.0
TARGET = "/sys/kernel/config/nvmet"
DRIVE = "0000:18:00.0"
SHARED = "0000:bc:00.0"
NIC = "0000:1a:00.0"


def _door(state: Path | None = None) -> DemoDoor:
    return DemoDoor(lambda: 0.0, state=state)


def _change(door: DemoDoor) -> None:
    """One of each operation that a target is changed by."""
    files = door.files
    files.mkdir(f"{TARGET}/hosts/nqn.one")
    files.mkdir(f"{TARGET}/subsystems/nqn.new")
    files.write(f"{TARGET}/subsystems/nqn.new/attr_serial", b"1")
    files.symlink(f"{TARGET}/hosts/nqn.one", f"{TARGET}/subsystems/nqn.new/allowed_hosts/nqn.one")
    files.unlink(f"{TARGET}/subsystems/nqn.new/allowed_hosts/nqn.one")
    files.rmdir(f"{TARGET}/subsystems/nqn.new")
    files.rmdir(f"{TARGET}/hosts/nqn.one")


CHANGES = tuple(
    Happening("configfs", action, f"{TARGET}/{path}")
    for action, path in (
        ("created", "hosts/nqn.one"),
        ("created", "subsystems/nqn.new"),
        ("deleted", "subsystems/nqn.new"),
        ("deleted", "hosts/nqn.one"),
    )
)
"""What the directories of hosts and subsystems tell of it; what is done further down, they do not."""


@pytest.mark.parametrize("kept", [False, True])
def test_what_is_done_here_is_told(tmp_path: Path, kept: bool) -> None:
    """As inotify would, of the directories that are watched, whether or not the target lasts."""
    door = _door(tmp_path if kept else None)
    with contextlib.closing(door.events()) as news:
        assert news.watch([f"{TARGET}/hosts", f"{TARGET}/subsystems", f"{TARGET}/nothing"]) == ()
        _change(door)
        assert news.wait(LONG) == CHANGES
        assert news.wait(0) == ()


def test_what_another_process_does_is_told(tmp_path: Path) -> None:
    """Two doors onto one state: each hears what the other did, once, and what it did itself, once."""
    here, there = _door(tmp_path), _door(tmp_path)
    ours, theirs = here.events(), there.events()
    directories = [f"{TARGET}/hosts", f"{TARGET}/subsystems"]
    for news in (ours, theirs):
        news.watch(directories)
    _change(there)
    assert ours.wait(LONG) == CHANGES
    assert theirs.wait(LONG) == CHANGES
    here.files.mkdir(f"{TARGET}/hosts/nqn.two")
    expected = (Happening("configfs", "created", f"{TARGET}/hosts/nqn.two"),)
    assert theirs.wait(LONG) == expected
    assert ours.wait(LONG) == expected
    assert (ours.wait(0), theirs.wait(0)) == ((), ())


def test_it_is_told_as_well_when_somebody_read_it_first(tmp_path: Path) -> None:
    """A read brings in what others did; who listens hears of it all the same."""
    here, there = _door(tmp_path), _door(tmp_path)
    news = here.events()
    news.watch([f"{TARGET}/hosts"])
    there.files.mkdir(f"{TARGET}/hosts/nqn.one")
    assert "nqn.one" in here.files.list(f"{TARGET}/hosts")
    assert [one.path for one in news.wait(LONG)] == [f"{TARGET}/hosts/nqn.one"]


def test_what_the_kernel_refuses_did_not_happen(tmp_path: Path) -> None:
    """A failed operation is no news, neither here nor in another process."""
    here, there = _door(tmp_path), _door(tmp_path)
    news = here.events()
    news.watch([f"{TARGET}/hosts", f"{TARGET}/ports"])
    for door in (here, there):
        with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
            door.files.mkdir(f"{TARGET}/ports/no-number")
        with pytest.raises(FileNotFoundError):
            door.files.rmdir(f"{TARGET}/hosts/nqn.nobody")
    assert news.wait(0) == ()


def test_a_wait_ends_with_its_time_or_a_wake(tmp_path: Path) -> None:
    news = _door(tmp_path).events()
    start = time.monotonic()
    assert news.wait(0.05) == ()
    assert 0.04 < time.monotonic() - start < LONG
    timer = threading.Timer(0.05, news.wake)
    timer.start()
    assert news.wait(LONG) == ()
    timer.join()
    assert time.monotonic() - start < LONG


def test_a_closed_subscription_hears_nothing_and_holds_nothing() -> None:
    door = _door()
    news = door.events()
    news.watch([f"{TARGET}/hosts"])
    news.close()
    news.close()
    news.wake()
    door.files.mkdir(f"{TARGET}/hosts/nqn.one")
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        news.wait(0)


def _all(door: DemoDoor, *tops: str) -> dict[str, object]:
    """Every path below these, with what it holds."""
    found: dict[str, object] = {}

    def note(read: Callable[[str], object], path: str) -> object:
        try:
            return read(path)
        except OSError as error:
            return error.errno

    def look(path: str) -> None:
        stat = door.files.stat(path)
        if stat.kind == "directory":
            found[path] = stat.mode
            for name in door.files.list(path):
                look(f"{path}/{name}")
        else:
            found[path] = stat, note(door.files.readlink if stat.kind == "link" else door.files.read, path)

    for top in tops:
        look(top)
    return found


@pytest.mark.parametrize("address", [DRIVE, SHARED, NIC])
def test_a_function_that_is_unplugged_leaves_no_trace_and_comes_back_whole(address: str) -> None:
    """No path holds it, no link leads to it; plugged in again, all of /sys and /dev is as it was."""
    door = _door()
    tops = ("/sys/bus", "/sys/class", "/sys/devices", "/sys/kernel/iommu_groups", "/dev")
    before = _all(door, *tops)
    door.hotplug.unplug(address)
    without = _all(door, *tops)
    assert not [path for path in without if f"/{address}" in path]
    assert {path: held for path, held in before.items() if path in without} == without, "nothing else changed"
    links = [path for path, held in without.items() if isinstance(held, tuple) and held[0].kind == "link"]
    whole = _door().files
    assert not [path for path in links if not _leads(door.files, path) and _leads(whole, path)]
    drive = DRIVES.get(address)
    if drive is not None:
        assert drive.node(1) not in without
        assert drive.subsystem not in without
    door.hotplug.plug(address)
    assert _all(door, *tops) == before


def _leads(files: Files, path: str) -> bool:
    try:
        files.realpath(path)
    except OSError:
        return False
    return True


def test_hotplug_is_told_as_the_kernel_tells_it() -> None:
    """Away: what hangs on it first, then its driver, then itself. Back: the other way round, its driver last."""
    door = _door()
    path = door.files.realpath(f"/sys/bus/pci/devices/{DRIVE}")
    news = door.events()
    door.hotplug.unplug(DRIVE)
    disk, subsystem = f"{path}/nvme/nvme0/nvme0n1", "/sys/devices/virtual/nvme-subsystem/nvme-subsys0"
    away = [("block", disk), ("nvme-subsystem", subsystem), ("nvme", f"{path}/nvme/nvme0")]
    assert news.wait(LONG) == (
        *(Happening(kind, "remove", place) for kind, place in away),
        Happening("pci", "unbind", path),
        Happening("pci", "remove", path),
    )
    door.hotplug.plug(DRIVE)
    assert news.wait(LONG) == (
        Happening("pci", "add", path),
        *(Happening(kind, "add", place) for kind, place in reversed(away)),
        Happening("pci", "bind", path),
    )


def test_who_has_a_file_of_it_open_gets_enodev() -> None:
    """Also after it came back, since that is another device; who opens the file then reads it."""
    door = _door()
    path = f"/sys/bus/pci/devices/{DRIVE}/p2pmem/available"
    handle = door.files.open(path)
    level = handle.pread(0, 32)
    door.hotplug.unplug(DRIVE)
    with pytest.raises(FileNotFoundError):
        door.files.read(path)
    for _ in range(2):
        with pytest.raises(OSError, match=os.strerror(errno.ENODEV)):
            handle.pread(0, 32)
        if DRIVE not in door.files.list("/sys/bus/pci/devices"):
            door.hotplug.plug(DRIVE)
    assert door.files.read(path) == level


def test_the_target_cannot_open_a_disk_that_is_away() -> None:
    """And can again once it is back."""
    door = _door()
    space = f"{TARGET}/subsystems/nqn.new/namespaces/1"
    door.files.mkdir(f"{TARGET}/subsystems/nqn.new")
    door.files.mkdir(space)
    door.files.write(f"{space}/device_path", b"/dev/nvme8n1")
    door.hotplug.unplug("0000:bb:00.0")
    with pytest.raises(FileNotFoundError):
        door.files.write(f"{space}/enable", b"1")
    door.hotplug.plug("0000:bb:00.0")
    door.files.write(f"{space}/enable", b"1")


def test_only_what_is_there_is_unplugged_and_only_what_is_away_is_plugged() -> None:
    door = _door()
    with pytest.raises(KeyError):
        door.hotplug.plug(DRIVE)
    door.hotplug.unplug(DRIVE)
    with pytest.raises(KeyError):
        door.hotplug.unplug(DRIVE)
    with pytest.raises(KeyError):
        door.hotplug.unplug("0000:ff:1f.7")
