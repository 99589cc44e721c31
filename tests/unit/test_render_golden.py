"""Every format of a list and of a page, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from p2pctl.render.formats import FORMATS, Format, Result, lines
from p2pctl.render.layout import Look
from tests.golden import compare
from tests.unit.render_samples import EMPTY, PAGE, REPORT

GOLDEN = Path(__file__).parent / "golden"

LOOKS = {
    "80": Look(width=80),
    "200": Look(width=200),
    "color": Look(width=200, color=True),
    "ascii": Look(width=80, unicode=False),
    "40": Look(width=40),
}

CASES: list[tuple[str, Result, Format, str]] = [
    *(
        (f"{name}.{form}", result, form, "80")
        for name, result in (("list", REPORT), ("page", PAGE))
        for form in FORMATS
    ),
    *((f"empty.{form}", EMPTY, form, "80") for form in FORMATS),
    *(
        (f"{name}-{look}.table", result, "table", look)
        for name, result in (("list", REPORT), ("page", PAGE))
        for look in LOOKS
        if look != "80"
    ),
]


@pytest.mark.parametrize(("name", "result", "form", "look"), CASES, ids=[case[0] for case in CASES])
def test_bytes_are_as_recorded(name: str, result: Result, form: Format, look: str) -> None:
    """What people and programs read changes only on purpose."""
    compare(GOLDEN / f"{name}.txt", "".join(f"{line}\n" for line in lines(result, form, LOOKS[look])))


def test_no_golden_file_is_left_over() -> None:
    """Each recorded file belongs to a case."""
    assert {path.name for path in GOLDEN.iterdir()} == {f"{case[0]}.txt" for case in CASES}
