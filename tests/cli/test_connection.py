"""``p2pctl connection`` and ``p2pctl port state``, on the demo host."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run

POOL = "nqn.2026-11.org.example:pool0"


def connected(run: Run, *argv: str) -> list[dict[str, object]]:
    items = json.loads(run("--demo", "connection", "list", *argv, "-o", "json").out)["items"]
    assert isinstance(items, list)
    return items


def test_the_list_says_what_it_is_known_from(run: Run) -> None:
    """The demo's kernel has debugfs."""
    found = connected(run)
    assert {item["basis"] for item in found} == {"debugfs"}
    assert all(item["subsystem"] and item["host"] and item["port"] for item in found)


def test_filters_select(run: Run) -> None:
    assert {item["subsystem"] for item in connected(run, "--subsystem", POOL)} == {POOL}
    assert [item["port"] for item in connected(run, "--port", "2")] == [["2"]]
    assert run("--demo", "connection", "list", "--port", "99").code == 3
    assert run("--demo", "connection", "list", "--subsystem", "nqn.none").code == 3


def test_a_dry_run_prints_the_write_and_makes_none(run: Run) -> None:
    before = [item["path"] for item in connected(run)]
    outcome = run("--demo", "connection", "drop", POOL, "1", "--dry-run")
    assert outcome.out == f"printf %s fatal > /sys/kernel/debug/nvmet/{POOL}/ctrl1/state\n"
    assert [item["path"] for item in connected(run)] == before


def test_a_drop_asks_first(run: Run) -> None:
    """Where nobody can answer, --yes has to be said."""
    outcome = run("--demo", "connection", "drop", POOL, "1")
    assert (outcome.code, "--yes" in outcome.err) == (2, True)


def test_a_drop_ends_the_controller(run: Run) -> None:
    outcome = run("--demo", "connection", "drop", POOL, "1", "--yes", "-o", "json")
    (item,) = json.loads(outcome.out)["items"]
    assert (outcome.code, item["dropped"], item["state"], item["cntlid"]) == (0, True, "gone", 1)


def test_all_connections_of_a_host(run: Run) -> None:
    host = str(connected(run, "--subsystem", POOL)[0]["host"])
    outcome = run("--demo", "connection", "drop", "--host", host, "--yes", "-o", "json")
    assert {item["host"] for item in json.loads(outcome.out)["items"]} == {host}


def test_what_is_not_there_is_not_found(run: Run) -> None:
    assert run("--demo", "connection", "drop", POOL, "77", "--yes").code == 3
    assert run("--demo", "connection", "drop", "--host", "nqn.none", "--yes").code == 3


def test_half_a_name_is_no_name(run: Run) -> None:
    for argv in ([], [POOL], [POOL, "1", "--host", "x"]):
        assert run("--demo", "connection", "drop", *argv, "--yes").code == 2


def test_a_kernel_without_debugfs_has_no_way(run: Run, tmp_path: Path) -> None:
    """But a recording is refused before that: nothing can be changed there."""
    (tmp_path / "sys").mkdir()
    (tmp_path / "proc").mkdir()
    outcome = run("--sysroot", str(tmp_path), "connection", "drop", POOL, "1", "--yes")
    assert outcome.code == 2


def test_port_states_of_the_demo(run: Run) -> None:
    """One of nearly every kind."""
    document = json.loads(run("--demo", "port", "state", "-o", "json").out)
    states = {(item["port"], item["nsid"]): item["state"] for item in document["items"]}
    assert states["1", 4] == "not-eligible"
    assert states["1", 5] == "off"
    assert states["2", 2] == "transport-cannot"
    assert states["3", 2] == "falls-back"
    assert document["summary"]["states"]["off"] == 3


def test_the_states_fit_into_80_columns(run: Run) -> None:
    outcome = run("--demo", "port", "state", "-o", "table")
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_status_carries_the_states(run: Run) -> None:
    (item,) = json.loads(run("--demo", "status", "-o", "json").out)["items"]
    ports = {(row["port"], row["nsid"]): row for row in item["ports"]}
    assert ports["3", 2]["state"] == "falls-back"
    assert ports["3", 2]["reasons"]
    assert "p2p-falls-back" in [finding["code"] for finding in item["findings"]]
    assert item["rnbd"]["p2p"] is False
