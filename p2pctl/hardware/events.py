"""News of the running host: its devices by udev, the directories of its configuration by inotify."""

# Paths are text here, as the kernel names them.
# ruff: noqa: PTH110

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import threading
from collections.abc import Collection, Iterator
from typing import Protocol

from inotify_simple import INotify, flags

from p2pctl.kernel import Closing, Happening

SUBSYSTEMS = ("pci", "nvme", "nvme-subsystem", "block", "infiniband", "net", "p2pmem", "module")
"""What the parts of a Snapshot are made of: functions, controllers, disks, RDMA devices and their interfaces, pools of
drivers outside the kernel, and the modules that bring the target."""

LOST = Happening("lost", "", "")
"""Something was missed, so that everything has to be read anew."""

_UDEVD = "/run/udev/control"
"""There while udevd runs, as libudev looks for it (systemd, src/libudev/libudev-monitor.c)."""
_BUFFER = 4 << 20
"""Bytes of events that the kernel keeps for us: a switch with many drives brings a thousand at once."""
_MASK = flags.CREATE | flags.DELETE | flags.MODIFY | flags.MOVED_FROM | flags.MOVED_TO | flags.ONLYDIR
_CREATED = flags.CREATE | flags.MOVED_TO
_DELETED = flags.DELETE | flags.MOVED_FROM
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})


class Monitor(Protocol):
    """What is used of pyudev's."""

    def fileno(self) -> int:
        """The netlink socket."""
        ...

    def poll(self, timeout: float) -> Device | None:
        """The next device that something happened to."""
        ...


class Device(Protocol):
    """What is used of pyudev's."""

    @property
    def action(self) -> str | None:
        """What happened to it."""
        ...

    @property
    def subsystem(self) -> str | None:
        """Which kind it is of."""
        ...

    @property
    def sys_path(self) -> str:
        """Where it is, or was."""
        ...


def open_monitor() -> Monitor:
    """Listens to udevd where it runs, whose events come once its rules are done, else to the kernel.

    Raises OSError: ENOENT without libudev.
    """
    try:
        import pyudev  # noqa: PLC0415  only what waits for events needs libudev

        context = pyudev.Context()
    except ImportError as error:
        raise OSError(errno.ENOENT, f"there is no libudev: {error}") from None
    monitor = pyudev.Monitor.from_netlink(context, "udev" if os.path.exists(_UDEVD) else "kernel")
    for subsystem in SUBSYSTEMS:
        monitor.filter_by(subsystem)
    # Without CAP_NET_ADMIN the host's own limit holds, and what does not fit is told as lost.
    with contextlib.suppress(OSError):
        monitor.set_receive_buffer_size(_BUFFER)
    monitor.start()
    started: Monitor = monitor
    return started


def _failure(descriptor: int) -> int:
    """The errno that waits at a socket, 0 without any; asked for, it is gone (socket(7), SO_ERROR)."""
    with socket.fromfd(descriptor, socket.AF_NETLINK, socket.SOCK_RAW) as asked:
        return asked.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


class LiveEvents(Closing):
    """``Events`` of the running host. One thread waits and watches; any may wake and close it.

    Raises OSError where there is no libudev (ENOENT), or no descriptor left.
    """

    def __init__(self, monitor: Monitor | None = None) -> None:
        self._monitor = monitor or open_monitor()
        self._inotify = INotify(nonblocking=True)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._watched: dict[str, int] = {}
        self._paths: dict[int, str] = {}
        self._lock = threading.Lock()
        """Held for a moment only: who wakes or closes must not wait for the kernel."""
        self._used = False
        """Whether somebody watches or waits, so that nothing can be given back."""
        self._closed = False
        self._poll = select.poll()
        for descriptor in (self._monitor.fileno(), self._inotify.fileno(), self._wake):
            self._poll.register(descriptor, select.POLLIN)

    def watch(self, directories: Collection[str]) -> tuple[str, ...]:
        """Watches these and no others; gives those that are there and cannot be watched (EACCES, or no watch left)."""
        wanted = frozenset(directories)
        with self._in_use():
            return self._watch(wanted)

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self._used = True
        try:
            yield
        finally:
            with self._lock:
                self._used = False
                if self._closed:
                    self._release()

    def _watch(self, wanted: frozenset[str]) -> tuple[str, ...]:
        for path in self._watched.keys() - wanted:
            self._forget(path)
        refused = []
        for path in sorted(wanted - self._watched.keys()):
            try:
                number = self._inotify.add_watch(path, _MASK)
            except OSError as error:
                if error.errno not in _GONE:
                    refused.append(path)
                continue
            self._watched[path] = number
            self._paths[number] = path
        return tuple(refused)

    def _forget(self, path: str) -> None:
        number = self._watched.pop(path)
        if self._paths.pop(number, None) is not None:
            # EINVAL: the directory has gone, and the watch with it.
            with contextlib.suppress(OSError):
                self._inotify.rm_watch(number)

    def wait(self, seconds: float) -> tuple[Happening, ...]:
        """Sleeps until something happens, ``wake`` is called or the time is over. Raises OSError (EBADF: closed)."""
        with self._in_use():
            return self._waited(seconds)

    def _waited(self, seconds: float) -> tuple[Happening, ...]:
        ready = {descriptor for descriptor, _ in self._poll.poll(max(seconds, 0.0) * 1000)}
        with contextlib.suppress(OSError):
            os.eventfd_read(self._wake)
        found: list[Happening] = []
        if self._monitor.fileno() in ready:
            found.extend(self._devices())
        if self._inotify.fileno() in ready:
            found.extend(self._changes())
        return tuple(found)

    def _devices(self) -> Iterator[Happening]:
        while True:
            try:
                device = self._monitor.poll(0)
            except OSError as error:
                # pyudev polls before it receives: of a socket that failed it tells no errno, and leaves it failed.
                number = error.errno or _failure(self._monitor.fileno())
                if number == errno.ENOBUFS:
                    yield LOST
                    continue
                raise OSError(number, os.strerror(number)) if number else error from None
            if device is None:
                return
            yield Happening(device.subsystem or "", device.action or "", device.sys_path)

    def _changes(self) -> Iterator[Happening]:
        for number, mask, _, name in self._inotify.read(timeout=0):
            if mask & flags.Q_OVERFLOW:
                yield LOST
                continue
            above = self._paths.get(number)
            if above is None:
                continue
            if mask & flags.IGNORED:
                del self._paths[number]
                self._watched.pop(above, None)
                continue
            action = "created" if mask & _CREATED else "deleted" if mask & _DELETED else "written"
            yield Happening("configfs", action, f"{above}/{name}" if name else above)

    def wake(self) -> None:
        """Ends a wait at once, from any thread."""
        with self._lock:
            if not self._closed:
                os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Gives back what is held, as soon as nobody uses it any more. Harmless when repeated."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._used:
                os.eventfd_write(self._wake, 1)
            else:
                self._release()

    def _release(self) -> None:
        os.close(self._wake)
        self._inotify.close()
        # The socket goes with the last reference: pyudev has no other way.
        del self._monitor
