"""Commands that change the target: each verb with its effect, read back by another process's eyes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from p2pctl.cli import agreeing
from tests.cli.changing import ARCHIVE, HOST, KEY, POOL, door, error, items, only, target
from tests.cli.conftest import Run

NEW = "nqn.2026-11.org.example:new"


def test_every_verb_of_a_subsystem(run: Run, tmp_path: Path) -> None:
    """Create, set, allow, disallow, delete; a host that is allowed is made."""
    assert run("--demo", "subsystem", "create", NEW, "serial=P2P0002", "--model", "New pool").code == 0
    made = target(door(tmp_path)).subsystems[NEW]
    assert made.attributes["attr_serial"].rstrip() == "P2P0002"  # type: ignore[union-attr]
    assert made.attributes["attr_model"].rstrip() == "New pool"  # type: ignore[union-attr]
    assert run("--demo", "subsystem", "set", NEW, "cntlid_min=5", "attr_cntlid_max=9").code == 0
    assert target(door(tmp_path)).subsystems[NEW].attributes["attr_cntlid_max"] == "9"
    assert run("--demo", "subsystem", "allow", NEW, "nqn.2026-11.org.example:host").code == 0
    assert target(door(tmp_path)).subsystems[NEW].allowed_hosts == ("nqn.2026-11.org.example:host",)
    assert run("--demo", "subsystem", "disallow", NEW, "nqn.2026-11.org.example:host").code == 0
    left = target(door(tmp_path))
    assert left.subsystems[NEW].allowed_hosts == ()
    assert "nqn.2026-11.org.example:host" in left.hosts
    assert run("--demo", "subsystem", "delete", NEW, "--yes").out == f"deleted subsystem {NEW}\n"
    assert NEW not in target(door(tmp_path)).subsystems


def test_every_verb_of_a_namespace(run: Run, tmp_path: Path) -> None:
    """Without a number it takes the next free one."""
    assert run("--demo", "subsystem", "create", NEW).code == 0
    assert run("--demo", "namespace", "create", NEW, "--device", "/dev/nvme6n1", "--enable").code == 0
    assert run("--demo", "namespace", "create", NEW, "3", "device=/dev/nvme10n1", "buffered_io=true").code == 0
    assert run("--demo", "namespace", "create", NEW).code == 0
    spaces = target(door(tmp_path)).subsystems[NEW].namespaces
    assert list(spaces) == [1, 2, 3]
    assert spaces[1].attributes["enable"] == "1"
    assert spaces[3].attributes["buffered_io"] == "1"
    assert run("--demo", "namespace", "set", NEW, "2", "ana_grpid=3").code == 0
    assert run("--demo", "namespace", "enable", NEW, "3").code == 0
    assert run("--demo", "namespace", "revalidate", NEW, "3").code == 0
    assert run("--demo", "namespace", "disable", NEW, "1").code == 0
    spaces = target(door(tmp_path)).subsystems[NEW].namespaces
    assert [spaces[nsid].attributes["enable"] for nsid in spaces] == ["0", "0", "1"]
    assert spaces[2].attributes["ana_grpid"] == "3"
    assert run("--demo", "namespace", "delete", NEW, "2", "--yes").code == 0
    assert list(target(door(tmp_path)).subsystems[NEW].namespaces) == [1, 3]


def test_every_verb_of_a_port(run: Run, tmp_path: Path) -> None:
    """The address family is that of the address."""
    argv = ["trtype=tcp", "traddr=192.0.2.10", "trsvcid=4430", "--link", ARCHIVE]
    assert run("--demo", "port", "create", "7", *argv).code == 0
    made = target(door(tmp_path)).ports["7"]
    assert made.attributes["addr_adrfam"] == "ipv4"
    assert made.subsystems == (ARCHIVE,)
    assert run("--demo", "port", "link", "7", POOL).code == 0
    assert run("--demo", "port", "unlink", "7", ARCHIVE).code == 0
    assert target(door(tmp_path)).ports["7"].subsystems == (POOL,)
    assert run("--demo", "port", "ana", "7", "3", "optimized").code == 0
    assert target(door(tmp_path)).ports["7"].ana_groups[3].attributes["ana_state"] == "optimized"
    assert run("--demo", "port", "ana", "7", "3", "absent", "--yes", "--disruption", "namespace").code == 0
    assert list(target(door(tmp_path)).ports["7"].ana_groups) == [1]
    assert run("--demo", "port", "set", "7", "trsvcid=4431").code == 8
    assert run("--demo", "port", "set", "7", "trsvcid=4431", "--disruption", "port").code == 0
    changed = target(door(tmp_path)).ports["7"]
    assert (changed.attributes["addr_trsvcid"], changed.subsystems) == ("4431", (POOL,))
    assert run("--demo", "port", "delete", "7", "--cascade", "--yes").code == 0
    assert "7" not in target(door(tmp_path)).ports


def test_every_verb_of_a_host(run: Run, tmp_path: Path) -> None:
    """Keys come from files, can be taken away, and are never shown."""
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    file.chmod(0o600)
    nqn = "nqn.2026-11.org.example:host"
    outcome = run("--demo", "host", "create", nqn, "--key-file", str(file), "dhchap_hash=hmac(sha384)", "-o", "json")
    assert KEY not in outcome.out + outcome.err
    assert only(outcome)["changed"] is True
    host = door(tmp_path)
    made = target(host).hosts[nqn]
    assert (made.attributes["dhchap_key"], made.attributes["dhchap_hash"]) == (KEY, "hmac(sha384)")
    assert host.files.stat(f"/sys/kernel/config/nvmet/hosts/{nqn}/dhchap_key").mode == 0o600
    assert run("--demo", "host", "set", nqn, "dhchap_key=").out == f"changed host {nqn}: dhchap_key set -> unset\n"
    assert target(door(tmp_path)).hosts[nqn].attributes["dhchap_key"] == ""
    assert run("--demo", "host", "delete", nqn, "--yes").code == 0
    assert nqn not in target(door(tmp_path)).hosts


def test_every_verb_of_a_referral(run: Run, tmp_path: Path) -> None:
    argv = ["trtype=tcp", "traddr=192.0.2.11", "trsvcid=4420"]
    assert run("--demo", "referral", "create", "1", "peer", *argv).code == 0
    assert run("--demo", "referral", "enable", "1", "peer").code == 0
    assert run("--demo", "referral", "set", "1", "peer", "traddr=192.0.2.12", "portid=4").code == 0
    made = target(door(tmp_path)).ports["1"].referrals["peer"].attributes
    assert (made["enable"], made["addr_traddr"], made["addr_portid"]) == ("1", "192.0.2.12", "4")
    assert run("--demo", "referral", "disable", "1", "peer").code == 0
    assert target(door(tmp_path)).ports["1"].referrals["peer"].attributes["enable"] == "0"
    assert run("--demo", "referral", "delete", "1", "peer", "--yes").code == 0
    assert not target(door(tmp_path)).ports["1"].referrals


def test_the_root_and_passthru(run: Run, tmp_path: Path) -> None:
    nqn = "nqn.2026-11.org.example:discovery"
    assert run("--demo", "target", "set", f"discovery_nqn={nqn}").code == 0
    assert target(door(tmp_path)).attributes["discovery_nqn"] == nqn
    assert run("--demo", "subsystem", "create", NEW).code == 0
    assert run("--demo", "subsystem", "passthru", NEW, "--device", "/dev/nvme6", "--enable").code == 0
    assert target(door(tmp_path)).subsystems[NEW].passthru["enable"] == "1"
    assert run("--demo", "subsystem", "passthru", NEW, "enable=0").code == 0
    assert target(door(tmp_path)).subsystems[NEW].passthru["enable"] == "0"


AGAIN = [
    ["subsystem", "create", NEW, "model=Again", "--or-update"],
    ["subsystem", "set", POOL, "model=Example pool"],
    ["subsystem", "allow", POOL, HOST],
    ["subsystem", "disallow", ARCHIVE, HOST],
    ["subsystem", "delete", "nqn.nobody", "--if-exists"],
    ["namespace", "set", POOL, "4", "p2pmem=auto"],
    ["namespace", "disable", POOL, "4"],
    ["namespace", "delete", POOL, "99", "--if-exists"],
    ["namespace", "delete", "nqn.nobody", "1", "--if-exists"],
    ["port", "link", "1", POOL],
    ["port", "unlink", "1", ARCHIVE],
    ["port", "ana", "1", "2", "non-optimized"],
    ["port", "create", "6", "trtype=loop", "--or-update"],
    ["port", "delete", "77", "--if-exists"],
    ["host", "create", "nqn.2026-11.org.example:h", "--or-update"],
    ["host", "delete", "nqn.nobody", "--if-exists"],
    ["referral", "create", "2", "r", "trtype=tcp", "--or-update"],
    ["referral", "delete", "2", "nobody", "--if-exists"],
    ["referral", "delete", "66", "nobody", "--if-exists"],
    ["target", "set", "discovery_nqn=nqn.2014-08.org.nvmexpress.discovery"],
]


@pytest.mark.parametrize("argv", AGAIN, ids=lambda argv: " ".join(argv[:2]))
def test_the_second_time_there_is_nothing_to_do(run: Run, argv: list[str]) -> None:
    """And that is a success that says so, to people and to machines."""
    assert run("--demo", *argv).code == 0
    again = run("--demo", *argv)
    assert (again.code, again.out) == (0, "nothing to do\n")
    item = only(run("--demo", *argv, "-o", "json"))
    assert (item["changed"], item["steps"], item["state"]) == (False, [], "nothing")


def test_what_exists_is_not_created_again(run: Run) -> None:
    """Exit 2, and an errno by which a script knows it from other wrong uses; --or-update changes it."""
    failed = error(run("--demo", "subsystem", "create", POOL, "model=x", "-o", "json"))
    assert (failed["code"], failed["errno"]) == (2, 17)
    for argv in (["namespace", "create", POOL, "1"], ["port", "create", "1"], ["host", "create", HOST]):
        outcome = run("--demo", *argv)
        assert outcome.code == 2
        assert "exists already\nhint: --or-update changes it" in outcome.err
    done = only(run("--demo", "subsystem", "create", POOL, "cntlid_min=2", "--or-update", "-o", "json"))
    assert done["objects"] == [
        {
            "object": f"subsystem {POOL}",
            "kind": "subsystem",
            "change": "changed",
            "attributes": [{"key": "cntlid_min", "before": 1, "after": 2}],
        }
    ]


def test_what_is_in_use_says_what_holds_it(run: Run) -> None:
    """Exit 6, every holder for machines; --cascade deletes in the right order."""
    failed = error(run("--demo", "subsystem", "delete", POOL, "-o", "json"))
    assert failed["code"] == 6
    assert {"object": f"subsystem {POOL}", "text": "port 1 exports it"} in failed["held_by"]
    assert len(failed["held_by"]) == 1 + 5 + 2
    assert run("--demo", "host", "delete", HOST).code == 6
    assert run("--demo", "port", "delete", "1").code == 6
    item = only(run("--demo", "subsystem", "delete", POOL, "--cascade", "--yes", "-o", "json"))
    assert [step["operation"] for step in item["steps"]] == ["unlink"] * 3 + ["rmdir"] * 6
    assert {step["status"] for step in item["steps"]} == {"done"}
    left = {nqn["nqn"] for nqn in items(run("--demo", "subsystem", "list", "-o", "json"))}
    assert left == {ARCHIVE}


def test_deleting_asks_at_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one it takes --yes; anything but yes is no."""
    outcome = run("--demo", "namespace", "delete", POOL, "5")
    assert outcome.code == 2
    assert "--yes" in outcome.err
    monkeypatch.setattr(agreeing, "is_terminal", lambda _stream: True)
    for answer, code in (("\n", 1), ("", 1), ("no\n", 1), ("maybe\n", 1), ("Y\n", 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(answer))
        outcome = run("--demo", "namespace", "delete", POOL, "5")
        assert outcome.code == code, answer
        assert f"delete namespace 5 of {POOL}? [y/N]" in outcome.err
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    outcome = run("--demo", "clear")
    assert outcome.code == 0
    assert "port 3" in outcome.err.partition("delete all of these? [y/N]")[0]


def test_what_hosts_would_notice_is_refused(run: Run, tmp_path: Path) -> None:
    """Before the first write, and allowed by name; a verb that names it needs no option."""
    before = target(door(tmp_path))
    failed = error(run("--demo", "namespace", "set", POOL, "5", "p2pmem=auto", "-o", "json"))
    assert failed["code"] == 8
    assert [one["code"] for one in failed["problems"]] == ["disruption"]
    assert target(door(tmp_path)) == before._replace(taken=0.0)
    assert run("--demo", "namespace", "set", POOL, "5", "p2pmem=auto", "--disruption", "namespace").code == 0
    assert run("--demo", "subsystem", "set", POOL, "qid_max=16").code == 8
    assert run("--demo", "subsystem", "set", POOL, "qid_max=16", "--disruption", "namespace").code == 8
    assert run("--demo", "subsystem", "set", POOL, "qid_max=16", "--disruption", "port").code == 0
    assert run("--demo", "namespace", "disable", POOL, "5").code == 0


def test_the_document_of_a_change(run: Run, tmp_path: Path) -> None:
    """An envelope like any other; what was, what is, and each step."""
    outcome = run("--demo", "namespace", "set", POOL, "4", "p2pmem=off", "-o", "json")
    document = json.loads(outcome.out)
    assert document["schema"] == "p2pctl.change/1"
    assert document["summary"] == {"changed": True, "objects": 1, "steps": 1}
    (item,) = document["items"]
    (step,) = item["steps"]
    path = f"/sys/kernel/config/nvmet/subsystems/{POOL}/namespaces/4/p2pmem"
    assert {key: step[key] for key in ("operation", "path", "before", "after", "disruption", "status", "errno")} == {
        "operation": "write",
        "path": path,
        "before": "1",
        "after": "0",
        "disruption": "none",
        "status": "done",
        "errno": None,
    }
    assert item["before"]["subsystems"][POOL]["namespaces"]["4"]["p2pmem"] == "auto"
    assert item["after"]["subsystems"][POOL]["namespaces"]["4"]["p2pmem"] == "off"
    assert list(item["before"]["subsystems"]) == [POOL]
    assert item["transaction"]
    assert (item["dry_run"], item["error"], item["rolled_back"]) == (False, None, False)
    assert target(door(tmp_path)).subsystems[POOL].namespaces[4].attributes["p2pmem"] == "0"


@pytest.mark.parametrize("form", ["jsonl", "yaml"])
def test_other_documents_of_a_change(run: Run, form: str) -> None:
    outcome = run("--demo", "namespace", "set", POOL, "4", "ana_grpid=2", "-o", form)
    assert outcome.code == 0
    assert "p2pctl.change/1" in outcome.out


def test_a_change_has_no_csv(run: Run, tmp_path: Path) -> None:
    """Which is said before anything is changed."""
    assert run("--demo", "namespace", "set", POOL, "4", "ana_grpid=2", "-o", "csv").code == 2
    assert target(door(tmp_path)).subsystems[POOL].namespaces[4].attributes["ana_grpid"] == "1"


def test_one_way_only(run: Run, tmp_path: Path) -> None:
    """A second change at the same time is told who has the turn."""
    import fcntl

    assert run("--demo", "host", "create", "nqn.2026-11.org.example:a").code == 0
    with (tmp_path / "p2pctl" / "demo" / "run" / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert run("--demo", "host", "create", "nqn.2026-11.org.example:b").code == 6
    assert run("--demo", "host", "create", "nqn.2026-11.org.example:b").code == 0


def test_a_recording_cannot_be_changed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "host.tar.gz"
    assert run("--demo", "capture", str(file)).code == 0
    for argv in (
        ["host", "create", "nqn.x"],
        ["subsystem", "delete", POOL, "--cascade", "--yes"],
        ["recover", "--rollback"],
        ["confirm", "x"],
    ):
        outcome = run("--capture", str(file), *argv)
        assert outcome.code == 2
        assert "recording" in outcome.err
    assert run("--sysroot", str(tmp_path), "host", "create", "nqn.x").code == 2


def test_a_right_that_ends_leaves_sessions(run: Run) -> None:
    """Which is said; --drop ends them, from a document, too, and once only."""
    kept = run("--demo", "subsystem", "disallow", POOL, HOST)
    assert f"{HOST} stays connected to {POOL}" in kept.err
    assert kept.out == f"changed subsystem {POOL}: allowed_hosts -{HOST}\n"
    ended = run("--demo", "subsystem", "disallow", POOL, HOST, "--drop")
    assert ended.out == f"ended controller 1 of {POOL}\n"
    assert HOST not in {item["host"] for item in items(run("--demo", "connection", "list", "-o", "json"))}
    assert run("--demo", "subsystem", "disallow", POOL, HOST, "--drop").out == "nothing to do\n"


def test_a_document_can_end_sessions(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "target.json"
    file.write_text(json.dumps({"version": 1, "subsystems": {POOL: {"allowed_hosts": []}}}))
    assert "stays connected" in run("--demo", "apply", str(file), "--dry-run").err
    item = only(run("--demo", "apply", str(file), "--drop", "-o", "json"))
    assert item["also"] == [f"ended controller 1 of {POOL}", f"ended controller 2 of {POOL}"]


def test_who_exports_a_subsystem_is_told_what_becomes_of_its_memory(run: Run) -> None:
    """The kernel falls back silently: so it is said before. What has no P2P memory is no line."""
    pool, archive = "nqn.2026-11.org.example:pool0", "nqn.2026-11.org.example:archive"
    linked = run("--demo", "port", "link", "2", pool)
    assert linked.code == 0
    assert "port 2 (tcp), namespaces 1, 2, 3" in linked.err
    assert "only RDMA transports can use P2P memory" in linked.err
    dry = run("--demo", "port", "link", "1", archive, "--dry-run")
    assert "ln -s" in dry.out
    assert "port 1 (rdma), namespace 2" in dry.err
    assert "namespace 1" not in dry.err, "it is off"
    assert run("--demo", "-q", "port", "link", "3", pool).err == ""


def test_a_program_is_told_what_becomes_of_exported_memory(run: Run) -> None:
    pool = "nqn.2026-11.org.example:pool0"
    for words in (("--dry-run",), ()):
        (item,) = json.loads(run("--demo", "port", "link", "2", pool, *words, "-o", "json").out)["items"]
        told = [(one["port"], one["transport"], one["nsid"], one["state"]) for one in item["outcomes"]]
        assert told == [("2", "tcp", nsid, "transport-cannot") for nsid in (1, 2, 3)]
        assert all("only RDMA" in one["text"] and one["subsystem"] == pool for one in item["outcomes"])
