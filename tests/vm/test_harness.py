"""The parts of the harness that need no virtual machine."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.vm import cache, cpio, kernels, machine, qemu, suite, topologies
from tests.vm.cache import UnavailableError
from tests.vm.guest.api import Context
from tests.vm.machine import MachineError
from tests.vm.topology import Topology


def test_an_archive_is_what_cpio_reads(tmp_path: Path) -> None:
    tree, unpacked = tmp_path / "tree", tmp_path / "unpacked"
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/tool").write_bytes(b"#!x\n")
    (tree / "usr/bin/tool").chmod(0o755)
    (tree / "bin").symlink_to("usr/bin")
    unpacked.mkdir()
    archive = cpio.archive(tree)
    assert archive == cpio.archive(tree)
    busybox = ["busybox", "cpio", "-i", "-d"]
    try:
        subprocess.run(busybox, input=archive, cwd=unpacked, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no busybox to read it with")
    assert (unpacked / "bin/tool").read_bytes() == b"#!x\n"
    assert (unpacked / "usr/bin/tool").stat().st_mode & 0o777 == 0o755
    assert (unpacked / "bin").readlink() == Path("usr/bin")


@pytest.mark.parametrize("name", topologies.NAMED)
def test_a_topology_is_consistent(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = topologies.named(name)
    ids = [device["id"] for device in made.devices]
    assert len(set(ids)) == len(ids)
    buses = {device["bus"] for device in made.devices if "bus" in device}
    assert buses <= {*ids, "pcie.0"}
    assert made.drives
    for drive in made.drives:
        assert made.device(drive.id)["serial"] == drive.serial
    monkeypatch.setattr("tests.vm.packages.program", lambda name: name)
    setting = qemu.Setting(Path("image"), Path("ramdisk"), "tcg", tmp_path / "a,b")
    command = qemu.command(made, setting, tmp_path)
    described = [json.loads(word) for word in command if word.startswith("{")]
    assert [one["id"] for one in described if "id" in one] == ids
    assert f"path={tmp_path}/a,,b" in " ".join(command)


def test_a_topology_refuses_what_qemu_would() -> None:
    made = Topology()
    port = made.root_port()
    with pytest.raises(ValueError, match="longer than 20"):
        made.nvme(port, serial="x" * 21)
    with pytest.raises(ValueError, match="before"):
        made.iommu()
    with pytest.raises(ValueError, match="id of its own"):
        made.add("nvme", port, id=port)


class Attempts:
    """Stands in for a machine that dies early a number of times."""

    def __init__(self, deaths: int) -> None:
        self.deaths = deaths
        self.boots = 0

    def __call__(self, *_: object) -> object:
        self.boots += 1
        reached = self.boots > self.deaths
        return machine.Ended(reached, False, 0 if reached else None, 1.0, 2.0, "console", "log")


@pytest.mark.parametrize(("deaths", "boots", "reached"), [(0, 1, True), (2, 3, True), (9, 3, False)])
def test_a_guest_is_booted_again_only_before_userspace(
    deaths: int, boots: int, reached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = Attempts(deaths)
    monkeypatch.setenv("P2PCTL_VM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(machine, "_once", attempts)
    monkeypatch.setattr("tests.vm.ramdisk.build", lambda _kernel: Path("ramdisk"))
    monkeypatch.setattr("tests.vm.accel.accelerator", lambda *_: "tcg")
    kernel = kernels.Kernel("7.3", "7.3.4+deb13-amd64", Path("image"), Path("modules"), "")
    result = machine.boot(topologies.named("bare"), kernel, "true", tmp_path / "out")
    assert (attempts.boots, result.boots, result.reached) == (boots, boots, reached)
    assert json.loads((tmp_path / "out/machine.json").read_text())["topology"] == "bare"


def test_places_for_machines_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P2PCTL_VM_CACHE", str(tmp_path))
    with cache.slot() as first, cache.slot() as second:
        assert {first, second} == {0, 1}
        with pytest.raises(TimeoutError), cache.slot(patience=0):
            pass
    with cache.slot(patience=0):
        pass


def test_checks_are_named_in_order_without_importing_them() -> None:
    assert suite.check_names("checks_unimportable") == ["check_that_cannot_run"]
    assert suite.check_names("checks_broken")[:2] == ["check_that_passes", "check_that_fails"]
    both = suite.check_names("checks_broken checks_stuck")
    assert both == suite.check_names("checks_broken") + suite.check_names("checks_stuck")
    with pytest.raises(ValueError, match="taken"):
        suite.check_names("checks_stuck checks_stuck")


def test_a_machine_that_qemu_refuses_fails_every_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MachineError("no such device")

    monkeypatch.setattr(kernels, "fetch", lambda series: series)
    monkeypatch.setattr(machine, "boot", refuse)
    fleet = suite.Fleet(lambda name: tmp_path / name)
    told = fleet.outcome(suite.Guest("7.3", "bare", "checks_stuck"), "check_that_hangs").error
    assert told == "the guest could not be booted: no such device"


def test_a_host_that_cannot_boot_says_so_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(series: str) -> None:
        asked.append(series)
        raise UnavailableError("no kernel")

    monkeypatch.setattr(kernels, "fetch", refuse)
    fleet = suite.Fleet(lambda name: tmp_path / name)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="no kernel"):
            fleet.outcome(suite.Guest("7.3", "bare", "checks_stuck"), "check_that_hangs")
    assert asked == ["7.3"]


def fake_main(words: list[str]) -> int:
    if words == ["exit"]:
        raise SystemExit("usage")
    print("out", *words, sys.stdin.read())
    print("err", file=sys.stderr)
    return 3


def test_p2pctl_runs_in_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"topology": "bare", "release": "7.3", "has_p2pdma": True, "drives": []}
    (tmp_path / "machine.json").write_text(json.dumps(facts))
    module = ModuleType("p2pctl.cli")
    module.main = fake_main  # type: ignore[attr-defined]
    monkeypatch.setattr("importlib.import_module", lambda _name: module)
    context = Context(tmp_path)
    kept = sys.stdin
    assert context.p2pctl("pool", "list", stdin="é") == (3, "out pool list é\n", "err\n")
    assert context.p2pctl("exit") == (1, "", "usage\n")
    assert sys.stdin is kept
    assert not isinstance(sys.stdout, io.BytesIO)
