"""Bars, curves and graphs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.dashboard.glyphs import ASCII, UNICODE, Glyphs, bar, curve, graph, percent
from p2pctl.model.facts import ABSENT, NOT_READ
from p2pctl.render.text import width

BOTH = pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])


@BOTH
@given(share=st.floats(0, 1), cells=st.integers(2, 40))
def test_a_bar_has_its_width_and_is_empty_or_full_only_for_nothing_and_everything(
    glyphs: Glyphs, share: float, cells: int
) -> None:
    drawn = bar(share, cells, glyphs)
    assert width(drawn) == cells
    assert (drawn == glyphs.empty * cells) == (share == 0)
    assert (drawn == glyphs.full * cells) == (share == 1)


def test_a_bar_tells_eighths_of_a_cell() -> None:
    assert bar(0.5, 4, UNICODE) == "██░░"
    assert bar(0.5 + 1 / 32, 4, UNICODE) == "██▏░"
    assert bar(0.5 + 7 / 32, 4, UNICODE) == "██▉░"
    assert bar(0.5, 4, ASCII) == "##.."


@given(low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_higher_level_never_has_a_shorter_bar(low: float, high: float) -> None:
    low, high = sorted((low, high))

    def drawn(share: float) -> int:
        text = bar(share, 8, UNICODE)
        return 8 * text.count("█") + sum(1 + UNICODE.parts.index(one) for one in text if one in UNICODE.parts)

    assert drawn(low) <= drawn(high)


def test_a_percentage_is_0_or_100_only_for_nothing_and_everything() -> None:
    assert [percent(one) for one in (0, 0.0001, 0.084, 0.999, 1)] == ["0%", "<1%", "8%", ">99%", "100%"]


def test_a_curve_shows_where_nobody_looked_and_is_blank_before_it_began() -> None:
    assert curve([ABSENT, 0.0, NOT_READ, 1.0], 5, ASCII) == "  _?#"
    assert curve([0.0, 0.5, 1.0], 2, UNICODE) == "▅█"


@BOTH
def test_a_graph_has_a_column_a_value_and_marks_what_is_not_known(glyphs: Glyphs) -> None:
    drawn = graph([ABSENT, 0.0, NOT_READ, 0.5, 1.0], 2, glyphs)
    full = glyphs.steps[-1]
    assert drawn == [f"    {full}", f"  ?{full}{full}"]


def test_ascii_is_ascii() -> None:
    text = (
        bar(0.3, 9, ASCII)
        + curve([0.1, 0.9], 2, ASCII)
        + "".join(graph([0.1, 0.9], 3, ASCII))
        + "".join(map(str, ASCII))
    )
    assert text.isascii()
