"""News of the running host: real inotify and a real netlink socket, and devices as pyudev tells of them."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from inotify_simple import INotify

from p2pctl.hardware import events
from p2pctl.hardware.archive import CaptureDoor
from p2pctl.hardware.capture.take import take as take_capture
from p2pctl.hardware.events import LOST, LiveEvents
from p2pctl.hardware.live import LiveDoor
from p2pctl.hardware.snapshot import take
from p2pctl.hardware.sysroot import SysrootDoor
from p2pctl.kernel import Door, Events, Happening
from p2pctl.simulator.door import DemoDoor

LONG = 30.0
"""Seconds that no test waits, unless what it waits for never comes."""


class Device:
    """What pyudev tells of a device."""

    def __init__(self, action: str | None, subsystem: str | None, sys_path: str) -> None:
        self.action = action
        self.subsystem = subsystem
        self.sys_path = sys_path


class Netlink:
    """A monitor to which a test says what comes next: a device, or the errno of a receive that fails."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._coming: list[Device | int] = []

    def fileno(self) -> int:
        return self._ours.fileno()

    def say(self, *coming: Device | int) -> None:
        self._coming.extend(coming)
        self._theirs.send(b"." * len(coming))

    def poll(self, timeout: float) -> Device | None:
        assert timeout == 0
        try:
            self._ours.recv(1)
        except BlockingIOError:
            return None
        coming = self._coming.pop(0)
        if isinstance(coming, int):
            raise OSError(coming, os.strerror(coming))
        return coming

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def netlink() -> Iterator[Netlink]:
    monitor = Netlink()
    yield monitor
    monitor.close()


@pytest.fixture
def news(netlink: Netlink) -> Iterator[LiveEvents]:
    with LiveEvents(netlink) as opened:
        yield opened


def _later(action: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(0.05, action)
    timer.start()
    return timer


def test_what_is_done_in_a_directory_is_told(news: LiveEvents, tmp_path: Path) -> None:
    """Made, written, linked and removed, with the whole path; nothing of what is done further down."""
    assert news.watch([str(tmp_path)]) == ()
    one, below = tmp_path / "one", tmp_path / "below"
    below.mkdir()
    one.write_text("1")
    (tmp_path / "link").symlink_to(below)
    (below / "unseen").write_text("")
    (below / "unseen").unlink()
    one.unlink()
    below.rmdir()
    assert news.wait(LONG) == tuple(
        Happening("configfs", action, str(tmp_path / name))
        for action, name in (
            ("created", "below"), ("created", "one"), ("written", "one"), ("created", "link"),
            ("deleted", "one"), ("deleted", "below"),
        )
    )  # fmt: skip


def test_only_the_directories_of_the_last_call_are_watched(news: LiveEvents, tmp_path: Path) -> None:
    """One that is watched already stays so without a gap; one that is no longer named is not watched."""
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    for each in (first, second, third):
        each.mkdir()
    news.watch([str(first), str(second)])
    (second / "before").mkdir()
    news.watch([str(second), str(third)])
    for each in (first, second, third):
        (each / "after").mkdir()
    told = [Path(one.path).relative_to(tmp_path).as_posix() for one in news.wait(LONG)]
    assert told == ["second/before", "second/after", "third/after"]


def test_a_directory_that_was_made_again_is_watched_again(news: LiveEvents, tmp_path: Path) -> None:
    """The kernel forgets a watch with its directory; the same path is another directory then."""
    again = tmp_path / "again"
    again.mkdir()
    news.watch([str(again)])
    again.rmdir()
    assert news.wait(0) == ()
    again.mkdir()
    news.watch([str(again)])
    (again / "seen").mkdir()
    assert [one.path for one in news.wait(LONG)] == [str(again / "seen")]


def test_what_is_not_there_is_not_missed(news: LiveEvents, tmp_path: Path) -> None:
    """A directory that went away, or that is none, is no limit that anybody has to be told of."""
    (tmp_path / "file").write_text("")
    assert news.watch([str(tmp_path / "nothing"), str(tmp_path / "file")]) == ()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_directories_that_the_kernel_refuses_are_given_back(
    news: LiveEvents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """No watch left, or no right: the others are watched, and these are tried again with the next call."""
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.mkdir()
    add = INotify.add_watch

    def refuse(self: INotify, path: str, mask: int) -> int:
        if path == str(paths[0]):
            raise OSError(number, os.strerror(number))
        return int(add(self, path, mask))

    names = list(map(str, paths))
    with monkeypatch.context() as patch:
        patch.setattr(INotify, "add_watch", refuse)
        assert news.watch(names) == (names[0],)
    (paths[1] / "seen").mkdir()
    assert [one.path for one in news.wait(LONG)] == [str(paths[1] / "seen")]
    assert news.watch(names) == ()
    (paths[0] / "seen").mkdir()
    assert [one.path for one in news.wait(LONG)] == [str(paths[0] / "seen")]


def test_what_the_kernel_had_no_room_for_is_told_to_be_lost(news: LiveEvents, tmp_path: Path) -> None:
    """More events than its queue takes (fs.inotify.max_queued_events), before anybody reads."""
    room = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if room > 100_000:
        pytest.skip("this host's queue is too long to be filled")
    news.watch([str(tmp_path)])
    for _ in range(room // 2 + 1):
        (tmp_path / "x").mkdir()
        (tmp_path / "x").rmdir()
    told = news.wait(LONG)
    assert len(told) == room + 1
    assert told[-1] == LOST


def test_devices_are_told_as_udev_tells_them(news: LiveEvents, netlink: Netlink) -> None:
    """All that have come, in their order; a field that is not there is empty."""
    path = "/sys/devices/pci0000:00/0000:00:01.0"
    netlink.say(Device("add", "pci", path), Device("bind", "pci", path), Device(None, None, path))
    assert news.wait(LONG) == (
        Happening("pci", "add", path),
        Happening("pci", "bind", path),
        Happening("", "", path),
    )


def test_devices_that_were_missed_are_told_to_be_lost(news: LiveEvents, netlink: Netlink) -> None:
    """The socket overflows once, and what comes after that is told as well; any other failure is one."""
    netlink.say(Device("add", "pci", "/sys/a"), errno.ENOBUFS, Device("add", "pci", "/sys/b"))
    assert [one.path for one in news.wait(LONG)] == ["/sys/a", "", "/sys/b"]
    netlink.say(errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        news.wait(LONG)


UDEVD = 2
"""The group that udevd tells its events to (systemd, src/libsystemd/sd-device/device-monitor.c)."""


def _as_udevd(name: str) -> bytes:
    """A message as udevd sends it, which no filter lets through."""
    fields = f"ACTION=add\0DEVPATH=/devices/virtual/net/{name}\0SUBSYSTEM=net\0SEQNUM=1\0".encode()
    return struct.pack("=8s4sIII16x", b"libudev", bytes.fromhex("feedcafe"), 40, 40, len(fields)) + fields


def test_a_netlink_socket_that_overflows_is_told_as_lost_and_heard_again() -> None:
    """Through a real one, with pyudev's monitor, which tells no errno of it: once lost, and the next event comes."""
    pyudev = pytest.importorskip("pyudev")
    try:
        monitor = pyudev.Monitor.from_netlink(pyudev.Context(), "udev")
    except ImportError as error:
        pytest.skip(f"no libudev here: {error}")
    with socket.fromfd(monitor.fileno(), socket.AF_NETLINK, socket.SOCK_RAW) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    monitor.start()

    def until(path: str) -> list[Happening]:
        found: list[Happening] = []
        deadline = time.monotonic() + LONG
        while path not in {one.path for one in found}:
            assert time.monotonic() < deadline, found
            found.extend(opened.wait(0.1))
        return found

    uevent = 15  # NETLINK_KOBJECT_UEVENT
    with LiveEvents(monitor) as opened, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, uevent) as sender:
        try:
            for number in range(100):
                sender.sendto(_as_udevd(f"lost{number}"), (0, UDEVD))
        except PermissionError:
            pytest.skip("only root may send what udevd sends")
        found = until("")
        assert found.count(LOST) == 1
        assert len(found) < 100
        sender.sendto(_as_udevd("heard"), (0, UDEVD))
        assert LOST not in until("/sys/devices/virtual/net/heard")


def test_a_monitor_that_fails_without_an_errno_is_a_failure(news: LiveEvents, netlink: Netlink) -> None:
    """Where the socket has nothing to say either, it is what pyudev said."""
    netlink.say(0)
    with pytest.raises(OSError, match="Success"):
        news.wait(LONG)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """A kernel that looks a path up until it is told to go on: whether it began, and what lets it go on."""
    began, go_on = threading.Event(), threading.Event()
    add = INotify.add_watch

    def look_up(self: INotify, path: str, mask: int) -> int:
        began.set()
        assert go_on.wait(LONG)
        return int(add(self, path, mask))

    monkeypatch.setattr(INotify, "add_watch", look_up)
    yield began, go_on
    go_on.set()


def test_a_wake_does_not_wait_for_the_kernel(
    news: LiveEvents, tmp_path: Path, slow: tuple[threading.Event, threading.Event]
) -> None:
    """Whoever draws wakes, while another thread hangs in a look-up of a directory."""
    began, go_on = slow
    watcher = threading.Thread(target=news.watch, args=([str(tmp_path)],))
    watcher.start()
    assert began.wait(LONG)
    waker = threading.Thread(target=news.wake)
    waker.start()
    waker.join(LONG / 10)
    woken = not waker.is_alive()
    go_on.set()
    waker.join()
    watcher.join()
    assert woken


def test_closing_during_a_look_up_gives_back_after_it(
    netlink: Netlink, tmp_path: Path, slow: tuple[threading.Event, threading.Event]
) -> None:
    """The close itself waits for nothing, and no descriptor is taken from under the look-up, nor left."""
    began, go_on = slow
    before = set(Path("/proc/self/fd").iterdir())
    news = LiveEvents(netlink)
    refused: list[tuple[str, ...]] = []
    watcher = threading.Thread(target=lambda: refused.append(news.watch([str(tmp_path)])))
    watcher.start()
    assert began.wait(LONG)
    closer = threading.Thread(target=news.close)
    closer.start()
    closer.join(LONG / 10)
    closed = not closer.is_alive()
    go_on.set()
    closer.join()
    watcher.join()
    assert closed
    assert refused == [()]
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_wait_ends_with_its_time(news: LiveEvents) -> None:
    start = time.monotonic()
    assert news.wait(0.05) == ()
    assert 0.04 < time.monotonic() - start < LONG
    assert news.wait(-1.0) == ()


def test_a_wait_can_be_ended_from_outside(news: LiveEvents) -> None:
    """By a wake during the wait, or before it; and each wake ends one wait."""
    timer = _later(news.wake)
    start = time.monotonic()
    assert news.wait(LONG) == ()
    timer.join()
    news.wake()
    news.wake()
    assert news.wait(LONG) == ()
    assert time.monotonic() - start < LONG
    start = time.monotonic()
    assert news.wait(0.05) == ()
    assert time.monotonic() - start > 0.04


def test_closing_ends_a_wait_and_everything_else(netlink: Netlink) -> None:
    """From another thread, while one waits: that one returns. Afterwards nothing can be asked, and nothing leaks."""
    before = set(Path("/proc/self/fd").iterdir())
    news = LiveEvents(netlink)
    timer = _later(news.close)
    start = time.monotonic()
    assert news.wait(LONG) == ()
    assert time.monotonic() - start < LONG
    timer.join()
    news.close()
    news.wake()
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        news.wait(0)
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
        news.watch([])
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_the_kernel_s_own_events_arrive() -> None:
    """Through a real socket: the loopback interface is asked to raise an event of its own."""
    trigger = Path("/sys/class/net/lo/uevent")
    news = _opened()
    with news:
        try:
            trigger.write_text("change")
        except OSError:
            pytest.skip("only root may have an event raised")
        found: list[Happening] = []
        deadline = time.monotonic() + 2
        while not found and time.monotonic() < deadline:
            found.extend(news.wait(0.5))
        if not found:
            pytest.skip("events do not reach this container")
    assert ("net", "change", "/sys/devices/virtual/net/lo") in found


def _opened() -> LiveEvents:
    try:
        opened: Events = LiveDoor().events()
    except OSError as error:
        pytest.skip(f"no libudev here: {error}")
    assert isinstance(opened, LiveEvents)
    return opened


def test_without_libudev_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyudev raises ImportError where it finds none."""
    import pyudev

    def fail() -> None:
        raise ImportError("No library named udev")

    monkeypatch.setattr(pyudev, "Context", fail)
    with pytest.raises(OSError, match="no libudev: No library named udev"):
        LiveDoor().events()


@pytest.mark.parametrize(("there", "source"), [(True, "udev"), (False, "kernel")])
def test_it_listens_to_udevd_where_that_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: bool, source: str
) -> None:
    """Whose rules have named the devices by then; else to the kernel."""
    import pyudev

    asked: list[str] = []
    make = pyudev.Monitor.from_netlink

    def note(context: object, source: str) -> object:
        asked.append(source)
        return make(context, source)

    control = tmp_path / "control"
    if there:
        control.write_text("")
    monkeypatch.setattr(events, "_UDEVD", str(control))
    monkeypatch.setattr(pyudev.Monitor, "from_netlink", note)
    _opened().close()
    assert asked == [source]


def test_what_was_recorded_tells_nothing(tmp_path: Path) -> None:
    """A directory and a capture: there is no news of either."""
    (tmp_path / "sys").mkdir()
    capture = tmp_path / "capture.tar.gz"
    taken = take_capture(DemoDoor(), lambda door: take(door, {"kernel"}), root=True)
    capture.write_bytes(taken.data)
    doors: list[Door] = [SysrootDoor(str(tmp_path)), CaptureDoor(str(capture))]
    for door in doors:
        with pytest.raises(OSError, match=os.strerror(errno.EOPNOTSUPP)):
            door.events()
