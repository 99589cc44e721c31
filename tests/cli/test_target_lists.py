"""Lists and pages of the NVMe target's objects."""

from __future__ import annotations

import csv
import io
import json

import pytest
import yaml

from tests.cli.changing import ARCHIVE, HOST, POOL, items, only
from tests.cli.conftest import Run

LISTS = {
    "subsystem": "nqn",
    "namespace": "nsid",
    "port": "port",
    "host": "nqn",
    "referral": "name",
}
SHOWS = [
    ["target", "show"],
    ["subsystem", "show", POOL],
    ["namespace", "show", POOL, "1"],
    ["port", "show", "1"],
    ["host", "show", HOST],
]


@pytest.fixture(autouse=True)
def referral(run: Run) -> None:
    """The demo has none."""
    assert run("--demo", "referral", "create", "1", "peer", "trtype=tcp", "traddr=192.0.2.11", "--enable").code == 0


@pytest.mark.parametrize(("noun", "key"), LISTS.items())
def test_every_list_has_all_formats(run: Run, noun: str, key: str) -> None:
    """The same objects in each."""
    expected = [item[key] for item in items(run("--demo", noun, "list", "-o", "json"))]
    assert expected
    jsonl = run("--demo", noun, "list", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)[key] for line in jsonl[1:]] == expected
    assert json.loads(jsonl[0])["schema"] == f"p2pctl.{noun}/1"
    assert [item[key] for item in yaml.safe_load(run("--demo", noun, "list", "-o", "yaml").out)["items"]] == expected
    rows = list(csv.DictReader(io.StringIO(run("--demo", noun, "list", "-o", "csv").out)))
    assert [row[key] for row in rows] == list(map(str, expected))
    for form in ("plain", "table"):
        lines = run("--demo", noun, "list", "-o", form).out.splitlines()
        assert all(any(str(value) in line for line in lines) for value in expected)


@pytest.mark.parametrize("argv", SHOWS, ids=" ".join)
def test_every_page_has_one_item(run: Run, argv: list[str]) -> None:
    """For machines; people get the same facts on a page that fits 80 columns but for names."""
    item = only(run("--demo", *argv, "-o", "json"))
    page = run("--demo", *argv, "-o", "table")
    assert page.code == 0
    assert item
    assert "\x1b" not in page.out


def test_a_namespace_has_typed_values(run: Run) -> None:
    """Keys are the kernel's names without prefix; what p2pctl does not know stays under the kernel's own."""
    item = only(run("--demo", "namespace", "show", POOL, "2", "-o", "json"))
    assert {
        key: item[key] for key in ("subsystem", "nsid", "enabled", "device", "p2pmem", "ana_grpid", "buffered_io")
    } == {
        "subsystem": POOL,
        "nsid": 2,
        "enabled": True,
        "device": "/dev/nvme1n1",
        "p2pmem": "0000:18:00.0",
        "ana_grpid": 1,
        "buffered_io": False,
    }
    assert item["attributes"] == {}
    assert "revalidate_size" not in item


def test_a_list_can_be_of_one_subsystem(run: Run) -> None:
    found = items(run("--demo", "namespace", "list", ARCHIVE, "-o", "json"))
    assert {item["subsystem"] for item in found} == {ARCHIVE}


def test_a_port_is_found_by_its_number(run: Run) -> None:
    """And has what it exports, its groups and its referrals."""
    item = only(run("--demo", "port", "show", "1", "-o", "json"))
    assert item["subsystems"] == [POOL]
    assert {group["group"]: group["state"] for group in item["ana_groups"]} == {1: "optimized", 2: "non-optimized"}
    assert [one["name"] for one in item["referrals"]] == ["peer"]
    assert item["inline_data_size"] == 0
    assert {state["nsid"] for state in item["states"]} == {1, 2, 3, 4, 5}


def test_an_unknown_name_is_answered_with_close_ones(run: Run) -> None:
    outcome = run("--demo", "subsystem", "show", "nqn.2026-11.org.example:pool")
    assert outcome.code == 3
    assert f"did you mean {POOL}" in outcome.err
    assert run("--demo", "namespace", "show", POOL, "77").err.endswith("hint: it has 1, 2, 3, 4, 5\n")
    assert run("--demo", "port", "show", "9").code == 3
    assert run("--demo", "referral", "list", "9").code == 3
    assert run("--demo", "namespace", "list", "nqn.nobody").code == 3


def test_names_are_not_abbreviated(run: Run) -> None:
    """A prefix of one name only is no name."""
    assert run("--demo", "subsystem", "show", POOL[:-1]).code == 3


def test_keys_are_shown_as_set_or_unset_only(run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.cli.changing import KEY

    file = tmp_path_factory.mktemp("keys") / "db1"
    file.write_text(KEY)
    file.chmod(0o600)
    assert run("--demo", "host", "set", HOST, "--key-file", str(file)).code == 0
    for form in ("json", "yaml", "csv", "plain", "table"):
        outcome = run("--demo", "host", "list", "-o", form)
        assert "set" in outcome.out
        assert "DHHC" not in outcome.out + outcome.err
    item = only(run("--demo", "host", "show", HOST, "-o", "json"))
    assert (item["dhchap_key"], item["dhchap_ctrl_key"]) == ("set", "unset")
