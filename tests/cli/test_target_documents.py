"""Documents on the command line: validate, diff, apply, clear, and what an interrupted apply leaves behind."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from p2pctl.hardware.rdma import read_rdma
from p2pctl.hardware.reading import Reader
from p2pctl.model.rdma import Rdma
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.state import KeptFiles
from tests.cli.changing import ARCHIVE, HOST, KEY, POOL, door, error, items, only, target
from tests.cli.conftest import Run

NEW = "nqn.2026-11.org.example:new"

DOCUMENT: dict[str, Any] = {
    "version": 1,
    "hosts": {"nqn.2026-11.org.example:host": {"dhchap_hash": "hmac(sha384)"}},
    "subsystems": {
        NEW: {
            "serial": "P2P0009",
            "allowed_hosts": ["nqn.2026-11.org.example:host"],
            "namespaces": {3: {"device": "/srv/images/rescue.img", "buffered_io": True}},
        },
        POOL: {"cntlid_min": 3},
    },
    "ports": {8: {"trtype": "tcp", "adrfam": "ipv4", "traddr": "192.0.2.10", "trsvcid": 4440, "subsystems": [NEW]}},
}

Write = Callable[[Any], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a document and gives the file's name."""

    def write_it(document: Any) -> str:
        file = tmp_path / "target.yaml"
        file.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
        return str(file)

    return write_it


def test_apply_does_it_once(run: Run, write: Write, tmp_path: Path) -> None:
    """What diff shows before; afterwards there is no difference and nothing to do."""
    file = write(DOCUMENT)
    shown = {(item["change"], item["object"]) for item in items(run("--demo", "diff", file, "-o", "json"))}
    assert shown == {
        ("created", "host nqn.2026-11.org.example:host"),
        ("created", f"subsystem {NEW}"),
        ("created", f"namespace 3 of {NEW}"),
        ("changed", f"subsystem {POOL}"),
        ("created", "port 8"),
    }
    outcome = run("--demo", "apply", file)
    assert outcome.code == 0, outcome.err
    assert len(outcome.out.splitlines()) == len(shown)
    done = target(door(tmp_path))
    assert done.ports["8"].subsystems == (NEW,)
    assert done.subsystems[POOL].attributes["attr_cntlid_min"] == "3"
    assert items(run("--demo", "diff", file, "-o", "json")) == []
    assert run("--demo", "diff", file).out == "No difference.\n"
    assert run("--demo", "apply", file).out == "nothing to do\n"
    assert target(door(tmp_path)) == done


def test_the_lines_of_a_diff(run: Run, write: Write) -> None:
    document = {
        "version": 1,
        "hosts": {HOST: {"state": "absent"}},
        "subsystems": {ARCHIVE: {"cntlid_max": 100}, NEW: {"model": "New"}},
    }
    assert run("--demo", "diff", write(document)).out.splitlines() == [
        f"- host {HOST}",
        f"~ subsystem {ARCHIVE}",
        "    cntlid_max 65519 -> 100",
        f"~ subsystem {POOL}",
        f"    allowed_hosts -{HOST}",
        f"+ subsystem {NEW}",
        "    model=New",
    ]


def test_a_difference_is_no_failure_unless_asked(run: Run, write: Write) -> None:
    """With --exit-code it is 8; without a difference 0 all the same."""
    assert run("--demo", "diff", write(DOCUMENT)).code == 0
    assert run("--demo", "diff", write(DOCUMENT), "--exit-code").code == 8
    assert run("--demo", "diff", write({"version": 1}), "--exit-code").code == 0


def test_a_document_from_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be asked."""

    class Stdin(io.StringIO):
        buffer = io.BytesIO(json.dumps(DOCUMENT).encode())

    monkeypatch.setattr("sys.stdin", Stdin())
    assert only(run("--demo", "apply", "-", "-o", "json"))["changed"] is True


def test_every_fault_of_a_document(run: Run, write: Write) -> None:
    """With file, line and column, to people and to machines, from every command that takes one."""
    file = write(f"version: 1\nhostz: {{}}\nsubsystems:\n  {POOL}:\n    serail: 3\n")
    for argv in (["validate"], ["validate", "--offline"], ["diff"], ["apply"], ["apply", "--dry-run"]):
        outcome = run("--demo", *argv, file)
        assert (outcome.code, outcome.out) == (2, "")
        assert f"{file}:2:1: " in outcome.err
        assert f"{file}:5:5: " in outcome.err
    problems = error(run("--demo", "validate", file, "-o", "json"))["problems"]
    assert [(one["line"], one["column"], one["file"]) for one in problems] == [(2, 1, file), (5, 5, file)]
    assert error(run("--demo", "validate", "/nonexistent", "-o", "json"))["code"] == 3


def test_a_good_document(run: Run, write: Write) -> None:
    """Says what it is about; offline, files with keys need not exist."""
    item = only(run("--demo", "validate", write(DOCUMENT), "-o", "json"))
    assert (item["valid"], item["subsystems"], item["namespaces"], item["ports"]) == (True, 2, 1, 1)
    keyed = write({"version": 1, "hosts": {HOST: {"dhchap_key": {"file": "/nonexistent/key"}}}})
    assert run("--demo", "validate", "--offline", keyed).code == 0
    assert run("--demo", "validate", keyed).code == 2


def test_a_key_beside_the_document(run: Run, write: Write, tmp_path: Path) -> None:
    """A relative file lies where the document does, and what is in it is never shown."""
    key = tmp_path / "db1.key"
    key.write_text(KEY)
    key.chmod(0o600)
    file = write({"version": 1, "hosts": {HOST: {"dhchap_key": {"file": "db1.key"}}}})
    for argv in (["diff", file], ["apply", file, "--dry-run"], ["apply", file, "-o", "json"]):
        outcome = run("--demo", *argv)
        assert outcome.code == 0, outcome.err
        assert KEY not in outcome.out + outcome.err
    assert target(door(tmp_path)).hosts[HOST].attributes["dhchap_key"] == KEY


def test_prune(run: Run, write: Write, tmp_path: Path) -> None:
    """Off by default; owned is what p2pctl itself has made; all is the rest, too."""
    assert run("--demo", "host", "create", "nqn.2026-11.org.example:mine").code == 0
    file = write({"version": 1, "subsystems": {POOL: {}}})
    assert items(run("--demo", "diff", file, "-o", "json")) == []
    owned = items(run("--demo", "diff", file, "--prune", "owned", "-o", "json"))
    assert [(one["change"], one["object"]) for one in owned] == [("deleted", "host nqn.2026-11.org.example:mine")]
    assert run("--demo", "apply", file, "--prune", "owned").code == 2
    assert run("--demo", "apply", file, "--prune", "owned", "--yes").code == 0
    left = target(door(tmp_path))
    assert (set(left.subsystems), len(left.hosts)) == ({POOL, ARCHIVE}, 2)
    outcome = run("--demo", "apply", file, "--prune", "all", "--yes")
    assert outcome.code == 8
    assert run("--demo", "apply", file, "--prune", "all", "--yes", "--disruption", "all").code == 0
    left = target(door(tmp_path))
    assert (set(left.subsystems), left.ports) == ({POOL}, {})


def test_clear(run: Run, tmp_path: Path) -> None:
    """Only what is owned, or everything."""
    assert run("--demo", "host", "create", "nqn.2026-11.org.example:mine").code == 0
    assert run("--demo", "clear", "--owned", "--yes").out == "deleted host nqn.2026-11.org.example:mine\n"
    assert run("--demo", "clear", "--owned").out == "nothing to do\n"
    assert run("--demo", "clear").code == 2
    assert run("--demo", "clear", "--yes").code == 0
    left = target(door(tmp_path))
    assert (left.hosts, left.subsystems, left.ports) == ({}, {}, {})
    assert run("--demo", "clear", "--yes").out == "nothing to do\n"


class KilledError(BaseException):
    """What no code survives."""


def _kill_at(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """The process dies when this is made."""
    really = KeptFiles.mkdir

    def mkdir(self: KeptFiles, place: str) -> None:
        if place.endswith(path):
            raise KilledError
        really(self, place)

    monkeypatch.setattr(KeptFiles, "mkdir", mkdir)


@pytest.mark.parametrize("way", ["--rollback", "--resume"])
def test_a_killed_apply_is_recovered(
    run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Until then no change begins (exit 10); it is undone whole, or finished."""
    untouched = target(DemoDoor())
    with monkeypatch.context() as dying:
        _kill_at(dying, "/ports/8")
        with pytest.raises(KilledError):
            run("--demo", "apply", write(DOCUMENT))
    assert NEW in target(door(tmp_path)).subsystems
    refused = error(run("--demo", "host", "create", "nqn.2026-11.org.example:b", "-o", "json"))
    assert refused["code"] == 10
    assert "--rollback" in refused["hint"]
    assert "is to be undone" in run("--demo", "recover").err
    item = only(run("--demo", "recover", way, "-o", "json"))
    now = target(door(tmp_path))
    if way == "--rollback":
        assert now == untouched
        assert item["state"] == "rolled-back"
    else:
        assert now.ports["8"].subsystems == (NEW,)
        assert item["state"] == "applied"
        assert run("--demo", "apply", write(DOCUMENT)).out == "nothing to do\n"
    assert run("--demo", "recover", way).out == "nothing to do\n"
    assert run("--demo", "host", "create", "nqn.2026-11.org.example:b").code == 0


def test_recover_is_told_how(run: Run) -> None:
    assert run("--demo", "recover", "--rollback", "--resume").code == 2
    as_the_timer_does = ["--rollback", "--yes", "--lock-timeout", "300", "no-such-change"]
    assert run("--demo", "recover", *as_the_timer_does).code == 3
    assert run("--demo", "confirm", "no-such-change").code == 3


def test_a_failing_apply_is_undone(run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is true: which step, with its errno, and that everything is as before."""
    really = KeptFiles.mkdir

    def mkdir(self: KeptFiles, place: str) -> None:
        if place.endswith("/ports/8"):
            raise OSError(12, "Cannot allocate memory", place)
        really(self, place)

    monkeypatch.setattr(KeptFiles, "mkdir", mkdir)
    outcome = run("--demo", "apply", write(DOCUMENT), "-o", "json")
    assert outcome.code == 1
    (item,) = json.loads(outcome.out)["items"]
    assert (item["changed"], item["rolled_back"], item["state"]) == (False, True, "rolled-back")
    (failed,) = [step for step in item["steps"] if step["status"] == "failed"]
    assert (failed["errno"], failed["path"]) == (12, "/sys/kernel/config/nvmet/ports/8")
    assert item["error"]["errno"] == 12
    assert error(outcome)["message"] == item["error"]["message"]
    assert target(door(tmp_path)) == target(DemoDoor())
    said = run("--demo", "apply", write(DOCUMENT))
    assert (said.code, said.out) == (1, "")
    assert "failed: mkdir /sys/kernel/config/nvmet/ports/8" in said.err


def test_a_demo_has_no_timer(run: Run, write: Write, tmp_path: Path) -> None:
    """--confirm-within is refused before the first write where nothing could undo the change."""
    assert run("--demo", "apply", write(DOCUMENT), "--confirm-within", "60").code == 5
    assert target(door(tmp_path)) == target(DemoDoor())


def test_waiting_ends(run: Run, write: Write) -> None:
    """A device that does not appear in time is refused like any other."""
    document = {
        "version": 1,
        "subsystems": {NEW: {"namespaces": {1: {"device": "/dev/disk/by-id/not-yet", "enable": True}}}},
    }
    outcome = run("--demo", "apply", write(document), "--wait", "0.05")
    assert outcome.code == 8
    assert "waiting for " in outcome.err


LATE = {"device": "/dev/nvme77n1", "enable": True}


@pytest.mark.parametrize(
    ("namespace", "awaited"),
    [
        ({**LATE, "p2pmem": "auto"}, "/dev/nvme77n1 does not exist"),
        ({**LATE, "device": "/dev/nvme6n1", "p2pmem": "0000:77:00.0"}, "there is no PCI function 0000:77:00.0"),
    ],
)
@pytest.mark.parametrize("expected", ["required", "preferred"])
def test_what_follows_from_a_late_drive_is_waited_for_with_it(
    run: Run, write: Write, namespace: dict[str, Any], awaited: str, expected: str
) -> None:
    """Whether P2P works without the drive says nothing yet of how it will be with it."""
    port = {"trtype": "rdma", "adrfam": "ipv4", "traddr": "192.0.2.10", "trsvcid": 4477, "p2p": expected}
    document = {
        "version": 1,
        "subsystems": {NEW: {"namespaces": {1: namespace}}},
        "ports": {77: {**port, "subsystems": [NEW]}},
    }
    outcome = run("--demo", "apply", write(document), "--wait", "0.05")
    assert outcome.code == 8
    assert f"waiting for namespace 1 of {NEW}: " in outcome.err
    assert awaited in outcome.err.splitlines()[0]


def test_what_no_drive_can_change_is_not_waited_for(run: Run, write: Write) -> None:
    document = {
        "version": 1,
        "subsystems": {NEW: {"namespaces": {1: {**LATE, "p2pmem": "auto"}, 2: {"enable": True}}}},
    }
    outcome = run("--demo", "apply", write(document), "--wait", "60")
    assert outcome.code == 8
    assert "waiting for " not in outcome.err


def _rdma(address: str, **more: Any) -> dict[str, Any]:
    port = {"trtype": "rdma", "adrfam": "ipv4", "traddr": address, "trsvcid": 4477, "subsystems": [POOL], **more}
    return {"version": 1, "ports": {77: port}}


def _late_rdma(monkeypatch: pytest.MonkeyPatch, reads: float) -> None:
    """The host's RDMA devices are not there for so many looks."""
    looks = 0

    def read(reader: Reader, now: float) -> Rdma:
        nonlocal looks
        looks += 1
        return read_rdma(reader, now) if looks > reads else Rdma(now, {}, {})

    monkeypatch.setattr("p2pctl.hardware.rdma.read_rdma", read)
    monkeypatch.setattr("p2pctl.cli.proposing._PAUSE", 0.01)


@pytest.mark.parametrize("more", [{}, {"p2p": "required"}])
def test_an_address_that_no_rdma_device_has_yet_is_waited_for(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    """The host has it: as at boot, when the interface is up before its RDMA device is made."""
    _late_rdma(monkeypatch, float("inf"))
    file = write(_rdma("192.0.2.11", **more))
    outcome = run("--demo", "apply", file, "--wait", "0.05")
    assert outcome.code == 8
    assert "waiting for port 77: no RDMA device has the address 192.0.2.11 (yet)" in outcome.err.splitlines()[0]
    refused = error(run("--demo", "apply", file, "-o", "json"))
    assert refused["problems"][0]["code"] == "rdma-device-missing"
    assert "--wait" in refused["problems"][0]["hint"]


@pytest.mark.parametrize("more", [{}, {"p2p": "preferred"}])
def test_the_wait_ends_when_the_rdma_device_is_there(
    run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    """And what was asked for is done."""
    _late_rdma(monkeypatch, 5)
    outcome = run("--demo", "apply", write(_rdma("192.0.2.11", **more)), "--wait", "60")
    assert outcome.code == 0, outcome.err
    assert "waiting for port 77: no RDMA device has the address 192.0.2.11" in outcome.err
    assert target(door(tmp_path)).ports["77"].subsystems == (POOL,)


def test_a_loopback_address_is_refused_for_rdma_and_not_waited_for(run: Run, write: Write) -> None:
    """The kernel would open the port to every device."""
    outcome = run("--demo", "apply", write(_rdma("127.0.0.1")), "--wait", "60")
    assert outcome.code == 8
    assert "waiting for " not in outcome.err
    assert "every address of every device" in outcome.err
    assert "p2pctl device list" in outcome.err


def test_diff_looks_at_recordings(run: Run, write: Write, tmp_path: Path) -> None:
    """What is owned is known of this host only."""
    recording = tmp_path / "host.tar.gz"
    assert run("--demo", "capture", str(recording)).code == 0
    file = write({"version": 1, "subsystems": {ARCHIVE: {"cntlid_max": 100}}})
    assert run("--capture", str(recording), "diff", file, "--exit-code").code == 8
    assert run("--capture", str(recording), "diff", file, "--prune", "owned").code == 2
    same = write({"version": 1, "subsystems": {ARCHIVE: {"cntlid_max": 65519}}})
    assert run("--capture", str(recording), "diff", same, "--exit-code").code == 0
    keyed = write({"version": 1, "hosts": {HOST: {"dhchap_key": {"redacted": True}}}})
    outcome = run("--capture", str(recording), "diff", keyed, "--exit-code")
    assert (outcome.code, outcome.out) == (9, "No difference.\n")
    assert f"hosts/{HOST}/dhchap_key could not be read" in outcome.err


def test_an_export_changes_nothing(run: Run, tmp_path: Path) -> None:
    """YAML, JSON and nvmetcli's format: applied to the same target, none asks for a write."""
    for argv in ([], ["-o", "json"], ["--nvmetcli"]):
        outcome = run("--demo", "export", *argv)
        assert outcome.code == 0
        file = tmp_path / "exported"
        file.write_text(outcome.out)
        assert run("--demo", "apply", str(file)).out == "nothing to do\n", argv
    assert yaml.safe_load(run("--demo", "export").out)["version"] == 1
    assert run("--demo", "export", "-o", "csv").code == 2
    assert run("--demo", "export", "--nvmetcli", "-o", "yaml").code == 2


def test_an_export_rebuilds_the_target(run: Run, tmp_path: Path) -> None:
    """All of it, serial numbers and uuids included."""
    file = tmp_path / "exported.yaml"
    file.write_text(run("--demo", "export").out)
    before = target(door(tmp_path))
    assert run("--demo", "clear", "--yes").code == 0
    outcome = run("--demo", "apply", str(file))
    assert outcome.code == 0, outcome.err
    assert target(door(tmp_path)) == before


def test_keys_are_exported_on_request_only(run: Run, tmp_path: Path) -> None:
    """What takes their place keeps them when it is applied."""
    key = tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    assert run("--demo", "host", "set", HOST, "--key-file", str(key)).code == 0
    hidden = run("--demo", "export").out
    assert KEY not in hidden
    assert KEY in run("--demo", "export", "--show-secrets").out
    file = tmp_path / "exported.yaml"
    file.write_text(hidden)
    assert run("--demo", "apply", str(file)).out == "nothing to do\n"
    assert target(door(tmp_path)).hosts[HOST].attributes["dhchap_key"] == KEY


def test_the_schema(run: Run) -> None:
    """Printed alone."""
    assert json.loads(run("validate", "--schema").out)["$schema"].startswith("https://json-schema.org/")
    assert run("validate", "--schema", "file").code == 2
    assert run("validate").code == 2
