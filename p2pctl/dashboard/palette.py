"""The command palette: views, commands, and a way to any object by as much of its name as anybody remembers."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rich.text import Text
from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider

from p2pctl.dashboard.contents.pair import Explanation, Pair, title_of
from p2pctl.dashboard.dialogs.page import PageDialog
from p2pctl.dashboard.goals import Found, Goal, devices_named, find, goal, goals, pair_goals
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.widgets.fitting import LEAST
from p2pctl.dashboard.widgets.lines import cut
from p2pctl.model.address import Address

if TYPE_CHECKING:
    from p2pctl.dashboard.app import Dashboard

MOST = 40
"""Hits that are shown: whoever does not see the right one types another letter."""
FEW = 5
"""Goals that are offered before anything is typed, after the commands."""
MARGIN = 6
"""Cells of a line that are not for the name: margins and a scroll bar."""
AT_ONCE = 500
"""Names that are compared before the keyboard is looked at again."""


class Jumps(Provider):
    """Commands, and pools, devices, findings and the target's objects, each a jump to where it is shown.

    One provider for all of them, since only then is their order the one meant.
    """

    _goals: tuple[Goal, ...] = ()
    _commands: Mapping[str, SystemCommand] = {}
    _named: Mapping[str, Address] = {}
    _picture: Picture | None = None

    @property
    def _dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)

    async def startup(self) -> None:
        """Collects the names once; what comes and goes while somebody types is left aside."""
        picture = self._picture = self._dashboard.picture
        self._commands = {one.title: one for one in self._dashboard.get_system_commands(self.screen)}
        commands = tuple(goal("", title, title) for title in self._commands)
        self._goals = (*commands, *(goals(picture) if picture else ()))
        self._named = devices_named(picture) if picture else {}

    async def discover(self) -> Hits:
        """What there is to do, and a few goals, for people who do not know yet what this is for."""
        for one in self._goals[: len(self._commands) + FEW]:
            yield DiscoveryHit(self._shown(one), self._does(one), one.name)

    async def search(self, query: str) -> Hits:
        """The best of those that fit; before them the pair, where two devices are named."""
        if self._picture:
            for one in pair_goals(query, self._named, self._picture):
                yield Hit(2.0, self._shown(one), self._does(one), one.name)
        best: list[Found] = []
        for start in range(0, len(self._goals), AT_ONCE):
            best = heapq.nlargest(MOST, [*best, *find(query, self._goals[start : start + AT_ONCE])], key=_score)
            await asyncio.sleep(0)
        for found in best:
            shown = self._shown(found.goal, found.match.places)
            yield Hit(found.match.score, shown, self._does(found.goal), found.goal.name)

    def _shown(self, one: Goal, places: tuple[int, ...] = ()) -> Text:
        """The name, with the letters that were typed set off. Never markup: it may be a stranger's words."""
        app = self._dashboard
        shown = cut(one.name, max(app.size.width - MARGIN, LEAST), app.shown.glyphs.cut)
        text = Text(shown)
        for place in places:
            text.stylize("bold underline", place, place + 1)
        if not one.view:
            text.append(f"  {self._commands[one.key].help}", "dim not bold")
        return text

    def _does(self, one: Goal) -> Callable[[], Any]:
        return partial(self._jump, one) if one.view else self._commands[one.key].callback

    async def _jump(self, one: Goal) -> None:
        app = self._dashboard
        if await app.jump(one.view, one.key):
            return
        provider, _, client = one.key.partition(" ")
        lender, user = Address.from_sysfs(provider), Address.from_sysfs(client)
        if one.view == "matrix" and lender and user and app.picture:
            # The grid has no place for every pair, an explanation has.
            pair = Pair(lender, user)
            app.push_screen(PageDialog(title_of(app.picture.verdicts.names, pair), Explanation(pair)))
            return
        app.notify(f"{one.name} is not shown, or no longer there.", severity="warning", markup=False)


def _score(one: Found) -> float:
    return one.match.score
