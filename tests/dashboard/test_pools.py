"""Pools: the list, the graph, who holds what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.contents.level import level_page
from p2pctl.dashboard.contents.pools import columns, holders_panel, pool_record, pools_panel, rate_text
from p2pctl.dashboard.glyphs import ASCII, UNICODE, Glyphs
from p2pctl.dashboard.history import History
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.source import Event
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.model.address import Address
from p2pctl.model.facts import UNREADABLE, Fact
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.cells import cell
from p2pctl.render.layout import Look
from p2pctl.render.pages import page_lines
from p2pctl.render.text import Span, Tone
from tests.dashboard.levels import MIB, NVME0, leveled, painted, without
from tests.dashboard.piloting import HeldSource, demo_snapshot, pilot, screen_lines, until

DEMO = demo_snapshot()
UNREGISTERED = "0000:98:00.0"
SIZE = 512 * MIB
CHANGED = Event(0.0, "pool", "", "levels", parts=frozenset({"pools"}))


def shown(snapshot: Snapshot, column: str, address: Address = NVME0, glyphs: Glyphs = ASCII) -> Span:
    """A cell of the list of pools."""
    state = next(one for one in painted(snapshot).pools if one.address == address)
    return cell(next(one for one in columns(glyphs) if one.key == column), pool_record(state, History()))


def drawn(snapshot: Snapshot, history: History, *, glyphs: Glyphs = ASCII, address: str = str(NVME0)) -> list[str]:
    """The page about a level, line by line."""
    page = level_page(painted(snapshot), address, history, glyphs, wide=60, lines=40)
    assert page is not None
    return list(page_lines(page, Look(width=60)))


def looked(*snapshots: Snapshot) -> History:
    """A history of looks at the host."""
    history = History()
    for snapshot in snapshots:
        assert snapshot.pools is not None
        history.add(snapshot.pools.taken, painted(snapshot).pools)
    return history


@pytest.mark.parametrize(
    ("free", "level", "note", "tone"),
    [
        (SIZE, "........   0%", " ", "accent"),
        (SIZE // 2, "####....  50%", " ", "accent"),
        (SIZE // 20, "#######.  95%", "tight", "warning"),
        (0, "######## 100%", "full", "bad"),
        (UNREADABLE, "?", " ", "warning"),
    ],
)
def test_a_level_is_a_bar_a_number_and_a_word(free: Fact[int], level: str, note: str, tone: Tone) -> None:
    snapshot = leveled(DEMO, {NVME0: free})
    assert shown(snapshot, "share") == Span(level, tone)
    assert shown(snapshot, "strain").text == note


def test_an_unknown_level_has_an_unknown_use_and_rate() -> None:
    snapshot = leveled(DEMO, {NVME0: UNREADABLE})
    assert [shown(snapshot, key).text for key in ("used", "rate")] == ["?", "?"]
    assert "? of 512.0 MiB in use: the level could not be read" in "\n".join(drawn(snapshot, History()))


def test_memory_that_is_no_pool_has_no_level_and_says_why() -> None:
    address = Address.from_sysfs(UNREGISTERED)
    assert address
    assert [shown(DEMO, key, address).text for key in ("share", "strain", "rate", "history")] == [
        "-",
        "no pool",
        "-",
        "-",
    ]
    text = " ".join(" ".join(drawn(DEMO, History(), address=UNREGISTERED)).split())
    assert "no pool: 1.5 MiB at 0x260000010000 is not aligned to 2 MiB" in text


@pytest.mark.parametrize(
    ("rate", "text"), [(0.0, "0/s"), (0.4, "0/s"), (1536.0, "+1.5K/s"), (-200 * 1024.0, "-200K/s"), (3e9, "+2.8G/s")]
)
def test_a_rate_has_a_sign_and_two_digits(rate: float, text: str) -> None:
    assert rate_text(rate) == text


def test_the_summary_counts_what_is_strained() -> None:
    picture = painted(leveled(DEMO, {NVME0: 0, Address(0, 0x19, 0, 0): UNREADABLE}))
    summary = pools_panel(picture, History(), UNICODE).summary
    assert summary.endswith("in use; 1 full, 1 no pool, 1 unknown")


def test_columns_are_the_same_objects_from_look_to_look() -> None:
    first, second = (pools_panel(painted(DEMO), History(), UNICODE) for _ in range(2))
    assert first.columns is second.columns


def test_holders_account_for_every_byte_in_use() -> None:
    picture = painted(DEMO)
    for state in picture.pools:
        if not isinstance(state.used, int):
            continue
        held = [one for one in holders_panel(picture, str(state.address)).items if not one["shared"]]
        assert sum(int(str(one["bytes"])) for one in held) == state.used


def test_holders_that_nobody_looked_for_are_not_told_to_be_none() -> None:
    panel = holders_panel(painted(replace(DEMO, holders=None)), str(NVME0))
    assert not panel.items
    assert panel.empty.startswith("Not known")


def test_holders_of_all_pools_name_the_pool_and_have_keys_of_their_own() -> None:
    panel = holders_panel(painted(DEMO))
    assert len(set(panel.keys)) == len(panel.keys) > 4
    assert panel.columns[0].key == "pool"


def test_the_graph_is_as_high_as_the_level_was() -> None:
    looks = [leveled(DEMO, {NVME0: SIZE - part * SIZE // 4}, after=10.0 * second) for second, part in ((0, 1), (1, 4))]
    text = drawn(looks[-1], looked(*looks))
    top = next(place for place, line in enumerate(text) if "512M" in line)
    axis = next(place for place, line in enumerate(text) if line.endswith("-") and not line.strip("- ?"))
    # A look ten seconds after the one before comes too late to tell what was between.
    heights = [sum(line.ljust(60)[cell] == "#" for line in text[top:axis]) for cell in range(10, 60)]
    assert sorted({one for one in heights if one}) == [5, 20]
    assert "between 128.0 MiB and 512.0 MiB since" in "\n".join(text)


def test_the_graph_shows_a_pause_as_a_gap() -> None:
    looks = [leveled(DEMO, {NVME0: SIZE // 2}, after=second) for second in (0, 1, 30, 31)]
    axis = next(line for line in drawn(looks[-1], looked(*looks)) if set(line.strip()) == {"-", "?"})
    known = axis.strip()
    assert known.startswith("-")
    assert known.endswith("-")
    assert known.count("?") > known.count("-")


def test_a_recording_says_that_it_has_one_look() -> None:
    recorded = replace(DEMO, source=replace(DEMO.source, kind="capture"))
    assert "? a second: a recording is one look, it has no history" in "\n".join(drawn(recorded, looked(recorded)))


def test_a_pool_that_is_not_there_has_no_page() -> None:
    assert level_page(painted(without(DEMO, NVME0)), str(NVME0), History(), UNICODE) is None


def row(app: Dashboard, text: str) -> str:
    """The first line of the screen that holds a text; empty where none does."""
    return next((line for line in screen_lines(app) if text in line), "")


def test_a_level_that_moves_moves_the_bar() -> None:
    source = HeldSource(leveled(DEMO, {NVME0: SIZE}))

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: "........   0%" in row(app, str(NVME0)))
        source.happen(CHANGED, snapshot=leveled(DEMO, {NVME0: SIZE // 2}, after=1.0))
        await until(driver, lambda: "####....  50%" in row(app, str(NVME0)))
        assert "+256M/s" in row(app, str(NVME0))

    pilot(scenario, source=source, settings=Settings(view="pools", ascii=True))


def test_a_pool_that_vanishes_leaves_the_list_and_its_history() -> None:
    source = HeldSource(DEMO)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: "nvme0" in row(app, str(NVME0)))
        source.happen(CHANGED, snapshot=without(DEMO, NVME0, after=1.0))
        await until(driver, lambda: not row(app, str(NVME0)))
        assert app.shown.history.extent(NVME0) is None

    pilot(scenario, source=source, settings=Settings(view="pools"))


def test_graph_and_holders_follow_the_cursor_and_enter_opens_the_page_of_the_pool() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: "(4)" in row(app, f"Holders of {NVME0}"))
        app.query_one("#pools-pools", RecordList).focus()
        await driver.press("j")
        await until(driver, lambda: bool(row(app, "Holders of 0000:19:00.0")))
        assert row(app, "4.0 MiB of 64.0 MiB in use (6%), 60.0 MiB free")
        await driver.press("k", "enter")
        await until(driver, lambda: bool(row(app, "user space may map it")))

    pilot(scenario, settings=Settings(view="pools"))


def test_a_tiny_screen_lives_and_the_graph_with_its_axis_is_seen_at_every_usual_size() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for tiny, usual in (((1, 1), (200, 50)), ((10, 3), (120, 40)), ((20, 5), (80, 24))):
            await driver.resize_terminal(*tiny)
            for _ in range(5):
                await driver.pause()
            await driver.resize_terminal(*usual)
            await until(driver, lambda: bool(row(app, "1 min ago")) and bool(row(app, "Holders of")))

    pilot(scenario, settings=Settings(view="pools"), size=(1, 1))


def test_a_filter_that_leaves_one_pool_leaves_the_heads_of_its_columns() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: bool(row(app, str(NVME0))))
        await driver.press("slash", *"nvme0", "enter")
        pools = app.query_one("#pools-pools", RecordList)
        for size in ((80, 24), (140, 45)):
            await driver.resize_terminal(*size)
            await until(driver, lambda: pools.seen.height == 3 and bool(row(app, "Pools (1 of 9)")))
            await until(driver, lambda: "LEVEL" in row(app, "POOL "))
            assert row(app, str(NVME0)), size

    pilot(scenario, settings=Settings(view="pools"), size=(80, 24))


def test_the_graph_of_a_pool_that_was_never_used_is_as_high_as_the_pool() -> None:
    looks = [leveled(DEMO, {NVME0: SIZE}, after=float(second)) for second in range(3)]
    text = "\n".join(drawn(looks[-1], looked(*looks)))
    assert "512M" in text
    assert "of the pool" not in text


def test_the_graph_never_shows_less_than_a_64th_of_the_pool() -> None:
    looks = [leveled(DEMO, {NVME0: SIZE - 4096}, after=float(second)) for second in range(3)]
    text = "\n".join(drawn(looks[-1], looked(*looks)))
    assert "8M" in text
    assert "top: 1/64 of the pool" in text


@pytest.mark.parametrize(
    ("used", "told"),
    [
        ((4096, 4096, 4096), "steady these last seconds; never other than 4.0 KiB"),
        ((4096, 8192, 4096), "as much as a few seconds ago; between 4.0 KiB and 8.0 KiB"),
    ],
)
def test_a_level_that_went_up_and_came_back_is_not_called_steady(used: tuple[int, ...], told: str) -> None:
    looks = [leveled(DEMO, {NVME0: SIZE - part}, after=float(second)) for second, part in enumerate(used)]
    assert told in "\n".join(drawn(looks[-1], looked(*looks)))
