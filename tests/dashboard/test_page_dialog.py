"""The page of one thing, over the view."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.dialogs.export import ExportDialog
from p2pctl.dashboard.dialogs.page import Maker, PageDialog
from p2pctl.dashboard.picture import Painter, Picture
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.widgets.page_text import PageText
from p2pctl.model.address import Address
from p2pctl.render.devices import device_page
from p2pctl.render.page import Grid, Lines, Page, Section
from p2pctl.render.report import Column, Report
from tests.dashboard.piloting import HeldSource, demo_snapshot, pilot, screen_lines, until

LONG = 60
POOL = Address(0, 0x18, 0, 0)


def numbered(picture: Picture, *, lines: int = LONG, word: str = "line") -> Page:
    """A page of many lines under two headings."""
    text = tuple(f"{word} {number}" for number in range(lines))
    wide = Lines(("$ " + "x" * 150,), whole=True)
    report = Report.of(picture.snapshot, "device", (), ())
    return Page(report, (Section("Numbers", (Lines(text),)), Section("What to do", (wide,))))


async def opened(driver: Pilot[None], app: Dashboard, make: Maker = numbered, title: str = "Thing") -> PageDialog:
    """The dialog, drawn."""
    dialog = PageDialog(title, make)
    await app.push_screen(dialog)
    await until(driver, lambda: app.screen is dialog and len(screen_lines(app)) > 0)
    await driver.pause()
    return dialog


def seen(app: Dashboard) -> str:
    return "\n".join(screen_lines(app))


def test_every_key_that_one_would_try_closes_it_and_only_it_and_ctrl_c_ends_the_program() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        below = app.screen
        for key in ("escape", "enter"):
            await opened(driver, app)
            await driver.press(key)
            await until(driver, lambda: app.screen is below)
            assert app.is_running, key
        await opened(driver, app)
        await driver.press("ctrl+c")
        await until(driver, lambda: app._exit)

    pilot(scenario)


def test_arrows_and_letters_and_pages_all_scroll() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        text = (await opened(driver, app)).query_one(PageText)

        async def after(*keys: str) -> int:
            await driver.press(*keys)
            await driver.pause()
            return text.scroll_offset.y

        assert [await after("down"), await after("j"), await after("up"), await after("k")] == [1, 2, 1, 0]
        paged = await after("pagedown")
        assert paged > 10
        assert await after("pageup") == 0
        assert await after("space") == paged
        assert await after("ctrl+d") > paged
        assert await after("g") == 0
        assert await after("G") == text.max_scroll_y > 0
        assert "x" * 40 in seen(app)
        assert await after("home") == 0
        assert "line 0" in seen(app)

    pilot(scenario, size=(80, 24))


COMMANDS = ("a" * 150 + "THE-END", "grubby --args 'pci=disable_acs_redir=" + "0000:b9:00.0;" * 12 + "' --update END")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_too_wide_is_broken_with_a_mark_and_copied_whole(command: str) -> None:
    def make(picture: Picture) -> Page:
        report = Report.of(picture.snapshot, "device", (), ())
        return Page(report, (Section("", (Lines((command,), bullet="    ", whole=True),)),))

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for size in ((80, 24), (40, 24), (20, 40)):
            await driver.resize_terminal(*size)
            dialog = await opened(driver, app, make)
            await until(driver, lambda: "END" in seen(app))
            text = dialog.query_one(PageText)
            assert text.max_scroll_x == 0, (size, "nothing is to the right of the screen")
            lines = [line.strip("│")[1:].removeprefix("    ") for line in screen_lines(app)]
            first = next(place for place, line in enumerate(lines) if line.startswith(command[:4]))
            last = next(place for place, line in enumerate(lines) if "END" in line)
            broken = [line.rstrip() for line in lines[first:last]]
            assert broken, size
            assert all(line.endswith("\\") for line in broken), size
            assert "".join(line[:-1] for line in broken) + lines[last].rstrip() == command, size
            app.copy_to_clipboard("")
            await driver.press("y")
            await until(driver, lambda: bool(app.clipboard))
            assert app.clipboard == f"    {command}\n", size
            await driver.press("escape")

    pilot(scenario, size=(80, 24))


def test_a_table_that_is_too_wide_can_be_read_to_its_end_and_n_goes_to_what_the_border_names_further_down() -> None:
    """A table is not broken: what stands below each other belongs together."""

    def make(picture: Picture) -> Page:
        report = Report.of(picture.snapshot, "device", (), ())
        columns = (Column("a", "a", style="name"), Column("b", "b", style="name"))
        return Page(report, (Section("", (Grid(columns, ({"a": "a" * 100, "b": "THE-END"},)),)),))

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await opened(driver, app, make)
        assert "THE-END" not in seen(app)
        await driver.press(*["l"] * 12)
        await until(driver, lambda: "THE-END" in seen(app))
        await driver.press(*["left"] * 12)
        await until(driver, lambda: "THE-END" not in seen(app))
        await driver.press("escape")
        await opened(driver, app)
        await until(driver, lambda: "below: What to do" in seen(app))
        await driver.press("n")
        await until(driver, lambda: "$ xxx" in seen(app))
        assert "below:" not in seen(app)
        await driver.press("N")
        await until(driver, lambda: "line 0" in seen(app))

    pilot(scenario, size=(80, 24))


def test_a_new_picture_changes_the_page_and_leaves_the_place_one_reads() -> None:
    word = "line"

    def make(picture: Picture) -> Page:
        return numbered(picture, word=word)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        nonlocal word
        dialog = await opened(driver, app, make)
        await driver.press("pagedown", "j")
        await driver.pause()
        text = dialog.query_one(PageText)
        place = text.scroll_offset.y
        word = "changed"
        assert app.picture is not None
        dialog.show(app.picture)
        await until(driver, lambda: f"changed {place}" in seen(app))
        assert text.scroll_offset.y == place

    pilot(scenario, size=(80, 24))


def test_what_is_gone_stays_as_it_was_last_seen_and_says_so() -> None:
    def make(picture: Picture) -> Page | None:
        return device_page(picture.snapshot, POOL)

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        dialog = await opened(driver, app, make)
        assert app.picture is not None
        assert app.picture.snapshot.pci is not None
        there = app.picture.snapshot
        functions = {address: one for address, one in there.pci.functions.items() if address != POOL}  # type: ignore[union-attr]
        without = replace(there, pci=replace(app.picture.snapshot.pci, functions=functions))
        dialog.show(replace(app.picture, snapshot=without))
        await until(driver, lambda: "It is gone. This is how it was last seen." in seen(app))
        assert "nvme0" in seen(app)
        dialog.show(app.picture)
        await until(driver, lambda: "It is gone" not in seen(app))

    pilot(scenario, size=(80, 24))


def test_what_never_was_there_says_so_and_hostile_words_stay_words() -> None:
    evil = "[bold red]x[/] \x1b[31mred\x1b[0m [/nope] \u202e"

    def make(picture: Picture) -> Page:
        return Page(Report.of(picture.snapshot, "device", (), ()), (Section(evil, (Lines((evil,)),)),))

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await opened(driver, app, lambda _: None)
        await until(driver, lambda: "It is not there" in seen(app))
        await driver.press("down", "G", "y", "escape")
        await until(driver, lambda: not isinstance(app.screen, PageDialog))
        await opened(driver, app, make, evil)
        text = seen(app)
        assert "[bold red]x[/]" in text
        assert "\x1b" not in text
        assert r"\x1b[31mred" in text
        assert r"\u202e" in text

    pilot(scenario)


def test_copying_hands_over_plain_text_without_escapes_and_e_asks_how_to_write_it() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        dialog = await opened(driver, app, lambda picture: device_page(picture.snapshot, POOL), "nvme0")
        await driver.press("y")
        await until(driver, lambda: bool(app.clipboard))
        assert "0000:18:00.0" in app.clipboard
        assert "\x1b" not in app.clipboard
        assert "Link and configuration\n" in app.clipboard
        await driver.press("e")
        await until(driver, lambda: isinstance(app.screen, ExportDialog))
        await driver.press("escape")
        await until(driver, lambda: app.screen is dialog)

    pilot(scenario)


def test_it_opens_and_scrolls_at_every_size() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for size in ((5, 2), (80, 24), (120, 40), (200, 50), (40, 12), (20, 5)):
            await driver.resize_terminal(*size)
            text = (await opened(driver, app)).query_one(PageText)
            await driver.press("G")
            await driver.pause()
            if size[1] >= 5:
                assert text.size.height >= 3, size
                assert text.scroll_offset.y == text.max_scroll_y > 0, size
            await driver.press("escape")
            await until(driver, lambda: not isinstance(app.screen, PageDialog))

    pilot(scenario, size=(5, 2))


def test_a_resize_wraps_the_page_anew() -> None:
    words = " ".join(f"word{number}" for number in range(100))

    def make(picture: Picture) -> Page:
        return Page(Report.of(picture.snapshot, "device", (), ()), (Section("", (Lines((words,)),)),))

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        text = (await opened(driver, app, make)).query_one(PageText)
        wide = text.virtual_size.height
        await driver.resize_terminal(50, 24)
        await until(driver, lambda: text.virtual_size.height > 1.5 * wide)
        assert max(map(len, text.text.splitlines())) <= 50
        await driver.resize_terminal(120, 40)
        await until(driver, lambda: text.virtual_size.height == wide)

    pilot(scenario, size=(120, 40))


def test_the_letters_of_an_ascii_screen_are_ascii() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        dialog = await opened(driver, app, lambda picture: device_page(picture.snapshot, POOL))
        box = dialog.query_one("#page-box")
        assert box.styles.border.top[0] == "ascii"

    pilot(scenario, settings=Settings(ascii=True))


def test_the_painter_gives_pages_of_the_demo_host() -> None:
    """Keeps the pages of this file honest: the picture that they are made of is a real one."""
    picture = Painter(lambda _: {}).paint(demo_snapshot())
    assert device_page(picture.snapshot, POOL) is not None


def test_what_the_sampler_sees_reaches_an_open_dialog() -> None:
    source = HeldSource()

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        seen_at: list[float] = []

        def make(picture: Picture) -> Page:
            seen_at.append(picture.snapshot.taken)
            return numbered(picture)

        await opened(driver, app, make)
        later = replace(source.snapshot, taken=source.snapshot.taken + 7)
        source.happen(snapshot=later)
        app.sampler.look_now()
        await until(driver, lambda: later.taken in seen_at)

    pilot(scenario, source=source)
