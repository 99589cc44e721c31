"""What a module says when p2pctl refuses, fails, is another program, or is not there."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from tests.ansible.conftest import PROGRAM, Module
from tests.cli.changing import HOST, KEY, POOL, door, target

CHANGE = {"schema": "p2pctl.change/1", "items": [{"changed": True}]}


def test_a_refusal_carries_reason_hint_and_code(module: Module, tmp_path: Path) -> None:
    before = target(door(tmp_path))
    refused = module("document", document={"ports": {"1": {"state": "absent"}}})
    error = refused.result["error"]
    assert refused.failed
    assert refused.result["rc"] == error["code"] == 8
    assert error["name"] == "answer-no"
    assert error["hint"] == "allow it with --disruption port"
    assert refused.result["msg"] == f"{error['message']} ({error['hint']})"
    assert [one["code"] for one in error["problems"]] == ["disruption"]
    assert refused.result["changed"] is False
    assert target(door(tmp_path)) == before
    assert module("document", document={"ports": {"1": {"state": "absent"}}}, disruption="port").result["changed"]


def test_a_wrong_document_is_told_with_its_place(module: Module) -> None:
    wrong = module("subsystem", nqn=POOL, serial="x" * 21, attributes={"qid_max": 999})
    assert wrong.result["rc"] == 2
    assert len(wrong.result["error"]["problems"]) == 2


def test_a_step_that_the_kernel_refuses_is_undone_and_told(module: Module, tmp_path: Path) -> None:
    """With the errno, the kernel's own words, and that nothing has remained."""
    before = target(door(tmp_path))
    spaces = {"8": {"device": "/dev/nvme2n2", "enable": True}, "9": {"device": "/proc/version", "enable": True}}
    failed = module("document", document={"subsystems": {POOL: {"namespaces": spaces}}}).result
    assert (failed["failed"], failed["changed"], failed["state"]) == (True, False, "rolled-back")
    assert (failed["rc"], failed["error"]["errno"], failed["rolled_back"], failed["residual"]) == (1, 2, True, [])
    (step,) = failed["steps"]
    assert step["log"] == ["nvmet: failed to open block device /proc/version: (-2)"]
    assert target(door(tmp_path)) == before


def test_a_change_that_nobody_could_undo_later_is_refused(
    module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is systemd that undoes what is not confirmed, and this one is not running."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/none")
    refused = module("document", document={"subsystems": {"nqn.2026-11.org.example:x": {}}}, confirm_within=60)
    assert refused.result["rc"] == 5
    assert "systemd" in refused.result["msg"]
    unknown = module("confirm", transaction="-x")
    assert (unknown.result["rc"], unknown.result["changed"]) == (3, False)


def test_a_lock_that_another_holds_is_busy(module: Module, tmp_path: Path) -> None:
    assert module("subsystem", nqn="nqn.2026-11.org.example:first").result["changed"]
    (lock,) = (tmp_path / "p2pctl/demo/run").glob("lock*")
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        busy = module("subsystem", nqn="nqn.2026-11.org.example:second", lock_timeout=0)
    assert (busy.result["rc"], busy.result["error"]["name"]) == (6, "busy")


def test_a_recording_can_be_planned_and_not_changed(module: Module, tmp_path: Path) -> None:
    (tmp_path / "sys/kernel/config/nvmet/subsystems").mkdir(parents=True)
    (tmp_path / "sys/kernel/config/nvmet/hosts").mkdir()
    (tmp_path / "sys/kernel/config/nvmet/ports").mkdir()
    (tmp_path / "proc").mkdir()
    source = {"demo": None, "sysroot": str(tmp_path), "nqn": POOL}
    assert module("subsystem", check=True, **source).result["state"] == "planned"
    assert module("subsystem", **source).result["rc"] == 2


def test_a_program_that_is_not_there(module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = module("host", executable=str(tmp_path / "p2pctl"), nqn=HOST)
    assert missing.failed
    assert "p2pctl is not on this host" in missing.result["msg"]
    assert "p2pctl.p2pctl.target" in missing.result["error"]["hint"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "there is no program p2pctl-none" in module("host", executable="p2pctl-none", nqn=HOST).result["msg"]


@pytest.mark.parametrize(
    ("version", "answer", "code", "told"),
    [
        ("p2pctl 0.0.9", "", 0, "is older than this collection, which needs 0.1"),
        ("hello", "", 0, "is not p2pctl: asked for its version, it ended with status 0 and said 'hello'"),
        ("p2pctl 0.1.0", "", 0, "said nothing that can be read"),
        ("p2pctl 0.1.0", "no JSON at all", 0, "its answer is no JSON: 'no JSON at all'"),
        ("p2pctl 0.1.0", '{"schema": "p2pctl.change/1", "items": [', 0, "is no JSON"),
        ("p2pctl 0.1.0", "[1]", 0, "in a form that this collection does not know"),
        ("p2pctl 9.0.0", '{"schema": "p2pctl.change/9", "items": []}', 0, "p2pctl 9.0.0 answers in a form"),
        ("p2pctl 0.1.0", "", 139, "ended with status 139"),
        ("p2pctl 0.1.0", json.dumps(CHANGE), 7, "ended with status 7"),
    ],
)
def test_an_answer_that_is_none(  # noqa: PLR0917  a row of the table above
    version: str, answer: str, code: int, told: str, module: Module, tmp_path: Path
) -> None:
    """Each is a failure that says what was heard, and none a traceback."""
    (tmp_path / "answer").write_text(answer)
    program = tmp_path / "other"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && {{ echo "{version}"; exit 0; }}\ncat {tmp_path}/answer\nexit {code}\n'
    )
    program.chmod(0o755)
    heard = module("host", executable=str(program), nqn=HOST)
    assert heard.failed
    assert told in heard.result["msg"]
    assert "Traceback" not in heard.text


def test_a_long_document_that_is_not_read_does_not_hide_why(module: Module, tmp_path: Path) -> None:
    """More than a pipe holds, of which p2pctl refuses to read anything."""
    (tmp_path / "sys").mkdir()
    (tmp_path / "proc").mkdir()
    hosts: dict[str, object] = {f"nqn.2026-11.org.example:{number}": {} for number in range(5000)}
    refused = module("document", demo=None, sysroot=str(tmp_path), document={"hosts": hosts})
    assert refused.result["rc"] == 2
    assert "a change is asked of a recording" in refused.result["msg"]


def test_keys_are_nowhere(module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in results, nor in the log, nor among the words of the command, wherever they were given."""
    logged: list[str] = []
    monkeypatch.setattr("syslog.syslog", lambda _priority, text: logged.append(text))
    program = tmp_path / "watched"
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/words\nexec {PROGRAM} "$@"\n')
    program.chmod(0o755)
    for options in (
        {"document": {"hosts": {HOST: {"dhchap_key": KEY}}}},
        {"secrets": {HOST: {"dhchap_key": KEY}}},
        {"secrets": {HOST: {"dhchap_key": KEY, "nonsense": KEY}}},
        {"document": {"hosts": {HOST: {"dhchap_key": KEY[:-2]}}}},
        {"document": json.dumps({"hosts": {HOST: {"dhchap_key": KEY}}})},
        {"document": {"hosts": {HOST: {"dhchap_key": KEY}}}, "path": "/none"},
        {"document": json.dumps({"hosts": {HOST: {"dhchap_key": KEY}}}), "path": "/none"},
    ):
        ended = module("document", diff=True, executable=str(program), **options)
        assert KEY[:-2] not in ended.text
    assert KEY not in module("host", diff=True, executable=str(program), nqn=HOST, dhchap_key=KEY).text
    words = (tmp_path / "words").read_text()
    assert "apply" in words
    assert "cDJw" not in words
    assert logged
    assert "cDJw" not in "".join(logged)
    assert target(door(tmp_path)).hosts[HOST].attributes["dhchap_key"] == KEY


def test_names_of_any_bytes_come_back_in_utf_8(module: Module, tmp_path: Path) -> None:
    """What others put into configfs may be no text at all; Ansible takes UTF-8 alone."""
    strange = "nqn.2026-11.org.example:\x1b]0;x\x07 \u202e[red]"
    files = door(tmp_path).files
    files.mkdir("/sys/kernel/config/nvmet/subsystems/nqn.\udcff.\u00e9")
    files.mkdir(f"/sys/kernel/config/nvmet/subsystems/{strange}")
    planned = module("document", check=True, document={}, prune="all", disruption="all", diff=True)
    assert not planned.failed, planned
    told = {one["object"] for one in planned.result["objects"]}
    assert {"subsystem nqn.\\xff.\u00e9", f"subsystem {strange}"} <= told
    planned.text.encode()
    assert "\x1b" not in planned.text
    assert module("subsystem", nqn=strange, state="absent").result["changed"] is True
    assert strange not in target(door(tmp_path)).subsystems


def test_a_change_that_waits_is_told_with_its_end_and_can_be_kept(module: Module, tmp_path: Path) -> None:
    """p2pctl's own answers, but for what only systemd makes possible: that the change waits."""
    nqn = "nqn.2026-11.org.example:waits"
    program = tmp_path / "waiting"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >>{tmp_path}/words\n'
        'case "$*" in\n'
        "*--dry-run*) ;;\n"
        '*" confirm "*) echo \'{"schema": "p2pctl.change/1", "items": [{"changed": false, "dry_run": false, '
        '"state": "confirmed", "objects": [], "transaction": "x", "until": null}]}\'; exit ;;\n'
        '*" --confirm-within=60 "*) shift; set -- --demo apply - --yes -o json ;;\n'
        "esac\n"
        f'{PROGRAM} "$@" | sed \'s/"state": "applied"/"state": "waiting"/; s/"until": null/"until": "soon"/\'\n'
    )
    program.chmod(0o755)
    made = module("document", executable=str(program), document={"subsystems": {nqn: {}}}, confirm_within=60).result
    assert (made["changed"], made["state"], made["until"]) == (True, "waiting", "soon")
    kept = module("confirm", executable=str(program), transaction=made["transaction"]).result
    assert (kept["changed"], kept["state"]) == (False, "confirmed")
    words = (tmp_path / "words").read_text().splitlines()
    assert words[-1] == f"--demo confirm --lock-timeout=30.0 -o json -- {made['transaction']}"
    assert module("confirm", check=True, executable=str(program), transaction="x").result["skipped"] is True
