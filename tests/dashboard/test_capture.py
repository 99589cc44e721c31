"""A recording on the screen, from the file to the views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from p2pctl.cli.dashboard_source import DoorSource
from p2pctl.cli.options import Globals
from p2pctl.cli.session import Session
from p2pctl.dashboard.app import Dashboard
from p2pctl.hardware.capture.take import take as take_capture
from p2pctl.hardware.snapshot import ALL_PARTS, take
from p2pctl.simulator.door import DemoDoor
from tests.dashboard.piloting import pilot, screen_lines, until

SHOWN = {
    "1": "[1 Overview]", "2": "[2 Pools]", "3": "[3 Topology]", "4": "[4 Matrix]", "5": "[5 Target]", "6": "[6 Log]",
}  # fmt: skip
HELD = {
    "1": "not-eligible",
    "2": "a recording is one look, it has no history",
    "3": "pci0000:15",
    "4": "9 unknown",
    "5": "nqn.2026-11.org.example:archive",
    "6": "nvmet: using p2pmem on",
}
"""What of it a view cannot show without its own part of the file."""


def shows(app: Dashboard, text: str) -> Callable[[], bool]:
    """Whether a text is anywhere on the screen."""
    return lambda: any(text in line for line in screen_lines(app))


def test_a_capture_that_a_user_took_shows_in_every_view(tmp_path: Path) -> None:
    """It opens, says that it is one, and shows what was read; what was not is unknown, and nothing is waited for."""
    file = tmp_path / "capture.tar.gz"
    unprivileged = DemoDoor(lambda: 0.0, privileged=False)
    file.write_bytes(take_capture(unprivileged, lambda door: take(door, ALL_PARTS), root=False).data)
    source = DoorSource(Session(Globals(capture=str(file))))
    assert not source.moves

    async def scenario(driver: Pilot[None], app: Dashboard) -> None:
        assert app.picture is not None
        assert len(app.picture.snapshot.gaps) > 50
        for key, title in SHOWN.items():
            await driver.press(key)
            await until(driver, shows(app, title))
            await until(driver, shows(app, HELD[key]))
            assert "CAPTURE of 2026-11-02 09:00 UTC" in screen_lines(app)[0]
        await driver.press("3")
        await until(driver, shows(app, SHOWN["3"]))
        bridge = next(line for line in screen_lines(app) if "0000:16:00.0" in line)
        assert bridge.split()[2:4] == ["bridge", "?"], "what a user may not read is not off"

    pilot(scenario, source=source, size=(120, 40))
    assert source._events is None
