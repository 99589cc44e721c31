"""Has a guest boot the host's own systemd as its first process, with p2pctl installed as a package would be."""

from __future__ import annotations

import shlex
import sys
import sysconfig
from pathlib import Path

from tests.vm import packages

INIT = "/lib/systemd/systemd"
SCRIPTS = Path(__file__).parent / "guest" / "systemd"


def first_script(repository: Path) -> str:
    """The script that the guest's second stage runs before it hands over; see guest/systemd/first.

    Raises UnavailableError without systemd.
    """
    packages.program(INIT)
    settings = {
        "REPOSITORY": str(repository),
        "SCRIPTS": str(SCRIPTS),
        "PYTHON_HOME": sys.base_prefix,
        "PYTHON_NAME": f"python{sys.version_info.major}.{sys.version_info.minor}",
        "SITE_PACKAGES": sysconfig.get_path("purelib"),
    }
    words = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
    return "\n".join([*words, (SCRIPTS / "first").read_text()])
