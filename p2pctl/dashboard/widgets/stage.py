"""The views, one of which is seen. A view comes to be when it is first looked at."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import ContentSwitcher

from p2pctl.dashboard.views import VIEWS
from p2pctl.dashboard.views.view import Shown, View


class Stage(ContentSwitcher):
    """Shows a view, with the focus where it was when that was last seen."""

    def __init__(self, shown: Shown, view: str) -> None:
        super().__init__(initial=view, id="views")
        self._shown = shown
        self._first = view
        self._focused: dict[str, str | None] = {}

    def compose(self) -> ComposeResult:
        """The first of them: to make all takes several times as long."""
        yield self._made(self._first)

    def _made(self, name: str) -> View:
        (view,) = (one for one in VIEWS if name == one.NAME)
        return view(self._shown)

    @property
    def view(self) -> View:
        """The one that is seen."""
        return self.query_one(f"#{self.current}", View)

    async def turn(self, name: str) -> bool:
        """Shows another; False where it is seen already. The focus is for `focus_in`, once there is something."""
        if name == self.current:
            return False
        focused = self.screen.focused
        self._focused[self.view.NAME] = focused.id if focused else None
        if not any(one.id == name for one in self.children):
            view = self._made(name)
            view.display = False  # until the other goes: two of them would share the room
            await self.mount(view)
        self.current = name
        return True

    def focus_in(self) -> None:
        """Puts the focus where it was in this view, else on its first list."""
        known = self._focused.get(self.view.NAME)
        lists = [one for one in self.view.query("*") if one.focusable and (known is None or one.id == known)]
        if lists:
            # At once: what is chosen right after it must not lose the keys again.
            lists[0].screen.set_focus(lists[0], scroll_visible=False)
