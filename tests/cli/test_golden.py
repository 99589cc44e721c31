"""What every command prints of the demo host, to the byte.

``P2PCTL_TEST_GOLDEN=write`` writes the files anew: read the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from p2pctl.simulator.door import DemoDoor
from tests.cli.conftest import Run

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("P2PCTL_TEST_GOLDEN") == "write"

FLAT = {
    "pool-list": ["pool", "list"],
    "device-list": ["device", "list"],
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


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DemoDoor, "_elapsed", lambda _self: 0.0)


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
        _compare(GOLDEN / file, text.encode())


def _stem(name: str, form: str, width: int) -> str:
    return f"{name}-{width}.table" if form == "table" else f"{name}.{form}"


def _compare(file: Path, data: bytes) -> None:
    """Nothing said is no file."""
    if WRITE:
        GOLDEN.mkdir(exist_ok=True)
        if data:
            file.write_bytes(data)
        else:
            file.unlink(missing_ok=True)
    assert data == (file.read_bytes() if file.exists() else b"")
