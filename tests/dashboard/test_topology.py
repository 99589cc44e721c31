"""The PCI tree, and what it says of two devices."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.contents.pair import Explanation, Pair, case_of_pair, pairs_of, trail
from p2pctl.dashboard.contents.topology import aloof, branches, in_words, topology_panel, tree_of
from p2pctl.dashboard.dialogs.page import PageDialog
from p2pctl.dashboard.glyphs import ASCII, UNICODE
from p2pctl.dashboard.picture import Painter, Picture
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.views.topology import Topology
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.model.address import Address
from p2pctl.render.layout import Look
from p2pctl.render.pages import page_lines
from tests.dashboard.piloting import demo_snapshot, pilot, screen_lines, until

NVME0 = "0000:18:00.0"
NVME5 = "0000:bc:00.0"
NVME7 = "0000:ba:00.0"
PORT = "0000:17:01.0"
GPU = "0000:1d:00.0"
UNREGISTERED = "0000:98:00.0"


def painted() -> Picture:
    return Painter(lambda _: {}).paint(demo_snapshot())


def parsed(text: str) -> Address:
    address = Address.parse(text)
    assert address is not None
    return address


def seen(app: Dashboard) -> str:
    return "\n".join(screen_lines(app))


def below(app: Dashboard) -> str:
    return str(app.screen_stack[0].query_one("#topology-pair", Static).content)


def tree(app: Dashboard) -> RecordList:
    return app.screen_stack[0].query_one("#topology-tree", RecordList)


async def shown(driver: Pilot[None], app: Dashboard) -> Topology:
    """The view, with the focus on its tree."""
    await driver.press("3")
    await until(driver, lambda: app.view.NAME == "topology" and tree(app).has_focus and tree(app).current is not None)
    view = app.view
    assert isinstance(view, Topology)
    return view


async def mark(driver: Pilot[None], app: Dashboard, *keys: str) -> None:
    for key in keys:
        assert tree(app).go_to(key)
        await driver.press("x")
        await driver.pause()


def test_it_has_every_line_of_the_command() -> None:
    """The screen and ``p2pctl topology`` draw one tree."""
    picture = painted()
    keys = [line.key for line in branches(tree_of(picture), UNICODE)]
    assert keys[:2] == ["pci0000:15", "0000:15:01.0"]
    assert {NVME0, NVME5, NVME7, PORT, GPU} <= set(keys)
    assert len(keys) == len(set(keys))


def test_guides_are_made_of_what_the_terminal_has() -> None:
    panel = topology_panel(branches(tree_of(painted()), ASCII))
    text = "".join(str(item["tree"]) for item in panel.items)
    assert text.isascii()
    assert any("`- " in str(item["tree"]) for item in panel.items)


def test_a_folded_node_hides_what_hangs_below_it_and_says_how_much() -> None:
    drawn = tree_of(painted())
    everything = branches(drawn, UNICODE)
    folded = branches(drawn, UNICODE, {"0000:16:00.0"})
    hidden = {one.key for one in everything} - {one.key for one in folded}
    assert hidden == {one.key for one in everything if "0000:16:00.0" in one.above}
    panel = topology_panel(folded, folded={"0000:16:00.0"})
    line = next(item for item in panel.items if item["address"] == "0000:16:00.0")
    assert str(line["tree"]).endswith(f"0000:16:00.0 +{len(hidden)}")


@pytest.mark.parametrize(
    ("one", "other", "lenders"),
    [
        (NVME0, NVME5, [NVME0]),
        (NVME5, NVME0, [NVME0]),
        (NVME0, NVME7, [NVME0, NVME7]),
        ("0000:38:00.0", "0000:3c:00.0", ["0000:38:00.0"]),
    ],
)
def test_whoever_has_a_pool_lends_and_two_pools_are_asked_both_ways(one: str, other: str, lenders: list[str]) -> None:
    found = pairs_of(painted().verdicts.names, parsed(one), parsed(other))
    assert [str(pair.provider) for pair in found] == lenders


def test_the_way_says_in_words_what_stands_in_it() -> None:
    picture = painted()
    verdict = case_of_pair(picture, Pair(parsed(NVME0), parsed(NVME7))).verdict
    way = trail(verdict, "*")
    assert way[NVME0] == "lends"
    assert way[NVME7] == "uses"
    assert way["0000:17:00.0"] == "*"
    assert way["pci0000:15"] == "* passes"
    assert way["pci0000:b7"] == "* refuses"
    inside = trail(case_of_pair(picture, Pair(parsed(NVME7), parsed("0000:bb:00.0"))).verdict, "*")
    assert inside["0000:b9:00.0"] == "* sends up"
    direct = trail(case_of_pair(picture, Pair(parsed(NVME0), parsed("0000:19:00.0"))).verdict, "*")
    assert set(direct) == {NVME0, "0000:17:00.0", "0000:16:00.0", PORT, "0000:19:00.0"}


def test_a_node_is_told_in_words() -> None:
    picture = painted()
    assert "lends 512.0 MiB" in in_words(picture, NVME0)
    assert "sends peers' requests and completions up to the host bridge" in in_words(picture, "0000:17:04.0")
    assert "passes peers' traffic on" in in_words(picture, PORT)
    assert "not registered" in in_words(picture, UNREGISTERED)
    assert "lets peer traffic through it" in in_words(picture, "pci0000:15")
    assert "lets no peer traffic through it" in in_words(picture, "pci0000:b7")


def test_it_says_how_to_ask_and_the_second_mark_opens_the_explanation_and_leaves_the_verdict_and_the_way() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        await until(driver, lambda: "Mark two devices with x" in seen(app))
        assert "x Mark" in screen_lines(app)[-1]
        await mark(driver, app, NVME0)
        await until(driver, lambda: "is marked: x on another device" in below(app))
        await mark(driver, app, NVME5)
        await until(driver, lambda: isinstance(app.screen, PageDialog) and "Denied" in seen(app))
        assert "What to do" in seen(app)
        await driver.press("escape")
        await until(driver, lambda: "refuses" in seen(app))
        assert "Denied: nvme5" in below(app)
        assert "uses" in seen(app)
        assert "w Why" in screen_lines(app)[-1]
        assert {NVME0, "0000:17:00.0", "0000:b9:02.0", NVME5, "pci0000:b7"} <= tree(app).marked
        assert PORT not in tree(app).marked
        await driver.press("w")
        await until(driver, lambda: isinstance(app.screen, PageDialog))

    pilot(scenario, size=(80, 24))


def test_two_pools_are_explained_both_ways_on_one_page() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        await mark(driver, app, NVME0, NVME7)
        await until(driver, lambda: isinstance(app.screen, PageDialog))
        dialog = app.screen
        assert isinstance(dialog, PageDialog)
        await until(driver, lambda: dialog.page is not None)
        assert dialog.page is not None
        pairs = [(item["provider"], item["client"]) for item in dialog.page.report.items]
        assert pairs == [(NVME0, NVME7), (NVME7, NVME0)]

    pilot(scenario)


def test_a_port_is_not_marked_and_it_is_said_why_until_the_cursor_moves() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        await mark(driver, app, PORT)
        await until(driver, lambda: "A port neither lends nor uses memory" in below(app))
        assert tree(app).chosen == ()
        await mark(driver, app, NVME0)
        await until(driver, lambda: "neither" not in below(app) and NVME0 in below(app))
        await mark(driver, app, PORT)
        await until(driver, lambda: "A port neither" in below(app) and tree(app).chosen == (NVME0,))
        await driver.press("down")
        await until(driver, lambda: "A port neither" not in below(app))  # past, once the cursor moves
        await mark(driver, app, PORT)
        await until(driver, lambda: "A port neither" in below(app))
        await mark(driver, app, NVME5)
        await until(driver, lambda: isinstance(app.screen, PageDialog) and "neither" not in below(app))

    pilot(scenario)


def test_a_third_mark_begins_a_new_pair_and_u_takes_all_away() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        await mark(driver, app, NVME0, NVME5)
        await until(driver, lambda: isinstance(app.screen, PageDialog))
        await driver.press("escape")
        await until(driver, lambda: not isinstance(app.screen, PageDialog))
        assert app.view.go_to(NVME7)
        await driver.press("x")
        await until(driver, lambda: tree(app).chosen == (NVME7,) and not tree(app).marked)
        await driver.press("u")
        await until(driver, lambda: tree(app).chosen == () and "Mark two devices" in below(app))

    pilot(scenario)


def test_what_has_no_part_in_the_way_is_folded() -> None:
    picture = painted()
    lines = branches(tree_of(picture), UNICODE)
    way = trail(case_of_pair(picture, Pair(parsed(NVME0), parsed(NVME7))).verdict, "*")
    folded = aloof(lines, way)
    left = {one.key for one in branches(tree_of(picture), UNICODE, folded)}
    assert set(way) <= left
    assert {"pci0000:37", "0000:17:01.0"} <= folded & left
    assert "0000:19:00.0" not in left


def test_both_marked_ends_are_seen_and_u_unfolds_what_was_folded_for_that() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        before = len(tree(app).rows.shown)
        await mark(driver, app, NVME0, "10000:e2:00.0")
        await until(driver, lambda: isinstance(app.screen, PageDialog))
        await driver.press("escape")
        await until(driver, lambda: "lends" in seen(app) and "uses" in seen(app))
        assert len(tree(app).rows.shown) < before
        await driver.press("u")
        await until(driver, lambda: len(tree(app).rows.shown) == before)

    pilot(scenario, size=(80, 24))


def test_with_room_the_host_bridge_under_the_cursor_is_told_and_a_copied_node_begins_with_its_address() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        await until(driver, lambda: "Below it" in seen(app) and "mlx5_0 (0000:1a:00.0): rdma" in seen(app))
        assert tree(app).go_to(NVME0)
        await driver.press("y")
        await until(driver, lambda: app.clipboard.split("\t")[:2] == [NVME0, "nvme0"])

    pilot(scenario, size=(200, 50))


def test_enter_opens_a_device_and_folds_a_host_bridge() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        view = await shown(driver, app)
        assert tree(app).go_to(NVME0)
        await driver.press("enter")
        await until(driver, lambda: isinstance(app.screen, PageDialog) and "Link and configuration" in seen(app))
        assert len(app.screen_stack) == 2
        await driver.press("escape")
        await until(driver, lambda: tree(app).has_focus)
        await driver.press("g", "enter")
        await until(driver, lambda: NVME0 not in seen(app) and "pci0000:15 +" in seen(app))
        assert view.go_to(NVME0)
        await until(driver, lambda: NVME0 in seen(app) and (tree(app).current or ("",))[0] == NVME0)
        await driver.press("o")
        await until(driver, lambda: f"{NVME0} +" not in seen(app))

    pilot(scenario, size=(80, 24))


def test_a_marked_device_that_goes_away_is_said_to_be_gone() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        view = await shown(driver, app)
        await mark(driver, app, NVME0, NVME5)
        await until(driver, lambda: isinstance(app.screen, PageDialog))
        await driver.press("escape")
        await until(driver, lambda: not isinstance(app.screen, PageDialog))
        snapshot = demo_snapshot()
        assert snapshot.pci is not None
        functions = {one: function for one, function in snapshot.pci.functions.items() if str(one) != NVME5}
        without = replace(snapshot, pci=replace(snapshot.pci, functions=functions))
        view.show(Painter(lambda _: {}).paint(without))
        await driver.pause()
        assert "gone" in below(app) or tree(app).chosen == (NVME0,)
        assert not tree(app).go_to(NVME5)

    pilot(scenario)


def test_a_pair_can_be_explained_at_every_size() -> None:
    """With ASCII alone on a screen of that, also in the tree."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        view = await shown(driver, app)
        for size in ((20, 5), (40, 10), (200, 50)):
            await driver.resize_terminal(*size)
            await mark(driver, app, NVME0)
            assert app.picture is not None
            panel = view.panels(app.picture)[0]
            assert all(str(value).isascii() for item in panel.items for value in item.values())
            await mark(driver, app, NVME5)
            await until(driver, lambda: isinstance(app.screen, PageDialog) and "Denied" in seen(app))
            await driver.press("escape")
            await until(driver, lambda: "Denied" in seen(app))
            await driver.press("u")

    pilot(scenario, size=(20, 5), settings=Settings(ascii=True))


def test_a_filter_finds_what_is_folded_and_where_it_was_found_it_stays_in_sight() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await shown(driver, app)
        everything = len(tree(app).rows.shown)
        await mark(driver, app, NVME0, "0000:19:00.0")
        await until(driver, lambda: isinstance(app.screen, PageDialog))
        await driver.press("escape")
        await until(driver, lambda: len(tree(app).rows.all) < everything)
        folded = len(tree(app).rows.all)
        assert "0000:81:00.0" not in {row.key for row in tree(app).rows.all}
        await driver.press("slash", *"mlx5_3")
        await until(driver, lambda: [row.key for row in tree(app).rows.shown] == ["0000:81:00.0"])
        assert len(tree(app).rows.all) == everything
        await driver.press("escape")
        await until(driver, lambda: folded < len(tree(app).rows.all) < everything)
        await until(driver, lambda: (tree(app).current or ("",))[0] == "0000:81:00.0")
        await until(driver, lambda: any("mlx5_3" in line for line in screen_lines(app)))

    pilot(scenario, size=(80, 24))


def test_nothing_is_folded_while_a_filter_shows_all_there_is() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        view = await shown(driver, app)
        await driver.press("slash", *"pci0000", "enter")
        await until(driver, lambda: tree(app).has_focus and len(tree(app).rows.shown) < len(tree(app).rows.all))
        assert not view.check_action("fold", ())
        await driver.press("enter")
        await until(driver, lambda: isinstance(app.screen, PageDialog) and "Below it" in seen(app))

    pilot(scenario, size=(80, 24))


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (NVME0, NVME7, "has a pool of P2P memory."),
        ("0000:1a:00.1", "0000:1a:00.2", "has no pool: it may only export its memory through its driver (dma-buf)."),
    ],
)
def test_asked_both_ways_it_says_of_each_what_it_has_to_lend(one: str, other: str, told: str) -> None:
    picture = painted()
    pairs = pairs_of(painted().verdicts.names, parsed(one), parsed(other))
    assert len(pairs) == 2
    lines = list(page_lines(Explanation(*pairs)(picture), Look(width=120)))
    assert [line.strip() for line in lines[1:3]] == [
        f"{picture.verdicts.names.label(parsed(address))} {told}" for address in (one, other)
    ]
