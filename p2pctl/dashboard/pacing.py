"""How often the screen looks, and whether it looks at all. What is recorded does not move, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pctl.dashboard.sampler import RATES

if TYPE_CHECKING:
    from p2pctl.dashboard.app import Dashboard


def pause(app: Dashboard) -> None:
    """Holds the picture, or lets it go on."""
    if _moves(app):
        app.sampler.paused = not app.sampler.paused


def turn(app: Dashboard, by: int) -> None:
    """Has it look more or less often, in steps."""
    if _moves(app):
        nearest = min(range(len(RATES)), key=lambda place: abs(RATES[place] - app.sampler.interval))
        app.sampler.interval = RATES[min(max(nearest + by, 0), len(RATES) - 1)]


def _moves(app: Dashboard) -> bool:
    if not app.source.moves:
        app.notify("A recording does not move.", markup=False)
    return app.source.moves
