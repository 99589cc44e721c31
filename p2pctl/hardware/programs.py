"""Runs the host's own programs: by absolute path, for a bounded time, with a bounded answer."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
from typing import NamedTuple

_PLACES = "/usr/sbin:/usr/bin:/sbin:/bin"
_LANGUAGE = {"LC_ALL": "C", "LANGUAGE": ""}
"""Programs say in English what went wrong, whatever the user's language: their words are looked at."""


class Answer(NamedTuple):
    """What a program left."""

    code: int
    output: bytes
    """Of both streams, or of the first alone; cut where the caller's limit is."""
    cut: bool


def find(name: str) -> str | None:
    """A program's absolute path; also where an ordinary user's PATH has none of the administrator's directories."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_PLACES}")
    return path if path is not None and path.startswith("/") else None


def run(name: str, *arguments: str, seconds: float, limit: int, errors: bool = False) -> Answer:
    """The answer of a program; ``errors`` takes what it says on standard error as well.

    Raises OSError: ENOENT without such a program, ETIMEDOUT where it took longer than ``seconds``.
    """
    import subprocess  # noqa: PLC0415  20 ms that only commands that run a program pay
    import threading  # noqa: PLC0415

    path = find(name)
    if path is None:
        raise OSError(errno.ENOENT, f"there is no program {name}", name)
    with subprocess.Popen(
        [path, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
        env={**os.environ, **_LANGUAGE},
        cwd="/",
        start_new_session=True,
    ) as process:

        def end() -> None:
            # With its children: one that is left would keep the pipe open.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(seconds, end)
        timer.start()
        try:
            data = process.stdout.read(limit + 1) if process.stdout else b""
            if len(data) <= limit:
                process.wait()
            late = not timer.is_alive()
        finally:
            timer.cancel()
            if process.returncode is None:
                end()
    if late:
        raise OSError(errno.ETIMEDOUT, f"{name} did not end within {seconds:g} s", name)
    return Answer(process.returncode, data[:limit], len(data) > limit)
