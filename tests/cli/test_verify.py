"""``p2pctl verify`` on the demo host, whose kernel obeys its verdicts, and on sources that have no memory."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from p2pctl.cli import verifying
from p2pctl.cli.options import Globals
from p2pctl.cli.session import Session
from p2pctl.cli.trying import refusal
from p2pctl.kernel import Disk, Part
from p2pctl.proof.pairs import Proof
from p2pctl.simulator import demo
from p2pctl.simulator.memory import DemoMemory, MemoryDisk
from p2pctl.units import format_bytes
from tests.cli.conftest import Run

Items = list[dict[str, Any]]


def ask(run: Run, *words: str) -> dict[str, Any]:
    outcome = run("--demo", "verify", *words, "-o", "json")
    assert outcome.code == 0, outcome
    assert outcome.err.startswith("This writes over ") if "--confirm" in words else not outcome.err, outcome
    document: dict[str, Any] = json.loads(outcome.out)
    return document


def test_every_pair_of_the_matrix_is_tried_and_does_what_was_predicted(run: Run) -> None:
    """As many pools as the pool list has, with every drive that has a namespace."""
    document = ask(run, "--all", "--size", "64K")
    matrix = json.loads(run("--demo", "matrix", "-o", "json").out)["items"]
    predicted = {(one["provider"], one["client"]): one["verdict"] for one in matrix}
    results = {"allowed": "works", "denied": "refused"}
    assert len({item["provider"] for item in document["items"]}) == len({one["provider"] for one in matrix})
    assert len(document["items"]) == document["summary"]["transfers"] > 50
    for item in document["items"]:
        assert item["result"] == results[predicted[item["provider"], item["client"]]], item
        assert item["agrees"] is True
        assert (item["data"] is None) == (item["result"] == "refused")
        assert (item["error"] == "EINVAL") == (item["result"] == "refused")
    assert document["summary"]["disagreements"] == 0
    assert document["summary"]["capture"] is None


def test_data_go_through_the_pool_so_its_level_moves_and_comes_back(run: Run) -> None:
    (item,) = ask(run, "nvme1", "nvme0")["items"]
    assert item["pool"]["available_before"] - item["pool"]["available_during"] == item["bytes"] == 1 << 20
    pools = {one["address"]: one for one in json.loads(run("--demo", "pool", "list", "-o", "json").out)["items"]}
    assert pools[item["provider"]]["available"] == item["pool"]["available_before"]


def test_an_eighth_of_what_is_available_is_taken_at_most(run: Run) -> None:
    (item,) = ask(run, "nvme1", "nvme0", "--size", "1G")["items"]
    assert item["bytes"] * 8 <= item["pool"]["available_before"]
    assert item["bytes"] * 8 > item["pool"]["available_before"] - 8 * 4096


@pytest.mark.parametrize(("client", "code"), [("nvme1", 0), ("nvme7", 8)])
def test_with_exit_code_the_answer_is_the_exit_code(run: Run, client: str, code: int) -> None:
    assert run("--demo", "verify", "nvme0", client, "-q").code == 0
    assert run("--demo", "verify", "nvme0", client, "-q", "--exit-code").code == code


def test_over_all_pairs_a_refusal_that_was_predicted_is_no_failure(run: Run) -> None:
    assert run("--demo", "verify", "--all", "--exit-code", "--size", "64K").code == 0


def test_mixed_transfers_come_in_both_orders(run: Run) -> None:
    items: Items = ask(run, "nvme0", "nvme1", "--mixed")["items"]
    assert [item["layout"] for item in items] == ["pool", "pool-first", "ordinary-first"]
    assert {item["result"] for item in items} == {"works"}


def test_a_mixed_transfer_that_slips_past_the_kernels_check_is_a_disagreement(run: Run) -> None:
    """As on 7.3, where the first page decides whether anybody asks."""
    outcome = run("--demo", "verify", "nvme0", "nvme7", "--mixed", "--even-denied", "--exit-code", "-o", "table")
    assert outcome.code == 8
    first = outcome.out.splitlines()[1]
    assert "DISAGREEMENT: predicted denied" in first
    assert "p2pctl capture --redact disagreement-0000-18-00.0-0000-ba-00.0.tar.gz" in outcome.out


def lying(kind: str) -> type[DemoMemory]:
    """Demo memory whose drives do something else through a pool."""

    class Liar(MemoryDisk):
        def read(self, offset: int, parts: list[Part]) -> int:  # type: ignore[override]
            if any(getattr(part.region, "pool", None) for part in parts):
                if kind == "EIO":
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                return sum(part.length for part in parts)
            return super().read(offset, parts)

    class Lying(DemoMemory):
        def open(self, path: str, *, write: bool = False, exclusive: bool = False) -> Disk:  # type: ignore[override]
            disk = super().open(path, write=write, exclusive=exclusive)
            disk.__class__ = Liar
            return disk

    return Lying


@pytest.mark.parametrize(("kind", "result"), [("EIO", "failed"), ("nothing", "wrong")])
def test_a_disagreement_is_the_first_line_and_comes_with_a_recording(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, result: str
) -> None:
    monkeypatch.setattr("p2pctl.simulator.memory.DemoMemory", lying(kind))
    file = tmp_path / "report.tar.gz"
    outcome = run("--demo", "verify", "nvme0", "nvme1", "--exit-code", "--report", str(file), "-o", "table")
    assert outcome.code == 8
    assert "DISAGREEMENT: predicted allowed for nvme0" in outcome.out.splitlines()[1]
    assert json.loads(run("--capture", str(file), "matrix", "-o", "json").out)["items"]
    (item,) = json.loads(run("--demo", "verify", "nvme0", "nvme1", "-o", "json").out)["items"]
    assert (item["result"], item["agrees"]) == (result, False)


def test_a_report_that_cannot_be_written_is_said_before_anything_is_tried(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DemoMemory, "map", lambda *_: pytest.fail("nothing may be tried"))
    there = tmp_path / "there.tar.gz"
    there.touch()
    for file in (there, tmp_path / "none" / "report.tar.gz"):
        assert run("--demo", "verify", "nvme0", "nvme1", "--report", str(file)).code not in {0, 70}


def test_nothing_is_recorded_where_nothing_disagrees(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "report.tar.gz"
    assert run("--demo", "verify", "nvme0", "nvme1", "--report", str(file)).code == 0
    assert not file.exists()


@pytest.mark.parametrize(
    ("client", "says"),
    [("mlx5_0", "p2pctl port state"), ("0000:1d:00.0", "no NVMe drive"), ("md0", "hangs on no PCI function"),
     ("sda", "no NVMe drive")],
)  # fmt: skip
def test_of_a_client_that_is_no_drive_is_said_what_can_be_said(run: Run, client: str, says: str) -> None:
    outcome = run("--demo", "verify", "nvme0", client)
    assert outcome.code == 5
    assert says in outcome.err
    assert "What is predicted: " in outcome.err
    told = json.loads(run("--demo", "verify", "nvme0", client, "-o", "json").err)
    assert told["code"] == 5
    assert told["prediction"]["verdict"] in {"allowed", "denied"}


def test_a_device_without_a_pool_is_not_found(run: Run) -> None:
    assert run("--demo", "verify", "nvme3", "nvme0").code == 3


@pytest.mark.parametrize(
    "words",
    [[], ["nvme0"], ["nvme0", "nvme1", "--all"], ["--all", "--write"], ["nvme0", "nvme1", "--confirm", "x"],
     ["nvme0", "nvme1", "--size", "x"], ["nvme0", "nvme1", "--size", "0"], ["nvme0", "nvme1", "--write"],
     ["nvme0", "nvme6n1", "--write"], ["nvme0", "nvme6n1", "--write", "--confirm", "nvme1n1"]],
    ids=" ".join,
)  # fmt: skip
def test_what_makes_no_sense_or_is_not_confirmed_is_refused(run: Run, words: list[str]) -> None:
    """Among it writing where no disk is named, and where nobody says its name."""
    outcome = run("--demo", "verify", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert "hint: " in outcome.err


@pytest.mark.parametrize(
    ("disk", "why"),
    [
        ("nvme1n1", "exported as namespace"),
        ("nvme3n1", "part of md0"),
        ("/srv/images/rescue.img", "dm-0 hangs on no PCI function"),
    ],
)
def test_nothing_is_written_to_what_is_in_use(run: Run, disk: str, why: str) -> None:
    outcome = run("--demo", "verify", "nvme0", disk, "--write", "--confirm", disk)
    assert outcome.code in {5, 6}
    assert why in outcome.err


@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("btrfs", "rw,subvol=/", "btrfs can spread a file over several"),
        ("f2fs", "rw", "f2fs can spread a file over several"),
        ("xfs", "rw,rtdev=/dev/sdb,noquota", "its file system has two (rtdev=/dev/sdb)"),
        ("xfs", "rw,noquota", None),
        ("ext4", "rw", None),
    ],
)
def test_a_file_that_may_lie_on_another_drive_is_not_tried(
    run: Run, kind: str, options: str, why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wrong drive would be judged."""
    mounts = demo._MOUNTS + f"99 28 259:1 / /srv rw,relatime - {kind} /dev/nvme1n1 {options}\n".encode()
    monkeypatch.setattr(demo, "_MOUNTS", mounts)
    outcome = run("--demo", "verify", "nvme0", "/srv/images/rescue.img")
    assert ("may lie on another device than /dev/nvme1n1" in outcome.err) is (why is not None), outcome
    assert (why or "") in outcome.err
    assert outcome.code == (5 if why else 1), "the demo's file itself cannot be opened"


def test_a_write_goes_both_ways_and_is_put_back(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[int, bytes]] = []
    store = DemoMemory.store

    def noted(self: DemoMemory, path: str, offset: int, data: bytes) -> None:
        written.append((offset, data))
        store(self, path, offset, data)

    monkeypatch.setattr(DemoMemory, "store", noted)
    items: Items = ask(run, "nvme0", "nvme6n1", "--write", "--confirm", "nvme6n1", "--size", "64K")["items"]
    assert [(item["direction"], item["result"]) for item in items] == [("read", "works"), ("write", "works")]
    pattern, other, original = (data for _, data in written)
    (place,) = {offset for offset, _ in written}
    assert place >= 1 << 30, "where the demo's disks are blank"
    assert original == bytes(64 << 10)
    assert len({pattern, other, original}) == 3
    assert not list(tmp_path.rglob("overwritten*"))


def test_no_more_is_asked_for_than_is_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with --confirm it is said what is about to be done; the pool's eighth bounds it, and what is looked at."""
    read: list[int] = []
    contents = DemoMemory.contents

    def noted(self: DemoMemory, path: str, offset: int, length: int) -> bytes:
        read.append(offset)
        return contents(self, path, offset, length)

    monkeypatch.setattr(DemoMemory, "contents", noted)
    monkeypatch.setattr("p2pctl.simulator.pools.Pool.available", lambda _pool, _step: (1 << 20) + (5 << 12))
    words = ("nvme0", "nvme6n1", "--write", "--confirm", "nvme6n1", "--size", "64G")
    outcome = run("--demo", "verify", *words, "-o", "json")
    items: Items = json.loads(outcome.out)["items"]
    (size,) = {item["bytes"] for item in items}
    (offset,) = {item["offset"] for item in items}
    assert size == 128 << 10
    assert f"writes over {format_bytes(size)} at offset {offset} of /dev/nvme6n1" in outcome.err
    assert {one for one in read if one >= 1 << 30} <= set(range(offset, offset + size))


def test_what_cannot_be_opened_since_it_is_immutable_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    told = refusal(PermissionError(errno.EPERM, os.strerror(errno.EPERM), "/srv/image"), "write to /srv/image")
    assert told.hint == "is the file immutable? lsattr /srv/image shows it"
    told = refusal(PermissionError(errno.EPERM, os.strerror(errno.EPERM), "/dev/nvme0n1"), "write to /dev/nvme0n1")
    assert told.hint == "is the kernel locked down?"


def test_the_order_that_the_kernel_lets_through_unchecked_is_left_out_for_a_denied_pair(run: Run) -> None:
    """It would be DMA that the kernel means to refuse."""
    items: Items = ask(run, "nvme0", "nvme7", "--mixed")["items"]
    assert [item["layout"] for item in items] == ["pool", "pool-first"]
    walk: Items = ask(run, "--all", "--mixed", "--size", "64K")["items"]
    unchecked = [item for item in walk if item["layout"] == "ordinary-first"]
    assert {item["verdict"] for item in unchecked} == {"allowed"}
    assert run("--demo", "verify", "nvme0", "nvme7", "--even-denied").code == 2


def test_a_recording_has_no_memory(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "host.tar.gz"
    assert run("--demo", "capture", str(file)).code == 0
    outcome = run("--capture", str(file), "verify", "nvme0", "nvme1")
    assert (outcome.code, outcome.out) == (5, "")
    assert "explain" in outcome.err


def test_a_pool_that_is_too_small_is_said_with_its_numbers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone an error; among all pairs one that was not tested, so that it cannot be told."""
    monkeypatch.setattr("p2pctl.simulator.pools.Pool.available", lambda _pool, _step: 30 << 10)
    outcome = run("--demo", "verify", "nvme0", "nvme1")
    assert outcome.code == 6
    assert "30.0 KiB are available" in outcome.err
    assert run("--demo", "verify", "--all", "--exit-code").code == 9


@pytest.mark.parametrize("words", [["nvme0", "nvme1"], ["--all"], ["nvme0", "nvme6n1", "--write"]], ids=str)
def test_less_than_one_transfer_takes_is_no_fault_of_the_pool(run: Run, words: list[str]) -> None:
    outcome = run("--demo", "verify", *words, "--size", "1K")
    assert (outcome.code, outcome.out) == (2, "")
    assert "1024 bytes are less than one transfer takes: 4096" in outcome.err
    assert "--size 4096" in outcome.err
    assert run("--demo", "verify", "nvme0", "nvme1", "--size", "4K").code == 0
    assert run("--demo", "verify", "nvme0", "nvme1", "--size", "4K", "--mixed").code == 2


def test_the_exit_code_of_what_cannot_be_told_is_9() -> None:
    host, proofs = verifying.verify_pair(_session(), "nvme0", "nvme1", verifying.Wish(4096), wake=False)
    (proof,) = proofs
    unsettled = proof._replace(judgement=proof.judgement._replace(result="unsettled", agrees=None))
    unpredicted = proof._replace(judgement=proof.judgement._replace(agrees=None))
    assert host.release is not None
    assert _codes([unsettled]) == (9, 9)
    assert _codes([unpredicted]) == (0, 0)
    assert _codes([proof, unsettled]) == (9, 9)


def _codes(proofs: list[Proof]) -> tuple[int, int]:
    return int(verifying.exit_code(proofs, walk=False)), int(verifying.exit_code(proofs, walk=True))


def _session() -> Session:
    return Session(Globals(demo=True))


def test_a_target_that_cannot_be_read_is_no_reason_to_write(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from p2pctl.hardware import nvmet
    from p2pctl.model.facts import Gap

    read = nvmet.read_nvmet
    gap = Gap("nvmet", None, "/sys/kernel/config/nvmet", errno.EACCES, "root")
    monkeypatch.setattr(nvmet, "read_nvmet", lambda *words, **more: read(*words, **more)._replace(gaps=(gap,)))
    monkeypatch.setattr(DemoMemory, "store", lambda *_: pytest.fail("nothing may be written"))
    outcome = run("--demo", "verify", "nvme0", "nvme6n1", "--write", "--confirm", "nvme6n1")
    assert outcome.code == 6
    assert "could not be found out" in outcome.err
