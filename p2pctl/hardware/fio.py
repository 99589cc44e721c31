"""Runs fio, where it is installed."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from p2pctl.errors import P2pctlError, UnsupportedError, from_os_error
from p2pctl.hardware import programs

_PATIENCE = 120.0
"""Seconds that a job may take beyond its own time."""

_LIMIT = 4 << 20
"""Bytes of a report."""

_HINT = "--fio-job FILE keeps the job, to run it by hand"


def find() -> str:
    """The program. Raises UnsupportedError without it."""
    found = programs.find("fio")
    if found is None:
        raise UnsupportedError("fio is not installed", hint="apt install fio, or leave --fio out")
    return found


def run(job: str, seconds: float) -> bytes:
    """What a job reports as JSON; it takes about ``seconds``. Raises P2pctlError where it fails or hangs."""
    with tempfile.TemporaryDirectory(prefix="p2pctl-fio-") as directory:
        file = Path(directory) / "job.fio"
        file.write_text(job, encoding="utf-8")
        # Read-only by its own switch, too: whatever the job says.
        words = [*_ending_with_us(), find(), "--readonly", "--output-format=json", f"--aux-path={directory}", str(file)]
        try:
            ran = programs.run("setpriv", *words, seconds=seconds + _PATIENCE, limit=_LIMIT, errors=True)
        except OSError as error:
            if error.errno == errno.ETIMEDOUT:
                text = f"fio did not end within {seconds + _PATIENCE:.0f} seconds"
                raise P2pctlError(text, hint=_HINT) from None
            raise from_os_error(error, "run fio", hint="apt install fio util-linux, or leave --fio out") from None
    if ran.cut:
        raise P2pctlError(f"fio said more than {_LIMIT} bytes", hint=_HINT)
    if ran.code:
        said = ran.output.decode("utf-8", "replace").strip().splitlines()
        raise P2pctlError(f"fio failed ({ran.code}): {said[-1] if said else 'it said nothing'}", hint=_HINT)
    return ran.output


def _ending_with_us() -> tuple[str, ...]:
    """Words for setpriv(1) and unshare(1): the kernel ends fio and all its jobs with this process, however that ends.

    Their mappings would keep the pool. The jobs are processes, which the death of their parent does not reach; those of
    a PID namespace go with the first of them. Only root makes one as it is.
    """
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    return ("--pdeathsig", "KILL", "unshare", *user, "--pid", "--fork", "--kill-child=KILL")


def keep(job: str, path: str) -> None:
    """Adds a job to a file, which is its owner's alone when it is new; no link is followed. Raises P2pctlError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(job + "\n")
    except OSError as error:
        hint = "name a file in a directory that you may write to"
        raise from_os_error(error, f"write the job to {path}", hint=hint) from None
