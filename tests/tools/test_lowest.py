"""pyproject.toml promises that p2pctl works with the oldest releases that it allows: so they are tried."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.tools import need
from tests.vm.suite import REPOSITORY

PROJECT = REPOSITORY / "pyproject.toml"
COMMANDS = [
    "--demo status",
    "--demo pool list -o json",
    "--demo pool list -o yaml",
    "--demo matrix",
    "--demo place",
    "--demo doctor",
    "--demo export",
    "--demo metrics",
    "--demo dashboard --once --view target",
    "--demo topology --color always",
]
MOMENT = r"\d\d:\d\d:\d\d(\.\d+)?|.*(duration|timestamp)_seconds.*|\d+ ms"
"""What differs from run to run."""


@pytest.fixture(scope="module")
def lowest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with those releases and nothing else."""
    place = tmp_path_factory.mktemp("lowest")
    uv = need("uv")
    python = place / "venv/bin/python"
    steps: list[list[str | Path]] = [
        ["venv", "--python", sys.executable, place / "venv"],
        ["pip", "compile", "--resolution", "lowest-direct", PROJECT, "--output-file", place / "requirements.txt"],
        ["pip", "install", "--python", python, "--requirement", place / "requirements.txt"],
    ]
    for step in steps:
        subprocess.run([uv, "--quiet", *step], check=True)
    return python


def test_they_are_the_oldest_allowed(lowest: Path) -> None:
    installed = (lowest.parents[2] / "requirements.txt").read_text()
    for line in tomllib.loads(PROJECT.read_text())["project"]["dependencies"]:
        wanted = Requirement(line)
        bound = next(one.version for one in wanted.specifier if one.operator == ">=")
        name = wanted.name.replace("_", "[-_]")
        assert re.search(rf"^{name}=={re.escape(bound)}(\.0)*$", installed, re.MULTILINE), f"{line}: no such release"


@pytest.mark.parametrize("command", COMMANDS)
def test_p2pctl_says_the_same_as_with_the_newest(command: str, lowest: Path, tmp_path: Path) -> None:
    told = []
    for number, python in enumerate((lowest, sys.executable)):
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "XDG_STATE_HOME": str(tmp_path / str(number))}
        words = [str(python), "-P", "-W", "error", "-m", "p2pctl", *command.split()]
        ran = subprocess.run(words, env=environment, check=False, capture_output=True, text=True)
        assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
        told.append(re.sub(MOMENT, "", ran.stdout))
    assert told[0] == told[1]
