"""Changes from the screen: planned first, asked for with No as the answer, told how they end; never without --write."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, get_args

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.changes import BINDINGS
from p2pctl.dashboard.changing import Verb
from p2pctl.dashboard.dialogs.change import ChangeDialog
from p2pctl.dashboard.dialogs.choice import ChoiceDialog
from p2pctl.dashboard.dialogs.path import PathDialog
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.source import Done, Proposal, Request
from p2pctl.dashboard.views import VIEWS
from p2pctl.dashboard.widgets.page_text import PageText
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.errors import BusyError, P2pctlError, RefusedError
from p2pctl.target.plan import Disruption
from tests.dashboard.piloting import HeldSource, pilot, screen_lines, until

POOL, ARCHIVE = "nqn.2026-11.org.example:pool0", "nqn.2026-11.org.example:archive"
WRITE = Settings(write=True, view="target")
STEP = "echo 1 > /sys/kernel/config/nvmet/x"


class Held:
    """A changer that does what the test says, when it says so."""

    def __init__(self, disruption: Disruption = Disruption.NONE, steps: int = 2) -> None:
        self.disruption = disruption
        self.steps = steps
        self.trouble: Exception | None = None
        """What planning raises."""
        self.failure: Exception | None = None
        """What carrying out raises."""
        self.planning, self.doing = threading.Event(), threading.Event()
        self.planning.set()
        self.doing.set()
        self.asked: list[Request] = []
        self.done: list[Request] = []
        self.stopped: list[int] = []
        self.lines: tuple[str, ...] = ()
        """The steps, where they are not all alike."""

    def plan(self, request: Request) -> Proposal:
        """The plan."""
        self.asked.append(request)
        self.planning.wait(10)
        if self.trouble is not None:
            raise self.trouble
        steps = self.lines or (STEP,) * self.steps
        noticed = ("somebody is [connected] to it",) if self.disruption else ()
        return Proposal(request, steps, self.disruption, ("a prediction",), ("a note",), ("a danger",), 0, (), noticed)

    def carry_out(self, proposal: Proposal, progress: Callable[[str], None]) -> Done:
        """Does it."""
        self.done.append(proposal.request)
        progress(f"done: {proposal.steps[0]}")
        self.doing.wait(10)
        if self.failure is not None:
            raise self.failure
        return Done(("changed [it]: so it is",), ("by the way",))

    def stop(self, proposal: Proposal, number: int) -> None:
        """Notes it."""
        assert proposal.request in self.done
        self.stopped.append(number)
        self.doing.set()


class Forbidden:
    """A changer that must not be reached."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    def plan(self, request: Request) -> NoReturn:
        """Fails."""
        self._reached(f"planned: {request}")

    def carry_out(self, proposal: Proposal, progress: Callable[[str], None]) -> NoReturn:
        """Fails."""
        self._reached(f"carried out: {proposal}, {progress}")

    def stop(self, proposal: Proposal, number: int) -> NoReturn:
        """Fails."""
        self._reached(f"stopped: {proposal}, {number}")

    def _reached(self, how: str) -> NoReturn:
        self.reached.append(how)
        pytest.fail(how)


def text(app: Dashboard) -> str:
    return "\n".join(screen_lines(app))


async def focus(driver: Pilot[None], app: Dashboard, name: str, key: str) -> None:
    """Puts the cursor on a record."""
    rows = app.query_one(f"#{name}", RecordList)
    await until(driver, lambda: app.view.go_to(key) and rows.is_on_screen)
    rows.focus()
    await driver.pause()


async def shows(driver: Pilot[None], app: Dashboard, screen: type[Screen[str | None]]) -> None:
    await until(driver, lambda: isinstance(app.screen, screen))


async def in_phase(driver: Pilot[None], app: Dashboard, phase: str) -> ChangeDialog:
    await until(driver, lambda: isinstance(app.screen, ChangeDialog) and app.screen.phase == phase)
    await driver.pause()
    assert isinstance(app.screen, ChangeDialog)
    return app.screen


async def plan_a_link(driver: Pilot[None], app: Dashboard) -> None:
    """Asks to export a subsystem by a port that it is not exported by yet."""
    await focus(driver, app, "target-ports", "port 1")
    await driver.press("L")
    await shows(driver, app, ChoiceDialog)
    await driver.press("enter")


async def plan_a_switch(driver: Pilot[None], app: Dashboard) -> None:
    """Asks to disable a namespace, which a screen of any size shows."""
    await focus(driver, app, "target-namespaces", f"namespace 1 of {POOL}")
    await driver.press("E")


NO = (["enter"], ["n"], ["escape"], ["right", "left", "enter"], ["l", "h", "enter"])


def test_no_is_the_answer_unless_somebody_says_yes() -> None:
    changer = Held()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for count, no in enumerate(NO, 1):
            await plan_a_link(driver, app)
            await in_phase(driver, app, "asking")
            assert isinstance(app.focused, Button)
            assert app.focused.id == "no"
            await driver.press(*no)
            await until(driver, lambda: len(app.screen_stack) == 1)
            assert (len(changer.asked), changer.done) == (count, []), no

    pilot(scenario, changer=changer, settings=WRITE)


def test_yes_carries_it_out_and_tells_how_it_ended() -> None:
    """The log has it, and the host is read again."""
    changer = Held()
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for count, yes in enumerate((["y"], ["right", "enter"], ["l", "enter"]), 1):
            await plan_a_link(driver, app)
            await in_phase(driver, app, "asking")
            for word in ("$ echo 1 > x", "Hosts notice nothing", "a prediction", "a note", "a danger", "in 2 steps"):
                assert word in text(app), word
            looks, events = source.looks, len(app.shown.events)
            await driver.press(*yes)
            await in_phase(driver, app, "ended")
            assert "changed [it]: so it is" in text(app)
            assert "by the way" in text(app)
            assert [one.title for one in changer.done] == [f"export {ARCHIVE} by port 1"] * count, yes
            (event,) = app.shown.events[events:]
            assert (event.kind, event.subject, event.text) == ("target", "port 1", "changed [it]: so it is")
            await until(driver, lambda looks=looks: source.looks > looks)  # type: ignore[misc]
            await driver.press("enter")
            await until(driver, lambda: len(app.screen_stack) == 1)

    pilot(scenario, changer=changer, settings=WRITE, source=source)


def test_what_hosts_lose_something_by_takes_a_word() -> None:
    """One key is too little, and any other word is no."""
    changer = Held(Disruption.PORT)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for word in ("", "y", "no", "yess"):
            await plan_a_link(driver, app)
            await in_phase(driver, app, "asking")
            assert "somebody is [connected] to it" in text(app)
            assert isinstance(app.focused, Input)
            await driver.press(*word, "enter")
            await until(driver, lambda: len(app.screen_stack) == 1)
            assert changer.done == [], word

    pilot(scenario, changer=changer, settings=WRITE)


def test_the_question_is_seen_below_a_plan_of_any_length_at_any_size() -> None:
    """A plan that is longer than the screen scrolls; the field that takes the word is always there, and works."""
    changer = Held(Disruption.PORT, steps=60)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for size in ((80, 24), (80, 25), (79, 24), (80, 12), (80, 11), (60, 7), (60, 5)):
            await driver.resize_terminal(*size)
            await plan_a_switch(driver, app)
            page = (await in_phase(driver, app, "asking")).query_one(PageText)
            await until(driver, lambda: "Type yes and Enter to do it" in text(app))
            assert page.max_scroll_y > 0, size
            assert app.focused is not None, size
            assert app.focused.region.bottom <= size[1] - 1, (size, "the keys have the last line")
            await driver.press("pagedown")
            await until(driver, lambda page=page: page.scroll_offset.y > 0)  # type: ignore[misc]
            assert "Type yes and Enter to do it" in text(app), size
            await driver.press("escape")
            await until(driver, lambda: len(app.screen_stack) == 1)
            assert changer.done == [], size

    pilot(scenario, changer=changer, settings=WRITE, size=(80, 24))


def test_a_path_that_is_longer_than_a_line_is_read_to_its_end() -> None:
    """With a mark where the line was broken."""
    changer = Held()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_switch(driver, app)
        await in_phase(driver, app, "asking")
        lines = [line.strip("│ ") for line in screen_lines(app)]
        first = next(place for place, line in enumerate(lines) if line.startswith("$ cd "))
        assert lines[first].endswith("\\")
        joined = lines[first].removesuffix("\\") + lines[first + 1]
        assert joined == f"$ cd /sys/kernel/config/nvmet/subsystems/{POOL}/namespaces/{'d' * 20}"

    steps = tuple(f"echo {one} > /sys/kernel/config/nvmet/subsystems/{POOL}/namespaces/{'d' * 20}/x" for one in "01")
    changer.lines = steps
    pilot(scenario, changer=changer, settings=WRITE, size=(80, 30))


def test_the_word_yes_carries_it_out() -> None:
    changer = Held(Disruption.NAMESPACE)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "asking")
        await driver.press(*"yes", "enter")
        await in_phase(driver, app, "ended")
        assert len(changer.done) == 1

    pilot(scenario, changer=changer, settings=WRITE)


def test_a_refusal_stands_where_the_question_would() -> None:
    changer = Held()
    changer.trouble = RefusedError("[it] is in the way", hint="take it away")
    changer.trouble.details = ("also: another",)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        dialog = await in_phase(driver, app, "refused")
        for word in ("refused: [it] is in the way", "hint: take it away", "also: another", "Nothing was changed"):
            assert word in text(app), word
        assert not dialog.query(Button)
        assert not dialog.query(Input)
        await driver.press("y")
        await driver.press("enter")
        await until(driver, lambda: len(app.screen_stack) == 1)
        assert changer.done == []

    pilot(scenario, changer=changer, settings=WRITE)


def test_a_bug_in_planning_is_told_and_the_screen_lives() -> None:
    changer = Held()
    changer.trouble = ZeroDivisionError("x")

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "refused")
        assert "this is a bug in p2pctl: ZeroDivisionError" in text(app)

    pilot(scenario, changer=changer, settings=WRITE)


def test_nothing_to_do_asks_nothing() -> None:
    changer = Held(steps=0)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "nothing")
        assert "There is nothing to do" in text(app)
        await driver.press("y", "escape")
        await until(driver, lambda: len(app.screen_stack) == 1)
        assert changer.done == []

    pilot(scenario, changer=changer, settings=WRITE)


def test_the_screen_lives_while_it_is_planned_and_esc_leaves() -> None:
    changer = Held()
    changer.planning.clear()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "planning")
        await until(driver, lambda: "/ It is being planned" in text(app))
        await until(driver, lambda: "- It is being planned" in text(app))
        await driver.press("enter", "y")
        assert isinstance(app.screen, ChangeDialog)
        await driver.press("escape")
        await until(driver, lambda: len(app.screen_stack) == 1)
        changer.planning.set()
        assert changer.done == []

    pilot(scenario, changer=changer, settings=WRITE)


def test_a_failure_is_told_with_what_was_undone() -> None:
    changer = Held()
    changer.failure = BusyError("it cannot be", hint="do otherwise")
    changer.failure.details = ("  the kernel says: [no]", "everything that was done has been undone")

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "asking")
        await driver.press("y")
        await in_phase(driver, app, "ended")
        for word in ("failed: it cannot be", "hint: do otherwise", "the kernel says: [no]", "has been undone"):
            assert word in text(app), word
        event = app.shown.events[len(app.shown.events) - 1]
        assert (event.severity, event.text) == ("error", f"failed: export {ARCHIVE} by port 1: it cannot be")

    pilot(scenario, changer=changer, settings=WRITE)


def test_while_it_is_done_esc_explains_and_s_stops() -> None:
    changer = Held()
    changer.doing.clear()
    changer.failure = P2pctlError("interrupted by SIGINT")

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "asking")
        await driver.press("y")
        await in_phase(driver, app, "doing")
        await until(driver, lambda: "1 of 2 steps" in text(app) and f"done: {STEP}" in text(app))
        await driver.press("escape")
        await until(driver, lambda: any("carried out or undone whole" in one.message for one in app._notifications))
        await driver.press("enter", "n")
        assert (await in_phase(driver, app, "doing")).phase == "doing"
        assert changer.stopped == []
        await driver.press("s")
        await in_phase(driver, app, "ended")
        assert changer.stopped == [signal.SIGINT]

    pilot(scenario, changer=changer, settings=WRITE)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_leaving_waits_for_the_end_of_a_change(key: str) -> None:
    changer = Held()
    changer.doing.clear()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "asking")
        await driver.press("y")
        await in_phase(driver, app, "doing")
        await driver.press(key)
        await until(driver, lambda: "p2pctl ends with it; q again stops and undoes it" in text(app))
        assert app.is_running
        assert changer.stopped == []
        changer.doing.set()
        await until(driver, lambda: not app.is_running or app._exit)

    pilot(scenario, changer=changer, settings=WRITE)


def test_leaving_twice_stops_and_undoes_it() -> None:
    changer = Held()
    changer.doing.clear()
    changer.failure = P2pctlError("interrupted by SIGINT")

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "asking")
        await driver.press("y")
        await in_phase(driver, app, "doing")
        await driver.press("q", "q")
        await until(driver, lambda: not app.is_running or app._exit)
        assert changer.stopped == [signal.SIGINT]

    pilot(scenario, changer=changer, settings=WRITE)


def test_a_signal_stops_and_undoes_it_and_is_the_exit_code() -> None:
    changer = Held()
    changer.doing.clear()
    changer.failure = P2pctlError("interrupted by SIGHUP")
    ends: list[Dashboard] = []

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        ends.append(app)
        await plan_a_link(driver, app)
        await in_phase(driver, app, "asking")
        await driver.press("y")
        await in_phase(driver, app, "doing")
        app.end(128 + signal.SIGHUP)
        await until(driver, lambda: not app.is_running or app._exit)
        assert changer.stopped == [signal.SIGHUP]

    pilot(scenario, changer=changer, settings=WRITE)
    assert ends[0].return_value == 128 + signal.SIGHUP


def test_the_pools_stand_in_columns_the_allowed_first_with_the_reason_of_those_that_are_denied() -> None:
    """The first is the nearest; what is so now has a star, and the cursor is still on it."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await focus(driver, app, "target-namespaces", f"namespace 2 of {POOL}")
        await driver.press("p")
        await shows(driver, app, ChoiceDialog)
        await until(driver, lambda: "denied: " in text(app))
        rows = [line.strip("│ ").split() for line in screen_lines(app) if " free " in line]
        pools = [row[row[0] == "*" :] for row in rows]
        assert " ".join(pools[0]) == "0000:19:00.0 nvme1 60M of 64M free allowed, distance 0; port 1: P2P predicted"
        assert [row[0] for row in rows].count("*") == 1
        assert next(row for row in rows if row[0] == "*")[1:3] == ["0000:18:00.0", "nvme0"]
        words = ["allowed," if "allowed," in row else "denied:" for row in pools]
        assert words == sorted(words)
        (far,) = (" ".join(row) for row in pools if row[0] == "0000:ba:00.0")
        assert "denied: no bridge is above both" in far
        assert "EINVAL" not in text(app)
        await driver.press("enter")
        await in_phase(driver, app, "asking")

    changer = Held()
    pilot(scenario, changer=changer, settings=WRITE, size=(100, 34))
    assert changer.asked[0].title.endswith("to 0000:18:00.0")


def test_a_pool_that_the_kernel_takes_says_by_port_whether_it_would_be_used() -> None:
    """Being allowed is not being used: the port decides, too. All of it is read, however narrow the screen is."""

    said = "allowed, distance 0; port 3: falls back, port 2: tcp cannot"

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for size in ((80, 24), (140, 40), (60, 30), (40, 40)):
            await driver.resize_terminal(*size)
            await focus(driver, app, "target-namespaces", f"namespace 2 of {ARCHIVE}")
            await driver.press("p")
            await shows(driver, app, ChoiceDialog)
            await until(driver, lambda: said in " ".join(text(app).replace("│", "").split()))
            assert size[0] < 60 or "port 3 (rdma): falls-back" in text(app) or size[1] < 30, size
            assert app.screen.query_one(OptionList).region.bottom <= size[1] - 1, size
            await driver.press("escape")
            await until(driver, lambda: len(app.screen_stack) == 1)

    pilot(scenario, changer=Held(), settings=WRITE, size=(80, 24))


def test_p2p_memory_is_chosen_among_auto_off_and_the_pools_each_with_its_prediction() -> None:
    changer = Held()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await focus(driver, app, "target-namespaces", f"namespace 5 of {POOL}")
        await driver.press("p")
        await shows(driver, app, ChoiceDialog)
        assert isinstance(app.screen, ChoiceDialog)
        dialog = app.screen
        values = [one.value for one in dialog.choice.options]
        assert values[:2] == ["1", "0"]
        assert "0000:18:00.0" in values
        assert dialog.query_one(OptionList).highlighted == 1, "the cursor is on what is so now"
        await until(driver, lambda: len(dialog.told) == len(values))
        assert dialog.query_one(OptionList).highlighted == 1, "nor does it leave that when the pools are sorted"
        assert "p2pmem is off, its I/O goes through system memory" in " ".join(text(app).split())
        await driver.press("j", "k", "up", "enter")
        await in_phase(driver, app, "asking")
        (asked,) = changer.asked
        assert asked.title == f"set p2pmem of namespace 5 of {POOL} to auto"
        assert asked.wishes is not None
        assert dict(asked.wishes.subsystems[POOL].namespaces[5].attributes) == {"p2pmem": "1"}
        assert asked.explain == ((POOL, 5),)

    pilot(scenario, changer=changer, settings=WRITE, size=(120, 40))


ASKED = (
    ("target-namespaces", f"namespace 1 of {POOL}", ["E"], f"disable namespace 1 of {POOL}"),
    ("target-ports", "port 2", ["U", "enter"], f"export {ARCHIVE} by port 2 no more"),
    ("target-subsystems", f"subsystem {POOL}", ["L", "enter"], f"export {POOL} by port 2"),
    ("target-subsystems", f"subsystem {POOL}", ["U", "enter"], f"export {POOL} by port 1 no more"),
    ("target-namespaces", f"namespace 1 of {POOL}", ["A", *"t.yaml", "enter"], "apply t.yaml"),
)
"""A record of a list, the keys that are pressed on it, and what is then asked for."""


def test_every_key_asks_for_what_it_says() -> None:
    changer = Held()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for rows, key, presses, title in ASKED:
            await focus(driver, app, rows, key)
            await driver.press(presses[0])
            for press in presses[1:]:
                await until(driver, lambda: len(app.screen_stack) == 2)
                await driver.press(press)
            await in_phase(driver, app, "asking")
            assert changer.asked[-1].title == title
            await driver.press("escape")
            await until(driver, lambda: len(app.screen_stack) == 1)
        assert len(changer.asked) == len(ASKED)

    pilot(scenario, changer=changer, settings=WRITE)


def test_choosing_nothing_asks_for_nothing() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await focus(driver, app, "target-ports", "port 1")
        for verb, dialog in (("L", ChoiceDialog), ("U", ChoiceDialog), ("A", PathDialog)):
            await driver.press(verb)
            await shows(driver, app, dialog)
            await driver.press("escape")
            await until(driver, lambda: len(app.screen_stack) == 1)

    pilot(scenario, changer=Forbidden(), settings=WRITE)


def test_the_ports_of_the_overview_can_be_changed_and_other_lists_cannot() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        app.query_one("#overview-ports", RecordList).focus()
        await driver.pause()
        assert app.check_action("change", ("p2pmem",)) is True
        app.query_one("#overview-pools", RecordList).focus()
        await driver.pause()
        assert app.check_action("change", ("p2pmem",)) is False
        assert app.check_action("change", ("apply",)) is False

    pilot(scenario, changer=Held(), settings=Settings(write=True))


@pytest.mark.parametrize("settings", [Settings(), Settings(write=True)], ids=["without --write", "without a changer"])
def test_the_keys_are_dimmed_where_nothing_may_be_changed(settings: Settings) -> None:
    changer = None if settings.write else Forbidden()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        app.query_one("#overview-ports", RecordList).focus()
        await driver.pause()
        dimmed = {one.binding.action for one in app.screen.active_bindings.values() if not one.enabled}
        assert {binding.action for binding in BINDINGS} <= dimmed  # type: ignore[union-attr]
        assert app.check_action("change", ("p2pmem",)) is None

    pilot(scenario, changer=changer, settings=settings)


LEAVES = {"quit", "suspend_process"}
"""What would end the screen that the others are tried on."""


def test_without_write_no_action_and_no_command_reaches_the_changer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All bindings of the views, of their lists and of the dialogs that they open, and all that the palette offers."""
    monkeypatch.chdir(tmp_path)  # an export goes here
    changer = Forbidden()
    tried: set[tuple[str, str, str]] = set()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for view in (one.NAME for one in VIEWS):
            await back(driver, app, view)
            for widget in [one for one in app.view.query(Widget) if one.focusable]:
                await back(driver, app, view)
                widget.focus()
                await driver.pause()
                await every_action(driver, app, tried, view)
                await every_verb(app)
        await back(driver, app, "target")
        app.query_one("#target-namespaces", RecordList).focus()
        await driver.press("p", "E", "L", "U", "A")
        assert len(app.screen_stack) == 1
        for command in list(app.get_system_commands(app.screen)):
            found = None if command.title == "Quit" else command.callback()
            if asyncio.iscoroutine(found):
                await found
            await driver.pause()
            await every_verb(app)
            await back(driver, app, "target")

    pilot(scenario, changer=changer, settings=Settings(), size=(80, 24))
    assert changer.reached == []
    assert {where for where, _, _ in tried} >= {
        "HelpDialog",
        "ExportDialog",
        "PageDialog",
        "ColumnsDialog",
        "CommandPalette",
    }
    assert {f"change('{verb}')" for verb in get_args(Verb)} <= {action for _, _, action in tried}


async def every_action(driver: Pilot[None], app: Dashboard, tried: set[tuple[str, str, str]], where: str) -> None:
    """Does what each binding that works here does, and what each one of a dialog does that opens by it."""
    screen, focused, view = app.screen, app.focused, app.view.NAME
    for one in list(screen.active_bindings.values()):
        action = one.binding.action
        # What the app's keys do depends on the list for changes only.
        known = ("" if one.node is app and "change" not in action else where, type(one.node).__name__, action)
        if known in tried or action.rpartition(".")[2] in LEAVES or not one.node.is_attached:
            continue
        tried.add(known)
        await app.run_action(action, default_namespace=one.node)
        await driver.pause()
        if app.screen is not screen and len(app.screen_stack) > 1:
            assert not isinstance(app.screen, (ChangeDialog, ChoiceDialog, PathDialog)), (where, action)
            await every_verb(app)
            if len(app.screen_stack) < 4:
                await every_action(driver, app, tried, type(app.screen).__name__)
        if screen not in app.screen_stack:
            return
        await back(driver, app, view, to=screen)
        if focused is not None and app.focused is not focused:
            screen.set_focus(focused)


async def every_verb(app: Dashboard) -> None:
    """Asks for every change, whatever is in front."""
    before = list(app.screen_stack)
    for verb in get_args(Verb):
        await app.run_action(f"app.change('{verb}')")
        app.action_change(verb)
    assert app.screen_stack == before


async def back(driver: Pilot[None], app: Dashboard, view: str, to: Screen[Any] | None = None) -> None:
    """To a view with nothing over it, or to a dialog with nothing over that."""
    while app.screen is not (to or app.screen_stack[0]):
        app.pop_screen()
        await driver.pause()
    if view != app.view.NAME:
        await app.action_view(view)
        await driver.pause()


def test_nothing_comes_over_a_change_that_is_carried_out() -> None:
    """Neither the palette nor a jump, from which there would be no way back to it."""
    changer = Held()
    changer.doing.clear()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "asking")
        await driver.press("y")
        dialog = await in_phase(driver, app, "doing")
        await driver.press("ctrl+p")
        await driver.pause()
        assert app.screen is dialog
        assert not await app.jump("pools", "0000:18:00.0")
        assert app.screen is dialog
        await until(driver, lambda: any("A change is being carried out" in one.message for one in app._notifications))
        await driver.press("s")
        await in_phase(driver, app, "ended")
        assert await app.jump("pools", "0000:18:00.0")

    pilot(scenario, changer=changer, settings=WRITE)


def test_a_change_whose_dialog_is_gone_can_still_be_stopped_and_is_noted() -> None:
    changer = Held()
    changer.doing.clear()
    changer.failure = P2pctlError("interrupted by SIGTERM")

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "asking")
        await driver.press("y")
        await in_phase(driver, app, "doing")
        app.pop_screen()
        await driver.pause()
        app.end(128 + signal.SIGTERM)
        await until(driver, lambda: not app.is_running or app._exit)
        assert changer.stopped == [signal.SIGTERM]
        assert "interrupted by SIGTERM" in app.shown.events[len(app.shown.events) - 1].text

    pilot(scenario, changer=changer, settings=WRITE)


def test_only_the_change_itself_is_waited_for_at_the_end() -> None:
    """A read that hangs while it is planned, or predicted, must not keep the program from ending."""
    changer = Held()
    changer.planning.clear()
    changer.doing.clear()

    def waited(name: str) -> bool:
        (found,) = (one for one in threading.enumerate() if one.name == f"p2pctl-{name}")
        return not found.daemon

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await plan_a_link(driver, app)
        await in_phase(driver, app, "planning")
        assert not waited("plan")
        changer.planning.set()
        await in_phase(driver, app, "asking")
        await driver.press("y")
        await in_phase(driver, app, "doing")
        assert waited("change")
        changer.doing.set()
        await in_phase(driver, app, "ended")

    pilot(scenario, changer=changer, settings=WRITE)


def test_a_prediction_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    daemons: list[bool] = []

    def hang(*_: object) -> tuple[str, ...]:
        daemons.append(threading.current_thread().daemon)
        gate.wait(10)
        return ()

    monkeypatch.setattr("p2pctl.dashboard.changes.predicted", hang)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await focus(driver, app, "target-namespaces", f"namespace 5 of {POOL}")
        await driver.press("p")
        await until(driver, lambda: bool(daemons))

    pilot(scenario, changer=Held(), settings=WRITE)
    gate.set()
    assert daemons == [True], "the rest is not even asked for"
