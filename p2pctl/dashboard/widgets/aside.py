"""A page beside the lists: what is known of the record under the cursor."""

from __future__ import annotations

from textual.geometry import Size
from textual.message import Message

from p2pctl.dashboard.widgets.page_text import PageText
from p2pctl.render.page import Page


class Aside(PageText, can_focus=False):
    """Follows a cursor. Not for the keyboard: Enter opens the same page where it can be read to its end."""

    DEFAULT_CSS = """
    Aside { overflow-x: hidden; scrollbar-size-horizontal: 0; }
    """

    class Resized(Message):
        """It has more room, or less."""

    def on_resize(self) -> None:
        """What it shows may depend on its room."""
        self.post_message(self.Resized())

    def follow(self, page: Page | None, *, anew: bool) -> None:
        """Shows a page, from its top where it is about another record than before; nothing where there is none."""
        before = self._lines
        self.page = page
        if page is None:
            self._drawn, self._lines, self._parts = None, [], []
            self.virtual_size = Size(1, 0)
        else:
            self._draw(max(self.scrollable_content_region.width, 1))
        # Its place does not depend on what it shows, so that nothing else has to be laid out anew.
        if self._lines != before:
            self.refresh()
        if anew:
            self.scroll_to(0, 0, animate=False)
