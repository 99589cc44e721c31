"""Sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.units import format_bytes, format_short


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (16 << 20, "16.0 MiB"),
        (1 << 40, "1.0 TiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        ((1 << 30) - 1, "1.0 GiB"),
        (-(16 << 20), "-16.0 MiB"),
        (1 << 74, "16384.0 EiB"),
    ],
)
def test_format_bytes(count: int, text: str) -> None:
    assert text == format_bytes(count)


@given(st.integers(min_value=0, max_value=(1 << 64) - 1))
def test_number_and_unit_say_the_size(count: int) -> None:
    """Within half of the last digit shown, with at most four digits before the point."""
    number, unit = format_bytes(count).split(" ")
    scale = 1024 ** ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB").index(unit)
    assert abs(float(number) * scale - count) <= 0.0501 * scale
    assert float(number) < 1024


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0B"), (4096, "4K"), (16 << 20, "16M"), (3 << 29, "1.5G"), (1 << 40, "1T")]
)
def test_format_short(count: int, text: str) -> None:
    assert text == format_short(count)
