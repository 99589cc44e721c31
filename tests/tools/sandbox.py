"""A machine to install packages on: this one's files under a layer of their own, which takes all that is written."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tools import REQUIRED

MOUNT = """
set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs tmpfs "$1/root/tmp"
root=$1/root
shift
exec chroot "$root" "$@"
"""
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "DEBIAN_FRONTEND": "noninteractive",
}


class Sandbox:
    """Commands run in it one after another, each in mount and process namespaces of its own; no systemd runs there."""

    def __init__(self, place: Path) -> None:
        """Makes the layer, in an empty directory. Skips the test, or fails it, where this user may not."""
        self.place = place
        self.upper = place / "upper"
        for name in ("upper", "work", "root"):
            (place / name).mkdir()
        tried = self.run("/bin/true") if os.geteuid() == 0 else None
        if tried is None or tried.returncode:
            why = tried.stderr.strip() if tried else "only root may mount"
            (pytest.fail if REQUIRED else pytest.skip)(f"packages cannot be installed for a try here: {why}")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command as root of the sandbox."""
        unshare = ["unshare", "--mount", "--pid", "--fork", "--propagation", "private"]
        return subprocess.run(
            [*unshare, "/bin/sh", "-c", MOUNT, "sh", str(self.place), *words],
            check=False, capture_output=True, text=True, env=ENVIRONMENT, timeout=300,
        )  # fmt: skip

    def good(self, *words: str) -> str:
        """The same for a command that must succeed: what it printed."""
        ran = self.run(*words)
        assert ran.returncode == 0, ran
        return ran.stdout

    def add(self, file: Path) -> str:
        """Puts a file into its root directory; returns its path there."""
        shutil.copy(file, self.upper / file.name)
        return f"/{file.name}"

    def files(self) -> list[str]:
        """Paths of what was written and is still there, from the root directory on."""
        # What was deleted from below is a character device of number 0.
        paths = (path for path in self.upper.rglob("*") if not path.is_char_device())
        return sorted(str(path.relative_to(self.upper)) for path in paths)
