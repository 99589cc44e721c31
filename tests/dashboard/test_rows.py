"""The records of a list, without a screen: which show, in which order, how wide."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.widgets.filtering import Filter, parse
from p2pctl.dashboard.widgets.fitting import GAP, fit, whole
from p2pctl.dashboard.widgets.lines import cut
from p2pctl.dashboard.widgets.rows import Rows, Sorting
from p2pctl.dashboard.widgets.values import rank
from p2pctl.model.facts import Missing
from p2pctl.render.namespaces import COLUMNS as NAMESPACE_COLUMNS
from p2pctl.render.report import Column, Item, Value
from p2pctl.render.text import clean, width

NAME, SIZE, WHY = Column("name", "name", "name"), Column("size", "size", "bytes"), Column("why", "why", priority=1)
COLUMNS = (NAME, SIZE, WHY)

scalars = st.one_of(
    st.none(), st.sampled_from(list(Missing)), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.from_regex(r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]", fullmatch=True),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
items = st.fixed_dictionaries({"name": values, "size": values, "why": values})
panels = st.lists(st.tuples(st.sampled_from("abcdefghij"), items), max_size=6, unique_by=lambda pair: pair[0])

RELAXED = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""No claim depends on how busy the machine is."""


def panel(*records: tuple[str, Item], columns: tuple[Column, ...] = COLUMNS) -> Panel:
    return Panel("things", "Things", columns, [item for _, item in records], [key for key, _ in records])


def named(*names: Value) -> Panel:
    return panel(*((str(place), {"name": name}) for place, name in enumerate(names)))


def keys(rows: Rows) -> list[str]:
    return [row.key for row in rows.shown]


def shown(rows: Rows) -> list[Value]:
    return [row.item["name"] for row in rows.shown]


@RELAXED
@given(before=panels, after=panels, text=st.text(max_size=3), column=st.sampled_from([None, "name", "size", "gone"]),
       reverse=st.booleans())  # fmt: skip
def test_filter_and_order_neither_lose_nor_double_a_record(
    before: list[tuple[str, Item]], after: list[tuple[str, Item]], text: str, column: str | None, *, reverse: bool
) -> None:
    """A text and its inverse share all records among them, whatever was shown before and however it is sorted."""
    rows = Rows()
    rows.show(panel(*before))
    rows.sort(Sorting(column, reverse))
    rows.narrow(text.removeprefix("!"))
    rows.show(panel(*after))
    found = keys(rows)
    rows.narrow("!" + text.removeprefix("!"))
    others = keys(rows) if rows._filter.text else []
    assert sorted(found + others) == sorted(key for key, _ in after)


@RELAXED
@given(before=panels, after=panels, text=st.text(max_size=2), column=st.sampled_from([None, "name", "size"]))
def test_what_is_shown_by_difference_is_what_is_shown_anew(
    before: list[tuple[str, Item]], after: list[tuple[str, Item]], text: str, column: str | None
) -> None:
    """What is kept of the last records never shows."""
    kept, fresh = Rows(), Rows()
    for rows in (kept, fresh):
        rows.narrow(text)
        rows.sort(Sorting(column))
    kept.show(panel(*before))
    kept.show(panel(*after))
    fresh.show(panel(*after))
    assert [(row.key, row.cells) for row in kept.shown] == [(row.key, row.cells) for row in fresh.shown]
    assert all(a >= b for a, b in zip(kept.widths, fresh.widths, strict=True))


@settings(RELAXED, max_examples=100)
@given(one=values, other=values, third=values)
def test_every_value_has_a_place_among_all_others(one: Value, other: Value, third: Value) -> None:
    """Values of all kinds are ordered without an error, and in one way."""
    ranks = [found for found in map(rank, (one, other, third)) if found is not None]
    backwards = ranks[::-1]
    assert sorted(ranks) == sorted(backwards)


def test_numbers_in_names_count_as_numbers() -> None:
    """And so do addresses, which are hexadecimal; a name of ten thousand digits is no error."""
    rows = Rows()
    rows.show(named("nvme10", "nvme9", "NVME1", "10000:01:00.0", "0000:0a:00.0", "0000:9:00.0", "9" * 10_000))
    rows.sort(Sorting("name"))
    assert shown(rows) == ["0000:9:00.0", "0000:0a:00.0", "10000:01:00.0", "9" * 10_000, "NVME1", "nvme9", "nvme10"]


def test_what_is_not_known_stands_last_either_way() -> None:
    """Also what only fails to be a number."""
    rows = Rows()
    rows.show(named(None, 3, Missing.UNREADABLE, 20, float("nan"), ""))
    rows.sort(Sorting("name"))
    assert keys(rows) == ["1", "3", "0", "2", "4", "5"]
    rows.sort(Sorting("name", reverse=True))
    assert keys(rows) == ["3", "1", "0", "2", "4", "5"]


def test_equal_records_keep_the_order_of_the_panel() -> None:
    """In both directions."""
    rows = Rows()
    rows.show(named("b", "a", "b", "a"))
    rows.sort(Sorting("name"))
    assert keys(rows) == ["1", "3", "0", "2"]
    rows.sort(Sorting("name", reverse=True))
    assert keys(rows) == ["0", "2", "1", "3"]


def test_a_changed_value_moves_its_record_at_once() -> None:
    """A list that is sorted and filtered follows what ticks."""
    rows = Rows()
    rows.sort(Sorting("size"))
    rows.narrow("!gone")
    rows.show(panel(("a", {"size": 1}), ("b", {"size": 2}), ("c", {"size": 3})))
    rows.show(panel(("a", {"size": 9}), ("b", {"size": 2}), ("c", {"size": 3, "why": "gone"})))
    assert keys(rows) == ["b", "a"]


def test_an_item_that_is_equal_is_not_looked_at_again() -> None:
    """Its row is the same object."""
    rows = Rows()
    rows.show(panel(("a", {"name": "x"}), ("b", {"name": "y"})))
    before = {row.key: row for row in rows.all}
    rows.show(panel(("b", {"name": "z"}), ("a", {"name": "x"})))
    assert rows.all[1] is before["a"]
    assert rows.all[0] is not before["b"]


class Untouchable(dict[str, Value]):
    """An item that nobody may compare."""

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        raise AssertionError


def test_what_is_the_same_is_not_even_compared() -> None:
    """A list of thousands that nothing happened to costs nothing; the same items in another list little."""
    rows = Rows()
    items: list[Item] = [Untouchable(name=str(number)) for number in range(3)]
    there = [str(number) for number in range(3)]
    rows.show(Panel("things", "Things", COLUMNS, items, there))
    before = list(rows.all)
    rows.show(Panel("things", "Others", COLUMNS, items, there))
    rows.show(Panel("things", "Others", COLUMNS, tuple(items), tuple(there)))
    assert all(old is new for old, new in zip(before, rows.all, strict=True))
    assert rows.panel is not None
    assert rows.panel.title == "Others"


def test_what_a_list_is_about_shows_whole_before_what_is_beside_it() -> None:
    """A column of text that is never left out has the room first, however long the others are."""
    columns = (Column("a", "a", "name"), Column("about", "about", priority=4, least=16), Column("why", "why"))
    wide = {placed.which: placed.cells for placed in fit(columns, range(3), [5, 300, 90], 140).placed}
    assert wide == {0: 5, 1: 140 - 5 - 90 - 2 * GAP, 2: 90}


def test_widths_grow_with_values_and_shrink_only_with_records() -> None:
    """A number that ticks between 99 and 100 must not have its column jump."""
    rows = Rows()
    rows.show(panel(("a", {"name": "wide enough"})))
    rows.show(panel(("a", {"name": "x"})))
    assert rows.widths[0] == len("wide enough")
    rows.show(panel(("b", {"name": "x"})))
    assert rows.widths[0] == len("name")


def test_a_key_that_comes_twice_shows_both_records() -> None:
    """A panel should not do so, but nothing that it says is lost."""
    rows = Rows()
    for _ in range(2):
        rows.show(panel(("a", {"name": "one"}), ("a", {"name": "two"})))
        assert shown(rows) == ["one", "two"]


def test_a_filter_names_a_column_only_where_there_is_one() -> None:
    """Addresses and NQNs have colons too."""
    assert parse("size:16", COLUMNS) == Filter("16", column=1)
    assert parse("!SI: 16", COLUMNS) == Filter("16", inverted=True, column=1)
    assert parse("0000:18", COLUMNS) == Filter("0000:18")
    assert parse("nqn.2014-08.org:x", COLUMNS) == Filter("nqn.2014-08.org:x")
    same = (NAME, Column("names", "namespace"))
    assert parse("nam:x", same) == Filter("nam:x")
    assert parse("name:x", same) == Filter("x", column=0)


def test_a_filter_finds_what_is_seen_and_nothing_across_cells() -> None:
    """``16.0 MiB`` is found and 16777216 is not; nor is what stands in a column that is hidden."""
    rows = Rows()
    rows.show(panel(("a", {"name": "Disk", "size": 16 << 20, "why": "kept"})))
    for text, found in (
        ("dISK", 1),
        ("16.0 mib", 1),
        ("16777216", 0),
        ("disk16", 0),
        ("why:kept", 1),
        ("name:kept", 0),
    ):
        rows.narrow(text)
        assert len(rows.shown) == found, text
    rows.hide({"why"})
    rows.narrow("kept")
    assert not rows.shown


def test_all_columns_hidden_count_as_none() -> None:
    """A list always shows something."""
    rows = Rows()
    rows.show(named("a"))
    rows.hide({"name", "size", "why"})
    assert rows.wanted == [0, 1, 2]


def test_a_state_comes_back_and_a_strange_one_harms_nothing() -> None:
    """It is read from a file that anybody may have edited."""
    rows, again = Rows(), Rows()
    rows.hide({"why"})
    rows.sort(Sorting("size", reverse=True))
    again.restore(rows.state())
    assert again.state() == rows.state() == {"hidden": ["why"], "sort": "size", "reverse": True}
    strange: list[object] = [
        None, 3, "x", [], {"hidden": 3}, {"hidden": [1, None, ["why"]], "sort": {}}, {"sort": ["size"], "reverse": []},
    ]  # fmt: skip
    for state in strange:
        again.restore(state)
        again.show(named("b", "a"))
        assert len(again.shown) == 2


@settings(RELAXED, max_examples=100)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 320), st.integers(0, 3), st.booleans()), min_size=1, max_size=9),
    room=st.integers(1, 250),
)
def test_columns_fit_and_names_show_whole(sizes: list[tuple[int, int, bool]], room: int) -> None:
    """Whatever fits at all is within the room; a name is cut only where those that always show are too wide."""
    columns = [Column(str(n), "x", "name" if name else "text", priority) for n, (_, priority, name) in enumerate(sizes)]
    widths = [wide for wide, _, _ in sizes]
    found = fit(columns, range(len(columns)), widths, room)
    always = [n for n, column in enumerate(columns) if column.priority == 0]
    assert {placed.which for placed in found.placed} >= set(always)
    least = sum(min(widths[n], 24) if columns[n].style == "text" else widths[n] for n in always)
    if least + GAP * (len(always) - 1) <= room:
        assert found.total <= room
        assert all(p.cells == widths[p.which] for p in found.placed if columns[p.which].style == "name")
    else:
        assert found.total <= max(room, sum(min(p.cells, 8) + GAP for p in found.placed) - GAP)
    assert found.hidden == len(columns) - len(found.placed)
    assert all(a.start + a.cells + GAP == b.start for a, b in zip(found.placed, found.placed[1:], strict=False))
    assert whole(range(len(columns)), widths).total == sum(widths) + GAP * (len(widths) - 1)


@settings(RELAXED, max_examples=100)
@given(text=st.text(max_size=40), cells=st.integers(0, 50), middle=st.booleans())
def test_a_text_that_is_cut_has_the_cells_it_was_given(text: str, cells: int, *, middle: bool) -> None:
    """Also with letters that take two cells, or none."""
    text = clean(text)
    found = cut(text, cells, "~", middle=middle)
    assert width(found) <= cells
    assert found == text or width(found) >= min(cells, width(text)) - 2


def test_numbers_that_are_names_begin_with_the_first_and_amounts_with_the_largest() -> None:
    for column in NAMESPACE_COLUMNS:
        assert not Sorting.first(column).reverse, column.key
    assert Sorting.first(Column("nsid", "ns", style="number")) == Sorting("nsid")
    assert Sorting.first(Column("users", "users", style="number")) == Sorting("users", reverse=True)
    assert Sorting.first(Column("used", "used", style="bytes")) == Sorting("used", reverse=True)


def test_a_remark_can_be_read_before_what_it_is_about_has_all_the_room() -> None:
    columns = (Column("finding", "finding", least=40), Column("next", "next", priority=2, least=26))
    assert [placed.cells for placed in fit(columns, range(2), [174, 185], 120).placed] == [120 - GAP - 40, 40]
    assert [placed.cells for placed in fit(columns, range(2), [174, 185], 90).placed] == [60, 90 - GAP - 60]
