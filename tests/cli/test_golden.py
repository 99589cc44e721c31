"""What every command prints of the demo host, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.golden import compare_said

GOLDEN = Path(__file__).parent / "golden"
pytestmark = pytest.mark.usefixtures("standing_clock")

FLAT = {
    "pool-list": ["pool", "list"],
    "device-list": ["device", "list"],
    "acs-list": ["acs", "list"],
}
PAGES = {
    "pool-show": ["pool", "show", "nvme0", "--holders"],
    "device-show-nvme": ["device", "show", "nvme0"],
    "device-show-rdma": ["device", "show", "mlx5_0"],
    "topology": ["topology"],
    "status": ["status"],
}
CASES = [
    *((name, argv, form, 80) for name, argv in FLAT.items() for form in ("json", "jsonl", "yaml", "csv", "plain")),
    *((name, argv, form, 80) for name, argv in PAGES.items() for form in ("json", "yaml", "plain")),
    *((name, argv, "table", width) for name, argv in {**FLAT, **PAGES}.items() for width in (80, 160)),
]


@pytest.mark.parametrize(
    ("name", "argv", "form", "width"), CASES, ids=lambda value: None if isinstance(value, list) else str(value)
)
def test_output_is_as_it_was(
    run: Run, *, monkeypatch: pytest.MonkeyPatch, name: str, argv: list[str], form: str, width: int
) -> None:
    """Machine formats are a contract; formats for people change only when somebody looked."""
    monkeypatch.setenv("COLUMNS", str(width))
    outcome = run("--demo", *argv, "-o", form)
    assert outcome.code == 0
    assert outcome.out
    stem = _stem(name, form, width)
    for file, text in ((f"{stem}.txt", outcome.out), (f"{stem}.err.txt", outcome.err)):
        compare_said(GOLDEN / file, text)


def _stem(name: str, form: str, width: int) -> str:
    return f"{name}-{width}.table" if form == "table" else f"{name}.{form}"
