"""Makes this host ready for the tests in this directory: `python -m tests.tools.prepare`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.tools import PACKAGES, PLACE, UNPACKED, find
from tests.vm import packages
from tests.vm.cache import UnavailableError


def main() -> int:
    """Installs the Debian packages whose programs are missing, as root; returns 1, and says why, when that fails."""
    absent = missing()
    try:
        if absent:
            _fetch(absent)
    except UnavailableError as error:
        print(f"the tests of programs cannot be run here: {error}", file=sys.stderr)
        return 1
    absent = missing()
    if absent:
        print(f"installed, and yet missing: {' '.join(absent)}", file=sys.stderr)
        return 1
    print("programs for tests: all there", flush=True)
    return 0


def missing() -> list[str]:
    """Returns the packages that are not here, each once."""
    return list(dict.fromkeys(package for program, package in PACKAGES.items() if find(program) is None))


def _fetch(absent: list[str]) -> None:
    packages.update(absent)
    for package in UNPACKED:
        if package in absent:
            _unpack(package)
    installed = [package for package in absent if package not in UNPACKED]
    if installed:
        packages.apt_get("install", "-qq", "-y", "--no-install-recommends", *installed)


def _unpack(package: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        packages.apt_get("-o", "APT::Sandbox::User=root", "download", "-qq", package, cwd=Path(scratch))
        for file in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", file, PLACE], check=True)


if __name__ == "__main__":
    sys.exit(main())
