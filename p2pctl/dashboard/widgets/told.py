"""A line or two of plain words below what a view shows."""

from __future__ import annotations

from textual.widgets import Static


class Told(Static):
    """Takes the colour of the verdict that it tells. Never markup: it may hold a stranger's words."""

    DEFAULT_CSS = """
    Told { height: auto; max-height: 4; padding: 0 1; background: $panel; }
    Told.-bad { color: $text-error; }
    Told.-good { color: $text-success; }
    """

    def __init__(self, text: str = "", *, id: str | None = None) -> None:  # noqa: A002  textual's name
        super().__init__(text, id=id, markup=False)

    def say(self, text: str) -> None:
        """Says it."""
        self.update(text)
        self.set_class("Denied" in text[:8], "-bad")
        self.set_class("Allowed" in text[:8], "-good")
