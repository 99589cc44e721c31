"""``p2pctl bench`` on the demo host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from p2pctl.kernel import Stretch
from p2pctl.simulator.memory import DemoMemory, MemoryDisk
from tests.cli.conftest import Run

QUICK = ("--seconds", "0.002", "--warm-up", "0", "--runs", "2")


def ask(run: Run, *words: str) -> dict[str, Any]:
    outcome = run("--demo", "bench", *words, *QUICK, "-o", "json")
    assert outcome.code == 0, outcome
    assert outcome.err.startswith("This writes over ") if "--confirm" in words else not outcome.err, outcome
    document: dict[str, Any] = json.loads(outcome.out)
    return document


def test_every_setting_is_measured_through_both_kinds_of_memory(run: Run) -> None:
    document = ask(run, "nvme0", "nvme1", "--block-size", "8K,64K", "--depth", "1,2", "--mixed")
    found = {(item["block_size"], item["depth"], item["memory"]) for item in document["items"]}
    assert found == {
        (block, depth, way) for block in (8192, 65536) for depth in (1, 2) for way in ("pool", "ordinary", "mixed")
    }
    for item in document["items"]:
        assert item["operation"] == "read"
        assert item["runs"] == 2
        assert item["rate"]["least"] <= item["rate"]["median"] <= item["rate"]["most"]
        latency = item["latency"]
        assert latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["p99_9"] <= latency["most"]
        assert item["cpu_per_gb"]["median"] > 0
        assert (item["against_ordinary"] is None) == (item["memory"] == "ordinary")
    assert document["summary"]["simulated"] is True


@pytest.mark.parametrize("words", [(), ("nvme6n1", "--confirm", "nvme6n1", "--mixed")], ids=["reads", "copies"])
def test_the_page_fits_a_terminal_of_80_columns(
    run: Run, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = run("--demo", "bench", "nvme0", "nvme1", *words, *QUICK, "--block-size", "64K", "-o", "table")
    assert outcome.code == 0
    assert "system memory" in outcome.out
    assert "TO ORDINARY" in outcome.out, "the answer that is asked for"
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_one_run_has_no_median(run: Run) -> None:
    words = ("bench", "nvme0", "nvme1", *QUICK, "--block-size", "64K", "--depth", "1")
    assert "medians of 2 runs" in run("--demo", *words).out
    outcome = run("--demo", *words, "--runs", "1")
    assert "of one run" in outcome.out
    assert "median" not in outcome.out


def test_the_ceiling_is_the_one_that_explain_gives(run: Run) -> None:
    document = ask(run, "nvme0", "nvme1", "--block-size", "4K", "--depth", "1")
    (case,) = json.loads(run("--demo", "explain", "nvme0", "nvme1", "-o", "json").out)["items"]
    assert document["summary"]["ceiling"] == pytest.approx(case["bandwidth"]["high"] * 1e9)
    pool = next(item for item in document["items"] if item["memory"] == "pool")
    assert pool["of_ceiling"] == pytest.approx(pool["rate"]["median"] / document["summary"]["ceiling"])


def test_a_copy_is_measured_and_the_destination_is_as_it_was(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    disks: dict[int, DemoMemory] = {}
    opened = DemoMemory.open

    def noted(self: DemoMemory, path: str, *, write: bool = False, exclusive: bool = False) -> Any:
        disks[id(self)] = self
        return opened(self, path, write=write, exclusive=exclusive)

    monkeypatch.setattr(DemoMemory, "open", noted)
    words = ("nvme0", "nvme1", "nvme6n1", "--confirm", "nvme6n1", "--block-size", "4K", "--depth", "2", "--span", "64K")
    document = ask(run, *words)
    assert {item["operation"] for item in document["items"]} == {"copy"}
    (memory,) = disks.values()
    written = {path for path, _ in memory._written}
    fresh = DemoMemory(memory._host, memory._files, memory._taken)
    assert written == {"/dev/nvme6n1"}
    assert memory.contents("/dev/nvme6n1", 0, 65536) == fresh.contents("/dev/nvme6n1", 0, 65536)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nvme0", "nvme7"], 8),
        (["nvme0", "nvme1", "nvme7n1", "--confirm", "nvme7n1"], 6),
        (["nvme0", "nvme1", "nvme6n1"], 2),
        (["nvme0", "nvme1", "nvme6"], 2),
        (["nvme0", "nvme1n1", "nvme1n1", "--confirm", "nvme1n1"], 2),
        (["nvme0", "nvme1", "--confirm", "nvme1n1"], 2),
        (["nvme0", "nvme1", "--block-size", "5000"], 2),
        (["nvme0", "nvme1", "--block-size", ","], 2),
        (["nvme0", "nvme1", "--depth", "0"], 2),
        (["nvme0", "nvme1", "--depth", "x"], 2),
        (["nvme0", "nvme1", "--span", "0"], 2),
        (["nvme0", "nvme1", "--span", "4K"], 2),
        (["nvme0", "nvme1", "--fio"], 5),
        (["nvme0", "mlx5_0"], 5),
        (["nvme3", "nvme1"], 3),
    ],
    ids=str,
)
def test_what_cannot_be_measured_is_refused_before_anything_is_written(
    run: Run, words: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DemoMemory, "store", lambda *_: pytest.fail("nothing may be written"))
    outcome = run("--demo", "bench", *words, *QUICK)
    assert (outcome.code, outcome.out) == (code, ""), outcome


def test_what_does_not_fit_into_the_pools_share_is_left_out_with_its_numbers(run: Run) -> None:
    outcome = run("--demo", "bench", "nvme1", "nvme0", "--block-size", "4K,1M", "--depth", "1,64", *QUICK, "-o", "json")
    assert outcome.code == 0
    assert "64 transfers of 1.0 MiB are left out: they take 64.0 MiB" in outcome.err
    found = {(item["block_size"], item["depth"]) for item in json.loads(outcome.out)["items"]}
    assert found == {(4096, 1), (4096, 64), (1 << 20, 1)}


def test_a_file_that_no_drive_is_asked_for_is_not_measured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Holes would be filled by the processor, at the pace of memory. As if the disk were such a file."""
    monkeypatch.setattr(MemoryDisk, "stretches", lambda _, offset, length: [Stretch(offset, length, "it is a hole")])
    monkeypatch.setattr(MemoryDisk, "read", lambda *_: pytest.fail("nothing may be read"))
    outcome = run("--demo", "bench", "nvme0", "nvme1", *QUICK)
    assert (outcome.code, outcome.out) == (5, "")
    assert "it is a hole" in outcome.err


def test_a_copy_whose_room_is_not_on_the_drive_is_not_measured_and_is_put_back(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = MemoryDisk.stretches

    def told(self: MemoryDisk, offset: int, length: int) -> tuple[Stretch, ...]:
        return (Stretch(offset, length, "it is packed"),) if self._write else real(self, offset, length)

    stored: list[bytes] = []
    keep = DemoMemory.store

    def noted(self: DemoMemory, path: str, offset: int, data: bytes) -> None:
        stored.append(data)
        keep(self, path, offset, data)

    monkeypatch.setattr(MemoryDisk, "stretches", told)
    monkeypatch.setattr(DemoMemory, "store", noted)
    outcome = run("--demo", "bench", "nvme0", "nvme1", "nvme6n1", "--confirm", "nvme6n1", "--span", "1M", *QUICK)
    assert (outcome.code, outcome.out) == (5, ""), outcome
    assert "it is packed" in outcome.err
    assert any(any(data) for data in stored)
    assert not any(stored[-1])


def test_a_block_whose_halves_a_drive_may_refuse_is_not_measured_mixed(run: Run) -> None:
    """Half of 4 KiB is no block of a 4Kn drive: EINVAL there would end the whole measurement."""
    words = ("--demo", "bench", "nvme0", "nvme1", "--mixed", "--depth", "1", *QUICK, "-o", "json")
    outcome = run(*words, "--block-size", "4K,12K,8K")
    assert outcome.code == 0
    assert outcome.err.count("is left out of the mixed transfers") == 2
    found = {(item["block_size"], item["memory"]) for item in json.loads(outcome.out)["items"]}
    assert found == {(block, way) for block in (4096, 12288, 8192) for way in ("pool", "ordinary")} | {(8192, "mixed")}
    alone = run(*words, "--block-size", "4K")
    assert (alone.code, "multiple of 4096 bytes, too" in alone.err) == (2, True), alone


def test_no_bar_is_drawn_where_nobody_looks(run: Run) -> None:
    outcome = run("--demo", "bench", "nvme0", "nvme1", "--block-size", "4K", "--depth", "1", *QUICK, "-o", "jsonl")
    assert (outcome.code, outcome.err) == (0, "")
    assert "\x1b" not in outcome.out


def test_a_recording_measures_nothing(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "host.tar.gz")
    assert run("--demo", "capture", file).code == 0
    assert run("--capture", file, "bench", "nvme0", "nvme1").code == 5
