"""q quits and Esc goes back, in every dialog and in every phase of a change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.dialogs.change import ChangeDialog
from p2pctl.errors import P2pctlError
from tests.dashboard.piloting import pilot, screen_lines, until
from tests.dashboard.test_changes import WRITE, Held, focus, in_phase, plan_a_link

OPENED = {
    "PageDialog": ("2", "enter"),
    "HelpDialog": ("2", "question_mark"),
    "ColumnsDialog": ("2", "c"),
    "ChoiceDialog": ("5", "L"),
}
"""Dialogs without a text field, and the keys that open them."""
TYPING = {"ExportDialog": ("2", "e"), "PathDialog": ("5", "A"), "CommandPalette": ("2", "ctrl+p")}
"""Those where one types."""


class Leaving:
    """Counts how often the program would end, and has it go on."""

    def __init__(self, app: Dashboard) -> None:
        self.count = 0

        def leave(*_: object, **__: object) -> None:
            self.count += 1

        app.exit = leave  # type: ignore[method-assign]


def last_line(app: Dashboard) -> str:
    return screen_lines(app)[-1]


async def opened(driver: Pilot[None], app: Dashboard, keys: tuple[str, ...], name: str) -> None:
    await driver.press(keys[0])
    if keys[0] == "5":
        await focus(driver, app, "target-ports", "port 1")
    await driver.press(*keys[1:])
    await until(driver, lambda: type(app.screen).__name__ == name)
    await driver.pause()


def test_q_quits_from_every_dialog_and_escape_closes_it() -> None:
    """The line at the bottom says so."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        leaving = Leaving(app)
        for count, (name, keys) in enumerate(OPENED.items(), 1):
            await opened(driver, app, keys, name)
            assert "q Quit" in last_line(app), (name, last_line(app))
            assert "esc " in last_line(app), (name, last_line(app))
            await driver.press("q")
            await until(driver, lambda count=count: leaving.count == count)  # type: ignore[misc]
            assert type(app.screen).__name__ == name
            await driver.press("escape")
            await until(driver, lambda: len(app.screen_stack) == 1)
            assert leaving.count == count, name

    pilot(scenario, changer=Held(), settings=WRITE)


def test_in_a_text_field_q_is_a_letter_and_ctrl_c_quits() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        leaving = Leaving(app)
        for count, (name, keys) in enumerate(TYPING.items(), 1):
            await opened(driver, app, keys, name)
            await driver.press("q")
            await until(driver, lambda: "q" in str(getattr(app.focused, "value", "")))
            assert leaving.count == count - 1, name
            await driver.press("ctrl+c")
            await until(driver, lambda count=count: leaving.count == count)  # type: ignore[misc]
            await driver.press("escape")
            await until(driver, lambda: len(app.screen_stack) == 1)

    pilot(scenario, changer=Held(), settings=WRITE)


def planning(changer: Held) -> None:
    changer.planning.clear()


def asking(changer: Held) -> None:
    del changer


def refused(changer: Held) -> None:
    changer.trouble = P2pctlError("no")


def nothing(changer: Held) -> None:
    changer.steps = 0


@pytest.mark.parametrize("phase", [planning, asking, refused, nothing], ids=lambda one: one.__name__)
def test_q_quits_while_a_change_is_not_carried_out(phase: Callable[[Held], None]) -> None:
    changer = Held()
    phase(changer)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, phase.__name__)
        assert "q Quit" in last_line(app)
        await driver.press("q")
        await until(driver, lambda: app._exit)
        assert changer.done == []
        changer.planning.set()

    pilot(scenario, changer=changer, settings=WRITE)


def test_q_quits_at_the_end_of_a_change() -> None:
    changer = Held()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "asking")
        await driver.press("y")
        await in_phase(driver, app, "ended")
        assert isinstance(app.screen, ChangeDialog)
        await driver.press("q")
        await until(driver, lambda: app._exit)
        assert len(changer.done) == 1

    pilot(scenario, changer=changer, settings=WRITE)
