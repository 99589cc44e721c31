"""All pairs at once."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Static

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.contents.matrix import Pairs, legend, pairs_panel
from p2pctl.dashboard.dialogs.page import PageDialog
from p2pctl.dashboard.picture import Painter, Picture
from p2pctl.dashboard.views.matrix import Matrix
from p2pctl.dashboard.views.matrix_layout import HEAD, Lines, shared, shortened
from p2pctl.dashboard.widgets.pair_grid import PairGrid
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.render.matrix import matrix_page, scope
from tests.dashboard.piloting import HeldSource, demo_snapshot, pilot, screen_lines, until


def painted() -> Picture:
    return Painter(lambda _: {}).paint(demo_snapshot())


def seen(app: Dashboard) -> str:
    return "\n".join(screen_lines(app))


def said(app: Dashboard) -> str:
    return str(app.screen_stack[0].query_one("#matrix-said", Static).content)


def grid(app: Dashboard) -> PairGrid:
    return app.screen_stack[0].query_one(PairGrid)


async def shown(driver: Pilot[None], app: Dashboard) -> Matrix:
    """The view, with the focus on its grid."""
    await driver.press("4")
    await until(driver, lambda: app.view.NAME == "matrix" and grid(app).has_focus and bool(said(app)))
    view = app.view
    assert isinstance(view, Matrix)
    return view


class Many(Pairs):
    """500 x 500 pairs: the devices of the demo host, over and over."""

    def __init__(self, picture: Picture) -> None:
        super().__init__(picture.verdicts)
        self.providers = (self.providers * 500)[:500]
        self.clients = (self.clients * 500)[:500]
        self.asked: Counter[int] = Counter()

    def row(self, provider: int) -> tuple:  # type: ignore[type-arg]
        self.asked[provider] += 1
        return super().row(provider)


def test_the_pairs_are_those_of_the_command() -> None:
    """The screen and ``p2pctl matrix`` have one list of pairs, with one verdict each."""
    picture = painted()
    verdicts = picture.verdicts
    pairs = scope(verdicts.names, (), everything=False)
    page = matrix_page(picture.snapshot, verdicts.selection, verdicts.resolver, verdicts.names, pairs, width=80)
    panel = pairs_panel(Pairs(verdicts))
    shown_only = {"lender", "user"}
    items = [{key: value for key, value in item.items() if key not in shown_only} for item in panel.items]
    assert items == list(page.report.items)
    assert len(set(panel.keys)) == len(panel.keys) == len(pairs.providers) * len(pairs.clients)


def test_it_begins_on_a_denied_pair_and_says_why_and_where_to_look_further() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        await until(driver, lambda: "Denied: nvme7" in seen(app))
        assert "Enter: why, and what to do." in seen(app)
        assert "- denied" in seen(app)
        assert "Why" in screen_lines(app)[-1]
        await driver.press("enter")
        await until(driver, lambda: isinstance(app.screen, PageDialog) and "nvme0 lends, nvme7 uses" in seen(app))
        assert "What to do" in seen(app)
        await driver.press("G")
        await until(driver, lambda: "Rules: linux-7.3" in seen(app))
        await driver.press("escape")
        await until(driver, lambda: grid(app).has_focus)

    pilot(scenario, size=(80, 24))


def test_a_filter_of_the_grid_gets_what_is_typed_at_once_after_its_key() -> None:
    """A grid cannot be filtered: the list comes, and what was typed meanwhile is no shortcut."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        view = await shown(driver, app)
        for key, letter in (("slash", "/"), ("e", "e"), ("n", "n"), ("v", "v"), ("m", "m")):
            app.post_message(Key(key, letter))
        await until(driver, lambda: view.listed and view.query_one(RecordList).rows.text == "envm")
        assert len(app.screen_stack) == 1
        assert view.query_one(RecordList).shift == 0

    pilot(scenario)


def test_a_device_without_a_name_is_called_what_it_is() -> None:
    panel = pairs_panel(Pairs(painted().verdicts))
    called = {(item["client"], item["user"]) for item in panel.items}
    assert ("0000:1d:00.0", "(gpu)") in called
    assert ("0000:18:00.0", "nvme0") in called


def test_a_host_on_which_nobody_lends_says_so() -> None:
    snapshot = replace(demo_snapshot(), pools=None)
    pairs = Pairs(Painter(lambda _: {}).paint(snapshot).verdicts)
    assert len(pairs) == 0
    assert pairs.nothing().startswith("No device here lends memory")
    assert pairs.counted() == f"0 lend, {len(pairs.clients)} use"
    assert pairs_panel(pairs).empty == pairs.nothing()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("4")
        await until(driver, lambda: "No device here lends memory" in seen(app))
        assert "use:" not in seen(app)

    pilot(scenario, source=HeldSource(snapshot), size=(80, 24))


def test_arrows_and_letters_move_the_cursor_and_the_sentence_follows() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        await driver.press("g")
        assert grid(app).cursor == (0, 0)
        await until(driver, lambda: "uses its own memory" in said(app))
        await driver.press("l", "right", "j", "down", "h", "k")
        assert grid(app).cursor == (1, 1)
        await driver.press("left", "up", "up", "left")
        assert grid(app).cursor == (0, 0)
        await driver.press("l")
        await until(driver, lambda: "Allowed: nvme1 (0000:19:00.0) may use the memory of nvme0" in said(app))
        await driver.press("G")
        last = grid(app).pairs
        assert last is not None
        assert grid(app).cursor == (len(last.providers) - 1, len(last.clients) - 1)
        await driver.press("ctrl+u")
        assert grid(app).cursor[0] == 0

    pilot(scenario)


def test_a_click_goes_to_a_pair_and_another_explains_it() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        edge, cell = grid(app)._layout[:2]
        await driver.click(PairGrid, offset=(edge + 2 * cell + cell - 1, 2))
        await until(driver, lambda: grid(app).cursor == (1, 2))
        await driver.click(PairGrid, offset=(edge + 2 * cell + cell - 1, 2))
        await until(driver, lambda: isinstance(app.screen, PageDialog))

    pilot(scenario)


def test_the_whole_demo_host_fits_a_screen_of_eighty_columns_and_a_wide_one_has_names_over_them() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        line = next(line for line in screen_lines(app) if line.startswith("nvme0 "))
        assert len(line.split()) == 22
        assert grid(app).max_scroll_x == 0
        assert "16:nvme7" in seen(app)
        await driver.resize_terminal(200, 60)
        await until(driver, lambda: "What to do" in seen(app))  # there is room for the explanation itself
        assert any("nvme0" in line and "mlx5_4" in line and "nvme10" in line for line in screen_lines(app))

    pilot(scenario, size=(80, 24))


def test_v_lists_the_pairs_with_the_cursor_on_the_same_one() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        view = await shown(driver, app)
        pair = view.pair
        await driver.press("v")
        records = app.query_one("#matrix-pairs", RecordList)
        await until(driver, lambda: records.has_focus and records.current is not None)
        assert view.pair == pair
        await driver.press("j")
        await until(driver, lambda: "Denied: nvme8" in said(app))
        await driver.press("enter")
        await until(driver, lambda: isinstance(app.screen, PageDialog) and "may not use the memory" in seen(app))
        await driver.press("escape", "v")
        await until(driver, lambda: grid(app).has_focus)
        assert view.pair != pair
        assert "Denied: nvme8" in said(app)

    pilot(scenario)


def test_a_filter_asked_of_the_grid_filters_the_list() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        view = await shown(driver, app)
        await driver.press("slash", *"denied", "enter")
        records = app.query_one("#matrix-pairs", RecordList)
        await until(driver, lambda: view.listed and len(records.rows.shown) > 0)
        await until(driver, lambda: {row.item["verdict"] for row in records.rows.shown} == {"denied"})

    pilot(scenario)


def test_escape_from_the_filter_of_the_grid_leads_back_to_it_on_the_same_pair() -> None:
    """And the keys are the grid's again; a filter that is kept stays, with its list."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        view = await shown(driver, app)
        await driver.press("slash", *"nvme7")
        await until(driver, lambda: view.listed and view.query_one(RecordList).rows.text == "nvme7")
        pair = view.pair
        await driver.press("escape")
        await until(driver, lambda: not view.listed and grid(app).has_focus)
        assert view.pair == pair
        assert view.query_one(RecordList).rows.text == ""
        await driver.press("l")
        assert view.pair != pair
        await driver.press("v", "slash", *"nvme7", "escape")
        await until(driver, lambda: view.query_one(RecordList).has_focus)
        assert view.listed, "whoever looked at the list still does"

    pilot(scenario)


def test_copying_takes_the_verdict_in_words_and_a_pair_and_a_device_can_be_gone_to() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        view = await shown(driver, app)
        await driver.press("y")
        await until(driver, lambda: app.clipboard.startswith("Denied: nvme7"))
        assert view.go_to("0000:19:00.0 0000:38:00.0")
        assert view.pair is not None
        assert tuple(map(str, view.pair)) == ("0000:19:00.0", "0000:38:00.0")
        assert view.go_to("0000:ba:00.0")
        assert view.pair is not None
        assert str(view.pair.provider) == "0000:ba:00.0"
        assert not view.go_to("0000:ff:00.0")
        assert not view.go_to("")

    pilot(scenario)


def test_of_very_many_pairs_only_the_rows_that_are_seen_are_worked_out() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        view = await shown(driver, app)
        assert app.picture is not None
        view._known = many = Many(app.picture)
        view.show(app.picture)
        await driver.pause()
        assert 0 < len(many.asked) < 60
        await driver.press("G")
        await until(driver, lambda: grid(app).cursor == (499, 499) and 499 in many.asked)
        await driver.pause()
        assert len(many.asked) < 100
        numbers = next(line for line in screen_lines(app) if " 499 500" in line)
        assert " 1 " not in numbers

    pilot(scenario, size=(80, 24))


def test_a_row_of_very_many_pairs_takes_no_time_that_anybody_sees() -> None:
    many = Many(painted())
    many.row(0)
    start = time.process_time()
    for row in range(1, 51):
        many.row(row)
    assert time.process_time() - start < 50 * 0.05
    assert "denied" in legend(many, numbered=True, distance=False)
    assert len(many.asked) == 51


def test_it_lives_on_small_screens() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for size in ((5, 2), (20, 5), (40, 10)):
            await driver.resize_terminal(*size)
            await shown(driver, app)
            await driver.press("G", "g", "l", "j", "enter")
            await until(driver, lambda: isinstance(app.screen, PageDialog))
            await driver.press("escape")
            await until(driver, lambda: grid(app).cursor == (1, 1) and grid(app).has_focus)
            if size[1] >= 5:
                assert any(line.startswith("nvme1") for line in screen_lines(app)), size

    pilot(scenario, size=(5, 2))


def rows_seen(app: Dashboard) -> int:
    """Records of the grid whose letters are on the screen."""
    return sum(line.startswith(("nvme", "1e:", "99:")) for line in screen_lines(app))


LOW = (((60, 15), 5), ((70, 16), 6), ((80, 15), 6), ((80, 24), 8), ((40, 10), 3))
"""Sizes, and how many records of the grid are then seen."""


def test_a_low_screen_keeps_the_grid_and_the_end_of_the_answer() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        for size, rows in LOW:
            await driver.resize_terminal(*size)
            await until(driver, lambda rows=rows: rows_seen(app) == rows)  # type: ignore[misc]
            await until(driver, lambda: "Enter: why" in " ".join(seen(app).split()))
            assert "D direct" in seen(app) or size == (40, 10), size

    pilot(scenario, size=LOW[0][0])


def test_a_screen_that_shrinks_and_grows_again_has_its_grid_throughout() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        assert "21:nvme10" in seen(app)
        await driver.resize_terminal(60, 15)
        await until(driver, lambda: rows_seen(app) == 5 and "21:nvme10" not in seen(app))
        await until(driver, lambda: "Enter: why, and what to do." in seen(app))
        await driver.resize_terminal(80, 24)
        await until(driver, lambda: rows_seen(app) == 8 and "21:nvme10" in seen(app))

    pilot(scenario, size=(80, 24))


@pytest.mark.parametrize("records", [1, 8, 500])
def test_the_grid_has_at_least_half_of_the_records_that_it_could_show(records: int) -> None:
    for height in range(1, 30):
        given = shared(height, records, Lines(2, 9, 1, 6), scrolls=True)
        left = height - sum(given)
        could = max(min(records, height - HEAD - 1), 0)
        assert left >= min(height, HEAD + 1) + could // 2, height
        assert given.numbers in {0, 6}, height


def test_an_ending_is_not_cut_and_goes_only_where_it_would_take_more_than_half() -> None:
    text = "Denied: one may not use the memory of the other, because no bridge is above both."
    endings = ("Enter: why, and what to do.", "Enter: why.")
    assert shortened(text, endings, 46, 2, "…").endswith(" because no… Enter: why, and what to do.")
    assert shortened(text, endings, 34, 1, "…") == "Denied: one may not… Enter: why."
    assert shortened(text, endings, 16, 1, "…") == "Denied: one may…"
    assert shortened("Allowed.", endings, 58, 1, "…") == "Allowed. Enter: why, and what to do."
