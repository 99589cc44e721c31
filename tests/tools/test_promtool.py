"""What Prometheus's own tool says of the metrics and of the alert rules."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from p2pctl.metrics.exposition import OwnExposition
from p2pctl.metrics.families import FAMILIES, Sheet
from p2pctl.metrics.keeper import Keeper
from p2pctl.model.snapshot import Snapshot
from tests.dashboard import hostile
from tests.metrics.samples import demo, scrape
from tests.tools import need

ROOT = Path(__file__).parents[2]
RULES = ROOT / "contrib" / "prometheus" / "p2pctl.rules.yaml"
SNAPSHOT = demo().snapshot


def _promtool(*argv: str, text: str | None = None) -> str:
    """What it says; it exits with 0 only where it has nothing to object to."""
    done = subprocess.run(
        [need("promtool"), *argv], input=text, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _hosts() -> dict[str, Snapshot]:
    return {
        "demo": SNAPSHOT,
        "empty": hostile.emptied(SNAPSHOT),
        "nothing read": hostile.without_parts(SNAPSHOT),
        "large": hostile.crowded(SNAPSHOT, pools=512, namespaces=10_000, subsystems=500),
        "hostile": hostile.renamed(SNAPSHOT, 1, everything=True),
        "unknown": hostile.blurred(SNAPSHOT, hostile.at_random(3, 0.4)),
    }


@pytest.mark.parametrize("host", ["demo", "empty", "nothing read", "large", "hostile", "unknown"])
def test_promtool_finds_nothing_wrong_with_the_metrics_of_any_host(host: str) -> None:
    assert _promtool("check", "metrics", text=scrape(_hosts()[host]).text) == ""


def test_promtool_finds_nothing_wrong_with_what_is_served() -> None:
    keeper = Keeper(scrape(SNAPSHOT).text.encode, lambda _: None, patience=60.0)
    standing = keeper.standing()
    assert _promtool("check", "metrics", text=(standing.body + OwnExposition()(standing.own)).decode()) == ""


def test_promtool_finds_nothing_wrong_with_any_metric_that_is_declared() -> None:
    """Even those that no host above has."""
    sheet = Sheet()
    for family in FAMILIES:
        sheet.add(family, 1, *family.labels)
    assert _promtool("check", "metrics", text=OwnExposition()(sheet).decode()) == ""


def test_promtool_does_find_what_is_wrong() -> None:
    """Or all the tests above could not fail."""
    done = subprocess.run(
        [need("promtool"), "check", "metrics"],
        input=scrape(SNAPSHOT).text.replace("p2pctl_pools{", "p2pctl_pools_total{"),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0


def test_promtool_takes_the_alert_rules() -> None:
    assert "SUCCESS" in _promtool("check", "rules", str(RULES))


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    """The cases are in the file; promtool compares labels and texts, too."""
    assert "SUCCESS" in _promtool("test", "rules", str(ROOT / "tests" / "metrics" / "p2pctl.rules.test.yaml"))
