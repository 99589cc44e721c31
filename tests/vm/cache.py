"""The harness's cache directory, its locks, and the error that says a machine cannot be booted here."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SLOTS = 2
"""How many virtual machines may run at a time on this host, over all processes."""


class UnavailableError(Exception):
    """Something the harness needs is missing here (a program, a package, a kernel, the network).

    The message names what is missing and what to do. Never raised for what a guest does.
    """


def root() -> Path:
    """Returns the cache directory, created if need be.

    `P2PCTL_VM_CACHE` names it; otherwise it is `p2pctl-vm` under `$XDG_CACHE_HOME` or `~/.cache`.
    """
    named = os.environ.get("P2PCTL_VM_CACHE")
    if named:
        path = Path(named)
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        path = Path(base) / "p2pctl-vm"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Holds an exclusive lock shared by every process that uses this cache.

    The kernel drops it when the holder dies, so a killed run leaves nothing to clean up.
    """
    with (root() / f"{name}.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def slot(patience: float = 3600) -> Iterator[int]:
    """Holds one of the `SLOTS` places for a running machine; yields its number.

    Raises TimeoutError when none came free within `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        for number in range(SLOTS):
            with (root() / f"slot-{number}.lock").open("a") as handle:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield number
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"no place for a virtual machine came free in {patience:.0f} s")
        time.sleep(0.2)


def digest(*parts: bytes) -> str:
    """Returns a short content hash of the parts, each counted apart from its neighbours."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()[:16]
