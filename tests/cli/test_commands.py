"""The commands themselves, on the demo host."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from p2pctl.hardware.capture.take import take as take_capture
from p2pctl.simulator.door import DemoDoor
from tests.cli.conftest import Run
from tests.trees import unpack

LISTS = [["pool", "list"], ["device", "list"], ["device", "list", "--all"], ["acs", "list"]]
PAGES = [["pool", "show", "nvme0"], ["device", "show", "nvme0"], ["topology"], ["topology", "--all"], ["status"]]


ADDRESS = re.compile(r"\b[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b")


def _told(form: str, text: str) -> list[Any]:
    """The items of a document."""
    if form == "jsonl":
        return [json.loads(line) for line in text.splitlines()[1:]]
    return list((json.loads(text) if form == "json" else yaml.safe_load(text))["items"])


def _addresses(value: Any) -> set[str]:
    """Every PCI address in a document, wherever it stands."""
    return set(ADDRESS.findall(json.dumps(value)))


@pytest.fixture
def asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str], str], str]:
    """What a command prints of the demo host at one and the same moment, in one format."""
    monkeypatch.setattr(DemoDoor, "_elapsed", lambda _self: 0.0)
    monkeypatch.setenv("COLUMNS", "400")

    def ask(argv: list[str], form: str) -> str:
        outcome = run("--demo", *argv, "-o", form)
        assert outcome.code == 0, outcome.err
        return outcome.out

    return ask


@pytest.mark.parametrize("argv", LISTS + PAGES, ids=" ".join)
@pytest.mark.parametrize("form", ["jsonl", "yaml"])
def test_documents_say_the_same(asked: Callable[[list[str], str], str], argv: list[str], form: str) -> None:
    """Whatever they are written as."""
    assert _told(form, asked(argv, form)) == _told("json", asked(argv, "json"))


@pytest.mark.parametrize("argv", LISTS, ids=" ".join)
@pytest.mark.parametrize("form", ["table", "plain", "csv"])
def test_lists_for_people_have_every_item(asked: Callable[[list[str], str], str], argv: list[str], form: str) -> None:
    """A row each, in the order of the document."""
    rows = [
        found[0] for line in asked(argv, form).partition("\n\n")[0].splitlines() if (found := re.match(ADDRESS, line))
    ]
    assert rows == [item["address"] for item in _told("json", asked(argv, "json"))]


@pytest.mark.parametrize("argv", PAGES, ids=" ".join)
@pytest.mark.parametrize("form", ["table", "plain"])
def test_pages_tell_of_what_the_document_has(
    asked: Callable[[list[str], str], str], argv: list[str], form: str
) -> None:
    """No address but those of the document; of a device or a pool its own, of the host those of its pools."""
    items = _told("json", asked(argv, "json"))
    text = asked(argv, form)
    wanted = _addresses(items) if argv[0] == "topology" else _addresses([item.get("address") for item in items])
    wanted |= {pool["address"] for item in items for pool in item.get("pools", ())}
    assert wanted
    assert wanted <= _addresses(text) <= _addresses(json.loads(asked(argv, "json")))


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
            unpack(archive, place)
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


def test_a_file_that_is_there_is_told_before_anything_is_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large host takes seconds. What is in the way must not wait for them, nor leave anything behind."""

    def nothing(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("p2pctl.cli.recording.take_capture", nothing)
    (tmp_path / "there").write_text("mine")
    for name, code in (("there", 2), ("absent/x", 3), (".", 2)):
        outcome = run("--demo", "capture", str(tmp_path / name))
        assert outcome.code == code
        assert "\nhint: " in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_file_that_appears_meanwhile_is_kept(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look beforehand spares time; what decides is the one at the end."""
    file = tmp_path / "host.tar.gz"

    def slowly(*args: Any, **kwargs: Any) -> Any:
        file.write_text("theirs")
        return take_capture(*args, **kwargs)

    monkeypatch.setattr("p2pctl.cli.recording.take_capture", slowly)
    assert run("--demo", "capture", str(file)).code == 2
    assert file.read_text() == "theirs"


@pytest.mark.parametrize(
    ("owner", "hint"),
    [
        (0, "it belongs to root: sudo p2pctl --capture ..., or record it anew: sudo p2pctl capture - > FILE"),
        (1000, "it is yours: chmod u+r makes it readable"),
    ],
)
def test_a_recording_that_belongs_to_somebody_else(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, hint: str
) -> None:
    """As after ``sudo p2pctl capture FILE``: exit 4, and what to do."""
    file = tmp_path / "host.tar.gz"
    file.touch(0o600)

    def refuse(path: str, _mode: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    real = os.stat
    found = real(file)
    owned = os.stat_result((*found[:4], owner, *found[5:]))
    monkeypatch.setattr("p2pctl.hardware.archive.open", refuse, raising=False)
    monkeypatch.setattr(os, "stat", lambda path, **kwargs: owned if path == str(file) else real(path, **kwargs))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    outcome = run("--capture", str(file), "pool", "list")
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err == f"p2pctl: cannot read the capture {file}: permission denied\nhint: {hint}\n"


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
