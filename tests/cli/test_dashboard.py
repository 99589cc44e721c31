"""``p2pctl dashboard`` from the outside: --once, refusals, the state and keys of its user."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path
from typing import get_args

import pytest

from p2pctl.cli import dashboard
from p2pctl.cli.dashboard import ViewName
from p2pctl.cli.dashboard_state import Keyboard, State, cannot_keep, load_keys, load_state, save_state
from p2pctl.cli.options import Globals
from p2pctl.cli.session import Session
from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.keymap import FIXED, binding_ids, fixed_keys, is_key
from p2pctl.dashboard.once import panels_of, view_names
from p2pctl.dashboard.picture import Painter
from p2pctl.errors import UsageError
from tests.cli.conftest import Run
from tests.dashboard.piloting import demo_snapshot

KEYBOARD = Keyboard(binding_ids, fixed_keys, is_key)


def test_the_command_knows_the_views() -> None:
    assert get_args(ViewName) == view_names()


@pytest.mark.parametrize("name", view_names())
def test_once_prints_a_view(run: Run, name: str) -> None:
    outcome = run("--demo", "dashboard", "--once", "--view", name, "-o", "json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["schema"] == f"p2pctl.dashboard-{name}/1"
    assert run("--demo", "top", "--once", "--view", name, "-o", "plain").out


def test_once_with_ascii_draws_with_ascii(run: Run) -> None:
    assert run("--demo", "dashboard", "--once", "--ascii", "-o", "plain").out.isascii()


def test_csv_holds_one_list_which_is_to_be_chosen_where_there_are_several(run: Run) -> None:
    outcome = run("--demo", "dashboard", "--once", "--view", "pools", "-o", "csv")
    assert (outcome.code, outcome.out) == (2, "")
    assert "several: pools, holders" in outcome.err
    assert "--list pools" in outcome.err
    outcome = run("--demo", "dashboard", "--once", "--view", "pools", "--list", "holders", "-o", "csv")
    rows = list(csv.DictReader(outcome.out.splitlines()))
    assert {row["pool"] for row in rows} >= {"0000:18:00.0"}
    assert all(int(row["bytes"]) > 0 for row in rows), "machines get the exact number"
    assert run("--demo", "dashboard", "--once", "--view", "matrix", "-o", "csv").code == 0


def test_one_list_of_a_view_can_be_asked_for_in_any_form(run: Run) -> None:
    outcome = run("--demo", "dashboard", "--once", "--view", "pools", "--list", "holders", "-o", "json")
    assert [one["name"] for one in json.loads(outcome.out)["items"]] == ["holders"]
    outcome = run("--demo", "dashboard", "--once", "--view", "pools", "--list", "nope", "-o", "plain")
    assert (outcome.code, outcome.out) == (2, "")
    assert "pools, holders" in outcome.err
    outcome = run("--demo", "dashboard", "--list", "holders")
    assert outcome.code == 2
    assert "--once" in outcome.err


def test_once_says_the_bytes_of_holders_as_the_screen_does(run: Run) -> None:
    told = run("--demo", "dashboard", "--once", "--view", "pools", "--list", "holders", "-o", "plain").out
    assert "4.0 MiB" in told
    assert "4194304" not in told


def test_once_heads_no_two_columns_alike_and_says_what_to_do_about_every_finding(run: Run) -> None:
    for panel in panels_of(Painter(lambda _: {}).paint(demo_snapshot()), "overview"):
        titles = [column.title for column in panel.columns]
        assert len(titles) == len(set(titles)), panel.name
    told = run("--demo", "dashboard", "--once", "--list", "findings", "-o", "json").out
    (findings,) = json.loads(told)["items"]
    assert findings["items"]
    assert all(one["todo"] for one in findings["items"])


def test_without_a_terminal_it_says_what_else_there_is(run: Run) -> None:
    outcome = run("--demo", "dashboard")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--once" in outcome.err


@pytest.mark.parametrize("once", [["--once"], []], ids=["once", "live"])
def test_a_theme_that_nobody_knows_is_refused_with_those_there_are(run: Run, once: list[str]) -> None:
    outcome = run("--demo", "dashboard", "--theme", "nope", *once)
    assert (outcome.code, outcome.out) == (2, "")
    assert "no theme is called nope" in outcome.err
    assert "p2pctl-distinct" in outcome.err


@pytest.mark.parametrize("once", [["--once"], []], ids=["once", "live"])
def test_a_recording_cannot_be_written_to(run: Run, tmp_path: Path, once: list[str]) -> None:
    (tmp_path / "sys").mkdir()
    outcome = run("--sysroot", str(tmp_path), "dashboard", "--write", *once)
    assert (outcome.code, outcome.out) == (2, "")
    assert "leave --write out" in outcome.err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1e9"])
def test_an_interval_that_makes_no_sense_is_refused(run: Run, seconds: str) -> None:
    assert run("--demo", "dashboard", "--once", f"--interval={seconds}").code == 2


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"view": 3, "interval": true, "lists": []}', b"x" * (2 << 20)],
)
def test_a_damaged_state_is_ignored(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "dashboard.json"
    path.write_bytes(data)
    found = load_state(path)
    assert found._replace(note=None) == State(lists={})


def test_a_pipe_in_place_of_the_state_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dashboard.json")
    assert load_state(tmp_path / "dashboard.json").note


def test_the_state_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "dashboard.json"
    save_state(path, {"view": "log", "theme": None, "interval": 5.0, "lists": {"a": {"hidden": ["x"]}}})
    assert load_state(path) == State("log", None, 5.0, {"a": {"hidden": ["x"]}})
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["dashboard.json"]


def test_a_home_that_cannot_be_written_to_is_no_error() -> None:
    save_state(Path("/proc/nothing/dashboard.json"), {})


def test_what_cannot_be_kept_is_said_before_it_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p2pctl" / "dashboard.json"
    assert cannot_keep(path) is None
    path.parent.write_text("a file")
    assert f"{path.parent} is no directory" in str(cannot_keep(path))
    assert f"{path.parent} is no directory" in str(cannot_keep(path / "below"))
    save_state(path, {"view": "log"})
    assert path.parent.read_text() == "a file"
    path.parent.unlink()
    path.mkdir(parents=True)
    assert f"{path} is a directory" in str(cannot_keep(path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert f"may not write to {tmp_path}" in str(cannot_keep(tmp_path / "new" / "dashboard.json"))


@pytest.mark.parametrize(
    ("text", "line", "what", "hint"),
    [
        ("app.pause: p\napp.pasue: x\n", 2, "no binding app.pasue", "perhaps app.pause"),
        ("app.pause: nokey\n", 1, "no key is called nokey", "ctrl+x"),
        ("- a\n", 1, "has to map", "app.pause: p"),
        ("a: [\n", 2, "expected", "app.pause: p"),
        ("app.pause: []", 1, "(nothing)", "ctrl+x"),
        ("app.look: x\napp.pause: [p, ctrl+c]\n", 2, "ctrl+c always", "another key"),
        ("app.look: x\napp.look: y\n", 2, "there twice", "one place"),
    ],
)
def test_wrong_keys_are_told_with_file_and_line(tmp_path: Path, text: str, line: int, what: str, hint: str) -> None:
    """What is wrong there, and what would do."""
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=rf"keys.yaml:{line}: .*{re.escape(what)}") as raised:
        load_keys(path, KEYBOARD)
    assert hint in str(raised.value.hint)


def test_keys_may_be_a_text_or_a_list(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text("app.pause: p,f5\napp.look: [ctrl+r, R]\n")
    assert load_keys(path, KEYBOARD) == {"app.pause": "p,f5", "app.look": "ctrl+r,R"}
    assert load_keys(tmp_path / "none.yaml", KEYBOARD) == {}


def test_ctrl_c_cannot_be_taken_away() -> None:
    assert Dashboard.BINDINGS
    assert not FIXED & binding_ids()
    assert {"app.pause", "list.up", "view.pools"} <= binding_ids()


def test_a_screen_that_broke_does_not_wipe_what_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = tmp_path / "p2pctl" / "dashboard.json"
    save_state(path, {"view": "log"})
    monkeypatch.setattr(dashboard, "_heed_signals", lambda _screen: None)
    monkeypatch.setattr(dashboard, "_heed_hangup", lambda _terminal: None)
    run = {"view": None, "interval": None, "theme": None, "ascii_only": True, "write": False, "mouse": False}

    def broken(_self: Dashboard, **_options: object) -> None:
        """Ends without a word."""

    def sound(self: Dashboard, **_options: object) -> None:
        self.kept_last = {"view": "pools"}

    with (tmp_path / "input").open("w+") as file:
        monkeypatch.setattr("sys.stdin", file)
        monkeypatch.setattr("sys.stdout", file)
        monkeypatch.setattr("sys.stderr", file)
        for how, view in ((broken, "log"), (sound, "pools")):
            monkeypatch.setattr(Dashboard, "run", how)
            dashboard._run(Session(Globals(demo=True)), **run)  # type: ignore[arg-type]
            assert load_state(path).view == view
        monkeypatch.undo()
