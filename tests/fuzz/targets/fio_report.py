"""fio's report: JSON of a program of another release, with warnings around it."""

from __future__ import annotations

import math

from p2pctl.errors import P2pctlError
from p2pctl.proof.fio import parse
from tests.fuzz.sound import check_error, check_facts


def check(data: bytes) -> None:
    """Figures that are numbers, or one line that says that it is no report."""
    try:
        found = parse(data)
    except P2pctlError as error:
        check_error(error, hinted=True, most=200)
        return
    assert math.isfinite(found.rate)
    assert min(found) >= 0
    check_facts(*found)
