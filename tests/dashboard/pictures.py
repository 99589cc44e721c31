"""Makes the pictures of the README, always the same ones: from the demo host with its clock stopped.

    python -m tests.dashboard.pictures [DIRECTORY]

They name no other host: a font that is not there is the reader's own monospace one.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from html import unescape
from pathlib import Path
from typing import NamedTuple, cast

from textual import screen
from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from p2pctl.dashboard.settings import Settings
from p2pctl.findings.pools import pool_states
from p2pctl.hardware.snapshot import take
from p2pctl.model.snapshot import Snapshot
from p2pctl.simulator.door import DemoDoor
from tests.dashboard.piloting import HeldSource, Scenario, demo_snapshot, until

DIRECTORY = Path(__file__).parents[2] / "docs" / "pictures"
SIZE = (112, 32)
SECONDS = 90
"""How long the demo host was looked at before."""
_FOREVER = 1e6


class Shot(NamedTuple):
    """What is pressed before the picture is taken, and its size."""

    keys: tuple[str, ...] = ()
    size: tuple[int, int] = SIZE


SHOTS: Mapping[str, Shot] = {
    "overview": Shot(),
    "explain": Shot(("4", "enter")),
}


def drawn(shot: Shot) -> str:
    """The picture as SVG."""
    pictures: list[str] = []

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await pressed(driver, app, shot.keys)
        pictures.append(_plain(app.export_screenshot(title="p2pctl --demo dashboard")))

    on_demo(scenario, size=shot.size)
    return pictures[0]


def on_demo(scenario: Scenario, *, size: tuple[int, int] = SIZE, settings: Settings | None = None) -> None:
    """Runs a scenario on the demo host as it looks after every second of `SECONDS` was seen; then time stands still."""
    source = HeldSource()

    async def run() -> None:
        app = Dashboard(source, None, settings)
        async with app.run_test(size=size) as running:
            driver = cast("Pilot[None]", running)
            await until(driver, lambda: app.picture is not None)
            *before, source.snapshot = _seconds()
            for then in before:
                app.shown.history.add(then.taken, pool_states(then))
            app.sampler.look_now()
            await until(driver, lambda: app.picture is not None and app.picture.snapshot.taken == source.snapshot.taken)
            # However slow this machine is: what is seen never grows old.
            app.freshness.seen = time.monotonic() + _FOREVER
            app._say()
            await scenario(driver, app)

    asyncio.run(run())


@cache
def _seconds() -> tuple[Snapshot, ...]:
    """The demo host after each second, with the levels of its pools. Read once: nobody can change a snapshot."""
    door, first, found = DemoDoor(lambda: 0.0), demo_snapshot(), []
    for second in range(1, SECONDS + 1):
        door._start = -float(second)
        found.append(replace(first, taken=door.now(), pools=take(door, {"pools"}).pools))
    return tuple(found)


async def pressed(driver: Pilot[None], app: Dashboard, keys: tuple[str, ...]) -> None:
    """Presses keys, and waits until nothing is drawn any more."""
    for key in keys:
        await driver.press(key)
        await at_rest(driver, app)
    await at_rest(driver, app)


async def at_rest(driver: Pilot[None], app: Dashboard) -> None:
    """Waits until the screen stays as it is. Raises AssertionError where it does not."""
    before: list[object] = []
    for _ in range(100):
        await driver.pause()
        await asyncio.sleep(2 * screen.UPDATE_PERIOD)
        now: list[object] = [list(strip) for strip in app.screen._compositor.render_strips()]
        if now == before:
            return
        before = now
    raise AssertionError("it does not come to rest")


def _plain(svg: str) -> str:
    """The picture without fonts to be fetched, without a word about what drew it, and with a line feed at its end."""
    svg = re.sub(r"\s*@font-face \{[^}]*\}", "", svg)
    # Some programs take even spaces that must not break for one.
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
    svg = re.sub(r"\s*<!--.*?-->", "", svg, flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in svg.strip().splitlines()) + "\n"


def words_of(svg: str) -> list[str]:
    """What stands in a picture, line by line: the same for all versions of what draws it."""
    lines: dict[float, list[tuple[float, str]]] = {}
    for x, y, text in re.findall(r'<text [^>]*?x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        lines.setdefault(float(y), []).append((float(x), unescape(text).replace("\xa0", " ")))
    joined = ("".join(text for _, text in sorted(pieces)) for _, pieces in sorted(lines.items()))
    return [" ".join(line.split()) for line in joined if line.strip()]


def main(directory: Path = DIRECTORY) -> None:
    """Writes them all."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, shot in SHOTS.items():
        (directory / f"{name}.svg").write_text(drawn(shot), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
