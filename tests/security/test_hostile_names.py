"""Names and values that attack: in every format of every command that reads, nothing but text comes out."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from p2pctl.cli import main
from tests.security import planted

READING = [
    "status",
    "pool list",
    "device list --all",
    "topology --all",
    "acs list",
    "matrix",
    "providers nvme0",
    "explain nvme0 nvme1",
    "doctor",
    "doctor --for nvmet",
    "target show",
    "subsystem list",
    "namespace list",
    "port list",
    "port show 1",
    "port state",
    "host list",
    "connection list",
    "export",
    "dashboard --once --view target",
]
MARK = "[red]x[/]"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("hostile")
    planted.build(place)
    return str(place)


def unseen(text: str) -> set[str]:
    """Characters that a terminal would obey, or that turn a line around."""
    return {one for one in text if one not in "\n\t" and unicodedata.category(one) in {"Cc", "Cf", "Cs"}}


@pytest.mark.parametrize("command", READING)
def test_a_terminal_gets_nothing_that_it_would_obey(
    command: str, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither on stdout nor on stderr, and no markup is taken for such."""
    forms = [[]] if command in {"export", "dashboard --once --view target"} else [["-o", "table"], ["-o", "plain"]]
    for form in forms:
        main(["--sysroot", host, *command.split(), *form])
        told = capsys.readouterr()
        assert unseen(told.out + told.err) == set()
        assert "Traceback" not in told.err
        assert "this is a bug" not in told.err


def test_markup_is_text(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The names are there, letter by letter: it was not by leaving them out that the test above passed."""
    for command in ("subsystem list", "namespace list", "dashboard --once --view target"):
        main(["--sysroot", host, *command.split()])
        out = re.sub(r"\s+", " ", capsys.readouterr().out)
        assert "owned" in out, command
        assert MARK in out or "[red]" in out, command


def test_documents_of_all_formats_are_sound(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and YAML give the bytes back; CSV has as many cells as its head; XML and metrics parse."""
    main(["--sysroot", host, "subsystem", "list", "-o", "json"])
    text = capsys.readouterr().out
    assert text.isascii()
    found = {item["nqn"].encode("utf-8", "surrogateescape") for item in json.loads(text)["items"]}
    assert found == set(planted.NQNS)
    main(["--sysroot", host, "subsystem", "list", "-o", "yaml"])
    assert len(yaml.safe_load(capsys.readouterr().out)["items"]) == len(planted.NQNS)
    main(["--sysroot", host, "subsystem", "list", "-o", "csv"])
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out, newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == 1 + len(planted.NQNS)
    main(["--sysroot", host, "doctor", "--junit", "-"])
    ET.fromstring(capsys.readouterr().out)  # noqa: S314  our own output
    main(["--sysroot", host, "metrics"])
    families = list(text_string_to_metric_families(capsys.readouterr().out))
    assert families
    assert not [one.name for one in families if not one.name.startswith(("p2pctl_", "python_", "process_"))]


def test_errors_quote_what_was_typed_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that a script hands on may come from a device."""
    for argv in (
        ["pool", "show", "\x1b]0;x\x07"],
        ["\x1b[31m"],
        ["matrix", "\u202ex"],
        ["--capture", "/\x1bx", "status"],
    ):
        assert main(["--demo", *argv] if "--capture" not in argv else argv) != 0
        told = capsys.readouterr()
        assert unseen(told.out + told.err) == set(), argv


def test_a_capture_of_it_is_as_harmless(host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What travels is the same host, hostile names included."""
    file = str(tmp_path / "host.tar.gz")
    assert main(["--sysroot", host, "capture", file]) == 0
    for command in ("status", "subsystem list", "doctor"):
        main(["--capture", file, *command.split()])
        told = capsys.readouterr()
        assert unseen(told.out + told.err) == set()
