"""What a view would show, for those who have no screen: the same lists, as a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from p2pctl.dashboard.contents.log import LogContents
from p2pctl.dashboard.contents.matrix import Pairs, pairs_panel
from p2pctl.dashboard.contents.overview import overview_panels
from p2pctl.dashboard.contents.pools import holders_panel, pools_panel
from p2pctl.dashboard.contents.target import TargetContents
from p2pctl.dashboard.contents.topology import branches, topology_panel, tree_of
from p2pctl.dashboard.exporting import panel_report, view_page
from p2pctl.dashboard.glyphs import ASCII, UNICODE, Glyphs
from p2pctl.dashboard.history import History
from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.picture import Painter, Picture
from p2pctl.dashboard.remembered import Remembered
from p2pctl.errors import UsageError
from p2pctl.model.snapshot import Snapshot
from p2pctl.render.page import Page
from p2pctl.render.report import Report

_Panels: TypeAlias = Callable[[Picture, History, Glyphs], Sequence[Panel]]

_PANELS: Mapping[str, _Panels] = {
    "overview": lambda picture, history, glyphs: overview_panels(picture, history, glyphs, Remembered()),
    "pools": lambda picture, history, glyphs: (pools_panel(picture, history, glyphs), holders_panel(picture)),
    "topology": lambda picture, _, glyphs: (topology_panel(branches(tree_of(picture), glyphs)),),
    "matrix": lambda picture, _, __: (pairs_panel(Pairs(picture.verdicts)),),
    "target": lambda picture, _, __: TargetContents().panels(picture),
    "log": lambda picture, _, __: (LogContents().panel(picture, ()),),
}
"""The lists of every view, as it has them when it opens; without the widgets, which take long to load."""


def view_names() -> tuple[str, ...]:
    """In the order of their keys."""
    return tuple(_PANELS)


def panels_of(picture: Picture, name: str, *, ascii_only: bool = False) -> tuple[Panel, ...]:
    """The lists that a view has of its first picture."""
    history = History()
    history.add(picture.snapshot.taken, picture.pools)
    return tuple(_PANELS[name](picture, history, ASCII if ascii_only else UNICODE))


def once(
    snapshot: Snapshot,
    links: Callable[[Snapshot], Mapping[str, str]],
    name: str,
    *,
    only: str | None = None,
    ascii_only: bool,
    separated: bool,
) -> Page | Report:
    """A view of a snapshot, or ``only`` one list of it; ``links`` gives where device paths lead.

    ``separated`` asks for a form that holds one list only. Raises UsageError where it is open which, or where there is
    no such list.
    """
    picture = Painter(links).paint(snapshot)
    panels = panels_of(picture, name, ascii_only=ascii_only)
    names = ", ".join(panel.name for panel in panels)
    if only is not None:
        panels = tuple(panel for panel in panels if panel.name == only)
        if not panels:
            raise UsageError(f"the view {name} has no list that is called {only}", hint=f"lists: {names}")
    if not separated:
        return view_page(name, picture, panels)
    if len(panels) != 1:
        raise UsageError(
            f"CSV holds one list, and the view {name} has several: {names}", hint=f"add --list {panels[0].name}, say"
        )
    return panel_report(name, picture, panels[0])
