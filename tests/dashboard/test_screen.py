"""The screen as a whole."""

from __future__ import annotations

from textual.pilot import Pilot

from p2pctl.dashboard.app import Dashboard
from tests.dashboard.piloting import pilot, screen_lines, until


def test_the_first_screen_shows_pools_ports_and_findings() -> None:
    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        await until(driver, lambda: any("0000:18:00.0" in line for line in screen_lines(app)))
        text = "\n".join(screen_lines(app))
        assert "confirmed" in text
        assert "link runs at 8 GT/s x16" in text

    pilot(scenario)
