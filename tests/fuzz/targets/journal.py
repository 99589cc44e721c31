"""The journal of changes of the target: whatever died while it wrote, and whatever else has had a hand in it.

The lines of a journal; as a whole also a recorded plan, and a recorded target.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from p2pctl.errors import P2pctlError
from p2pctl.target.codec import dump_nvmet, dump_plan, load_nvmet, load_plan
from p2pctl.target.journal import Journal
from tests.fuzz.sound import check_error

_BOOT = "boot"

T = TypeVar("T")


def check(data: bytes) -> None:
    """A transaction of this boot, or none; a plan and a target that are themselves again, or a ValueError."""
    plan = _value(load_plan, data)
    assert plan is None or load_plan(dump_plan(plan)) == plan
    target = _value(load_nvmet, data)
    assert target is None or load_nvmet(dump_nvmet(target)) == target
    with tempfile.TemporaryDirectory(prefix="p2pctl-fuzz-") as directory:
        place = Path(directory, "txn", "one")
        place.mkdir(parents=True)
        for name in ("journal", "plan.json", "before.json", "wanted.json"):
            place.joinpath(name).write_bytes(data)
        journal = Journal(directory, _BOOT)
        status = journal.status("one")
        if status is not None:
            json.dumps(sorted(status.started))
            assert journal.unfinished() in {None, status}
        try:
            journal.contents("one")
        except P2pctlError as error:
            check_error(error)
        journal.tidy()


def _value(read: Callable[[bytes], T], data: bytes) -> T | None:
    try:
        return read(data)
    except ValueError:
        return None
