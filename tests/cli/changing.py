"""What tests of changing commands share: the demo target's names, and documents taken apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from p2pctl.hardware.nvmet import read_nvmet
from p2pctl.hardware.reading import Reader
from p2pctl.model.nvmet import Nvmet
from p2pctl.simulator.door import DemoDoor
from tests.cli.conftest import Outcome

POOL, ARCHIVE = "nqn.2026-11.org.example:pool0", "nqn.2026-11.org.example:archive"
HOST = "nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349"
KEY = "DHHC-1:00:cDJwY3RsLXRlc3Qta2V5LW9mLTMyLWJ5dGVzLS0tLS3ucACT:"
"""The text ``p2pctl-test-key-of-32-bytes-----`` with its check sum."""


def door(state_home: Path) -> DemoDoor:
    """The demo host as the commands of a test have left it."""
    return DemoDoor(state=state_home / "p2pctl" / "demo")


def target(host: DemoDoor) -> Nvmet:
    """Its target, keys included."""
    return read_nvmet(Reader(host.files), 0.0, secrets=True)


def items(outcome: Outcome) -> list[dict[str, Any]]:
    """The items of a document on stdout, of a command that succeeded."""
    assert outcome.code == 0, outcome.err
    found: list[dict[str, Any]] = json.loads(outcome.out)["items"]
    return found


def only(outcome: Outcome) -> dict[str, Any]:
    """The one item."""
    (item,) = items(outcome)
    return item


def error(outcome: Outcome) -> dict[str, Any]:
    """The error of a command that failed with -o json: the last line of stderr."""
    found: dict[str, Any] = json.loads(outcome.err.splitlines()[-1])
    assert found["code"] == outcome.code
    return found
