"""The commands themselves, on the demo host."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

LISTS = [["pool", "list"], ["device", "list"], ["device", "list", "--all"]]
PAGES = [["pool", "show", "nvme0"], ["device", "show", "nvme0"], ["topology"], ["topology", "--all"], ["status"]]


@pytest.mark.parametrize("argv", LISTS + PAGES, ids=" ".join)
@pytest.mark.parametrize("form", ["table", "plain", "json", "jsonl", "yaml"])
def test_every_command_has_every_format(run: Run, argv: list[str], form: str) -> None:
    outcome = run("--demo", *argv, "-o", form)
    assert outcome.code == 0, outcome.err
    assert outcome.out


@pytest.mark.parametrize("argv", LISTS + PAGES, ids=" ".join)
def test_documents_keep_the_contract(run: Run, argv: list[str]) -> None:
    """The envelope, and the same items as JSON lines."""
    document = json.loads(run("--demo", *argv, "-o", "json").out)
    assert list(document) == ["schema", "generated", "source", "summary", "items", "gaps"]
    assert document["schema"].endswith("/1")
    assert document["source"]["kind"] == "demo"
    assert document["items"]
    lines = [json.loads(line) for line in run("--demo", *argv, "-o", "jsonl").out.splitlines()]
    assert len(lines) == 1 + len(document["items"])


@pytest.mark.parametrize("argv", LISTS, ids=" ".join)
def test_lists_are_flat(run: Run, argv: list[str]) -> None:
    """One row an item."""
    items = json.loads(run("--demo", *argv, "-o", "json").out)["items"]
    rows = list(csv.DictReader(io.StringIO(run("--demo", *argv, "-o", "csv").out)))
    assert [row["address"] for row in rows] == [item["address"] for item in items]


@pytest.mark.parametrize("argv", LISTS + PAGES, ids=" ".join)
def test_eighty_columns_hold_every_page(run: Run, argv: list[str]) -> None:
    lines = run("--demo", *argv, "-o", "table").out.splitlines()
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["device", "show", "nvme99"], 3),
        (["device", "show", "0000:ff:1f.7"], 3),
        (["pool", "show", "nvme99"], 3),
    ],
)
def test_what_is_not_there(run: Run, argv: list[str], code: int) -> None:
    assert run("--demo", *argv).code == code


def test_watching_has_three_formats(run: Run) -> None:
    assert run("--demo", "pool", "watch", "-o", "yaml").code == 2
    assert run("--demo", "pool", "watch", "--count", "1", "-o", "jsonl").code == 0


@pytest.mark.parametrize("option", ["--capture", "--sysroot"])
def test_a_recording_answers_like_the_host(run: Run, tmp_path: Path, option: str) -> None:
    """Read from the file or unpacked, the topology is the same."""
    file = tmp_path / "host.tar.gz"
    outcome = run("--demo", "capture", str(file))
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err.startswith(f"{file}: ")
    place = file
    if option == "--sysroot":
        place = tmp_path / "root"
        with tarfile.open(file) as archive:
            archive.extractall(place, filter="data")
    asked = json.loads(run("--demo", "topology", "-o", "json").out)
    replayed = json.loads(run(option, str(place), "topology", "-o", "json").out)
    assert _still(asked["items"]) == _still(replayed["items"])


def _still(value: Any) -> Any:
    """Without what moves while one looks."""
    if isinstance(value, dict):
        return {key: _still(member) for key, member in value.items() if key not in {"available", "used"}}
    return [_still(member) for member in value] if isinstance(value, list) else value


def test_a_recording_does_not_replace_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "host.tar.gz"
    file.write_text("mine")
    assert run("--demo", "capture", str(file)).code == 2
    assert file.read_text() == "mine"
    assert run("--demo", "capture", str(file), "--force", "-q").err == ""


def test_a_recording_in_a_pipe(program: Callable[..., Any], tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as out:
        running = program("--demo", "capture", "-", "-q", stdout=out)
        assert running.communicate()[1] == ""
    assert (tmp_path / "x").read_bytes().startswith(b"\x1f\x8b")


@pytest.mark.parametrize(("option", "code"), [("--capture", 3), ("--sysroot", 3)])
def test_a_source_that_is_not_there(run: Run, option: str, code: int) -> None:
    """Told like every other error."""
    outcome = run(option, "/nonexistent/x", "pool", "list", "-o", "json")
    assert outcome.code == code
    assert json.loads(outcome.err)["code"] == code
