"""The hardening of the units, as systemd itself judges it, and the reasons for what is left out of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.tools import need
from tests.vm.suite import REPOSITORY

SYSTEMD = REPOSITORY / "contrib/systemd"
EXPOSURE = {"p2pctl-restore.service": 30, "p2pctl-metrics.service": 25, "p2pctl-exporter.service": 29}
"""The most that systemd-analyze may find, in tenths. A unit without any hardening has 96."""


def test_every_service_is_judged() -> None:
    assert set(EXPOSURE) == {path.name for path in SYSTEMD.glob("*.service")}


@pytest.mark.parametrize("unit", EXPOSURE)
def test_a_unit_is_no_more_exposed_than_its_work_asks_for(unit: str) -> None:
    ran = judged(SYSTEMD / unit, EXPOSURE[unit])
    assert ran.returncode == 0, ran.stdout


def test_the_target_is_restored_after_what_it_is_made_of() -> None:
    """Modules, addresses, RDMA devices and disks, as far as systemd knows when they are there."""
    text = (SYSTEMD / "p2pctl-restore.service").read_text()
    after = {word for line in re.findall(r"^After=(.*)$", text, re.MULTILINE) for word in line.split()}
    modules = {"modprobe@nvmet.service", "sys-kernel-config.mount"}
    assert after >= modules | {"network-online.target", "rdma-hw.target", "local-fs.target", "remote-fs.target"}


def test_the_judge_finds_what_is_not_hardened(tmp_path: Path) -> None:
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    assert judged(bare, max(EXPOSURE.values())).returncode != 0


def judged(unit: Path, most: int) -> subprocess.CompletedProcess[str]:
    words = [need("systemd-analyze"), "security", "--offline=true", "--no-pager", f"--threshold={most}", str(unit)]
    return subprocess.run(words, check=False, capture_output=True, text=True)
