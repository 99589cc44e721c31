"""The keys at the bottom of the screen, and the page of all of them."""

from __future__ import annotations

from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.changes import off
from p2pctl.dashboard.contents.legends import STATES, legend
from p2pctl.dashboard.dialogs.help import HelpDialog, help_page
from p2pctl.dashboard.glyphs import ASCII
from p2pctl.dashboard.views import VIEWS
from p2pctl.dashboard.widgets.key_line import KeyLine
from p2pctl.render.layout import Look
from p2pctl.render.pages import page_lines
from p2pctl.target.port_state import StateWord
from tests.dashboard.piloting import pilot, screen_lines, until


def test_help_and_the_way_out_always_stand_there() -> None:
    """In every view at every width, and whole keys only."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        line = app.query_one(KeyLine)
        for number, view in enumerate(VIEWS, 1):
            await driver.press(str(number))
            for columns in (20, 40, 80, 200):
                await driver.resize_terminal(columns, 24)
                await until(driver, lambda columns=columns: line.size.width == columns)  # type: ignore[misc]
                last = screen_lines(app)[-1]
                assert last.endswith("? Help  q Quit"), (view.NAME, columns)
                assert last.split() == [word for _, key in line.shown for word in (key.shown, *key.text.split())]

    pilot(scenario, size=(20, 24))


def test_changes_that_are_not_allowed_give_way_first_and_a_click_is_the_key() -> None:
    """And one on a key that does nothing now does nothing."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("5")
        await driver.pause()
        line = app.query_one(KeyLine)
        assert {key.text for key in line.keys if not key.enabled} >= {"P2P memory", "Link"}
        for wide in range(20, 120):
            line._size = line._size.with_width(wide)
            shown = [key for _, key in line.shown]
            dropped = set(line.keys) - set(shown)
            if any(key.enabled for key in dropped):
                wanted = min(key.cells for key in dropped if key.enabled)
                assert all(key.enabled or key.cells < wanted for key in shown)
        line._size = line._size.with_width(120)
        places = {key.text: start for start, key in app.query_one(KeyLine).shown}
        await driver.click(KeyLine, offset=(places["P2P memory"] + 1, 0))
        await driver.pause()
        assert len(app.screen_stack) == 1
        await driver.click(KeyLine, offset=(places["Help"], 0))
        await until(driver, lambda: isinstance(app.screen, HelpDialog))

    pilot(scenario, size=(120, 24))


def told(app: Dashboard) -> str:
    """The help of what has the focus."""
    words = legend(app.view.NAME, app.shown.glyphs)
    page = help_page(app, app.screen, app.screen.active_bindings, words, off(app))
    return "\n".join(page_lines(page, Look(width=100)))


def test_help_says_what_works_here_and_nothing_else() -> None:
    """Textual's own words and keys are not in it; changes come before what only moves; the grid has no columns."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for number in range(1, len(VIEWS) + 1):
            await driver.press(str(number))
            await driver.pause()
            text = told(app)
            for noise in ("Page Left", "Focus Next", "super", "command prompt", "Scroll "):
                assert noise not in text.replace("Scroll to columns", "").replace("Scroll the columns", "")
            assert ("Hide and show columns" in text) is (app.view.NAME != "matrix")
            assert text.index("\nEverywhere") < text.index("\nMoving") < text.index("\nWhat signs")
        await driver.press("5")
        await driver.pause()
        text = told(app)
        assert text.index("\nChanges") < text.index("\nEverywhere")
        assert text.count("needs --write") == 5

    pilot(scenario)


def test_every_view_has_its_signs_explained() -> None:
    """In the letters that the terminal has; each state has a meaning."""
    assert set(STATES) == set(StateWord.__args__)  # type: ignore[attr-defined]
    for view in VIEWS:
        lines = legend(view.NAME, ASCII)
        assert len(lines) > 3
        assert "".join(lines).isascii()
    assert any("8x16 !" in line or "!" in line for line in legend("topology", ASCII))
