"""Known holes of the libraries that the package carries. Where nobody can be asked about them, that is said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.tools import need
from tests.vm.suite import REPOSITORY

LOCKED = REPOSITORY / "contrib/debian/requirements.txt"
"""What the Debian package is built from, with hashes."""


def audited(requirements: Path) -> dict[str, Any]:
    """What pip-audit says of each library. Skips the test, with the reason, where its service cannot be asked."""
    ran = subprocess.run(
        [need("pip-audit"), "--requirement", requirements, "--disable-pip", "--no-deps", "--format", "json",
         "--progress-spinner", "off", "--timeout", "15"],
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return verdict(ran.stdout, ran.stderr)


def verdict(out: str, err: str) -> dict[str, Any]:
    """The libraries by name. What was not looked up is never taken for clean."""
    __tracebackhide__ = True
    try:
        found = {one["name"]: one for one in json.loads(out)["dependencies"]}
    except ValueError:
        pytest.skip(f"could not be audited: {(err.strip().splitlines() or ['pip-audit said nothing'])[-1]}")
    holes = {name: [hole["id"] for hole in one["vulns"]] for name, one in found.items() if one.get("vulns")}
    assert holes == {}, "scripts/package --lock takes newer releases"
    unknown = {name: one["skip_reason"] for name, one in found.items() if "skip_reason" in one}
    if unknown:
        reason = next(iter(unknown.values()))
        pytest.skip(f"could not be audited: {len(unknown)} of {len(found)} libraries, such as: {reason}")
    return found


def test_no_library_that_is_shipped_has_a_known_hole() -> None:
    found = audited(LOCKED)
    assert len(found) > 10
    assert {"typer", "textual", "rich"} <= set(found)


def test_a_known_hole_would_be_found() -> None:
    """The judge itself: a hole fails, also beside libraries that nobody could look up."""
    hole = {"name": "x", "version": "1", "vulns": [{"id": "CVE-2026-1"}]}
    unknown = {"name": "y", "skip_reason": "not found"}
    with pytest.raises(AssertionError, match="newer releases"):
        verdict(json.dumps({"dependencies": [unknown, hole]}), "")
    with pytest.raises(pytest.skip.Exception, match="could not be audited: 1 of 1"):
        verdict(json.dumps({"dependencies": [unknown]}), "")
    with pytest.raises(pytest.skip.Exception, match="could not be audited: no route"):
        verdict("", "error\nno route to host")
    clean = {"name": "z", "version": "1", "vulns": []}
    assert verdict(json.dumps({"dependencies": [clean]}), "") == {"z": clean}
