"""News of a host in memory."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Collection

from p2pctl.kernel import Closing, Happening
from p2pctl.simulator.nodes import error

POLL = 0.5
"""Seconds between two looks at what other processes have recorded, at the price of one stat(2)."""

_ACTIONS = {
    "write": "written",
    "mkdir": "created",
    "symlink": "created",
    "rmdir": "deleted",
    "unlink": "deleted",
}
"""What inotify says of an operation; of chmod, nothing that anybody waits for."""


class News:
    """Hands what happens to everyone who listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[MemoryEvents] = []

    def join(self, listener: MemoryEvents) -> None:
        """Has it told from now on."""
        with self._lock:
            self._listeners.append(listener)

    def leave(self, listener: MemoryEvents) -> None:
        """Has it told no more."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def device(self, subsystem: str, action: str, path: str) -> None:
        """Tells of a device."""
        self._tell(Happening(subsystem, action, path))

    def done(self, operation: str, path: str) -> None:
        """Tells whoever watches the directory of ``path`` what was done in it."""
        if operation in _ACTIONS:
            self._tell(Happening("configfs", _ACTIONS[operation], path.rstrip("/")))

    def _tell(self, one: Happening) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.hear(one)


class MemoryEvents(Closing):
    """`p2pctl.kernel.Events` of a host in memory.

    ``is_there`` says of a path whether it is a directory. ``others`` brings in what other processes have done, and is
    called twice a second where there is one.
    """

    def __init__(self, news: News, is_there: Callable[[str], bool], others: Callable[[], object] | None = None) -> None:
        self._news = news
        self._is_there = is_there
        self._others = others
        self._changed = threading.Condition()
        self._heard: list[Happening] = []
        self._watched: frozenset[str] = frozenset()
        self._awake = False
        self._closed = False
        news.join(self)

    def hear(self, one: Happening) -> None:
        """Takes news in, from any thread."""
        with self._changed:
            if one.subsystem != "configfs" or one.path.rpartition("/")[0] in self._watched:
                self._heard.append(one)
                self._changed.notify()

    def watch(self, directories: Collection[str]) -> tuple[str, ...]:
        """Watches these directories and no others. There is no limit to them."""
        watched = frozenset(path for path in directories if self._is_there(path))
        with self._changed:
            self._watched = watched
        return ()

    def wait(self, seconds: float) -> tuple[Happening, ...]:
        """Sleeps until something happens, ``wake`` is called or the time is over. Raises EBADF once closed."""
        until = time.monotonic() + seconds
        while True:
            if self._others is not None:
                self._others()
            with self._changed:
                if self._closed:
                    raise error(errno.EBADF)
                left = until - time.monotonic()
                if not self._heard and not self._awake and left > 0:
                    self._changed.wait(left if self._others is None else min(left, POLL))
                if self._heard or self._awake or time.monotonic() >= until:
                    found, self._heard, self._awake = tuple(self._heard), [], False
                    return found

    def wake(self) -> None:
        """Ends a wait at once, from any thread."""
        with self._changed:
            self._awake = True
            self._changed.notify()

    def close(self) -> None:
        """Hears no more. Harmless when repeated."""
        self._news.leave(self)
        with self._changed:
            self._closed = True
            self._changed.notify()
