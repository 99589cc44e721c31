"""``p2pctl explain``: why, what to do, and the exit code."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.trees import unpack as unpacked_to

DATA = Path(__file__).parents[1] / "captures" / "data"


@pytest.fixture
def sysroot(tmp_path: Path) -> Any:
    """Unpacks a recorded host; without configuration space where asked."""

    def unpack(name: str, *, config: bool = True) -> str:
        root = tmp_path / name
        with tarfile.open(DATA / name / "tree.tar.xz") as archive:
            unpacked_to(archive, root)
        if not config:
            for file in root.glob("sys/devices/**/config"):
                file.unlink()
        return str(root)

    return unpack


def _explain(run: Run, *argv: str) -> dict[str, Any]:
    outcome = run(*argv, "-o", "json")
    assert (outcome.code, outcome.err) == (0, "")
    document: dict[str, Any] = json.loads(outcome.out)
    return document


def test_a_denied_pair(run: Run, sysroot: Any) -> None:
    """The ports are named, and every remedy leads to an allowed pair."""
    document = _explain(run, "--sysroot", sysroot("switch-acs-iommu"), "explain", "nvme0", "nvme1")
    item = document["items"][0]
    assert (item["verdict"], item["map_type"], item["distance"]) == ("denied", "not-supported", 4)
    redirecting = [reason["address"] for reason in item["reasons"] if reason["code"] == "acs-redirect"]
    assert redirecting == ["0000:02:00.0", "0000:02:01.0"]
    assert [hop["address"] for hop in item["path"] if hop["redirects"]] == redirecting
    assert item["remedies"]
    for remedy in item["remedies"]:
        assert remedy["result"]["verdict"] == "allowed"
        assert remedy["text"]
        assert remedy["risk"]
        assert remedy["verify"]
    assert item["bandwidth"] is None


def test_what_people_read(run: Run, sysroot: Any) -> None:
    """The verdict first; the ports marked; exact commands, whole."""
    root = sysroot("switch-acs-iommu")
    item = _explain(run, "--sysroot", root, "explain", "nvme0", "nvme1")["items"][0]
    lines = run("--sysroot", root, "explain", "nvme0", "nvme1", "-o", "table").out.splitlines()
    assert lines[1].startswith("  Denied: ")
    assert sum("<-- sends up" in line for line in lines) == 3, "two ports and the legend"
    for remedy in item["remedies"]:
        for command in remedy["commands"]:
            assert any(line.endswith(command) for line in lines), command


def test_an_allowed_pair(run: Run) -> None:
    """It has a bandwidth and needs no remedy."""
    item = _explain(run, "--demo", "explain", "nvme0", "mlx5_0")["items"][0]
    assert (item["verdict"], item["map_type"], item["remedies"]) == ("allowed", "bus-address", [])
    assert item["bandwidth"]["kind"] == "ceiling"
    assert item["path"][0]["side"] == "provider"
    assert item["path"][-1]["side"] == "client"


def test_several_clients(run: Run) -> None:
    """Each for itself, and all together; one named twice counts once."""
    document = _explain(run, "--demo", "explain", "nvme0", "nvme1", "mlx5_0", "nvme1")
    assert [item["client_name"] for item in document["items"]] == ["nvme1", "mlx5_0"]
    assert document["summary"]["joint"] == {"verdict": "allowed", "map_type": "bus-address", "distance": 8}
    mixed = _explain(run, "--demo", "explain", "nvme0", "nvme1", "nvme8")
    assert mixed["summary"]["joint"]["verdict"] == "denied"


@pytest.mark.parametrize(
    ("clients", "code"), [(["mlx5_0"], 0), (["nvme8"], 8), (["mlx5_0", "nvme8"], 8), (["md0"], 8), (["rxe0"], 8)]
)
def test_exit_code(run: Run, *, clients: list[str], code: int) -> None:
    """Only where it is asked for."""
    assert run("--demo", "explain", "nvme0", *clients, "--exit-code").code == code
    assert run("--demo", "explain", "nvme0", *clients).code == 0


def test_without_configuration_space(run: Run, sysroot: Any) -> None:
    """It cannot be told, and what would tell is said."""
    root = sysroot("switch-acs-iommu", config=False)
    outcome = run("--sysroot", root, "explain", "nvme0", "nvme1", "--exit-code", "-o", "json")
    document = json.loads(outcome.out)
    assert outcome.code == 9
    assert document["items"][0]["verdict"] == "unknown"
    assert {gap["address"] for gap in document["gaps"] if gap["fact"] == "configuration space"} >= {"0000:02:00.0"}
    text = run("--sysroot", root, "explain", "nvme0", "nvme1", "-o", "table").out
    assert "It cannot be told" in text
    assert "What is missing" in text
    assert run("--sysroot", root, "matrix", "-o", "table").out.count("?") > 2


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["md0", "nvme1"], 3, "md0"),
        (["nvme0", "nvme77"], 3, "nvme77"),
        (["nvme0", ""], 2, "empty"),
        (["nvme0", "nvme1", "--rules", "linux-next"], 3, "rules list"),
        (["nvme0", "nvme1", "--assume", "nonsense"], 2, "nonsense"),
        (["nvme0"], 2, "CLIENT"),
    ],
)
def test_bad_input(run: Run, *, argv: list[str], code: int, words: str) -> None:
    outcome = run("--demo", "explain", *argv)
    assert outcome.code == code
    assert words in outcome.err
    assert outcome.out == ""


def test_a_client_that_is_made_of_others(run: Run) -> None:
    """What can be asked instead is named."""
    item = _explain(run, "--demo", "explain", "nvme0", "md0")["items"][0]
    assert (item["verdict"], item["distance"], item["path"]) == ("denied", None, [])
    assert "nvme3n1" in item["reasons"][0]["text"]


def test_what_if(run: Run) -> None:
    """Another answer, and that it is not the host as it is."""
    argv = ["--demo", "explain", "nvme7", "nvme8", "--assume", "acs:0000:b9:00.0=0", "--assume", "acs:0000:b9:01.0=0"]
    document = _explain(run, *argv)
    assert document["items"][0]["verdict"] == "allowed"
    assert len(document["summary"]["assumed"]) >= 2
    assert run(*argv, "-o", "plain").out.startswith("Assumed")


def test_another_kernel(run: Run) -> None:
    """Assumed or by name, its rules hold."""
    for argv in (["--assume", "kernel=4.20.0"], ["--rules", "4.20"]):
        item = _explain(run, "--demo", "explain", "nvme0", "nvme3", *argv)["items"][0]
        assert (item["verdict"], item["rules"]) == ("denied", "linux-4.20")
