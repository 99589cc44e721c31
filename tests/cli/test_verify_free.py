"""Who is found to use a disk before ``verify --write`` writes to it, in each of the ways that a disk is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from p2pctl.cli import overwriting
from p2pctl.cli.overwriting import check_free
from p2pctl.errors import BusyError
from p2pctl.hardware.openers import Openers
from p2pctl.kernel import Identity
from p2pctl.simulator.memory import DemoMemory
from p2pctl.simulator.tree import MemoryFiles
from tests.cli.conftest import Run

DISK = "nvme6n1"
WORDS = ("--demo", "verify", "nvme0", DISK, "--write", "--confirm", DISK)

Read = Callable[..., bytes]


def reading(monkeypatch: pytest.MonkeyPatch, answers: dict[str, bytes]) -> None:
    """Files of the demo host that hold something else."""
    really = MemoryFiles.read

    def read(self: MemoryFiles, path: str, limit: int = 1 << 20) -> bytes:
        return answers[path] if path in answers else really(self, path, limit)

    monkeypatch.setattr(MemoryFiles, "read", read)


@pytest.fixture
def refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def check(why: str) -> None:
        monkeypatch.setattr(DemoMemory, "store", lambda *_: pytest.fail("nothing may be written"))
        outcome = run(*WORDS)
        assert outcome.code == 6, outcome
        assert why in outcome.err

    return check


def test_without_any_of_it_the_disk_is_written_to(run: Run) -> None:
    assert run(*WORDS).code == 0


def test_a_process_that_does_not_claim_it_counts(
    monkeypatch: pytest.MonkeyPatch, refused: Callable[[str], None]
) -> None:
    """QEMU with a raw disk, a database: O_EXCL does not see them."""
    looked: list[tuple[str, ...]] = []

    def openers(_files: Any, paths: tuple[str, ...], *_: Any) -> Openers:
        looked.append(paths)
        return Openers(((4711, f"/dev/{DISK}"),), complete=True)

    monkeypatch.setattr(overwriting, "read_openers", openers)
    monkeypatch.setattr(overwriting, "_PAUSE", 0)
    refused(f"has /dev/{DISK} open")
    assert len(looked) == overwriting._LOOKS, "one that looks for a moment is waited for"


def test_the_same_namespace_under_another_name_counts(
    monkeypatch: pytest.MonkeyPatch, refused: Callable[[str], None]
) -> None:
    """Without native multipathing each path has a node: nvme3n1 is part of an array."""
    same = {f"/sys/class/block/{name}/wwid": b"eui.1\n" for name in (DISK, "nvme3n1")}
    reading(monkeypatch, same)
    refused("as nvme3n1 it is part of md0")


def test_a_node_that_leads_elsewhere_is_not_written_to(
    monkeypatch: pytest.MonkeyPatch, refused: Callable[[str], None]
) -> None:
    """Somebody made a node of that name, or put another in its place after it was looked at."""
    opened = DemoMemory.open

    def another(self: DemoMemory, path: str, **words: bool) -> Any:
        disk = opened(self, path, **words)
        if words.get("write"):
            disk.identity = Identity("259:99", 0)
        return disk

    monkeypatch.setattr(DemoMemory, "open", another)
    refused("leads to something else")


def test_who_comes_while_the_name_is_asked_for_is_seen(
    monkeypatch: pytest.MonkeyPatch, refused: Callable[[str], None]
) -> None:
    count = 0

    def second(*words: Any) -> None:
        nonlocal count
        count += 1
        if count > 1:
            raise BusyError("mounted meanwhile", hint="x")
        check_free(*words)

    monkeypatch.setattr("p2pctl.cli.holding.check_free", second)
    refused("mounted meanwhile")
    assert count == 2


def test_a_change_of_the_target_and_a_write_exclude_each_other(
    run: Run, monkeypatch: pytest.MonkeyPatch, refused: Callable[[str], None]
) -> None:
    """It could export the disk."""
    from p2pctl.cli.options import Globals
    from p2pctl.cli.session import Session
    from p2pctl.cli.workplace import workplace
    from p2pctl.target import rundir
    from p2pctl.target.lock import locked

    del run, monkeypatch
    directory = workplace(Session(Globals(demo=True))).directory
    rundir.make(directory)
    with locked(directory, "namespace create"):
        refused("namespace create")


@pytest.mark.parametrize(("block_device", "why"), [(DISK, "exported by RNBD"), ("", "")])
def test_what_rnbd_exports_counts(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    refused: Callable[[str], None],
    block_device: str,
    why: str,
) -> None:
    from p2pctl.hardware import rnbd
    from p2pctl.model.rnbd import ExportedDevice

    really = rnbd.read_rnbd
    exported = (ExportedDevice("store", block_device, ()),) if block_device else ()
    monkeypatch.setattr(rnbd, "read_rnbd", lambda *words: really(*words)._replace(exported=exported))
    if why:
        refused(why)
    else:
        assert run(*WORDS).code == 0


@pytest.mark.parametrize(
    ("path", "why"), [("/dev/nvme6", "controller is passed through"), ("/dev/nvme66", "not known")]
)
def test_a_controller_that_is_passed_through_counts_by_what_it_reaches(
    monkeypatch: pytest.MonkeyPatch, refused: Callable[[str], None], path: str, why: str
) -> None:
    from p2pctl.hardware import nvmet

    really = nvmet.read_nvmet

    def passing(*words: Any, **more: Any) -> Any:
        found = really(*words, **more)
        nqn, one = next(iter(found.subsystems.items()))
        changed = one._replace(passthru={**one.passthru, "device_path": path})
        return found._replace(subsystems={**found.subsystems, nqn: changed})

    monkeypatch.setattr(nvmet, "read_nvmet", passing)
    refused(why)


@pytest.mark.parametrize("zones", [b"host-managed\n", b"host-aware\n"])
def test_a_zoned_disk_is_not_written_to(run: Run, monkeypatch: pytest.MonkeyPatch, zones: bytes) -> None:
    """An empty zone is blank, and takes one write: it could not be made blank again by another."""
    monkeypatch.setattr(DemoMemory, "store", lambda *_: pytest.fail("nothing may be written"))
    reading(monkeypatch, {f"/sys/class/block/{DISK}/queue/zoned": zones})
    outcome = run(*WORDS)
    assert outcome.code == 5
    assert "is zoned" in outcome.err


def test_whoever_has_the_namespaces_character_device_open_counts(
    monkeypatch: pytest.MonkeyPatch, refused: Callable[[str], None]
) -> None:
    def openers(_files: Any, paths: tuple[str, ...], *_: Any) -> Openers:
        return Openers(tuple((4711, path) for path in paths if path == "/dev/ng6n1"), complete=True)

    monkeypatch.setattr(overwriting, "read_openers", openers)
    monkeypatch.setattr(overwriting, "_PAUSE", 0)
    refused("has /dev/ng6n1 open")


def test_what_lio_serves_counts(monkeypatch: pytest.MonkeyPatch, refused: Callable[[str], None]) -> None:
    """It opens a disk for a fileio backstore without claiming it, and no process has it open."""
    core = "/sys/kernel/config/target/core"
    there = {core: ("alua", "fileio_0"), f"{core}/fileio_0": ("hba_info", "store"), f"{core}/alua": ("lu_gps",)}
    listing = MemoryFiles.list
    monkeypatch.setattr(MemoryFiles, "list", lambda self, path: there[path] if path in there else listing(self, path))
    reading(monkeypatch, {f"{core}/fileio_0/store/udev_path": f"/dev/{DISK}\n".encode()})
    refused("served by LIO as fileio_0/store")


def test_a_loop_device_on_a_disk_counts(monkeypatch: pytest.MonkeyPatch, refused: Callable[[str], None]) -> None:
    """The kernel names no holder then."""
    from p2pctl.hardware import backing

    monkeypatch.setattr(backing._Uses, "_read_loops", lambda _self: iter([("loop7", f"/dev/{DISK}")]))
    refused("loop7 is on it")
