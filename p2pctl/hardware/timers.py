"""Starts p2pctl later, by a timer of systemd that outlives this process and its connection."""

# Paths are text here.
# ruff: noqa: PTH112

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from p2pctl.hardware import programs

RUNNING = "/run/systemd/system"
"""There where systemd is the first process (sd_booted(3))."""

_SECONDS = 30.0
"""What systemd has for an answer."""
_LIMIT = 4096
_PASSED_ON = ("PYTHONPATH",)
"""What of the environment decides which p2pctl runs."""
_NOT_LOADED = 5
"""systemctl(1): there is no such unit."""


@dataclass(frozen=True, slots=True)
class SystemdTimers:
    """Transient timers of systemd; they die with the boot, as the target does."""

    user: bool = False
    """Of the user's own service manager, which asks for no privilege; the system's otherwise."""
    before: tuple[str, ...] = ()
    """Global options for what is run."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables for it."""

    def available(self) -> bool:
        """Whether systemd is the first process, manages units for us, and its tools are here."""
        if self.user and not os.path.isdir(f"{os.environ.get('XDG_RUNTIME_DIR', '')}/systemd"):
            return False
        return os.path.isdir(RUNNING) and all(programs.find(name) for name in ("systemd-run", "systemctl"))

    def arm(self, name: str, seconds: int, arguments: Sequence[str]) -> None:
        """Runs p2pctl with these arguments after ``seconds``. Raises OSError."""
        heeded = () if sys.flags.ignore_environment else _PASSED_ON
        passed = {key: os.environ[key] for key in heeded if key in os.environ} | dict(self.environment)
        environment = [f"--setenv={key}={value}" for key, value in passed.items()]
        answer = programs.run(
            "systemd-run",
            *self._manager(),
            f"--unit={name}",
            f"--on-active={seconds}",
            "--timer-property=AccuracySec=100ms",
            "--collect",
            "--quiet",
            *environment,
            "--",
            *command((*self.before, *arguments)),
            seconds=_SECONDS,
            limit=_LIMIT,
            errors=True,
        )
        _check(answer, "systemd-run", {0})

    def disarm(self, name: str) -> None:
        """Stops a timer; harmless where it has run, or never was. What it has started goes on. Raises OSError."""
        answer = programs.run(
            "systemctl", *self._manager(), "stop", f"{name}.timer", seconds=_SECONDS, limit=_LIMIT, errors=True
        )
        _check(answer, "systemctl", {0, _NOT_LOADED})

    def _manager(self) -> tuple[str, ...]:
        return ("--user",) if self.user else ()


def command(arguments: Sequence[str]) -> tuple[str, ...]:
    """The same p2pctl as this one, whatever the working directory holds."""
    # An interpreter that heeds nothing of its user's, as the Debian package has it, must not begin to when it is later.
    return (sys.executable, "-I" if sys.flags.isolated else "-P", "-m", "p2pctl", *arguments)


def _check(answer: programs.Answer, name: str, good: set[int]) -> None:
    if answer.code not in good:
        said = answer.output.decode("utf-8", "replace").strip().splitlines()
        raise OSError(errno.EIO, said[-1] if said else f"exit status {answer.code}", name)
