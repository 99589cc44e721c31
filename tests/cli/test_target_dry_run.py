"""--dry-run: shell lines that do what the command would do, and nothing else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from p2pctl.cli import session
from p2pctl.model.nvmet import Nvmet
from p2pctl.simulator.door import DemoDoor
from p2pctl.simulator.nodes import Directory
from tests.cli.changing import ARCHIVE, HOST, KEY, POOL, door, only, target
from tests.cli.conftest import Run

UNSUPPORTED = 5
NEW = "nqn.2026-11.org.example:new pool's"
"""Names may hold what a shell would take apart."""

CASES = [
    ["subsystem", "create", NEW, "serial=A B'C", "--allow-any-host"],
    ["subsystem", "delete", POOL, "--cascade"],
    ["subsystem", "disallow", POOL, HOST],
    ["namespace", "create", POOL, "9", "--device", "/srv/images/a b.img"],
    ["namespace", "delete", POOL, "5"],
    ["namespace", "set", POOL, "4", "p2pmem=off", "ana_grpid=3"],
    ["namespace", "disable", ARCHIVE, "1"],
    ["port", "create", "7", "trtype=tcp", "traddr=192.0.2.10", "trsvcid=4430", "treq=required", "--link", ARCHIVE],
    ["port", "set", "2", "trsvcid=4432", "--disruption", "port"],
    ["port", "delete", "3", "--cascade"],
    ["port", "ana", "1", "5", "change"],
    ["host", "create", "nqn.2026-11.org.example:h", "dhchap_hash=hmac(sha512)"],
    ["host", "delete", HOST, "--cascade"],
    ["referral", "create", "1", "peer", "trtype=tcp", "traddr=192.0.2.11", "--enable"],
    ["target", "set", "discovery_nqn=nqn.2026-11.org.example:discovery"],
    ["clear"],
]


def shell(text: str) -> bytes:
    """What a POSIX shell prints."""
    return subprocess.run(["sh", "-c", text], capture_output=True, check=True, timeout=30).stdout


def interpret(line: str, host: DemoDoor) -> None:
    """Does one line on a host that a shell cannot reach: the shell evaluates words, and what is written."""
    command, written, place = line.rpartition(" > ")
    words = [word.decode() for word in shell(f"printf '%s\\0' {place}").split(b"\0")[:-1]]
    files = host.files
    match words:
        case [path] if written:
            files.write(path, shell(command))
        case ["mkdir", path]:
            files.mkdir(path)
        case ["rmdir", path]:
            files.rmdir(path)
        case ["rm", path]:
            files.unlink(path)
        case ["ln", "-s", leads_to, path]:
            files.symlink(leads_to, path)
        case ["chmod", mode, path]:
            files.chmod(path, int(mode, 8))
        case _:
            raise AssertionError(line)


def without_chance(tree: Nvmet) -> Nvmet:
    """The tree without what the kernel makes up anew each time, and without the time of reading."""
    made_up = {"attr_serial", "device_uuid"}
    return tree._replace(
        taken=0.0,
        subsystems={
            nqn: one._replace(
                attributes={file: text for file, text in one.attributes.items() if file not in made_up},
                namespaces={
                    nsid: space._replace(
                        attributes={file: text for file, text in space.attributes.items() if file not in made_up}
                    )
                    for nsid, space in one.namespaces.items()
                },
            )
            for nqn, one in tree.subsystems.items()
        },
    )


@pytest.mark.parametrize("argv", CASES, ids=lambda argv: " ".join(argv[:2]))
def test_the_lines_do_what_the_command_does(run: Run, tmp_path: Path, argv: list[str]) -> None:
    """On a fresh host each; and the dry run itself changes nothing."""
    untouched = target(DemoDoor())
    dry = run("--demo", *argv, "--dry-run")
    assert dry.code == 0, dry.err
    assert target(door(tmp_path)) == untouched
    by_hand = DemoDoor()
    for line in dry.out.splitlines():
        interpret(line, by_hand)
    assert run("--demo", *argv, "--yes").code == 0
    done = target(door(tmp_path))
    assert without_chance(done) == without_chance(target(by_hand))
    assert without_chance(done) != without_chance(untouched)


def test_nothing_to_do_is_no_line(run: Run) -> None:
    outcome = run("--demo", "namespace", "disable", POOL, "4", "--dry-run")
    assert outcome == (0, "", "nothing to do\n")


def test_the_plan_as_a_document(run: Run, tmp_path: Path) -> None:
    """The same document as of the change itself, its steps planned."""
    item = only(run("--demo", "namespace", "set", POOL, "4", "p2pmem=off", "--dry-run", "-o", "json"))
    assert (item["dry_run"], item["changed"], item["state"], item["transaction"]) == (True, True, "planned", None)
    assert [step["status"] for step in item["steps"]] == ["planned"]
    assert item["after"]["subsystems"][POOL]["namespaces"]["4"]["p2pmem"] == "off"
    assert target(door(tmp_path)).subsystems[POOL].namespaces[4].attributes["p2pmem"] == "1"


def test_a_dry_run_needs_no_answer(run: Run) -> None:
    """Deleting asks; showing what would be deleted does not."""
    assert run("--demo", "clear", "--dry-run").code == 0


def test_a_key_is_not_printed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o600)
    for form in ("plain", "json"):
        outcome = run("--demo", "host", "set", HOST, "--key-file", str(file), "--dry-run", "-o", form)
        assert outcome.code == 0
        assert KEY not in outcome.out + outcome.err
        assert "redacted" in outcome.out


def test_p2p_memory_is_explained_beforehand(run: Run) -> None:
    """What the kernel will answer, and what each port would do: for people beside the plan, for machines in it."""
    argv = [
        "--demo",
        "namespace",
        "create",
        POOL,
        "6",
        "--device",
        "/dev/nvme4n1",
        "--p2pmem",
        "0000:18:00.0",
        "--dry-run",
    ]
    said = run(*argv)
    assert said.code == 0
    assert f"namespace 6 of {POOL}: the kernel will take it" in said.err
    assert "port 1 (rdma): predicted: " in said.err
    (answer,) = only(run(*argv, "-o", "json"))["p2pmem"]
    assert answer["p2pmem"] == "0000:18:00.0"
    assert [state["port"] for state in answer["ports"]] == ["1"]
    assert json.dumps(answer)


def test_with_load_a_target_that_is_not_loaded_is_planned_as_an_empty_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is loaded for that; without leave to load, it is an error as for the change itself."""
    host = DemoDoor()
    tree = host._root.entries["sys"]
    assert isinstance(tree, Directory)
    kernel, modules = tree.entries["kernel"], tree.entries["module"]
    assert isinstance(kernel, Directory)
    assert isinstance(modules, Directory)
    kernel.entries["config"] = Directory()
    del modules.entries["nvmet"]
    monkeypatch.setattr(session, "open_door", lambda _options: host)
    file = tmp_path / "target.json"
    file.write_text(json.dumps({"version": 1, "subsystems": {POOL: {"serial": "A"}}}))
    item = only(run("apply", str(file), "--dry-run", "--load", "-o", "json"))
    assert (item["changed"], item["before"]) == (True, {"version": 1})
    assert [one["object"] for one in item["objects"]] == [f"subsystem {POOL}"]
    assert "nvmet" not in modules.entries
    assert run("apply", str(file), "--dry-run").code == UNSUPPORTED
