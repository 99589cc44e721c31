"""Asks Debian's archive for packages without touching the machine's own package state.

apt's lists and archives are kept in the harness's cache; nothing is installed from here.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.vm import cache
from tests.vm.cache import UnavailableError

SUITES = ("sid", "trixie", "trixie-backports", "bookworm-backports", "bookworm")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
FRESH_SECONDS = 6 * 3600


def mirror() -> str:
    """Returns the address of the Debian archive that this machine's apt uses.

    `P2PCTL_VM_MIRROR` overrides it, for a machine that is not Debian. Raises UnavailableError when
    neither tells one.
    """
    named = os.environ.get("P2PCTL_VM_MIRROR")
    if named:
        return named.rstrip("/")
    form = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    try:
        told = _run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"]).stdout
    except FileNotFoundError as error:
        raise UnavailableError("kernels come from a Debian archive through apt, and there is no apt here") from error
    # Without downloaded lists apt does not know the origin, and the address has to do.
    best: dict[bool, str] = {}
    for line in told.splitlines():
        origin, label, address = line.split("|", 2)
        known = (origin, label) == ("Debian", "Debian")
        if known or re.search(r"/debian/*$", address):
            best.setdefault(known, address.rstrip("/"))
    if not best:
        raise UnavailableError("apt is set up here with no Debian archive; name one in P2PCTL_VM_MIRROR")
    return best.get(True) or best[False]


class Archive:
    """A private view of Debian's archive over all of `SUITES`."""

    def __init__(self) -> None:
        """Prepares the private directories; asks nothing yet. Raises UnavailableError without a mirror."""
        self.home = cache.root() / "apt"
        self.heard = False
        for part in ("lists/partial", "cache/archives/partial"):
            (self.home / part).mkdir(parents=True, exist_ok=True)
        address = mirror()
        signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        lines = [f"deb {signed}{address} {suite} main" for suite in SUITES]
        self._write("sources.list", "\n".join(lines) + "\n")

    def names(self, refresh: bool = False) -> frozenset[str]:
        """Returns the kernel packages on offer, asking the mirror when the lists are old.

        `heard` tells afterwards whether they are the mirror's own word of the last few hours: without it, what is on
        offer is what was listed at some time before. Raises UnavailableError when no suite was ever read.
        """
        stamp = self.home / "updated"
        fresh = stamp.exists() and time.time() - stamp.stat().st_mtime < FRESH_SECONDS
        trouble = ""
        self.heard = fresh
        if refresh or not fresh:
            # One suite that is gone must not hide the others: what counts is what is listed after.
            ran = self._apt("apt-get", "update", "-q")
            trouble = ran.stderr
            self.heard = any(line.startswith(("Hit:", "Get:")) for line in ran.stdout.splitlines())
        found = frozenset(self._apt("apt-cache", "pkgnames", "linux-").stdout.split())
        if not any(name.startswith("linux-image-") for name in found):
            raise UnavailableError(f"no kernel packages could be listed from {mirror()}: {trouble.strip()}")
        if not trouble:
            stamp.touch()
        return found

    def download(self, packages: Sequence[str], into: Path) -> list[Path]:
        """Downloads packages into a directory; apt checks them.

        Raises UnavailableError with apt's own words when that fails.
        """
        ran = self._apt("apt-get", "download", "-qq", *packages, cwd=into)
        if ran.returncode:
            raise UnavailableError(f"could not download {' '.join(packages)}: {ran.stderr.strip()}")
        return sorted(into.glob("*.deb"))

    def version(self, package: str) -> str:
        """Returns the version of a package that apt would choose. Raises UnavailableError when there is none."""
        told = self._apt("apt-cache", "show", "--no-all-versions", package).stdout
        found = re.search(r"^Version: (\S+)$", told, re.MULTILINE)
        if not found:
            raise UnavailableError(f"there is no package {package} on offer")
        return found[1]

    def download_closure(self, packages: Sequence[str], suite: str, into: Path) -> list[Path]:
        """Downloads packages with all that they depend on, out of one suite before all others; apt checks them.

        What this machine has installed is not counted. Raises UnavailableError with apt's own words when that fails.
        """
        nothing, archives = into / "status", into / "archives"
        (archives / "partial").mkdir(parents=True)
        nothing.touch()
        settings = {
            "Dir::State::status": nothing,
            "Dir::Cache::archives": archives,
            "APT::Default-Release": suite,
            "APT::Install-Recommends": "false",
            "Debug::NoLocking": "true",
        }
        options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
        ran = self._apt("apt-get", *options, "install", "-qq", "--yes", "--download-only", *packages)
        if ran.returncode:
            raise UnavailableError(f"could not download {' '.join(packages)}: {(ran.stderr or ran.stdout).strip()}")
        return sorted(archives.glob("*.deb"))

    def _apt(self, program: str, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        settings = {
            "Dir::State::Lists": self.home / "lists",
            "Dir::Cache": self.home / "cache",
            "Dir::Etc::SourceList": self.home / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            # apt's own unprivileged user cannot write into a private cache directory.
            "APT::Sandbox::User": "root",
            "APT::Architecture": "amd64",
            "Acquire::Languages": "none",
        }
        options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
        return _run([program, *options, *words], cwd=cwd)

    def _write(self, name: str, text: str) -> None:
        path = self.home / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            (self.home / "updated").unlink(missing_ok=True)


def _run(command: Sequence[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)
