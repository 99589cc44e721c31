"""Jumping to any object by a part of its name."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import OptionList

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.fuzzy import match
from p2pctl.dashboard.goals import devices_named, find, goals, pair_goals
from p2pctl.dashboard.palette import MOST, Jumps
from p2pctl.dashboard.picture import Painter, Picture
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.source import Changer
from p2pctl.dashboard.views import VIEWS
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.model.nvmet import Subsystem, TargetNamespace
from p2pctl.model.snapshot import Snapshot
from tests.dashboard.piloting import HeldSource, demo_snapshot, pilot, screen_lines, until

HOSTILE = "nqn.evil:[bold]x[/] [@click=app.quit]\x1b[2Jé" + "界" * 40 + "n" * 200


def picture(snapshot: Snapshot | None = None) -> Picture:
    """What is concluded of a snapshot."""
    return Painter(lambda _: {}).paint(snapshot or demo_snapshot())


def crowded(count: int) -> Snapshot:
    """The demo host with a subsystem of so many namespaces, of a name that stands in nobody's interest."""
    snapshot = demo_snapshot()
    assert snapshot.nvmet is not None
    many = {nsid: TargetNamespace(nsid, {"device_path": f"/dev/nvme{nsid}n1"}) for nsid in range(1, count + 1)}
    subsystems = {**snapshot.nvmet.subsystems, HOSTILE: Subsystem(HOSTILE, namespaces=many)}
    return replace(snapshot, nvmet=snapshot.nvmet._replace(subsystems=subsystems))


def best(query: str, shown: Picture) -> str:
    """The key of the best hit."""
    return max(find(query, goals(shown)), key=lambda found: found.match.score).goal.key


def test_everything_that_views_show_can_be_jumped_to() -> None:
    found = {(goal.view, goal.key) for goal in goals(picture())}
    nqn = "nqn.2026-11.org.example:pool0"
    assert {
        ("pools", "0000:18:00.0"),
        ("topology", "0000:18:00.0"),
        ("target", "port 1"),
        ("target", f"subsystem {nqn}"),
        ("target", f"namespace 3 of {nqn}"),
        ("target", "host nqn.2014-08.org.nvmexpress:uuid:0f01fb42-9f7f-4856-b0b3-51e60b8de349"),
    } <= found
    assert any(view == "overview" for view, _ in found)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("port 2", "port 2"),
        ("pool0 3", "namespace 3 of nqn.2026-11.org.example:pool0"),
        ("NVME8N1", "namespace 2 of nqn.2026-11.org.example:archive"),
        ("pool 18:00", "0000:18:00.0"),
        ("subsystem archive", "subsystem nqn.2026-11.org.example:archive"),
        ("198.51.100.10", "port 3"),
    ],
)
def test_a_part_of_a_name_finds_it_first(typed: str, key: str) -> None:
    assert best(typed, picture()) == key


def test_whole_words_come_before_scattered_letters() -> None:
    whole, begun, within, scattered = (
        match("port", name) for name in ("port 1", "ports 10", "export 1", "p2p or text")
    )
    assert whole is not None
    assert begun is not None
    assert within is not None
    assert scattered is not None
    assert whole.score > begun.score > within.score > scattered.score


def test_letters_in_another_order_find_nothing() -> None:
    assert match("trop", "port") is None
    assert match("  ", "port") is None


@given(st.text(max_size=30), st.text(max_size=60))
def test_places_are_those_of_the_letters_typed(query: str, name: str) -> None:
    found = match(query, name)
    if found is not None:
        assert 0 < found.score <= 1
        assert {name[place] for place in found.places} == set("".join(query.split()))


def test_no_name_makes_the_search_slow() -> None:
    """Letters that stand everywhere are the worst that a stranger may send, and somebody may type."""
    started = time.process_time()
    assert match("a" * 40 + "b", "a" * 160) is None
    assert match("a" * 40, "ab" * 80) is not None
    assert time.process_time() - started < 0.5


def test_thousands_of_namespaces_make_few_hits() -> None:
    """Only what is shown is made into text."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        jumps = Jumps(app.screen)
        await jumps.startup()
        hits = [hit async for hit in jumps.search("n")]
        assert len(hits) == MOST
        offered = [hit async for hit in jumps.discover()]
        assert 0 < len(offered) < MOST
        await driver.pause()

    pilot(scenario, source=HeldSource(crowded(5000)))


def test_a_hostile_name_is_shown_letter_by_letter() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        app.push_screen(CommandPalette([Jumps], placeholder="Go to"))
        await until(driver, lambda: isinstance(app.screen, CommandPalette))
        await driver.press(*"evilbold")
        hits = app.screen.query_one(OptionList)
        await until(driver, lambda: any("evil" in str(one.prompt) for one in hits.options))
        text = next(str(one.prompt) for one in hits.options if "evil" in str(one.prompt))
        assert "[bold]x[/] [@click=app.quit]\\x1b[2J" in text
        assert "\x1b" not in text

    pilot(scenario, source=HeldSource(crowded(2)))


def test_a_hit_jumps_to_its_record() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        jumped: list[tuple[str, str]] = []

        async def jump(view: str, key: str) -> bool:
            jumped.append((view, key))
            return True

        app.jump = jump  # type: ignore[method-assign]
        app.push_screen(CommandPalette([Jumps], placeholder="Go to"))
        await until(driver, lambda: isinstance(app.screen, CommandPalette))
        await driver.press(*"port 2")
        hits = app.screen.query_one(OptionList)
        await until(driver, lambda: bool(hits.options) and "port 2" in str(hits.options[0].prompt))
        await driver.press("enter")
        await until(driver, lambda: bool(jumped))
        assert jumped == [("target", "port 2")]

    pilot(scenario)


def test_the_palette_opens_over_a_dialog_and_a_hit_leaves_both() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("question_mark")
        await until(driver, lambda: len(app.screen_stack) == 2)
        await driver.press("ctrl+p")
        await until(driver, lambda: isinstance(app.screen, CommandPalette))
        await driver.press(*"port 2")
        hits = app.screen.query_one(OptionList)
        await until(driver, lambda: bool(hits.options) and "port 2" in str(hits.options[0].prompt))
        await driver.press("enter")
        await until(driver, lambda: len(app.screen_stack) == 1 and app.view.NAME == "target")
        current = app.query_one("#target-ports", RecordList).current
        assert current is not None
        assert current[0] == "port 2"

    pilot(scenario)


def test_two_devices_are_a_question() -> None:
    """In any order, by name or address; the answer stands there, and Enter goes to the pair."""
    shown = picture()
    named = devices_named(shown)
    for typed in ("nvme0 nvme7", "0000:18:00.0 NVME7", "why 18:00.0 ba:00.0"):
        keys = [one.key for one in pair_goals(typed, named, shown)]
        assert keys == ["0000:18:00.0 0000:ba:00.0", "0000:ba:00.0 0000:18:00.0"]
    assert [one.key for one in pair_goals("mlx5_3 nvme0", named, shown)] == ["0000:18:00.0 0000:81:00.0"]
    assert "why? Allowed" in next(pair_goals("nvme0 mlx5_3", named, shown)).name
    assert not list(pair_goals("nvme0", named, shown))
    assert not list(pair_goals("nvme0 0000:18:00.0", named, shown))


def test_a_pair_is_gone_to() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        jumps = Jumps(app.screen)
        await jumps.startup()
        hits = [hit async for hit in jumps.search("mlx5_3 nvme0")]
        await hits[0].command()
        await until(driver, lambda: app.view.NAME == "matrix")
        await driver.pause()
        assert "mlx5_3 (0000:81:00.0) may use the memory of nvme0" in "\n".join(screen_lines(app))

    pilot(scenario)


def test_a_connection_is_found_by_its_host_and_has_the_keys() -> None:
    """Also where the lists share the screen as tabs: keys must not go to a list that is not seen."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("5", "4")
        jumps = Jumps(app.screen)
        await jumps.startup()
        hits = [hit async for hit in jumps.search("connection 192.0.2.22")]
        await hits[0].command()
        await driver.pause()
        await driver.pause()
        assert isinstance(app.focused, RecordList)
        assert app.focused.id == "target-connections"
        assert app.focused.current is not None
        assert app.focused.current[1]["address"] == "192.0.2.22"

    pilot(scenario, size=(100, 24))


def test_nothing_typed_offers_views_and_commands_first_one_line_each() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await driver.press("ctrl+p")
        await until(driver, lambda: isinstance(app.screen, CommandPalette))
        hits = app.screen.query_one(OptionList)
        await until(driver, lambda: len(hits.options) > len(VIEWS))
        prompts = [str(one.prompt) for one in hits.options]
        assert [prompt.split("  ")[0] for prompt in prompts[: len(VIEWS)]] == [f"View: {view.TITLE}" for view in VIEWS]
        assert not any("\n" in prompt for prompt in prompts)
        assert any(prompt.endswith("…") for prompt in prompts)
        assert hits.virtual_size.height == len(prompts)
        assert not any(prompt.startswith("Change") for prompt in prompts)

    pilot(scenario, size=(60, 24))


def test_changes_are_offered_where_they_are_allowed() -> None:
    """By the gate, for the record that the cursor is on below the palette."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        async def offered() -> set[str]:
            await driver.press("ctrl+p")
            await until(driver, lambda: isinstance(app.screen, CommandPalette))
            hits = app.screen.query_one(OptionList)
            await until(driver, lambda: len(hits.options) > len(VIEWS))
            found = {str(one.prompt).split("  ")[0] for one in hits.options}
            await driver.press("escape")
            await until(driver, lambda: len(app.screen_stack) == 1)
            return {one for one in found if one.startswith("Change")}

        assert await offered() == set()
        await driver.press("5")
        assert await offered() >= {"Change: P2P memory", "Change: On/off", "Change: Apply"}

    pilot(scenario, changer=cast("Changer", object()), settings=Settings(write=True))
