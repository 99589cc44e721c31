"""Tests that need programs beyond Python: shells, linters, package tools.

    scripts/test --tools                                # installs the programs, then runs these tests
    python -m tests.tools.prepare                       # only installs them
    python -m pytest -m tools tests/tools               # only runs what can be run here

Everything below this directory carries the marker `tools`. A test asks for its programs with `need`, and so never
passes over one in silence: under P2PCTL_REQUIRE_TOOLS=1 a program that is missing is a failure.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

PACKAGES = {
    "zsh": "zsh",
    "fish": "fish",
    "/usr/share/bash-completion/bash_completion": "bash-completion",
    "mandoc": "mandoc",
    "promtool": "prometheus",
    "lintian": "lintian",
    "systemd-analyze": "systemd",
    "fio": "fio",
}
"""Each program, or file by its absolute path, and the Debian package that it comes from."""

UNPACKED = ("prometheus",)
"""Packages wanted for a program alone: unpacked beside the interpreter, since installing them starts a service."""

PLACE = Path(sys.prefix) / "tools"
"""Where these are unpacked."""

# Read here, since no test sees the environment of whoever runs it.
REQUIRED = os.environ.get("P2PCTL_REQUIRE_TOOLS") == "1"


def find(wanted: str) -> str | None:
    """Returns the path of a program, or of a file by its absolute path; None when it is not here."""
    if wanted.startswith("/"):
        return wanted if Path(wanted).exists() else None
    # Programs from Python packages first; without /usr/sbin in a user's path, some seem to be missing.
    places = [f"{sys.prefix}/bin", f"{PLACE}/usr/bin", os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    return shutil.which(wanted, path=os.pathsep.join(places))


def need(wanted: str) -> str:
    """Returns the path of what a test cannot do without; else skips the test, or fails it where it must be there."""
    __tracebackhide__ = True
    found = find(wanted)
    if found is None:
        package = PACKAGES.get(wanted, wanted)
        reason = f"{wanted} is missing: scripts/test --tools as root installs it (the Debian package {package})"
        if REQUIRED:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return found
