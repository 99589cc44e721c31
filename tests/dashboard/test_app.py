"""The screen as a whole: views, age, pause, rate, trouble, quitting."""

from __future__ import annotations

from typing import cast

import pytest
from textual.command import CommandPalette
from textual.filter import NoColor
from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.freshness import LATE, Freshness, aged
from p2pctl.dashboard.once import view_names
from p2pctl.dashboard.sampler import RATES
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.views.view import View
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.dashboard.widgets.top_line import TopLine
from tests.dashboard.piloting import HeldSource, pilot, screen_lines, until


def text(app: Dashboard) -> str:
    """All of the screen."""
    return "\n".join(screen_lines(app))


def test_number_keys_and_clicks_on_tabs_lead_to_the_views_in_order() -> None:
    """And the one that is seen has the focus and, where there is room for tabs, brackets."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        place = screen_lines(app)[1].index("3 Topology")
        await driver.click("#tabs", offset=(place + 2, 0))
        await until(driver, lambda: app.view.NAME == "topology")
        for size in ((80, 24), (40, 10)):
            await driver.resize_terminal(*size)
            for number, name in enumerate(view_names(), 1):
                await driver.press(str(number))
                await until(driver, lambda name=name: name == app.view.NAME)  # type: ignore[misc]
                await until(driver, lambda: app.focused is not None and app.view in app.focused.ancestors)
                if size[1] >= 20:
                    assert f"[{number} {app.view.TITLE}]" in screen_lines(app)[1]

    pilot(scenario, size=(80, 24))


def test_the_top_line_fits() -> None:
    """What matters least is left out, and nothing is cut."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for width, said in ((80, ("DEMO", "7.3.0", "READ-ONLY", "UTC")), (40, ("DEMO", "READ-ONLY"))):
            await driver.resize_terminal(width, 24)
            await until(driver, lambda width=width: app.query_one(TopLine).size.width == width)  # type: ignore[misc]
            line = screen_lines(app)[0]
            assert len(line) <= width
            assert [word for word in said if word not in line] == []
            assert line.casefold().count("demo") == 1

    pilot(scenario, size=(80, 24))


def test_before_the_first_look_ends_the_screen_says_that_it_reads() -> None:
    source = HeldSource()
    source.gate.clear()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        assert "Reading the host" in text(app)
        source.gate.set()
        await until(driver, lambda: "Reading the host" not in text(app))

    pilot(scenario, source=source, ready=False)


def test_a_failing_look_keeps_the_last_picture_marked_stale() -> None:
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        picture = app.picture
        source.trouble = OSError(5, "Input/output error", "/sys/bus/[pci]/devices")
        await driver.press("r")
        await until(driver, lambda: "STALE" in screen_lines(app)[0])
        assert app.picture is picture
        assert "/sys/bus/[pci]/devices: Input/output error" in text(app)
        assert "0000:18:00.0" in text(app)
        source.trouble = None
        await driver.press("r")
        await until(driver, lambda: "STALE" not in text(app))

    pilot(scenario, source=source)


def test_a_look_that_hangs_is_said_to_go_on_and_freezes_nothing() -> None:
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        source.gate.clear()
        await driver.press("r")
        await until(driver, lambda: app.sampler.busy_since is not None)
        assert app.sampler.busy_since is not None
        app.sampler.busy_since -= 60
        assert app.freshness.seen is not None
        app.freshness.seen -= 60
        app._say()
        await until(driver, lambda: "a read has been going on for 1 min" in text(app))
        await driver.press("2")
        assert app.view.NAME == "pools"
        source.gate.set()
        await until(driver, lambda: "STALE" not in text(app))

    pilot(scenario, source=source)


def test_space_pauses_and_goes_on_and_plus_and_minus_change_the_rate_within_its_bounds() -> None:
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("space")
        await until(driver, lambda: "PAUSED" in screen_lines(app)[0])
        looks = source.looks
        assert app.sampler.paused
        await driver.press("space")
        await until(driver, lambda: "PAUSED" not in screen_lines(app)[0] and source.looks > looks)
        await driver.press("plus")
        assert app.sampler.interval == 0.5
        await until(driver, lambda: "every 0.5 s" in screen_lines(app)[0])
        for _ in RATES:
            await driver.press("minus")
        assert app.sampler.interval == RATES[-1]
        for _ in RATES:
            await driver.press("plus")
        assert app.sampler.interval == RATES[0]

    pilot(scenario, source=source)


def test_ctrl_c_quits_from_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        monkeypatch.setattr(app, "exit", lambda: exits.append(len(exits)))
        small = (20, 5)
        for count, key in enumerate(("", "question_mark", "ctrl+p", "slash", "c", "e"), 1):
            await driver.resize_terminal(*(small if key == "e" else (80, 24)))
            if key:
                await driver.press(key)
            await driver.press("ctrl+c")
            await until(driver, lambda count=count: len(exits) == count)  # type: ignore[misc]
            await driver.press("escape")
            await until(driver, lambda: len(app.screen_stack) == 1)
        monkeypatch.undo()
        await driver.press("ctrl+c")
        await until(driver, lambda: not app.is_running or app._exit)

    pilot(scenario)


def test_jump_goes_to_a_record_of_another_view_and_a_number_asks_for_one_without_a_way_back() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        assert not app.check_action("change", ("p2pmem",)), "nothing changes without --write"
        await driver.press("question_mark")
        assert await app.jump("pools", "0000:1f:00.0")
        await until(driver, lambda: app.view.NAME == "pools" and len(app.screen_stack) == 1)
        current = app.query_one("#pools-pools", RecordList).current
        assert current is not None
        assert current[0] == "0000:1f:00.0"
        assert not await app.jump("pools", "nothing")
        assert not await app.jump("nowhere", "0000:1f:00.0")
        await driver.press("5", "escape")
        await driver.pause()
        assert app.view.NAME == "target"

    pilot(scenario)


def test_without_colours_none_are_drawn() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.pause()
        assert any(isinstance(one, NoColor) for one in app.get_line_filters())
        for name in ("nord", "ansi-dark"):
            app.theme = name
            await driver.pause()
            assert "fill: #" in app.export_screenshot()
            for strip in app.screen._compositor.render_strips():
                for line_filter in app.get_line_filters():
                    strip = strip.apply_filter(line_filter, app.screen.background_colors[1])  # noqa: PLW2901
                assert all(
                    segment.style is None
                    or ((segment.style.color is None or segment.style.color.is_default)
                        and (segment.style.bgcolor is None or segment.style.bgcolor.is_default))
                    for segment in strip
                )  # fmt: skip

    pilot(scenario, settings=Settings(color=False))


OPENED: dict[str, tuple[str, ...]] = {
    "details": ("enter",),
    "copied": ("y",),
    "filter": ("slash", "0"),
    "columns": ("c",),
}
"""What every view has in a form of its own."""
ALIKE: dict[str, tuple[str, ...]] = {"help": ("question_mark",), "export": ("e",), "palette": ("ctrl+p",)}
"""What is the same in all of them."""


def test_ascii_is_all_that_is_drawn() -> None:
    """In every view, and in every dialog over it."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for number in range(1, len(view_names()) + 1):
            await driver.press(str(number))
            for opened in ((), *OPENED.values(), *(ALIKE.values() if number == 1 else ())):
                await driver.press(*opened)
                for _ in range(3):
                    await driver.pause()
                found = text(app)
                assert found.strip()
                strange = sorted({letter for letter in found if not letter.isascii()})
                assert not strange, (number, opened, strange)
                while len(app.screen_stack) > 1:
                    await driver.press("escape")
                if opened == OPENED["filter"]:
                    await driver.press("escape")

    pilot(scenario, size=(80, 24), settings=Settings(ascii=True))


def test_keys_can_be_given_another_place() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("space")
        assert not app.sampler.paused
        await driver.press("p")
        assert app.sampler.paused

    pilot(scenario, settings=Settings(keymap={"app.pause": "p"}))


def test_what_is_worth_keeping_is_noted_when_the_screen_closes() -> None:
    """Of a list that nobody looked at, what the run before kept."""
    turned = {"sort": "address", "reverse": True, "hidden": []}

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("3", "minus", "q")
        assert app.kept_last["view"] == "topology"
        assert app.kept_last["interval"] == 2.0
        lists = cast("dict[str, object]", app.kept_last["lists"])
        assert lists.keys() == {"overview-pools", "overview-ports", "overview-findings", "topology-tree", "pools-pools"}
        assert lists["pools-pools"] is turned

    pilot(scenario, settings=Settings(lists={"pools-pools": turned}))


def test_a_view_comes_to_be_when_it_is_first_looked_at_and_stays() -> None:
    """With the order that its list had."""
    lists = {"pools-pools": {"sort": "address", "reverse": True, "hidden": []}}

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        assert [view.NAME for view in app.query(View)] == ["overview"]
        await driver.press("2", "slash", "b", "a")
        await until(driver, lambda: app.view.NAME == "pools" and app.view.query_one(RecordList).rows.text == "ba")
        shown = [row.key for row in app.view.query_one(RecordList).rows.shown]
        assert len(shown) > 1
        assert shown == sorted(shown, reverse=True)
        pools = app.view
        await driver.press("escape", "1", "2")
        assert app.view is pools
        assert [view.NAME for view in app.query(View)] == ["overview", "pools"]

    pilot(scenario, settings=Settings(lists=lists))


def test_the_screen_of_a_capture_never_grows_stale() -> None:
    """A recording is as old as it is: nothing ticks."""
    source = HeldSource()
    source.moves = False

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.pause()
        assert app.freshness.seen is not None
        app.freshness.seen -= 600
        app._say()
        assert "STALE" not in text(app)
        assert app._ticker is None
        assert "every" not in screen_lines(app)[0]

    pilot(scenario, source=source)


def test_the_age_is_said_where_the_next_look_is_far_away() -> None:
    async def scenario(_: Pilot[None], app: Dashboard) -> None:
        assert app.freshness.seen is not None
        assert " old" not in screen_lines(app)[0]
        app.freshness.seen -= 12
        app._say()
        assert " 12 s old " in shown_words(app)
        assert app._ticker is not None
        app.freshness.seen -= 26 * 60
        app.sampler.interval = 3600
        app._say()
        assert " 26 min 10 s old " in shown_words(app)

    pilot(scenario, settings=Settings(interval=60))


def shown_words(app: Dashboard) -> str:
    """The words of the top line."""
    return " ".join(["", *(word.text for word in app.query_one(TopLine).words), ""])


@pytest.mark.parametrize(
    ("interval", "age", "due"),
    [
        (1.0, 0.0, 3.0), (1.0, 2.5, 0.5), (0.1, 0.0, 2.1), (60.0, 0.0, 2.0), (60.0, 2.25, 0.75), (60.0, 59.5, 0.5),
        (60.0, 61.0, 1.0), (300.0, 61.0, 4.0), (300.0, 75.0, 5.0), (5.0, 8.0, 1.0), (2.0, 0.0, 2.0), (2.0, 3.5, 0.5),
    ],
)  # fmt: skip
def test_the_age_ticks_no_more_often_than_it_is_said(interval: float, age: float, due: float) -> None:
    """Every second, every five over a minute; never where the next look comes before it would be said."""
    found = Freshness(seen=100.0).next_tick(100.0 + age, interval, paused=False, moves=True)
    assert found == pytest.approx(due + LATE)


def test_an_age_over_a_minute_goes_in_steps() -> None:
    assert [aged(seconds) for seconds in (12.9, 59.0, 61.0, 64.9, 65.0)] == [
        "12 s", "59 s", "1 min 0 s", "1 min 0 s", "1 min 5 s",
    ]  # fmt: skip


def test_escape_leads_back_to_where_somebody_was_led_from() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("escape")
        assert app.view.NAME == "overview"
        assert await app.jump("pools", "0000:1f:00.0")
        assert await app.jump("topology", "0000:1f:00.0")
        await until(driver, lambda: "esc Back" in screen_lines(app)[-1])
        await driver.press("slash", "x", "escape")
        await until(driver, lambda: not app.query("FilterLine"))
        assert app.view.NAME == "topology", "the filter took it"
        for name in ("pools", "overview", "overview"):
            await driver.press("escape")
            await until(driver, lambda name=name: name == app.view.NAME)  # type: ignore[misc]
        await until(driver, lambda: "esc Back" not in screen_lines(app)[-1])

    pilot(scenario)


def test_a_colon_opens_the_palette_and_is_a_letter_where_one_types() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("2", "slash", *"note:x")
        await until(driver, lambda: app.query_one("#pools-pools", RecordList).rows.text == "note:x")
        await driver.press("escape", "colon")
        await until(driver, lambda: isinstance(app.screen, CommandPalette))
        await driver.press(*"view target", "enter")
        await until(driver, lambda: app.view.NAME == "target" and len(app.screen_stack) == 1)
        await driver.press("escape")
        await until(driver, lambda: app.view.NAME == "pools")

    pilot(scenario)
