"""``p2pctl rules``: the rule sets, for people and for machines."""

from __future__ import annotations

import json

import pytest

from p2pctl.resolver.selection import ALL_RULES
from tests.cli.conftest import Run


def test_every_set_is_listed(run: Run) -> None:
    """One of them is in force on a host whose kernel is known."""
    document = json.loads(run("--demo", "rules", "list", "-o", "json").out)
    assert [item["name"] for item in document["items"]] == [rules.name for rules in ALL_RULES]
    assert [item["name"] for item in document["items"] if item["in_force"]] == [document["summary"]["in_force"]]


@pytest.mark.parametrize("name", [rules.name for rules in ALL_RULES])
def test_every_set_can_be_shown(run: Run, name: str) -> None:
    """Under its name, within 80 columns."""
    outcome = run("--demo", "rules", "show", name, "-o", "table")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[0] == name
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_a_release_names_its_rules(run: Run) -> None:
    """Also one that changed nothing."""
    assert run("--demo", "rules", "show", "6.12", "-o", "plain").out.splitlines()[0] == "linux-5.19"


def test_host_bridges_have_their_flags(run: Run) -> None:
    """And the release that they came with."""
    item = json.loads(run("--demo", "rules", "show", "linux-7.3", "-o", "json").out)["items"][0]
    listed = {one["id"]: one for one in item["listed"]}
    assert listed["8086:3c00"]["same_only"] is True
    assert (listed["8086:09a2"]["same_only"], listed["8086:09a2"]["since"]) == (False, "5.18")
    assert listed["1ae0:*"]["device"] is None


def test_an_unknown_name(run: Run) -> None:
    outcome = run("--demo", "rules", "show", "linux-next")
    assert outcome.code == 3
    assert "rules list" in outcome.err
