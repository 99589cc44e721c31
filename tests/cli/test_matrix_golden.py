"""What the commands about verdicts print of the demo host, to the byte.

``P2PCTL_TEST_GOLDEN=write`` writes the files anew: read the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from p2pctl.simulator.door import DemoDoor
from tests.cli.conftest import Run

GOLDEN = Path(__file__).parent / "golden_verdicts"
WRITE = os.environ.get("P2PCTL_TEST_GOLDEN") == "write"

CASES = {
    "matrix": ["matrix"],
    "matrix-all": ["matrix", "--all"],
    "matrix-devices": ["matrix", "nvme0", "nvme7", "mlx5_0"],
    "explain-allowed": ["explain", "nvme0", "mlx5_0"],
    "explain-acs": ["explain", "nvme7", "nvme8"],
    "explain-many": ["explain", "nvme0", "nvme3", "mlx5_0", "md0"],
    "providers": ["providers", "nvme3", "mlx5_0"],
    "rules-list": ["rules", "list"],
    "rules-show": ["rules", "show", "linux-7.3"],
}
FORMS = [("table", 80), ("table", 160), ("plain", 80), ("json", 80)]


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DemoDoor, "_elapsed", lambda _self: 0.0)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("form", "width"), FORMS)
def test_output_is_as_it_was(run: Run, *, monkeypatch: pytest.MonkeyPatch, name: str, form: str, width: int) -> None:
    """Machine formats are a contract; formats for people change only when somebody looked."""
    monkeypatch.setenv("COLUMNS", str(width))
    outcome = run("--demo", *CASES[name], "-o", form)
    assert (outcome.code, outcome.err) == (0, "") or form == "plain"
    file = GOLDEN / (f"{name}-{width}.table.txt" if form == "table" else f"{name}.{form}.txt")
    if WRITE:
        GOLDEN.mkdir(exist_ok=True)
        file.write_bytes(outcome.out.encode())
    assert outcome.out.encode() == file.read_bytes()
