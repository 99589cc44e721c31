"""Installs the Debian packages that the harness needs, and nothing when they are there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.vm import cache
from tests.vm.cache import UnavailableError

PROGRAMS = {
    "qemu-system-x86": "qemu-system-x86_64",
    "kmod": "depmod",
    "xz-utils": "xz",
    "zstd": "zstd",
    "systemd": "/lib/systemd/systemd",
    "fio": "fio",
}
"""Each package, and the program it is wanted for."""

LOCK_SECONDS = 300


def program(name: str) -> str:
    """Returns the path of one of `PROGRAMS`, or any other. Raises UnavailableError that says what to install."""
    # Without /usr/sbin in a user's path, depmod would seem to be missing.
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if not found:
        package = next((package for package, wanted in PROGRAMS.items() if wanted == name), name)
        raise UnavailableError(f"{name} is missing; install the Debian package {package}")
    return found


def busybox() -> Path:
    """Returns the path of a statically linked busybox. Raises UnavailableError when there is none."""
    found = shutil.which("busybox", path="/usr/bin:/bin")
    if not found:
        raise UnavailableError("busybox is missing; install busybox-static")
    path = Path(found).resolve()
    # A dynamically linked one names its loader, and the ramdisk has no libraries to load.
    if b"/ld-linux" in path.read_bytes()[:4096]:
        raise UnavailableError(f"{path} is not statically linked; install busybox-static")
    return path


def missing() -> list[str]:
    """Returns the packages that are not here."""
    absent = []
    for package, name in PROGRAMS.items():
        try:
            program(name)
        except UnavailableError:
            absent.append(package)
    try:
        busybox()
    except UnavailableError:
        absent.append("busybox-static")
    return absent


def install() -> None:
    """Installs what is missing, through apt-get as root.

    Raises UnavailableError that names the packages when this user may not, or apt-get fails.
    """
    with cache.lock("packages"):
        absent = missing()
        if not absent:
            print("packages: all there", flush=True)
            return
        update(absent)
        apt_get("install", "-qq", "-y", "--no-install-recommends", *absent)
        absent = missing()
        if absent:
            raise UnavailableError(f"installed, and yet missing: {' '.join(absent)}")


def update(absent: list[str]) -> None:
    """Has apt read its lists before packages that are missing are installed.

    Raises UnavailableError that names the packages when this user may not install any, or apt-get fails.
    """
    wanted = " ".join(absent)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise UnavailableError(f"these Debian packages are missing, and only root can install them: {wanted}")
    print(f"packages: installing {wanted}", flush=True)
    apt_get("update", "-qq")


def apt_get(*words: str, cwd: Path | None = None) -> None:
    """Runs apt-get with no questions asked. Raises UnavailableError with its own words when it fails."""
    command = ["apt-get", "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}", *words]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=cwd)
    if ran.returncode:
        raise UnavailableError(f"{' '.join(command)} failed: {ran.stderr.strip()[-2000:]}")
