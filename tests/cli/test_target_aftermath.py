"""What is left behind: reports that cannot be written, interrupted changes, recordings, places that are not ours."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from p2pctl.cli import agreeing, output
from p2pctl.cli.options import Globals
from p2pctl.cli.session import Session
from p2pctl.cli.workplace import workplace
from p2pctl.hardware import programs, timers
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.state import KeptFiles
from tests.cli.changing import ARCHIVE, POOL, door, error, only, target
from tests.cli.conftest import Run

Program = Callable[..., "subprocess.Popen[str]"]
NEW = "nqn.2026-11.org.example:new"
DOCUMENT = {
    "version": 1,
    "subsystems": {NEW: {"model": "New", "namespaces": {3: {"device": "/dev/nvme6n1", "enable": True}}}},
    "ports": {8: {"trtype": "tcp", "adrfam": "ipv4", "traddr": "192.0.2.10", "trsvcid": 4440, "subsystems": [NEW]}},
}


class KilledError(BaseException):
    """What no code survives."""


@pytest.fixture
def killed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A document whose apply died half way."""
    file = tmp_path / "target.json"
    file.write_text(json.dumps(DOCUMENT))
    really = KeptFiles.mkdir

    def mkdir(self: KeptFiles, place: str) -> None:
        if place.endswith("/ports/8"):
            raise KilledError
        really(self, place)

    with monkeypatch.context() as dying:
        dying.setattr(KeptFiles, "mkdir", mkdir)
        with pytest.raises(KilledError):
            run("--demo", "apply", str(file))
    return file


@pytest.mark.parametrize("form", ["plain", "json"])
def test_a_change_whose_report_cannot_be_written_was_made(program: Program, tmp_path: Path, form: str) -> None:
    """Exit 1 would mean that nothing has changed."""
    with Path("/dev/full").open("w") as full:
        running = program("--demo", "namespace", "disable", ARCHIVE, "1", "-o", form, stdout=full)
        _, err = running.communicate()
    assert running.returncode == 0
    assert "the change was made, but its report could not be written: " in err
    assert "no space left on device" in err
    assert target(door(tmp_path)).subsystems[ARCHIVE].namespaces[1].attributes["enable"] == "0"


@pytest.mark.parametrize("problem", [output.OutputError("cannot write"), output.ReaderGoneError()], ids=repr)
def test_a_failed_change_keeps_its_own_error_where_nothing_can_be_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    """Why it failed matters more than why that could not be reported."""

    def mkdir(_self: KeptFiles, place: str) -> None:
        raise OSError(13, "Permission denied", place)

    def write_lines(_lines: object) -> None:
        raise problem

    monkeypatch.setattr(KeptFiles, "mkdir", mkdir)
    monkeypatch.setattr(output, "write_lines", write_lines)
    outcome = run("--demo", "host", "create", f"{NEW}-host")
    assert outcome.code == 4
    assert "permission denied" in outcome.err.lower()
    assert "the change was made" not in outcome.err
    assert target(door(tmp_path)) == target(DemoDoor())


def test_nothing_done_and_nothing_told_is_a_failure(program: Program, tmp_path: Path) -> None:
    """Nothing has changed, so exit 1 is true."""
    with Path("/dev/full").open("w") as full:
        running = program("--demo", "namespace", "disable", POOL, "4", stdout=full)
        _, err = running.communicate()
        assert running.returncode == 1
        assert "the change was made" not in err
    assert target(door(tmp_path)) == target(DemoDoor())


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["namespace", "disable", ARCHIVE, "2"], 0),
        (["connection", "drop", POOL, "1", "--yes"], 0),
        (["status"], 0),
        (["diff", "{file}"], 0),
        (["diff", "{file}", "--exit-code"], 8),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_reader_that_is_gone_has_no_say_in_the_exit_code(
    program: Program, tmp_path: Path, argv: list[str], code: int
) -> None:
    """A change was made, an answer was found: whether anybody read it is another matter."""
    file = tmp_path / "target.json"
    file.write_text(json.dumps(DOCUMENT))
    reader, writer = os.pipe()
    os.close(reader)
    running = program("--demo", *(word.format(file=file) for word in argv), stdout=writer)
    os.close(writer)
    _, err = running.communicate()
    assert (running.returncode, "p2pctl:" in err) == (code, False)


def test_status_names_an_interrupted_change(run: Run, killed: Path) -> None:
    """With what to do about it, until it is done."""
    del killed
    found = [one for one in only(run("--demo", "status", "-o", "json"))["findings"] if one["code"].startswith("change")]
    assert [(one["code"], one["severity"], one["remedy"]) for one in found] == [
        ("change-interrupted", "error", "p2pctl recover")
    ]
    assert "was interrupted" in found[0]["text"]
    assert "[change-interrupted] -> p2pctl recover" in run("--demo", "status").out
    assert run("--demo", "recover", "--yes").code == 0
    assert "change-interrupted" not in run("--demo", "status").out


def test_status_takes_a_change_under_way_for_none(run: Run, killed: Path, tmp_path: Path) -> None:
    """Whoever holds the lock is alive."""
    import fcntl

    del killed
    with (tmp_path / "p2pctl" / "demo" / "run" / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert "change-interrupted" not in run("--demo", "status").out
    assert "change-interrupted" in run("--demo", "status").out


def test_status_looks_at_no_record_of_others(run: Run, killed: Path, tmp_path: Path) -> None:
    """A directory that cannot be trusted is not read, and status does not fail for it."""
    del killed
    (tmp_path / "p2pctl" / "demo" / "run").chmod(0o777)
    outcome = run("--demo", "status")
    assert outcome.code == 0
    assert "change-interrupted" not in outcome.out


def test_resuming_reports_what_was_asked_for(run: Run, killed: Path) -> None:
    """As apply itself would have: what the kernel has made up is nobody's change."""
    whole = [
        (one["change"], one["object"], tuple(each["key"] for each in one["attributes"]))
        for one in only(run("--demo", "recover", "--resume", "-o", "json"))["objects"]
    ]
    assert [one[:2] for one in whole] == [
        ("created", f"subsystem {NEW}"),
        ("created", f"namespace 3 of {NEW}"),
        ("created", "port 8"),
    ]
    keys = {key for one in whole for key in one[2]}
    assert keys == {"model", "device", "enable", "trtype", "adrfam", "traddr", "trsvcid", "subsystems"}
    assert run("--demo", "apply", str(killed)).out == "nothing to do\n"


def test_recover_undoes_unless_told_otherwise(
    run: Run, killed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a question at a terminal; elsewhere it takes --yes or the way."""
    import io

    del killed
    refused = run("--demo", "recover")
    assert refused.code == 2
    assert "hint: --rollback undoes what it did, --resume does the rest of it" in refused.err
    with monkeypatch.context() as terminal:
        terminal.setattr(agreeing, "is_terminal", lambda _stream: True)
        terminal.setattr("sys.stdin", io.StringIO("no\n"))
        assert run("--demo", "recover").code == 1
        assert NEW in target(door(tmp_path)).subsystems
        terminal.setattr("sys.stdin", io.StringIO("y\n"))
        undone = run("--demo", "recover")
        assert undone.code == 0
        assert "undo the change " in undone.err
    assert target(door(tmp_path)) == target(DemoDoor())


def test_nothing_to_recover_is_a_success(run: Run) -> None:
    for argv in ([], ["--yes"], ["--rollback"], ["--resume"]):
        assert run("--demo", "recover", *argv)[:2] == (0, "nothing to do\n"), argv
    assert only(run("--demo", "recover", "-o", "json"))["changed"] is False


def test_a_change_of_the_demo_can_wait_for_confirmation(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timer undoes the demo's target and no other; status names what waits."""
    calls: list[tuple[str, ...]] = []

    def answered(*argv: str, **_: object) -> programs.Answer:
        calls.append(argv)
        return programs.Answer(0, b"", cut=False)

    monkeypatch.setattr(timers.SystemdTimers, "available", lambda _self: True)
    monkeypatch.setattr(programs, "run", answered)
    file = tmp_path / "target.json"
    file.write_text(json.dumps(DOCUMENT))
    item = only(run("--demo", "apply", str(file), "--confirm-within", "60", "-o", "json"))
    assert item["state"] == "waiting"
    set_up = [call for call in calls if call[0] == "systemd-run"]
    assert set_up
    for call in set_up:
        assert f"--setenv=XDG_STATE_HOME={tmp_path}" in call
        assert call[call.index("p2pctl") :][:3] == ("p2pctl", "--demo", "recover")
        assert call[-1] == item["transaction"]
    assert f"[change-unconfirmed] -> p2pctl confirm {item['transaction']}" in run("--demo", "status").out
    begin = set_up[-1].index("p2pctl") + 1
    assert run(*set_up[-1][begin:]).code == 0  # what the timer would run
    assert target(door(tmp_path)) == target(DemoDoor())


def test_the_demo_of_a_user_is_watched_by_the_users_own_systemd(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The system's would run it as root, which trusts no directory of others."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(timers, "RUNNING", str(tmp_path))
    monkeypatch.setattr(programs, "find", lambda name: f"/usr/bin/{name}")
    armed = workplace(Session(Globals(demo=True))).timers
    assert isinstance(armed, timers.SystemdTimers)
    assert armed.user
    assert not armed.available()
    (tmp_path / "systemd").mkdir()
    assert armed.available()


def test_a_change_of_a_recording_can_be_planned(run: Run, tmp_path: Path) -> None:
    """The same steps as on the host itself, with what preflight finds; a support case needs no more."""
    file = tmp_path / "host.tar.gz"
    assert run("--demo", "capture", str(file)).code == 0
    argvs = [
        ["subsystem", "create", NEW],
        ["namespace", "create", POOL, "--device", "/dev/nvme6n1", "--p2pmem", "auto", "--enable"],
        ["clear"],
    ]
    for argv in argvs:
        recorded = run("--capture", str(file), *argv, "--dry-run")
        assert recorded.code == 0, recorded.err
        assert recorded.out == run("--demo", *argv, "--dry-run").out
    planned = run("--capture", str(file), *argvs[1], "--dry-run")
    assert "the kernel will take it" in planned.err
    assert run("--capture", str(file), "subsystem", "set", POOL, "qid_max=3", "--dry-run").code == 8
    assert run("--capture", str(file), "clear", "--owned", "--dry-run").err == "nothing to do\n"
    document = tmp_path / "target.json"
    document.write_text(json.dumps(DOCUMENT))
    applied = run("--capture", str(file), "apply", str(document), "--dry-run")
    assert applied.code == 0, applied.err
    assert f"mkdir /sys/kernel/config/nvmet/subsystems/{NEW}\n" in applied.out
    refused = run("--capture", str(file), "apply", str(document))
    assert refused.code == 2
    assert "--dry-run shows what would be done there" in refused.err
    assert "--dry-run" not in run("--capture", str(file), "recover").err  # which has none
    ended = run("--capture", str(file), "connection", "drop", POOL, "1", "--dry-run")
    assert ended.out == f"printf %s fatal > /sys/kernel/debug/nvmet/{POOL}/ctrl1/state\n"


def test_a_directory_without_a_target_plans_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sys" / "kernel").mkdir(parents=True)
    (tmp_path / "proc").mkdir()
    outcome = run("--sysroot", str(tmp_path), "host", "create", f"{NEW}-host", "--dry-run")
    assert outcome.code == 5, outcome.err
    assert outcome.out == ""


def test_an_expectation_is_judged_where_nothing_is_to_be_done(run: Run, tmp_path: Path) -> None:
    """Port 3 falls back already: required is a no, preferred a warning, and no expectation no question."""
    file = tmp_path / "target.json"
    answers = {}
    for expected in ("required", "preferred", "off"):
        file.write_text(json.dumps({"version": 1, "ports": {"3": {"p2p": expected}}}))
        answers[expected] = run("--demo", "apply", str(file), "--dry-run", "-o", "json")
    failed = error(answers["required"])
    assert failed["code"] == 8
    assert {one["code"] for one in failed["problems"]} == {"p2p-required"}
    item = only(answers["preferred"])
    assert (
        item["steps"],
        [f"namespace 2 of {ARCHIVE} on port 3 will not" in one for one in item["warnings"]][-1:],
    ) == (
        [],
        [True],
    )
    assert only(answers["off"])["warnings"] == []


def test_a_setting_that_stands_already_is_explained_all_the_same(run: Run) -> None:
    """It was asked for."""
    outcome = run("--demo", "namespace", "set", POOL, "4", "--p2pmem", "auto")
    assert (outcome.code, outcome.out) == (0, "nothing to do\n")
    assert "is a multipath head" in outcome.err


def test_nothing_is_predicted_of_what_the_kernel_refuses(run: Run) -> None:
    """No port will ever see it."""
    argv = ["--demo", "namespace", "set", POOL, "5", "--p2pmem", "nvme0", "--disruption", "namespace"]
    said = run(*argv)
    assert said.code == 8
    assert "the kernel will refuse enable" in said.err
    assert "predicted" not in said.err
    (answer,) = error(run(*argv, "-o", "json"))["p2pmem"]
    assert [state["predicted"] for state in answer["ports"]] == ["not-eligible"]


def test_a_provider_without_memory_is_not_found(run: Run, tmp_path: Path) -> None:
    """Exit 3, as for any pool that is not there."""
    outcome = run("--demo", "namespace", "set", POOL, "4", "--p2pmem", "nvme4")
    assert outcome.code == 3
    assert "has no P2P memory" in outcome.err
    assert target(door(tmp_path)) == target(DemoDoor())


def test_hints_name_what_exists(run: Run) -> None:
    """--wait is of apply alone."""
    outcome = run("--demo", "namespace", "create", POOL, "--device", "/dev/nothing", "--enable")
    assert outcome.code == 8
    assert "p2pctl apply --wait waits for a device" in outcome.err


def test_a_demo_that_is_anothers_is_no_damaged_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 4, and no hint to remove what is not ours."""
    assert run("--demo", "host", "create", f"{NEW}-host").code == 0

    def denied(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", denied)
    outcome = run("--demo", "host", "list")
    assert outcome.code == 4
    assert "permission denied" in outcome.err
    assert "hint: set XDG_STATE_HOME" in outcome.err
    assert "rm " not in outcome.err


def test_a_demo_that_has_no_place_says_whose_mistake_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    outcome = run("--demo", "host", "create", f"{NEW}-host")
    assert outcome.code == 2
    assert "hint: set XDG_STATE_HOME" in outcome.err
    assert "root" not in outcome.err


def test_the_schema_has_one_form(run: Run) -> None:
    """It is JSON, whatever is asked for, and nothing else is pretended."""
    for form in ("jsonl", "csv", "yaml"):
        outcome = run("validate", "--schema", "-o", form)
        assert (outcome.code, outcome.out) == (2, "")
    assert json.loads(run("validate", "--schema", "-o", "json").out)["$schema"]


@pytest.mark.parametrize("command", ["validate", "diff", "apply"])
def test_a_directory_is_a_bad_document(run: Run, tmp_path: Path, command: str) -> None:
    assert run("--demo", command, str(tmp_path)).code == 2


def test_connections_at_eighty_columns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is there, and names break where their parts end."""
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("--demo", "connection", "list", "-o", "table").out.splitlines()
    assert "STATE" in lines[0]
    assert max(map(len, lines)) <= 80
    words = [word for line in lines[2:] for word in line.split()]
    for whole in ("nqn.2026-11.org.", "example:archive", "nqn.2014-08.org.nvmexpress:", "uuid:4c4c4544-0051-3510-"):
        assert whole in words


def test_an_expectation_that_cannot_be_judged_is_unknown(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody can see which memory is published: exit 9, and not a no."""
    for nsid in ("2", "3", "4", "5"):
        assert run("--demo", "namespace", "delete", POOL, nsid, "--yes").code == 0
    really = KeptFiles.read

    def read(self: KeptFiles, path: str) -> bytes:
        if path.endswith("/p2pmem/published"):
            raise PermissionError(13, "Permission denied", path)
        return really(self, path)

    monkeypatch.setattr(KeptFiles, "read", read)
    file = tmp_path / "target.json"
    file.write_text(json.dumps({"version": 1, "ports": {"1": {"p2p": "required"}}}))
    failed = error(run("--demo", "apply", str(file), "--dry-run", "-o", "json"))
    assert (failed["code"], failed["name"]) == (9, "answer-unknown")
    assert {one["code"] for one in failed["problems"]} == {"p2p-unknown"}
