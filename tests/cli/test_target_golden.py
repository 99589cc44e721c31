"""What the lists and pages of the target, and the document commands, print of the demo host, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.changing import HOST, POOL
from tests.cli.conftest import Run
from tests.golden import compare_said

GOLDEN = Path(__file__).parent / "golden_target"
pytestmark = pytest.mark.usefixtures("standing_clock")

DOCUMENT = """\
version: 1
hosts:
  nqn.2026-11.org.example:gone: {state: absent}
subsystems:
  nqn.2026-11.org.example:pool0:
    allowed_hosts: []
    namespaces: {4: {p2pmem: off, ana_grpid: 2}, 5: {state: absent}}
  nqn.2026-11.org.example:new: {serial: P2P0009, model: New}
ports:
  8: {trtype: tcp, adrfam: ipv4, traddr: 192.0.2.10, trsvcid: 4440, subsystems: [nqn.2026-11.org.example:new]}
"""

LISTS = {
    "subsystem-list": ["subsystem", "list"],
    "namespace-list": ["namespace", "list"],
    "port-list": ["port", "list"],
    "host-list": ["host", "list"],
}
PAGES = {
    "target-show": ["target", "show"],
    "subsystem-show": ["subsystem", "show", POOL],
    "namespace-show": ["namespace", "show", POOL, "2"],
    "host-show": ["host", "show", HOST],
    "diff": ["diff", "{document}"],
}
CASES = [
    *(
        (name, argv, form)
        for name, argv in LISTS.items()
        for form in ("json", "jsonl", "yaml", "csv", "plain", "table")
    ),
    *((name, argv, form) for name, argv in PAGES.items() for form in ("json", "yaml", "plain", "table")),
    ("export", ["export"], "yaml"),
    ("export", ["export"], "json"),
    ("export-nvmetcli", ["export", "--nvmetcli"], "json"),
    ("dry-run", ["apply", "{document}", "--disruption", "namespace", "--dry-run"], "plain"),
    ("dry-run", ["apply", "{document}", "--disruption", "namespace", "--dry-run"], "json"),
]


@pytest.mark.parametrize(
    ("name", "argv", "form"), CASES, ids=lambda value: None if isinstance(value, list) else str(value)
)
def test_output_is_as_it_was(
    run: Run, tmp_path: Path, *, monkeypatch: pytest.MonkeyPatch, name: str, argv: list[str], form: str
) -> None:
    """Machine formats are a contract; formats for people change only when somebody looked."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    Path("target.yaml").write_text(DOCUMENT)
    outcome = run("--demo", *(word.format(document="target.yaml") for word in argv), "-o", form)
    assert outcome.code == 0, outcome.err
    assert outcome.out
    for file, text in ((f"{name}.{form}.txt", outcome.out), (f"{name}.{form}.err.txt", outcome.err)):
        compare_said(GOLDEN / file, text)
