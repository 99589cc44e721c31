"""``p2pctl place`` on the demo host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Run
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden"
POOL = "nqn.2026-11.org.example:pool0"
pytestmark = pytest.mark.usefixtures("standing_clock")


def items(run: Run, *argv: str) -> list[Any]:
    outcome = run("--demo", "place", *argv, "-o", "json")
    assert outcome.code == 0, outcome.err
    return list(json.loads(outcome.out)["items"])


CASES = [
    *((f"place.{form}.txt", [], form, 80) for form in ("json", "jsonl", "yaml", "csv", "plain")),
    *((f"place-{width}.table.txt", [], "table", width) for width in (80, 160)),
    ("place-document.yaml.txt", ["--document"], "plain", 80),
    ("place-document.json.txt", ["--document"], "json", 80),
]


@pytest.mark.parametrize(("name", "argv", "form", "width"), CASES, ids=lambda value: str(value)[:30])
def test_output_is_as_it_was(
    run: Run, monkeypatch: pytest.MonkeyPatch, *, name: str, argv: list[str], form: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    outcome = run("--demo", "place", *argv, "-o", form)
    assert outcome.code == 0, outcome.err
    compare(GOLDEN / name, outcome.out)


def test_each_namespace_has_a_provider_or_a_reason(run: Run) -> None:
    for item in items(run):
        assert (item["provider"] is None) == bool(item["reasons"])
    placed = {item["device"]: item["provider"] for item in items(run) if item["provider"]}
    assert placed == {
        "/dev/nvme0n1": "0000:18:00.0",
        "/dev/nvme1n1": "0000:19:00.0",
        "/dev/nvme2n1": "0000:1f:00.0",
    }


def test_the_table_fits(run: Run) -> None:
    lines = run("--demo", "place", "-o", "table").out.splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_named_ones(run: Run) -> None:
    """A namespace of the target keeps its place there, whatever port it is asked about."""
    (item,) = items(run, "--namespace", "nvme1n1", "--port", "ens102f1np1")
    assert (item["subsystem"], item["nsid"], item["provider"]) == (POOL, 2, "0000:19:00.0")
    assert [device["name"] for port in item["ports"] for device in port["devices"]] == ["mlx5_1"]
    (item,) = items(run, "--namespace", "/dev/nvme3n1", "--port", "mlx5_0")
    assert (item["subsystem"], item["verdict"]) == (None, "allowed")
    (item,) = items(run, "--namespace", "/dev/nvme0n1")
    assert [port["port"] for port in item["ports"]] == ["1"]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--namespace", "md0", "--port", "mlx5_0"], "not-a-pci-device"),
        (["--namespace", "nvme5n1", "--port", "mlx5_0"], "not-a-pci-device"),
        (["--namespace", "nvme3n1"], "not-exported"),
        (["--namespace", "nvme3n1", "--port", "rxe0"], "virtual-dma"),
        (["--namespace", "nvme3n1", "--port", "eno2"], "no-rdma-device"),
    ],
)
def test_why_not(run: Run, argv: list[str], code: str) -> None:
    (item,) = items(run, *argv)
    assert (item["provider"], item["reasons"][0]["code"]) == (None, code)


def test_policy(run: Run) -> None:
    (item,) = items(run, "--namespace", "nvme1n1", "--prefer", "nvme0")
    assert (item["provider"], item["extra_distance"]) == ("0000:18:00.0", 4)
    (item,) = items(run, "--namespace", "nvme1n1", "--avoid", "nvme1")
    assert item["provider"] == "0000:18:00.0"


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--namespace", "nvme99n1", "--port", "mlx5_0"], 3),
        (["--namespace", "nvme0n1", "--port", "mlx5_99"], 3),
        (["--port", "mlx5_0"], 2),
        (["--prefer", "nvme3"], 3),
        (["--prefer", "nvme0", "--avoid", "0000:18:00.0"], 2),
        (["--rules", "no-such"], 3),
        (["--document", "-o", "csv"], 2),
    ],
)
def test_bad_requests(run: Run, argv: list[str], code: int) -> None:
    outcome = run("--demo", "place", *argv)
    assert (outcome.code, outcome.out) == (code, "")


def test_the_document_is_what_apply_takes(run: Run) -> None:
    """Whole objects on the way down to the one attribute; both syntaxes say the same."""
    outcome = run("--demo", "place", "--document", "-o", "yaml")
    found = yaml.safe_load(outcome.out)
    namespaces = {1: "0000:18:00.0", 2: "0000:19:00.0", 3: "0000:1f:00.0"}
    assert found == {
        "version": 1,
        "subsystems": {POOL: {"namespaces": {nsid: {"p2pmem": pool} for nsid, pool in namespaces.items()}}},
    }
    assert "/dev/nvme7n1 gets no provider" in outcome.err
    written = json.loads(run("--demo", "place", "--document", "-o", "json").out)
    assert list(written["subsystems"][POOL]["namespaces"]) == ["1", "2", "3"]
    nothing = run("--demo", "place", "--document", "--namespace", "nvme3n1", "--port", "mlx5_0")
    assert yaml.safe_load(nothing.out) == {"version": 1, "subsystems": {}}
    assert "no namespace of the target" in nothing.err


def test_the_solver_is_loaded_when_it_is_needed(run: Run) -> None:
    """Help, and other commands, do not wait for numpy."""
    import subprocess
    import sys

    program = "import sys; from p2pctl.cli import main; main(sys.argv[1:]); sys.exit('numpy' in sys.modules)"
    for argv in (["place", "-h"], ["--demo", "pool", "list"]):
        subprocess.run([sys.executable, "-c", program, *argv], check=True, capture_output=True, timeout=60)
    assert run("place", "-h").code == 0
