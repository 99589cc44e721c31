"""``p2pctl explain --ask-kernel`` on the demo host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_the_kernels_answer_stands_beside_the_prediction(run: Run) -> None:
    """Agreement, refusal with errno and log, a multipath head, and a client that it cannot be asked about."""
    outcome = run("--demo", "explain", "nvme0", "nvme1", "nvme7", "nvme5", "mlx5_0", "--ask-kernel", "-o", "json")
    assert (outcome.code, outcome.err) == (0, "")
    one, seven, five, nic = (item["kernel"] for item in json.loads(outcome.out)["items"])
    assert (one["answer"], one["agrees"], one["disk"], one["errno"]) == ("allowed", True, "/dev/nvme1n1", None)
    assert (seven["answer"], seven["agrees"], seven["error"]) == ("denied", True, "EINVAL")
    assert any("cannot be used for peer-to-peer DMA" in line for line in seven["log"])
    assert (five["answer"], five["agrees"]) == ("denied", None)
    assert (nic["answer"], nic["agrees"]) == (None, None)
    assert "p2pctl port state" in nic["text"]


def test_the_target_is_as_it_was(run: Run) -> None:
    before = run("--demo", "export").out
    run("--demo", "explain", "nvme0", "nvme1", "--ask-kernel")
    run("--demo", "explain", "nvme0", "nvme7", "--ask-kernel")
    assert run("--demo", "export").out == before
    assert run("--demo", "recover", "--yes").code == 0


def test_without_the_option_nothing_is_asked(run: Run) -> None:
    (item,) = json.loads(run("--demo", "explain", "nvme0", "nvme1", "-o", "json").out)["items"]
    assert "kernel" not in item


@pytest.mark.parametrize(("client", "code"), [("nvme1", 0), ("nvme7", 8)])
def test_the_exit_code_heeds_the_kernel(run: Run, client: str, code: int) -> None:
    assert run("--demo", "explain", "nvme0", client, "--ask-kernel", "--exit-code").code == code


def test_what_is_assumed_or_recorded_cannot_be_asked(run: Run, tmp_path: Path) -> None:
    assert run("--demo", "explain", "nvme0", "nvme1", "--ask-kernel", "--assume", "iommu=off").code == 2
    file = str(tmp_path / "host.tar.gz")
    assert run("--demo", "capture", file).code == 0
    assert run("--capture", file, "explain", "nvme0", "nvme1", "--ask-kernel").code == 5
