"""A view as a file."""

from __future__ import annotations

import csv
import json
import resource
import threading
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from p2pctl.dashboard import exporting
from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.contents.matrix import Pairs, pairs_panel
from p2pctl.dashboard.exporting import Writing, called, completed, form_of, write_new
from p2pctl.dashboard.panel import Panel
from p2pctl.errors import UsageError
from tests.dashboard.piloting import pilot, screen_lines, until


@pytest.mark.parametrize(("turns", "form"), [*enumerate(["json", "csv", "txt", "svg"])])
def test_each_format_holds_the_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int, form: str) -> None:
    """Under a name with the view, the host and the time, in the current directory."""
    monkeypatch.chdir(tmp_path)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("2", "e", *["tab"] * turns, "enter")
        await until(driver, lambda: len(app.screen_stack) == 1)

    pilot(scenario, size=(80, 24))
    (file,) = tmp_path.iterdir()
    assert file.name == f"p2pctl-pools-demo-20261102T090000Z.{form}"
    text = file.read_text()
    assert "0000:18:00.0" in text
    if form == "json":
        document = json.loads(text)
        assert document["schema"] == "p2pctl.dashboard-pools/1"
        assert {one["name"] for one in document["items"]} >= {"pools"}
    if form == "csv":
        assert "0000:18:00.0" in {row["address"] for row in csv.DictReader(text.splitlines())}
    if form == "svg":
        assert text.startswith("<svg")


def test_nothing_is_written_over_and_the_dialog_says_so(tmp_path: Path) -> None:
    there = tmp_path / "there.json"
    there.write_text("mine")

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("e")
        app.screen.query_one(Input).value = str(there)
        await driver.press("enter")
        await until(driver, lambda: "nothing is written over" in " ".join(screen_lines(app)))
        await driver.press("escape")
        assert len(app.screen_stack) == 1

    pilot(scenario)
    assert there.read_text() == "mine"


def test_the_name_and_the_format_always_agree(tmp_path: Path) -> None:
    """Whichever of them one changes."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("2", "e")
        name = app.screen.query_one(Input)
        name.value = str(tmp_path / "mine.CSV")
        await until(driver, lambda: "[csv]" in " ".join(screen_lines(app)))
        await driver.press("tab")
        assert name.value == str(tmp_path / "mine.txt")
        assert "[plain]" in " ".join(screen_lines(app))
        name.value = str(tmp_path / "mine.yaml")
        await driver.press("enter")
        await until(driver, lambda: "which its ending belies" in " ".join(screen_lines(app)))
        name.value = str(tmp_path / "mine")
        await driver.press("tab", "enter")
        await until(driver, lambda: len(app.screen_stack) == 1)

    pilot(scenario)
    (file,) = tmp_path.iterdir()
    assert file.name == "mine.svg"
    assert file.read_text().startswith("<svg")


def test_a_name_without_an_ending_gets_one_and_a_strange_one_is_refused_with_those_there_are() -> None:
    assert completed("a.b/pools", "plain") == "a.b/pools.txt"
    assert completed("a.b/pools.csv", "csv") == "a.b/pools.csv"
    assert (form_of("pools.JSON"), form_of("pools"), form_of("json")) == ("json", None, None)
    assert (called("pools.json", "plain"), called("pools.old", "svg")) == ("pools.txt", "pools.old")
    for name in ("pools.json", "pools.svgs", "pools.old", "pools.yaml"):
        with pytest.raises(UsageError, match="belies") as caught:
            completed(name, "svg")
        assert caught.value.hint == "end it in .json, .csv, .txt, .svg, or leave the ending out"


def test_a_file_that_does_not_fit_leaves_no_half_of_it(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(UsageError, match="file too large"):
            write_new(str(tmp_path / "big"), "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["/nowhere/at/all", "/proc/version/x", "a\0b"])
def test_what_cannot_be_written_is_an_error_with_a_reason(name: str) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_new(name, "text")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError):
        write_new(str(tmp_path / "link"), "text")
    assert not (tmp_path / "elsewhere").exists()


def test_esc_while_it_is_made_writes_nothing_and_waits_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that hangs in it is one that the program does not wait for."""
    monkeypatch.chdir(tmp_path)
    gate = threading.Event()
    found: list[threading.Thread] = []

    def hang(*_: object) -> str:
        found.append(threading.current_thread())
        gate.wait(10)
        return "text"

    monkeypatch.setattr(exporting, "text_of", hang)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("e", "enter")
        await until(driver, lambda: bool(found))
        await driver.press("enter", "escape")
        await until(driver, lambda: len(app.screen_stack) == 1)
        gate.set()

    pilot(scenario)
    (thread,) = found
    assert thread.daemon
    thread.join(10)
    assert not list(tmp_path.iterdir())


def test_esc_while_the_file_is_written_takes_it_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    writing = Writing(str(file), lambda: "text")

    def slow(name: str, text: str) -> int:
        size = write_new(name, text)
        assert writing.cancel()
        assert file.exists()
        return size

    monkeypatch.setattr(exporting, "write_new", slow)
    assert writing.write() is None
    assert not file.exists()


def test_what_is_written_can_no_longer_be_cancelled(tmp_path: Path) -> None:
    writing = Writing(str(tmp_path / "file"), lambda: "text")
    assert writing.write() == 4
    assert not writing.cancel()
    assert (tmp_path / "file").read_text() == "text"


def test_the_pairs_of_a_large_host_are_made_in_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none of them for the title of the dialog."""
    monkeypatch.chdir(tmp_path)
    makers: list[threading.Thread] = []

    def noted(pairs: Pairs) -> Panel:
        makers.append(threading.current_thread())
        return pairs_panel(pairs)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("4")
        await until(driver, lambda: app.view.NAME == "matrix")
        monkeypatch.setattr("p2pctl.dashboard.views.matrix.pairs_panel", noted)
        await driver.press("e")
        await until(driver, lambda: "Export Matrix" in "\n".join(screen_lines(app)))
        assert not makers
        await driver.press("enter")
        await until(driver, lambda: len(app.screen_stack) == 1)

    pilot(scenario)
    assert makers
    assert threading.main_thread() not in makers
    assert len(list(tmp_path.iterdir())) == 1


def test_the_title_names_the_list_that_a_csv_file_would_hold() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        app.query_one("#overview-ports").focus()
        await driver.press("e")
        await until(driver, lambda: "Export Overview (csv: ports only)" in "\n".join(screen_lines(app)))

    pilot(scenario)
