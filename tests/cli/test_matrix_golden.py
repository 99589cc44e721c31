"""What the commands about verdicts print of the demo host, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden_verdicts"
pytestmark = pytest.mark.usefixtures("standing_clock")

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


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("form", "width"), FORMS)
def test_output_is_as_it_was(run: Run, *, monkeypatch: pytest.MonkeyPatch, name: str, form: str, width: int) -> None:
    """Machine formats are a contract; formats for people change only when somebody looked."""
    monkeypatch.setenv("COLUMNS", str(width))
    outcome = run("--demo", *CASES[name], "-o", form)
    assert (outcome.code, outcome.err) == (0, "") or form == "plain"
    compare(GOLDEN / (f"{name}-{width}.table.txt" if form == "table" else f"{name}.{form}.txt"), outcome.out)
