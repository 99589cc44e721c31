"""What is said in one line over the keys: the newest only, and why a key does nothing."""

from __future__ import annotations

from collections.abc import Callable

from textual.pilot import Pilot
from textual.widgets._toast import Toast

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.dialogs.help import HelpDialog
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.widgets.page_text import PageText
from p2pctl.dashboard.widgets.record_list import RecordList
from tests.dashboard.piloting import HeldSource, pilot, screen_lines, until
from tests.dashboard.test_changes import Forbidden, Held, focus

READ_ONLY = "Read-only: start p2pctl dashboard with --write to change the target."
RECORDING = "(not now: a recording cannot be changed)"
KEYS = ("p", "E", "L", "U", "A")


class Recorded(HeldSource):
    """A source that does not move."""

    moves = False


def said(app: Dashboard, text: str) -> Callable[[], bool]:
    """Whether that, and nothing else, is told."""
    return lambda: [one.message for one in app._notifications] == [text]


def test_each_key_of_a_change_says_why_it_does_nothing() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        app.query_one("#target-namespaces", RecordList).focus()
        for key in KEYS:
            await driver.press("down")
            assert not list(app._notifications), "the next key takes it away"
            await driver.press(key)
            await until(driver, said(app, READ_ONLY))
            assert len(app.screen_stack) == 1

    pilot(scenario, changer=Forbidden(), settings=Settings(view="target"))


def test_a_recording_says_that_it_cannot_be_changed_and_does_not_move() -> None:
    """Nor does the help speak of --write, which is refused there."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        app.query_one("#target-namespaces", RecordList).focus()
        for key in KEYS:
            await driver.press("down", key)
            await until(driver, said(app, "A recording cannot be changed."))
        for key in ("space", "plus", "minus"):
            await driver.press("down", key)
            await until(driver, said(app, "A recording does not move."))
        assert not app.sampler.paused
        assert app.sampler.interval == Settings().interval
        assert "PAUSED" not in screen_lines(app)[0]
        await driver.press("question_mark")
        await until(driver, lambda: isinstance(app.screen, HelpDialog))
        page = app.screen.query_one(PageText)
        await until(driver, lambda: " ".join(page.text.split()).count(RECORDING) == len(KEYS))
        assert "needs --write" not in page.text

    pilot(scenario, source=Recorded(), settings=Settings(view="target"))


def test_with_write_a_key_says_where_it_would_do_something() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await focus(driver, app, "target-ports", "port 1")
        await driver.press("p")
        await until(driver, said(app, "P2P memory: put the cursor on a namespace."))
        await driver.press("2", "L")
        await until(driver, said(app, "Link: not here, but in the lists of the view Target."))
        await driver.press("x")
        await driver.pause()
        assert not list(app._notifications), "of other keys nothing is said"

    pilot(scenario, changer=Held(), settings=Settings(write=True, view="target"))


def test_a_key_that_was_given_to_a_change_says_it_too() -> None:
    settings = Settings(view="target", keymap={"target.p2pmem": "M"})

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        app.query_one("#target-namespaces", RecordList).focus()
        await driver.press("M")
        await until(driver, said(app, READ_ONLY))
        await driver.press("p")
        await driver.pause()
        assert not list(app._notifications)

    pilot(scenario, settings=settings)


def test_only_the_newest_is_told_in_the_line_of_the_keys() -> None:
    """So that no record is hidden by it; a key takes it away."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        before = screen_lines(app)
        for number in range(3):
            app.notify(f"[this] is number {number}", markup=False)
        await until(driver, lambda: "[this] is number 2" in screen_lines(app)[-1])
        await until(driver, lambda: len(app.screen.query(Toast)) == 1)
        lines = screen_lines(app)
        assert lines[:-1] == before[:-1]
        await driver.press("down")
        await until(driver, lambda: screen_lines(app)[-1] == before[-1])

    pilot(scenario, size=(80, 24), toasts=True)
