"""What hosts lose is allowed by name or by a verb that says it, and a person is asked, with the names of the hosts."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from p2pctl.cli import agreeing
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.state import KeptFiles
from tests.cli.changing import ARCHIVE, HOST, POOL, door, error, items, only, target
from tests.cli.conftest import Run

Answer = Callable[[str], None]
NEW = "nqn.2026-11.org.example:new"
ON_ARCHIVE = "nqn.2014-08.org.nvmexpress:uuid:4c4c4544-0051-3510-8052-b4c04f4e4d33"


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Somebody at a terminal, who will say this."""

    def say(text: str) -> None:
        monkeypatch.setattr(agreeing, "is_terminal", lambda _stream: True)
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return say


def without_debugfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that shows no connections."""
    really = KeptFiles.list

    def listing(self: KeptFiles, path: str) -> tuple[str, ...]:
        if path.startswith("/sys/kernel/debug"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return really(self, path)

    monkeypatch.setattr(KeptFiles, "list", listing)


@pytest.mark.parametrize(
    "argv",
    [
        ["port", "unlink", "2", ARCHIVE],
        ["port", "delete", "3", "--cascade", "--yes"],
        ["namespace", "disable", POOL, "1"],
        ["namespace", "delete", POOL, "1", "--yes"],
        ["subsystem", "delete", POOL, "--cascade", "--yes"],
        ["clear", "--yes"],
    ],
    ids=lambda argv: " ".join(argv[:2]),
)
def test_an_explicit_level_wins_over_what_the_verb_implies(run: Run, tmp_path: Path, argv: list[str]) -> None:
    """--disruption none refuses what the verb alone allows, and nothing is written."""
    failed = error(run("--demo", *argv, "--disruption", "none", "-o", "json"))
    assert failed["code"] == 8
    assert {one["code"] for one in failed["problems"]} == {"disruption"}
    assert target(door(tmp_path)) == target(DemoDoor())
    assert run("--demo", *argv).code == 0
    assert target(door(tmp_path)) != target(DemoDoor())


def test_the_hint_of_a_refusal_names_the_level_and_nothing_untrue(run: Run) -> None:
    """Whether somebody is connected plays no part in the class."""
    outcome = run("--demo", "subsystem", "set", POOL, "qid_max=16")
    assert outcome.err.endswith("hint: allow it with --disruption port\n")


@pytest.mark.parametrize(
    ("argv", "host"), [(["port", "unlink", "2", ARCHIVE], ON_ARCHIVE), (["namespace", "disable", POOL, "1"], HOST)]
)
def test_a_person_is_asked_before_hosts_notice(
    run: Run, tmp_path: Path, answer: Answer, argv: list[str], host: str
) -> None:
    """By the names of those who are connected; a no changes nothing, and a script is not asked."""
    answer("no\n")
    asked = run("--demo", *argv)
    assert asked.code == 1
    assert f"{host} is connected to " in asked.err
    assert "go on? [y/N]" in asked.err
    assert target(door(tmp_path)) == target(DemoDoor())
    answer("y\n")
    assert run("--demo", *argv).code == 0


def test_a_port_names_the_hosts_that_came_in_by_it(run: Run, answer: Answer) -> None:
    """Nobody has come in by port 3, though somebody uses the subsystem by another."""
    answer("no\n")
    asked = run("--demo", "port", "unlink", "3", ARCHIVE)
    assert "no host is connected to it" in asked.err
    assert ON_ARCHIVE not in asked.err


def test_what_is_allowed_by_name_or_exposed_to_nobody_is_not_asked_for(run: Run, answer: Answer) -> None:
    answer("")
    assert run("--demo", "namespace", "disable", POOL, "1", "--disruption", "namespace").code == 0
    assert run("--demo", "namespace", "disable", POOL, "2", "--yes").code == 0
    assert run("--demo", "subsystem", "create", NEW).code == 0
    assert run("--demo", "namespace", "create", NEW, "--device", "/dev/nvme6n1", "--enable").code == 0
    assert run("--demo", "namespace", "disable", NEW, "1").code == 0


@pytest.mark.parametrize("argv", [["subsystem", "delete", POOL, "--cascade"], ["clear"]], ids=" ".join)
def test_questions_about_deletions_name_the_connected_hosts(
    run: Run, monkeypatch: pytest.MonkeyPatch, answer: Answer, argv: list[str]
) -> None:
    """Where the kernel shows them; elsewhere it is said that there may be some."""
    answer("no\n")
    assert f"{HOST} is connected to {POOL}" in run("--demo", *argv).err
    without_debugfs(monkeypatch)
    answer("no\n")
    assert "hosts may be connected" in run("--demo", *argv).err


def test_dropping_spares_who_keeps_the_right(run: Run, tmp_path: Path) -> None:
    """Any host may connect from now on: nobody loses anything, and no session ends."""
    file = tmp_path / "target.json"
    file.write_text(json.dumps({"version": 1, "subsystems": {POOL: {"allow_any_host": True, "allowed_hosts": []}}}))
    item = only(run("--demo", "apply", str(file), "--drop", "-o", "json"))
    assert (item["changed"], item["also"]) == (True, [])
    assert HOST in {one["host"] for one in items(run("--demo", "connection", "list", "-o", "json"))}


def test_closing_a_subsystem_takes_the_right_of_whoever_is_not_listed(run: Run) -> None:
    """It is said, and --drop ends the sessions."""
    silent = run("--demo", "subsystem", "set", ARCHIVE, "allow_any_host=0", "--dry-run")
    assert f"{ON_ARCHIVE} stays connected to {ARCHIVE}: --drop ends its sessions" in silent.err
    ended = run("--demo", "subsystem", "set", ARCHIVE, "allow_any_host=0", "--drop")
    assert f"ended controller 3 of {ARCHIVE}" in ended.out
    assert ON_ARCHIVE not in {one["host"] for one in items(run("--demo", "connection", "list", "-o", "json"))}


def test_a_document_that_closes_a_subsystem_spares_whom_it_lists(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "target.json"
    wanted = {"allow_any_host": False, "allowed_hosts": [ON_ARCHIVE]}
    document = {"version": 1, "hosts": {ON_ARCHIVE: {}}, "subsystems": {ARCHIVE: wanted}}
    file.write_text(json.dumps(document))
    assert only(run("--demo", "apply", str(file), "--drop", "-o", "json"))["also"] == []
    document["subsystems"] = {ARCHIVE: {"allow_any_host": False, "allowed_hosts": []}}
    file.write_text(json.dumps(document))
    item = only(run("--demo", "apply", str(file), "--drop", "-o", "json"))
    assert item["also"] == [f"ended controller 3 of {ARCHIVE}"]


def test_a_command_without_drop_names_what_ends_a_session(run: Run) -> None:
    """host delete has no --drop: what it hints at exists."""
    outcome = run("--demo", "host", "delete", HOST, "--cascade", "--yes")
    assert outcome.code == 0
    assert f"p2pctl connection drop --host {HOST} ends its sessions" in outcome.err


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["subsystem", "create", "a b"], "a b"),
        (["subsystem", "create", NEW, "--allow", "h"], "h"),
        (["subsystem", "allow", POOL, "h"], "h"),
        (["host", "create", "h"], "h"),
    ],
)
def test_a_name_that_is_no_nqn_is_pointed_out(run: Run, argv: list[str], name: str) -> None:
    """Once: the kernel takes it, so it is no error, and what is there already is not criticized again."""
    outcome = run("--demo", *argv)
    assert outcome.code == 0
    assert f"warning: '{name}' is no NQN" in outcome.err
    again = [*argv, "--or-update"] if argv[1] == "create" else argv
    assert "is no NQN" not in run("--demo", *again).err
    assert "is no NQN" not in run("--demo", "host", "create", f"{NEW}-host").err
