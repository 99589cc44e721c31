"""Turns checks that run inside a guest into pytest's test items on the host.

A test module says which guests it wants and has one test, which gets a check at a time:

    GUESTS = matrix(["7.3", "6.18"], ["flat", "switch-acs"], "checks_pool")

    def test_guest(guest_check: GuestCheck) -> None:
        guest_check()

All checks of a guest share one boot. `checks_pool` is `tests/vm/guest/checks_pool.py`; a guest that runs the checks of
several modules names them with spaces between.
"""

from __future__ import annotations

import ast
import compileall
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.vm import kernels, machine, rdma_driver, systemd, topologies
from tests.vm.cache import UnavailableError, digest

REPOSITORY = Path(__file__).resolve().parents[2]
GUEST = Path(__file__).resolve().parent / "guest"
RUNNER = GUEST / "runner.py"
IMPORT = "(import)"

GuestCheck = Callable[[], None]


class Guest(NamedTuple):
    """A machine to boot and the modules of checks to run in it; `seconds` bounds all of them together.

    `append` goes to the kernel command line after the topology's own words.
    """

    series: str
    topology: str
    checks: str
    seconds: float = 600
    append: str = ""

    @property
    def label(self) -> str:
        """The start of the test ids of this guest's checks."""
        return f"{self.series}-{self.topology}"

    @property
    def group(self) -> str:
        """What pytest-xdist must keep on one worker, for the boot to be shared."""
        appended = f"-{digest(self.append.encode())}" if self.append else ""
        return f"{self.series}-{self.topology}-{self.checks.replace(' ', '+')}{appended}"


def matrix(series: Iterable[str], names: Iterable[str], checks: str, seconds: float = 600) -> list[Guest]:
    """Returns a guest for every kernel series and topology."""
    named = list(names)
    return [Guest(kernel, name, checks, seconds) for kernel in series for name in named]


def checks_files(checks: str) -> list[Path]:
    """Returns the files of checks modules."""
    return [GUEST / f"{module}.py" for module in checks.split()]


def check_names(checks: str) -> list[str]:
    """Returns the checks of modules in order, without importing what may only make sense in a guest.

    Raises ValueError for a module that has none, and for a name that two of them use.
    """
    names: list[str] = []
    for file in checks_files(checks):
        nodes = ast.parse(file.read_text()).body
        found = [n.name for n in nodes if isinstance(n, ast.FunctionDef) and n.name.startswith("check_")]
        if not found:
            raise ValueError(f"{file} has no checks")
        if not set(found).isdisjoint(names):
            raise ValueError(f"{file} has a check whose name is taken: {sorted(set(found) & set(names))}")
        names += found
    return names


class Outcome(NamedTuple):
    """What a check came to: None when it passed, else why it failed."""

    error: str | None


@dataclass
class Fleet:
    """The guests booted in this session, each at most once; `booted` tells about each of them."""

    directory: Callable[[str], Path]
    booted: list[dict[str, Any]] = field(default_factory=list)
    _outcomes: dict[Guest, dict[str, Outcome] | UnavailableError] = field(default_factory=dict)

    def outcome(self, guest: Guest, check: str) -> Outcome:
        """Returns what a check came to, booting its guest on first use.

        Raises UnavailableError, every time alike, when the guest cannot be booted on this host.
        """
        if guest not in self._outcomes:
            try:
                self._outcomes[guest] = self._boot(guest)
            except UnavailableError as error:
                self._outcomes[guest] = error
        outcomes = self._outcomes[guest]
        if isinstance(outcomes, UnavailableError):
            raise outcomes
        return outcomes[check]

    def _boot(self, guest: Guest) -> dict[str, Outcome]:
        names = check_names(guest.checks)
        try:
            kernel = kernels.fetch(guest.series)
            out = self.directory(guest.group)
            if "checks_rdma" in guest.checks:
                shutil.copy(rdma_driver.build(kernel), out / rdma_driver.MODULE)
            if "checks_systemd" in guest.checks:
                (out / "first.sh").write_text(systemd.first_script(REPOSITORY))
            _compile()
            topology = topologies.named(guest.topology)
            topology.append += f" {guest.append}"
            result = machine.boot(topology, kernel, _script(guest), out, guest.seconds)
        except (machine.MachineError, TimeoutError, KeyError) as error:
            return dict.fromkeys(names, Outcome(f"the guest could not be booted: {error}"))
        self.booted.append(
            {
                "guest": guest.group,
                "kernel": kernels.as_dict(kernel),
                "accel": result.accel,
                "boots": result.boots,
                "boot_seconds": result.boot_seconds,
                "seconds": result.seconds,
                "out": str(out),
            }
        )
        return _outcomes(names, out, result)


def required() -> bool:
    """Whether a machine that cannot be booted here is a failure rather than a reason to skip."""
    return os.environ.get("P2PCTL_REQUIRE_VM") == "1" or bool(os.environ.get("CI"))


def _outcomes(names: Iterable[str], out: Path, result: machine.Result) -> dict[str, Outcome]:
    told: dict[str, Outcome] = {}
    results = out / "results.jsonl"
    for line in results.read_text().splitlines() if results.exists() else []:
        try:
            record = json.loads(line)
            told[record["name"]] = Outcome(record["error"])
        except (ValueError, KeyError):
            # The guest died in the middle of this line: the check counts as one that did not run.
            continue
    running = out / "running"
    where = f" (it died in {running.read_text()})" if running.exists() else ""
    absent = told.get(IMPORT, Outcome(None)).error or f"the check did not run{where}: {result.story()}"
    return {name: told.get(name, Outcome(absent)) for name in names}


def _script(guest: Guest) -> str:
    words = [sys.executable, "-P", "-X", "faulthandler", str(RUNNER), *map(str, checks_files(guest.checks))]
    # Checks without privileges have to reach Python, even one in root's home; the host's stays shut.
    ways = {str(way) for place in (sys.base_prefix, sys.prefix, REPOSITORY) for way in Path(place).resolve().parents}
    return "\n".join(
        [
            f"chmod a+x {shlex.join(sorted(ways))}",
            f"export PYTHONPATH={shlex.quote(str(REPOSITORY))}",
            f"exec {shlex.join(words)}",
            "",
        ]
    )


def _compile() -> None:
    # Compiling in the guest would take seconds, at every boot, since nothing it writes is kept.
    for directory in (REPOSITORY / "p2pctl", GUEST):
        compileall.compile_dir(directory, quiet=2)
