"""What is imported by whom: the layers, and what a short command must not pay for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HEAVY = {
    "rich", "textual", "asyncio", "pyudev", "inotify_simple", "yaml", "csv", "psutil", "tarfile", "pydantic",
    "prometheus_client",
}  # fmt: skip

PROGRAM = """
import sys
from p2pctl.cli import main
code = main(sys.argv[1:])
print(code, *sys.modules, file=sys.stderr)
"""


def _modules(*argv: str) -> set[str]:
    """Top-level and full names of what a command line imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    code, *names = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    return {*names, *(name.partition(".")[0] for name in names)}


NAMES = {"psutil", "pyudev"}
"""Libraries that say what processes and identifiers are called."""


@pytest.mark.parametrize(
    ("argv", "allowed"),
    [
        (["pool", "list", "-o", "json"], set()),
        (["pool", "list", "-o", "jsonl"], set()),
        (["pool", "list", "-o", "plain"], set()),
        (["device", "list", "-o", "json"], NAMES),
        (["topology", "-o", "json"], NAMES),
        (["status", "-o", "json"], NAMES),
        (["acs", "list", "-o", "json"], NAMES),
    ],
)
def test_short_commands_stay_light(argv: list[str], allowed: set[str]) -> None:
    """Reading a host and printing it takes none of the libraries that draw, watch or parse."""
    assert _modules(*argv) & HEAVY <= allowed


@pytest.mark.parametrize("argv", [["--version"], ["-h"], ["pool", "-h"], ["pool", "list", "-h"]], ids=" ".join)
def test_help_reads_nothing(argv: list[str]) -> None:
    """Not even the code that could."""
    modules = _modules(*argv)
    assert not modules & HEAVY
    assert not {name for name in modules if name.startswith(("p2pctl.hardware", "p2pctl.simulator", "p2pctl.findings"))}


def test_one_command_imports_no_other() -> None:
    modules = _modules("pool", "list", "-o", "json")
    assert "p2pctl.cli.pool" in modules
    assert not {"p2pctl.cli.device", "p2pctl.cli.status", "p2pctl.cli.topology"} & modules


@pytest.mark.parametrize(("form", "allowed"), [("csv", {"csv"}), ("yaml", {"yaml"}), ("table", {"rich"})])
def test_a_format_pays_for_itself_only(form: str, allowed: set[str]) -> None:
    assert _modules("pool", "list", "-o", form) & HEAVY <= allowed


def test_layers() -> None:
    """The contracts in pyproject.toml."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
