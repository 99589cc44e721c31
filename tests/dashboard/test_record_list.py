"""The list that every view shows records with, on a screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar, cast

import pytest
from textual.app import App, ComposeResult
from textual.events import Key, MouseScrollDown
from textual.message import Message
from textual.pilot import Pilot

from p2pctl.dashboard.dialogs.columns import ColumnsDialog
from p2pctl.dashboard.glyphs import ASCII, UNICODE
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.views.view import Shown, View
from p2pctl.dashboard.widgets.drawn_list import DrawnList
from p2pctl.dashboard.widgets.filter_line import FilterLine
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.dashboard.widgets.rows import Sorting
from p2pctl.render.report import Column, Item, Value
from tests.dashboard.piloting import until

COLUMNS = (
    Column("name", "name", "name"),
    Column("size", "size", "bytes", priority=1),
    Column("state", "state", "name", priority=2, tones={"bad": "bad"}),
    Column("why", "why"),
)
NQN = "nqn.2014-08.org.nvmexpress:uuid:" + "0123456789abcdef" * 16 + ":tail"
HOSTILE = (
    "[red]x[/]",
    "\x1b[2J\x1b]52;c;AAAA\x07",
    "日本語" * 40,
    "e\u0301" * 50,
    "\udcff\u202e",
    NQN,
    "[/]",
    "a\tb\nc",
)


def item(name: str, size: Value = 0, state: Value = "good", why: Value = "") -> Item:
    return {"name": name, "size": size, "state": state, "why": why}


def panel(*items: Item, title: str = "Things", empty: str = "None.", notes: tuple[str, ...] = ()) -> Panel:
    return Panel("things", title, COLUMNS, items, [str(one["name"]) for one in items], empty, notes)


class Sample(View):
    """A view of one list."""

    NAME: ClassVar[str] = "sample"
    opened: list[str]

    def compose(self) -> ComposeResult:
        yield RecordList(id="sample-things", markable=True)

    def panels(self, picture: Picture) -> tuple[Panel, ...]:
        return (cast("Panel", picture),)

    def details(self, panel_name: str, key: str) -> None:
        """Notes what would be opened."""
        assert panel_name == "things"
        self.opened.append(key)


class Host(App[None]):
    """A screen with that view."""

    CSS = "View { height: 1fr; }"

    def __init__(self, shown: Panel, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.first = shown
        self.sample = Sample(Shown(ASCII if ascii_only else UNICODE))
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.sample

    def show(self, shown: Panel) -> None:
        self.sample.show(cast("Picture", shown))

    @property
    def records(self) -> RecordList:
        return self.sample.query_one(RecordList)

    @property
    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]

    def on_record_list_marked(self, message: RecordList.Marked) -> None:
        self.heard.append(message)

    def on_record_list_moved(self, message: RecordList.Moved) -> None:
        self.heard.append(message)


Scenario = Callable[[Pilot[None], Host], Awaitable[None]]


def drive(scenario: Scenario, shown: Panel, *, size: tuple[int, int] = (80, 12), ascii_only: bool = False) -> None:
    """Runs a scenario on a screen that shows a panel."""

    async def run() -> None:
        app = Host(shown, ascii_only=ascii_only)
        async with app.run_test(size=size, notifications=True) as driver:
            app.show(shown)
            await driver.pause()
            await scenario(driver, app)

    asyncio.run(run())


ABC = panel(item("a", 3), item("b", 2, "bad"), item("c", 1, why="because"))


def test_the_cursor_stays_on_its_record() -> None:
    """Records may come, go and change places; when its own goes, the cursor stays where that was."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        await driver.press("j")
        assert app.records.current
        assert app.records.current[0] == "b"
        app.show(panel(item("new"), item("c"), item("b", 9), item("a")))
        await driver.pause()
        assert (app.records.cursor, app.records.current[0]) == (2, "b")
        assert app.lines[4].startswith("  b")
        app.show(panel(item("new"), item("c"), item("a")))
        assert app.records.current[0] == "a"
        app.show(panel())
        assert app.records.current is None

    drive(scenario, ABC)


def test_keys_move_and_the_cursor_stays_in_sight() -> None:
    """Arrows and letters do the same; far below, the record that the cursor is on is on the screen."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        places = []
        for key in ("down", "j", "up", "k", "G", "k", "g", "pagedown", "ctrl+d", "ctrl+u", "pageup", "end", "home"):
            await driver.press(key)
            await driver.pause()
            places.append(app.records.cursor)
            assert any(line.startswith(f"  n{app.records.cursor:03}") for line in app.lines), key
        assert places == [1, 2, 1, 0, 199, 198, 0, 10, 20, 10, 0, 199, 0]

    drive(scenario, panel(*(item(f"n{place:03}") for place in range(200))))


def test_a_list_that_was_scrolled_away_from_its_cursor_stays_there() -> None:
    """An update every second must not take away what somebody scrolled to with the wheel."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        app.records.scroll_to(y=100, animate=False)
        await driver.pause()
        assert app.records.scroll_offset.y == 100
        app.show(panel(item("before"), *app.first.items))
        await driver.pause()
        assert app.records.scroll_offset.y == 100
        assert app.records.cursor == 1
        app.records.narrow("n00")
        await driver.pause()
        assert any("n009" in line for line in app.lines)

    drive(scenario, panel(*(item(f"n{place:03}") for place in range(200))))


def test_only_lines_that_changed_are_painted() -> None:
    """A level that ticks costs one line, a cursor that moves two, and what is equal nothing."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        painted: list[int] = []
        original = app.records.render_line
        app.records.render_line = lambda y: (painted.append(y), original(y))[1]  # type: ignore[method-assign,func-returns-value]
        app.show(panel(item("a", 3), item("b", 7, "bad"), item("c", 1, why="because")))
        await driver.pause()
        assert painted == [3]
        painted.clear()
        await driver.press("j")
        await driver.pause()
        assert sorted(set(painted)) == [2, 3]
        painted.clear()
        app.show(panel(item("a", 3), item("b", 7, "bad"), item("c", 1, why="because")))
        await driver.pause()
        assert painted == []

    drive(scenario, ABC)


def test_a_list_that_appears_is_painted_right_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its room when it was filled was none, and it is painted in its place before it is told of that."""
    monkeypatch.setattr(DrawnList, "on_resize", lambda _: None)

    async def scenario(driver: Pilot[None], app: Host) -> None:
        app.sample.display = False
        await driver.pause()
        app.show(panel(item("a-name-of-some-length", 5, "good", "because")))
        assert not app.records.seen
        app.sample.display = True
        await driver.pause()
        assert app.lines[0].startswith("Things (1)")
        assert app.lines[2].split()[0] == "a-name-of-some-length"
        assert app.lines[2].split()[-1] == "because"

    drive(scenario, panel())


def test_text_is_cut_and_names_are_not() -> None:
    """What is cut shows whole behind Enter; a mark in the head tells that there is more, also in ASCII."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        await driver.pause()
        assert app.lines[1].endswith(UNICODE.more)
        assert app.lines[2].startswith("  0000:18:00.0  ")
        assert app.lines[2].endswith("…")
        assert len(app.lines[2]) == 50
        app.sample.shown.glyphs = app.records.glyphs = ASCII
        app.records.sync()
        await driver.pause()
        assert app.lines[2].endswith("~")
        assert all(line.isascii() for line in app.lines)

    drive(scenario, panel(item("0000:18:00.0", why="the switch sends it up " * 9)), size=(50, 8))


def test_columns_go_by_priority_and_scrolling_shows_them() -> None:
    """Right and left lead through everything; the title says how many columns are away."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        assert "+2 columns" in app.lines[0]
        assert "STATE" not in app.lines[1]
        seen = []
        for _ in range(12):
            await driver.press("l")
            await driver.pause()
            seen.append("\n".join(app.lines))
        assert any("STATE" in text for text in seen)
        assert any("end of it" in text for text in seen)
        assert UNICODE.less in seen[-1]
        assert seen[-1] == seen[-2]
        for _ in range(12):
            await driver.press("h")
        await driver.pause()
        assert app.records.shift == 0
        assert "+2 columns" in app.lines[0]

    drive(scenario, panel(item("x" * 20, why="because " * 8 + "end of it")), size=(50, 8))


def test_a_name_of_300_letters_leaves_room_for_the_others() -> None:
    """It is cut in its middle, as its end tells it apart; scrolling shows all of it."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        assert "…" in app.lines[2]
        assert "tail" in app.lines[2]
        assert "because" in app.lines[2]
        seen = ""
        for _ in range(20):
            await driver.press("l")
            await driver.pause()
            seen += app.lines[2][2:]
        assert "0123456789abcdef:tail" in seen

    drive(scenario, panel(item(NQN, why="because")), size=(60, 8))


def test_a_filter_is_typed_live_kept_with_enter_and_cleared_with_escape() -> None:
    """The title says what is seen of how much, and why."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        await driver.press("slash", "b", "e", "c")
        await driver.pause()
        assert [row.key for row in app.records.rows.shown] == ["c"]
        assert "Things /" in app.lines[-1]
        await driver.press("enter")
        await until(driver, lambda: not app.query(FilterLine))
        assert app.focused is app.records
        assert app.lines[0].startswith("Things (1 of 3)  /bec")
        app.show(panel(item("d", why="also because"), *ABC.items))
        assert len(app.records.rows.shown) == 2
        await driver.press("escape")
        assert len(app.records.rows.shown) == 4
        await driver.press("slash", "!", "b", "e", "c")
        await driver.pause()
        assert [row.key for row in app.records.rows.shown] == ["a", "b"]
        await driver.press("escape")
        await until(driver, lambda: not app.query(FilterLine))
        assert len(app.records.rows.shown) == 4

    drive(scenario, ABC)


def test_a_filter_gets_what_is_typed_at_once_after_its_key() -> None:
    """Keys that came before the line stood there are not taken for those of the list."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        for key, letter in (("slash", "/"), ("s", "s"), ("slash", "/"), ("x", "x")):
            app.post_message(Key(key, letter))
        await until(driver, lambda: app.records.rows.text == "s/x")
        assert app.records.rows.sorting == Sorting()

    drive(scenario, ABC)


def test_a_filter_that_finds_nothing_says_so() -> None:
    """It does not look like a host that has nothing; what is typed is no markup."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        app.records.narrow("[/x]\x1b")
        await driver.pause()
        assert app.lines[2] == r"Nothing matches /[/x]\x1b"
        assert app.records.go_to("b")
        assert app.records.current
        assert app.records.current[0] == "b"
        app.show(panel(empty="No things here."))
        await driver.pause()
        assert "No things here." in app.lines[2]

    drive(scenario, ABC)


def test_the_cursor_moves_while_a_filter_is_typed() -> None:
    """Up and down are the list's."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        await driver.press("slash", "down", "down", "up")
        assert app.records.cursor == 1

    drive(scenario, ABC)


def test_s_goes_through_the_columns_and_capital_s_reverses() -> None:
    """Names begin with the first, sizes with the largest; an arrow in the head says so. After the last, no order."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        orders = []
        for key in ("s", "s", "S", "s", "s", "s"):
            await driver.press(key)
            orders.append((app.records.rows.sorting, "".join(row.key for row in app.records.rows.shown)))
            await driver.pause()
            if len(orders) == 2:
                assert "SIZE▼" in app.lines[1]
            if len(orders) == 3:
                assert "SIZE▲" in app.lines[1]
                assert "by size ▲" in app.lines[0]
        assert orders == [
            (Sorting("name"), "abc"), (Sorting("size", reverse=True), "abc"), (Sorting("size"), "cba"),
            (Sorting("state"), "bac"), (Sorting("why"), "cab"), (Sorting(), "abc"),
        ]  # fmt: skip

    drive(scenario, ABC)


def test_a_click_on_a_head_sorts() -> None:
    """Again the other way, and a third time not at all."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        at = (app.lines[1].index("SIZE"), 1)
        found = []
        for _ in range(3):
            await driver.click(RecordList, offset=at)
            found.append(app.records.rows.sorting)
        assert found == [Sorting("size", reverse=True), Sorting("size"), Sorting()]

    drive(scenario, ABC)


def test_a_click_goes_to_a_record_and_another_opens_it() -> None:
    """So does Enter; a click below the records does nothing."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        opened: list[str] = []
        app.sample.opened = opened
        await driver.click(RecordList, offset=(3, 3))
        assert (app.records.cursor, opened) == (1, [])
        await driver.press("home", "down")
        await driver.click(RecordList, offset=(3, 3))
        await driver.click(RecordList, offset=(3, 9))
        assert opened == ["b"]
        await driver.press("enter")
        assert opened == ["b", "b"]
        await driver.click(RecordList, offset=(3, 4), times=2)
        assert opened == ["b", "b", "c"]

    drive(scenario, ABC)


def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    """Textual's own events."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        await driver._post_mouse_events([MouseScrollDown], RecordList, offset=(3, 4))
        await driver.pause()
        assert app.records.scroll_offset.y > 0
        assert app.records.cursor == 0

    drive(scenario, panel(*(item(f"n{place:03}") for place in range(200))))


def test_marks_show_without_colour_and_are_told() -> None:
    """A dot before what was marked, a bar before what is on a path."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        await driver.press("x", "j", "x", "j", "x", "x")
        await driver.pause()
        told = [message.keys for message in app.heard if isinstance(message, RecordList.Marked)]
        assert told == [("a",), ("a", "b"), ("a", "b", "c"), ("a", "b")]
        app.records.marked = frozenset({"c"})
        await driver.pause()
        assert [line[0] for line in app.lines[2:5]] == ["●", "●", "┃"]
        app.show(panel(item("b")))
        await driver.pause()
        assert app.records.chosen == ("b",)

    drive(scenario, ABC)


def test_the_cursor_tells_once_where_it_is() -> None:
    """Not again while its record only changes or moves."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        await driver.press("j")
        app.show(panel(item("c"), item("b", 5), item("a")))
        app.show(panel(item("b", 6), item("a")))
        await driver.pause()
        assert [message.key for message in app.heard if isinstance(message, RecordList.Moved)] == ["a", "b"]

    drive(scenario, ABC)


def test_y_copies_the_cells_and_capital_y_the_key() -> None:
    """Sizes as numbers, tabs between them, nothing that a terminal would obey."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        await driver.press("y")
        assert app.clipboard == "\\x1b[2J\t1048576\tgood\t-"
        await driver.press("Y")
        assert app.clipboard == "\\x1b[2J"
        await until(driver, lambda: any(r"Copied: \x1b[2J" in line for line in app.lines))

    drive(scenario, panel(item("\x1b[2J", 1 << 20)), size=(80, 24))


def test_columns_are_hidden_and_shown_in_a_dialog() -> None:
    """The list follows at once; one column always stays."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        await driver.press("c")
        await until(driver, lambda: isinstance(app.screen, ColumnsDialog))
        await driver.press("j", "space")
        assert app.records.state()["hidden"] == ["size"]
        assert any("[ ]  size" in line for line in app.lines)
        await driver.press("g", "space", "j", "j", "space", "j", "space")
        assert app.records.state()["hidden"] == ["name", "size", "state"]
        await driver.press("a", "escape")
        await until(driver, lambda: not isinstance(app.screen, ColumnsDialog))
        assert app.records.state()["hidden"] == []
        assert app.focused is app.records

    drive(scenario, ABC, size=(80, 24))


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (20, 5), (40, 3), (80, 24), (200, 50)])
def test_hostile_names_break_no_size(size: tuple[int, int]) -> None:
    """No line is wider than the screen, no markup is read, nothing moves the terminal's cursor, all keys live."""

    async def scenario(driver: Pilot[None], app: Host) -> None:
        for key in ("j", "x", "l", "l", "s", "slash", "[", "/", "enter", "escape", "h", "G", "y"):
            await driver.press(key)
            await driver.pause()
            strips = app.screen._compositor.render_strips()
            assert all(strip.cell_length <= size[0] for strip in strips)
            text = "".join(strip.text for strip in strips)
            assert "\x1b" not in text
            assert "\u202e" not in text

    shown = panel(*(item(name, why=name, state=name) for name in HOSTILE), title="[/]\x1b[2J", notes=("[/]",))
    drive(scenario, shown, size=size)


@pytest.mark.parametrize("color", [True, False])
def test_the_cursor_shows_without_colour(monkeypatch: pytest.MonkeyPatch, *, color: bool) -> None:
    """Under NO_COLOR its line is reversed."""
    if not color:
        monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(driver: Pilot[None], app: Host) -> None:
        await driver.pause()
        styles = [segment.style for segment in app.records.render_line(2) if segment.text.strip()]
        others = [segment.style for segment in app.records.render_line(3) if segment.text.strip()]
        assert all(style and bool(style.reverse) is not color for style in styles)
        assert not any(style and style.reverse for style in others)
        if color:
            assert {style.bgcolor for style in styles if style} != {style.bgcolor for style in others if style}

    drive(scenario, ABC)


def test_5000_records_stay_usable() -> None:
    """An update of a few, a letter of a filter and a key are far below what people notice."""
    many = [item(f"nvme{place}n1", place, why=f"text {place}") for place in range(5_000)]

    async def scenario(driver: Pilot[None], app: Host) -> None:
        del driver
        spent = []
        for size in range(5):
            many[size] = item(f"nvme{size}n1", 7_000 + size)
            began = time.process_time()
            app.show(panel(*many))
            spent.append(time.process_time() - began)
        assert min(spent) < 0.05
        began = time.process_time()
        app.records.narrow("text 49")
        assert len(app.records.rows.shown) == 111
        assert time.process_time() - began < 0.2

    drive(scenario, panel(*many))
