"""What the screen looks like."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.views import VIEWS
from tests.dashboard.pictures import on_demo, pressed
from tests.dashboard.piloting import screen_lines
from tests.golden import compare

GOLDEN = Path(__file__).parent / "golden"
SIZES = ((80, 24), (120, 40))
KEYS = {**{view.NAME: (str(number),) for number, view in enumerate(VIEWS, 1)}, "explain": ("4", "enter")}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("ascii_only", [False, True], ids=["unicode", "ascii"])
def test_every_view_is_as_it_was(size: tuple[int, int], *, ascii_only: bool) -> None:
    """On the demo host, a minute and a half after it started; in ASCII it is nothing but ASCII."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for name, keys in KEYS.items():
            await pressed(driver, app, keys)
            lines = screen_lines(app)
            file = GOLDEN / f"{name}-{size[0]}{'.ascii' if ascii_only else ''}.txt"
            compare(file, "".join(f"{line}\n" for line in lines))
            if ascii_only:
                assert "".join(lines).isascii(), name

    on_demo(scenario, size=size, settings=Settings(ascii=ascii_only))


def test_without_colours_there_is_none_and_the_words_are_the_same() -> None:
    """Nothing that is drawn has a colour, the cursor is seen all the same, and no word depends on colours."""

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        for name, keys in KEYS.items():
            await pressed(driver, app, keys)
            assert screen_lines(app) == (GOLDEN / f"{name}-80.txt").read_text(encoding="utf-8").splitlines()
            strips = app.screen._compositor.render_strips()
            styles = {part.style for strip in strips for part in strip if part.style is not None}
            for style in styles:
                assert style.color is None or style.color.is_default, (name, style)
                assert style.bgcolor is None or style.bgcolor.is_default, (name, style)
            assert any(style.reverse for style in styles) or name == "explain", name

    on_demo(scenario, size=(80, 24), settings=Settings(color=False))
