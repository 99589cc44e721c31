"""``--once``: what a view shows at first, for the price of a command that prints."""

from __future__ import annotations

import subprocess
import sys

import pytest

from p2pctl.dashboard.glyphs import ASCII, UNICODE
from p2pctl.dashboard.once import panels_of, view_names
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Painter
from p2pctl.dashboard.views import VIEWS
from p2pctl.dashboard.views.view import Shown
from p2pctl.simulator.door import DemoDoor
from tests.cli.conftest import Run
from tests.dashboard.piloting import demo_snapshot

PROGRAM = """
import sys
from p2pctl.cli import main
code = main(["--demo", "dashboard", "--once", "--view", sys.argv[1], "-o", "json"])
print(code, *{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def _content(panel: Panel) -> tuple[object, ...]:
    cells = [tuple(map(str, (item.get(column.key) for column in panel.columns))) for item in panel.items]
    return panel.name, panel.title, panel.keys, panel.items, cells, panel.empty, panel.notes


def test_it_knows_the_views_in_their_order() -> None:
    """It has a table of its own, so that it can do without their widgets."""
    assert view_names() == tuple(view.NAME for view in VIEWS)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("name", view_names())
def test_it_has_the_lists_of_the_view(name: str, ascii_only: bool) -> None:
    """The very same as the view itself would show and export at its first picture."""
    picture = Painter(lambda _: {}).paint(demo_snapshot())
    shown = Shown(ASCII if ascii_only else UNICODE)
    shown.history.add(picture.snapshot.taken, picture.pools)
    view = next(one for one in VIEWS if name == one.NAME)(shown)
    expected = list(map(_content, view.panels(picture)))
    assert expected
    assert list(map(_content, panels_of(picture, name, ascii_only=ascii_only))) == expected


def test_it_subscribes_to_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One print needs no news: no socket, and no watch of any of the target's directories."""

    def refuse(door: DemoDoor) -> None:
        raise AssertionError(door)

    monkeypatch.setattr(DemoDoor, "events", refuse)
    assert run("--demo", "dashboard", "--once", "-o", "json").code == 0


@pytest.mark.parametrize("name", ["overview", "target"])
def test_it_loads_nothing_that_draws_or_listens(name: str) -> None:
    """It starts as fast as any other list."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, name], capture_output=True, text=True, check=True, timeout=60
    )  # fmt: skip
    code, *loaded = done.stderr.split()
    assert code == "0"
    assert "p2pctl" in loaded
    assert not {"textual", "rich", "asyncio", "inotify_simple"} & set(loaded)
