"""What stands on the first screen."""

from __future__ import annotations

from collections.abc import Callable

from p2pctl.dashboard.contents.findings import FindingPages, finding_of, findings_panel, leads_to
from p2pctl.dashboard.contents.pools import PoolPages, pools_panel
from p2pctl.dashboard.contents.states import StatePages, states_panel
from p2pctl.dashboard.glyphs import Glyphs
from p2pctl.dashboard.history import History
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.remembered import Remembered
from p2pctl.render.page import Page
from p2pctl.target import paths

BY_GRAVITY = ("findings", "ports", "pools")
"""The lists, by how much there is to lose by not looking at them."""
_FINE = {"ports": {"confirmed", "predicted", "transport-cannot", "off"}, "findings": {"info"}, "pools": {""}}
_SAYS = {"ports": "state", "findings": "severity", "pools": "strain"}


def count_wrong(panel: Panel | None) -> int:
    """How many records of a list ask for somebody to look at them."""
    if panel is None or panel.name not in _SAYS:
        return 0
    return sum(item[_SAYS[panel.name]] not in _FINE[panel.name] for item in panel.items)


def overview_panels(
    picture: Picture, history: History, glyphs: Glyphs, kept: Remembered, *, live: bool = False
) -> tuple[Panel, ...]:
    """Pools, the ports' states, findings; ``live`` where one may press Enter on them."""
    empty = (picture.snapshot.nvmet,)
    return (
        pools_panel(picture, history, glyphs),
        kept.of("ports", (picture.ports, *empty), lambda: states_panel(picture, glyphs, live=live)),
        kept.of("findings", (picture.findings,), lambda: findings_panel(picture, glyphs, live=live)),
    )


def page_of(panel: str, key: str) -> Callable[[Picture], Page | None]:
    """What makes the page of a record, from every picture that follows."""
    makers: dict[str, type[PoolPages | StatePages | FindingPages]] = {
        "pools": PoolPages, "ports": StatePages, "findings": FindingPages,
    }  # fmt: skip
    return makers[panel](key)


def place_of(picture: Picture, panel: str, key: str) -> tuple[str, str] | None:
    """The view that has more about a record, and the record there; None where none has."""
    if panel == "pools":
        return "pools", key
    if panel == "findings":
        finding = finding_of(picture, key)
        return leads_to(picture, finding) if finding else None
    state = StatePages(key).state(picture)
    return ("target", paths.called_namespace(state.subsystem, state.nsid)) if state and state.nsid is not None else None
