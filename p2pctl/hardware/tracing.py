"""Probes on the kernel's requests for pool memory: in a buffer of their own, and gone afterwards."""

from __future__ import annotations

import contextlib
import errno
import re
import time
from collections.abc import Callable, Iterator

from p2pctl.errors import DeniedError, UnsupportedError, from_os_error
from p2pctl.kernel import Files
from p2pctl.proof.trace import FUNCTION, REFUSED, Counts, count, definitions, event_of

_ROOTS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
_OURS = re.compile(r"p2pctl_(\d+)")
_PAUSE = 0.1
"""Seconds between two looks whether to stop."""
_MOST = 64 << 20
"""Bytes read of a buffer."""


def trace(files: Files, pid: int, seconds: float, stop: Callable[[], bool]) -> Counts:
    """Counts for some seconds, or until ``stop`` says so. What a killed run has left is removed first.

    Raises UnsupportedError without tracefs, or where this kernel cannot be probed; DeniedError, P2pctlError.
    """
    with _refusals():
        root = _root(files)
        _tidy(files, root)
        with _probe(files, root, f"p2pctl_{pid}") as buffer:
            began = time.monotonic()
            while (left := began + seconds - time.monotonic()) > 0 and not stop():
                time.sleep(min(left, _PAUSE))
            files.write(f"{buffer}/events/p2pctl_{pid}/{event_of(f'p2pctl_{pid}')}/enable", b"0")
            took = time.monotonic() - began
            profile = _text(files, f"{root}/kprobe_profile")
            return count(
                _text(files, f"{buffer}/trace"), (event_of(f"p2pctl_{pid}"), profile), _stats(files, buffer), took
            )


def _root(files: Files) -> str:
    for root in _ROOTS:
        with contextlib.suppress(FileNotFoundError):
            files.stat(f"{root}/kprobe_events")
            return root
    raise UnsupportedError(
        "tracefs is not there, or this kernel has no probes (CONFIG_KPROBE_EVENTS)",
        hint=f"mount -t tracefs none {_ROOTS[0]}",
    )


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.EPERM, errno.EACCES}:
            raise DeniedError(
                f"the kernel lets nobody trace it: {(error.strerror or '').lower()}",
                hint="run it as root; under lockdown nobody may",
                errno=error.errno,
                path=error.filename if isinstance(error.filename, str) else None,
            ) from None
        raise from_os_error(error, "trace the kernel", hint=f"see {_ROOTS[0]}/error_log") from None


@contextlib.contextmanager
def _probe(files: Files, root: str, name: str) -> Iterator[str]:
    """A probe, switched on in a buffer of its own; gives the buffer's directory."""
    buffer = f"{root}/instances/{name}"
    _define(files, root, name)
    try:
        files.mkdir(buffer)
        event = f"{buffer}/events/{name}/{event_of(name)}"
        files.write(f"{event}/filter", REFUSED.encode())
        files.write(f"{event}/enable", b"1")
        yield buffer
    finally:
        _remove(files, root, name)


def _define(files: Files, root: str, name: str) -> None:
    """The most telling probe that this kernel takes. Raises UnsupportedError where it takes none."""
    refused: OSError | None = None
    for definition in definitions(name):
        try:
            files.write(f"{root}/kprobe_events", f"{definition}\n".encode())
        except OSError as error:
            if error.errno in {errno.EPERM, errno.EACCES}:
                raise
            refused = error
        else:
            return
    raise UnsupportedError(
        f"{FUNCTION} cannot be probed: is this kernel built with P2PDMA?",
        hint=f"see {root}/error_log",
        errno=refused.errno if refused else None,
    )


def _remove(files: Files, root: str, name: str) -> None:
    """Takes away whatever there is of it."""
    with contextlib.suppress(OSError):
        files.write(f"{root}/instances/{name}/events/{name}/{event_of(name)}/enable", b"0")
    with contextlib.suppress(OSError):
        files.rmdir(f"{root}/instances/{name}")
    with contextlib.suppress(OSError):
        files.write(f"{root}/kprobe_events", f"-:{name}/{event_of(name)}\n".encode())


def _tidy(files: Files, root: str) -> None:
    """Removes what runs have left that were killed."""
    for place in ("instances", "events"):
        for name in files.list(f"{root}/{place}"):
            found = _OURS.fullmatch(name)
            if found and not _lives(files, found[1]):
                _remove(files, root, name)


def _lives(files: Files, pid: str) -> bool:
    try:
        files.stat(f"/proc/{pid}")
    except OSError:
        return False
    return True


def _text(files: Files, path: str) -> str:
    return files.read(path, _MOST).decode("utf-8", "replace")


def _stats(files: Files, buffer: str) -> Iterator[str]:
    for name in files.list(f"{buffer}/per_cpu"):
        yield _text(files, f"{buffer}/per_cpu/{name}/stats")
