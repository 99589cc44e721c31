"""``p2pctl matrix``: every pair, in a grid for people and a record each for everything else."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.cli.conftest import Run


def _items(run: Run, *argv: str) -> list[dict[str, object]]:
    outcome = run("--demo", "matrix", *argv, "-o", "json")
    assert (outcome.code, outcome.err) == (0, "")
    items: list[dict[str, object]] = json.loads(outcome.out)["items"]
    return items


def test_a_provider_is_its_own_client(run: Run) -> None:
    """At distance 0, whatever else is denied."""
    items = _items(run)
    for provider in {item["provider"] for item in items}:
        own = [item for item in items if item["provider"] == item["client"] == provider]
        assert [(item["verdict"], item["distance"]) for item in own] == [("allowed", 0)]


def test_pools_are_the_providers_and_all_lends_more(run: Run) -> None:
    """Each kind under its own word."""
    assert {item["provider_kind"] for item in _items(run)} == {"pool"}
    assert {item["provider_kind"] for item in _items(run, "--all")} == {"pool", "exporter", "bar"}


def test_one_device_is_set_against_all(run: Run) -> None:
    """As provider and as client."""
    items = _items(run, "nvme0")
    assert all("0000:18:00.0" in {item["provider"], item["client"]} for item in items)
    assert len({item["provider"] for item in items}) > 1
    assert len({item["client"] for item in items}) > 1


def test_several_devices_are_set_against_each_other(run: Run) -> None:
    """And only they."""
    pairs = {(item["provider_name"], item["client_name"]) for item in _items(run, "nvme0", "nvme1")}
    assert pairs == {(one, other) for one in ("nvme0", "nvme1") for other in ("nvme0", "nvme1")}


def test_a_client_without_a_function(run: Run) -> None:
    """It is denied, and has no distance."""
    items = _items(run, "md0")
    assert {(item["client"], item["verdict"], item["distance"]) for item in items} == {("md0", "denied", None)}


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_grid_fits(run: Run, *, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """In blocks; addresses stay whole, and every client has its column."""
    monkeypatch.setenv("COLUMNS", str(width))
    outcome = run("--demo", "matrix", "-o", "table")
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= width
    heads = [line.split()[2:] for line in lines if line.startswith("PROVIDER")]
    assert [int(number) for head in heads for number in head] == list(range(1, 22))
    assert sum(line.startswith("10000:e1:00.0") for line in lines) == len(heads)


def test_formats_agree(run: Run) -> None:
    """One pair a line in CSV and plain."""
    items = _items(run)
    rows = list(csv.DictReader(io.StringIO(run("--demo", "matrix", "-o", "csv").out)))
    assert [(r["provider"], r["client"], r["verdict"]) for r in rows] == [
        (item["provider"], item["client"], item["verdict"]) for item in items
    ]
    assert len(run("--demo", "matrix", "-o", "plain").out.splitlines()) == len(items) + 1


def test_it_agrees_with_explain(run: Run) -> None:
    """Pair by pair."""
    for item in _items(run, "nvme7", "nvme8", "nvme0"):
        outcome = run("--demo", "explain", str(item["provider"]), str(item["client"]), "-o", "json")
        told = json.loads(outcome.out)["items"][0]
        assert {key: told[key] for key in item} == item


def test_other_rules(run: Run) -> None:
    """Under which less may be allowed."""
    assert {item["rules"] for item in _items(run, "--rules", "4.20")} == {"linux-4.20"}
    outcome = run("--demo", "matrix", "--rules", "nonsense")
    assert outcome.code == 3
    assert "rules list" in outcome.err
