"""Text for terminals: what is shown of names, how wide it is, where it breaks."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pctl.render.layout import kept, wrap
from p2pctl.render.text import Line, Span, clean, line_width, pad, paint, spans, width


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\tb\nc\rd", "a\\x09b\\x0ac\\x0dd"),
        ("\x7f\x80\x9b", "\\x7f\\x80\\x9b"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("a\u200bb\ufeff\u2028", "a\\u200bb\\ufeff\\u2028"),
        ("\udcff", "\\udcff"),
        ("a\u00a0b\u3164c", "a\\xa0b\\u3164c"),
        ("\U000e0041", "\\U000e0041"),
        ("Gerät 日本語", "Gerät 日本語"),
        ("dev-disk\\x2did", "dev-disk\\x2did"),
        ("[bold]x[/]", "[bold]x[/]"),
    ],
)
def test_clean(raw: str, shown: str) -> None:
    assert shown == clean(raw)


@given(st.text(st.characters()))
def test_clean_leaves_nothing_unseen(text: str) -> None:
    """No control, format, surrogate, private or unassigned character, no separator but the space."""
    for char in clean(text):
        assert char == " " or unicodedata.category(char)[0] not in "CZ"


@given(st.text(st.characters()))
def test_clean_is_stable(text: str) -> None:
    assert clean(text) == clean(clean(text))


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("", 0)])
def test_width(text: str, cells: int) -> None:
    assert cells == width(text)


def test_padding_counts_cells() -> None:
    assert pad("日本", 6) == "日本  "
    assert pad("日本", 6, right=True) == "  日本"


def test_paint_without_colour_is_the_text() -> None:
    assert paint(("a ", Span("b", "bad"), Span(" ")), color=False) == "a b"


def test_paint_with_colour_adds_nothing_but_emphasis() -> None:
    assert paint(("a ", Span("[b]\x1b", "bad")), color=True) == "a \x1b[31m[b]\\x1b\x1b[0m"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30)), max_size=8), st.integers(1, 120))
def test_columns_go_by_priority(columns: list[tuple[int, int]], room: int) -> None:
    """What stays fits or is essential; whatever went would not fit beside that of its priority and above."""
    priorities, widths = [c[0] for c in columns], [c[1] for c in columns]
    stay = kept(priorities, widths, room, 2)
    assert {i for i, priority in enumerate(priorities) if priority == 0} <= set(stay)
    used = sum(widths[i] for i in stay) + 2 * (len(stay) - 1)
    assert used <= room or all(priorities[i] == 0 for i in stay)
    for gone in set(range(len(widths))) - set(stay):
        before = [i for i in stay if (priorities[i], i) < (priorities[gone], gone)]
        assert sum(widths[i] for i in before) + 2 * len(before) + widths[gone] > room
        assert used + 2 + widths[gone] > room, "no room is left that a column fits into"


def test_room_that_a_wide_column_leaves_is_used() -> None:
    """The narrow ones behind it come back, in the order of the table."""
    assert kept([0, 3, 1, 2, 2], [10, 4, 5, 60, 3], 30, 2) == (0, 1, 2, 4)


LINES: st.SearchStrategy[Line] = st.lists(
    st.builds(Span, st.text("ab \x1b日", max_size=12), st.sampled_from([None, "bad", "strong"])), max_size=6
).map(tuple)


@given(LINES, st.integers(4, 40))
def test_wrapping_loses_no_word(line: Line, room: int) -> None:
    """Broken only at spaces; no line is wider than the room unless it is one word."""
    broken = wrap(line, room)
    text = paint(line, color=False)
    assert text.split() == [word for piece in broken for word in paint(piece, color=False).split()]
    for piece in broken:
        shown = "".join(span.text for span in piece)
        assert line_width(piece) <= room or " " not in shown.strip(" ")


def test_wrapping_keeps_the_emphasis_of_a_word() -> None:
    assert wrap(("aa", Span("bb", "bad"), " cc"), 4) == [(Span("aa"), Span("bb", "bad")), (Span("cc"),)]


def test_spans_flatten_and_clean() -> None:
    assert spans(("a\n", Span("b\x00", "dim"))) == (Span("a\\x0a"), Span("b\\x00", "dim"))
