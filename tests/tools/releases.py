"""What scripts/package builds: wheel, sdist, Debian package, bill of materials."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.tools import need
from tests.vm.suite import REPOSITORY

LEFT_OUT = (".git", ".venv", ".venv.lock", "dist", "build", "__pycache__", ".benchmarks", "*_cache", ".hypothesis")
EPOCH = "1767225600"


def build(place: Path, *, umask: int) -> Path:
    """Builds from a copy of the checkout; returns the directory with what came of it."""
    checkout = place / "checkout"
    shutil.copytree(REPOSITORY, checkout, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    programs = Path(need("nfpm")).parent
    ran = subprocess.run(
        [checkout / "contrib/debian/make", programs, place / "dist"],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, umask=umask, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-4000:]
    return place / "dist"


def only(dist: Path, pattern: str) -> Path:
    """The one file of a kind."""
    (found,) = dist.glob(pattern)
    return found
