"""The board and the alerts name what is exported, and Grafana and Prometheus would take them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from p2pctl.metrics.families import FAMILIES, Family
from tests.cli.test_metrics import GOLDEN

CONTRIB = Path(__file__).parents[2] / "contrib"
BOARD = json.loads((CONTRIB / "grafana" / "p2pctl.json").read_text())
RULES = yaml.safe_load((CONTRIB / "prometheus" / "p2pctl.rules.yaml").read_text())
DECLARED = {family.name: family for family in FAMILIES}
TARGET = {"job", "instance"}
"""Labels that Prometheus adds."""

_USE = re.compile(r"\b(p2pctl_\w+)(?:\{([^{}]*)\})?")


def _panels() -> list[dict[str, Any]]:
    return [panel for panel in BOARD["panels"] if panel["type"] != "row"]


def _expressions() -> Iterator[str]:
    for panel in _panels():
        yield from (target["expr"] for target in panel["targets"])
    yield from (one["query"]["query"] for one in BOARD["templating"]["list"] if one["type"] == "query")
    yield from (rule["expr"] for group in RULES["groups"] for rule in group["rules"])


def test_every_metric_of_the_board_and_the_alerts_is_exported_with_the_labels_they_ask_for() -> None:
    for expression in _expressions():
        uses = _USE.findall(expression)
        assert uses, expression
        for name, matchers in uses:
            assert name in DECLARED, expression
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
            assert asked <= {*DECLARED[name].labels, *TARGET}, expression
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
            labels = {one.strip() for one in grouped.split(",")}
            assert labels <= {*TARGET, *(label for name, _ in uses for label in DECLARED[name].labels)}, expression


def test_every_label_that_a_text_shows_is_one_of_its_metrics() -> None:
    shown = [(rule["expr"], json.dumps(rule["annotations"])) for group in RULES["groups"] for rule in group["rules"]]
    shown += [(one["expr"], one["legendFormat"]) for panel in _panels() for one in panel["targets"]]
    for expression, text in shown:
        labels = {label for name, _ in _USE.findall(expression) for label in DECLARED[name].labels}
        named = {*re.findall(r"\$labels\.(\w+)", text), *re.findall(r"\{\{(\w+)\}\}", text)}
        assert named <= labels | TARGET, expression


def test_every_state_that_they_ask_for_exists() -> None:
    """A word that no sample carries would make an alert that never fires."""
    exported = set(re.findall(r'\b(?:state|severity)="([^"]*)"', GOLDEN.read_text())) | {"error", "possibly-exhausted"}
    for expression in _expressions():
        for words in re.findall(r'\b(?:state|severity)=~?"([^"]*)"', expression):
            assert set(words.split("|")) <= exported, expression


def test_grafana_knows_all_that_the_board_says() -> None:
    """Classes that Grafana generates from its own schema read it and write it again, and nothing is lost on the way."""
    plugins.register_default_plugins()
    board = Dashboard.from_json(json.loads(json.dumps(BOARD)))
    assert list(_lost(BOARD, json.loads(JSONEncoder().encode(board)))) == []


def _lost(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """What is not the same; they may have added what they take for granted."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from _lost(value, theirs.get(key), f"{place}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _lost(one, other, f"{place}[{number}]")
    elif ours != theirs:
        yield f"{place}: {ours!r} became {theirs!r}"


def test_the_board_works_on_any_grafana_and_any_number_of_hosts() -> None:
    """The data source is chosen, not built in; every question heeds the choice of hosts."""
    assert [one["name"] for one in BOARD["templating"]["list"]] == ["datasource", "instance"]
    assert "__inputs" not in BOARD
    for panel in _panels():
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {one["uid"] for one in sources} == {"${datasource}"}, panel["title"]
        assert all('instance=~"$instance"' in target["expr"] for target in panel["targets"]), panel["title"]
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_no_panel_lies_upon_another_and_each_explains_itself() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert all(panel["description"] for panel in _panels())


def test_bytes_are_shown_as_bytes() -> None:
    for panel in _panels():
        units = {panel["fieldConfig"]["defaults"].get("unit")}
        units |= {p["value"] for o in panel["fieldConfig"]["overrides"] for p in o["properties"] if p["id"] == "unit"}
        expressions = " ".join(target["expr"] for target in panel["targets"])
        if "_bytes" in expressions and "/" not in expressions:
            assert "bytes" in units, panel["title"]


def test_every_alert_says_what_it_means_and_how_grave_it_is() -> None:
    for group in RULES["groups"]:
        for rule in group["rules"]:
            assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
            assert rule["labels"]["severity"] in {"warning", "critical"}
            assert set(rule["annotations"]) == {"summary", "description"}


def test_names_follow_the_conventions() -> None:
    """A prefix, base units, _total for counters and for nothing else, no label that would be mixed up with another."""
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    for family in FAMILIES:
        assert re.fullmatch(r"p2pctl(_[a-z][a-z0-9]*)+", family.name)
        assert family.name.endswith("_total") is (family.kind == "counter")
        assert not re.search(r"_(kib|mib|kilobytes|ms|milliseconds|percent)(_|$)", family.name)
        assert not {"type", "job", "instance", "le", "quantile", "env"} & set(family.labels)
        assert family.text.endswith(".")
        assert isinstance(family, Family)
