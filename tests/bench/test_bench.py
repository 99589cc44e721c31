"""The measurements measure what they say, and fail where they cannot."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NoReturn

import pytest

from p2pctl.cli import main
from p2pctl.hardware.sysroot import SysrootDoor
from tests.bench import concluding, dashboard, host, reading, target
from tests.bench.__main__ import left_out
from tests.bench.rows import Report, Row, in_child
from tests.bench.table import document, kept, lines, machine, table

ROW = Row("what", "1 ms", "2 ms", 0.5, "", 1.5)


def test_a_child_hands_back_its_row() -> None:
    assert in_child(lambda: ROW) == ROW


@pytest.mark.parametrize("error", [OSError("no chroot"), SystemExit(0), KeyboardInterrupt()])
def test_a_child_that_fails_ends(tmp_path: Path, error: BaseException) -> None:
    """Whatever it raises, it does not go on with what its parent was about to do."""
    ours = os.getpid()

    def fail() -> NoReturn:
        raise error

    try:
        with pytest.raises(RuntimeError, match="failed in a process of its own"):
            in_child(fail)
    finally:
        if os.getpid() != ours:
            (tmp_path / "escaped").touch()
            os._exit(0)
    assert not (tmp_path / "escaped").exists()


def test_the_host_of_drives_has_a_pool_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight of each, as the row says."""
    assert host.build_drives(tmp_path, 8) == 19
    assert main(["--sysroot", str(tmp_path), "pool", "list", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["items"]) == 8
    assert {item["state"] for item in document["items"]} == {"published"}


def test_what_is_left_out_is_said() -> None:
    """Names, other parts, and what kind of machine this is."""
    assert "stubbed" in left_out()
    assert left_out().endswith(" pools.")


def row(value: float | None, budget: float | None, what: str = "what", unit: str = "x") -> Row:
    return Row(what, f"{value} ms", "1 ms", value, "1.00 .. 1.00 .. 1.00", budget, unit)


@pytest.mark.parametrize(
    ("values", "met", "good"),
    [
        ((1.0, 1.5), "yes", True),
        ((1.6, 1.7), "no", False),
        ((1.4, 1.6), "1 of 2 runs", False),
        ((None, None), "not measured", True),
    ],
)
def test_a_budget_is_met_where_every_run_kept_it(values: tuple[float | None, ...], met: str, *, good: bool) -> None:
    """And the run that is shown is never the better of two."""
    found = lines([[row(value, 1.5)] for value in values])
    assert (found[0].met, kept(found)) == (met, good)
    if all(values):
        assert found[0].value == max(one for one in values if one)
        assert found[0].measured == f"{found[0].value} ms : 1 ms"


def test_lines_with_a_budget_come_first_and_zero_is_a_figure() -> None:
    run = [row(2.0, None, "free"), row(0.0, 0.0, "writes", "operations"), row(3.0, 60.0, "memory", "MiB")]
    found = lines([run, run])
    assert [(line.what, line.met) for line in found] == [("writes", "yes"), ("memory", "yes"), ("free", "")]
    head, *body = table(found).splitlines()
    assert head.split()[:3] == ["what", "budget", "measured"]
    assert body[1].split()[:6] == ["memory", "<=", "60", "MiB", "3.00", "MiB"]
    told = json.loads(json.dumps(document(found, machine())))
    assert {"processor", "kernel", "python", "date"} <= set(told["machine"])
    assert [item["met"] for item in told["items"]] == ["yes", "yes", None]


def test_what_is_measured_on_big_hosts_can_be_measured_on_small_ones(tmp_path: Path) -> None:
    """Every measurement but those of whole processes and of the screen: no figure is looked at, only that it is one."""
    host.build(tmp_path / "host", functions=64)
    place = str(tmp_path / "host")
    report = Report()
    target.measure(4, 2, report)
    rows = [reading.reading(SysrootDoor(place).files, place, "x", 1.5), *concluding.verdicts(place), *report.rows]
    assert all(one.value is None or one.value >= 0 for one in rows)
    budgets = [one.what for one in rows if one.budget is not None]
    assert len(budgets) == 8
    assert [one.value for one in rows if one.unit == "operations"] == [0.0]


@pytest.mark.parametrize("pools", [2, 20])
def test_the_hosts_of_the_screen_have_what_they_say(
    pools: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither fewer pools nor more."""
    assert len(dashboard.build(tmp_path / "host", pools, 4, 2)) == pools
    assert main(["--sysroot", str(tmp_path / "host"), "namespace", "list", "-o", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["items"]) == 4
