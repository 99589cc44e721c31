"""Everything about one thing, over the view that it was chosen in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from p2pctl.dashboard.dialogs.export import ExportDialog
from p2pctl.dashboard.dialogs.keys import QUIT
from p2pctl.dashboard.exporting import ExportFormat, proposed_name, text_of
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.widgets.page_text import PageText
from p2pctl.errors import NotFoundError
from p2pctl.render.page import Page
from p2pctl.render.text import clean

if TYPE_CHECKING:
    from p2pctl.dashboard.app import Dashboard

Maker = Callable[[Picture], Page | None]
"""Makes a page of a picture; None, or NotFoundError, where the thing is not there."""


class PageDialog(ModalScreen[None]):
    """A page that is made anew from every picture.

    It takes nearly all of a small screen and no more than people can read of a wide one. When the thing goes away, its
    last page stays, and says so.
    """

    DEFAULT_CSS = """
    PageDialog { align: center middle; }
    PageDialog > #page-box {
        width: 100%; max-width: 124; height: auto; max-height: 100%; background: $surface; padding: 0 1;
    }
    PageDialog > #page-box > #page-title { height: 1; text-style: bold; background: $panel; }
    PageDialog > #page-box > #page-gone { height: auto; color: $text-warning; text-style: bold; display: none; }
    PageDialog > #page-box > #page-gone.-gone { display: block; }
    PageDialog > #page-box > #page-text { max-height: 100%; }
    PageDialog.-roomy > #page-box { border: round $primary; max-height: 1fr; }
    PageDialog.-roomy.-ascii > #page-box { border: ascii $primary; }
    PageDialog.-roomy > #page-box > #page-title { display: none; }
    """
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-roomy")]  # noqa: RUF012  textual declares it so that ClassVar would not do
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "close", "Close", tooltip="Back to where you were", id="page.close"),
        Binding("y", "copy", "Copy", tooltip="Copy the page as plain text", id="page.copy"),
        Binding("e", "export", "Export", tooltip="Write the page to a file", id="page.export"),
        Binding("question_mark", "app.help", "Help", show=False, tooltip="The keys that work here", id="page.help"),
        QUIT,
    ]

    def __init__(self, title: str, make: Maker) -> None:
        super().__init__()
        self._subject = clean(title)
        self._make = make

    @property
    def _dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)

    @property
    def page(self) -> Page | None:
        """What it shows."""
        return self.query_one(PageText).page

    def compose(self) -> ComposeResult:
        """The page in a box, the keys below."""
        with Vertical(id="page-box"):
            yield Static(self._subject, id="page-title", markup=False)
            yield Static("", id="page-gone", markup=False)
            yield PageText(unicode=not self._ascii, id="page-text")
        yield Footer()

    @property
    def _ascii(self) -> bool:
        return self._dashboard.shown.glyphs.full.isascii()

    def on_mount(self) -> None:
        """Shows what is known already."""
        self.set_class(self._ascii, "-ascii")
        box = self.query_one("#page-box")
        box.border_title = Content(self._subject)
        text = self.query_one(PageText)
        text.focus()
        for what in ("scroll_y", "size"):
            self.watch(text, what, self._say_where, init=False)
        if self._dashboard.picture is not None:
            self.show(self._dashboard.picture)

    def show(self, picture: Picture) -> None:
        """Makes the page anew. One that can no longer be made stays as it was, and is said to be gone."""
        try:
            page = self._make(picture)
        except NotFoundError:
            page = None
        text, gone = self.query_one(PageText), self.query_one("#page-gone", Static)
        gone.set_class(page is None, "-gone")
        if page is not None:
            text.show(page)
        elif text.page is not None:
            gone.update("It is gone. This is how it was last seen.")
        else:
            gone.update("It is not there, or no longer.")
        self.call_after_refresh(self._say_where)

    def _say_where(self) -> None:
        """Names, on the border, what is further down."""
        below = self.query_one(PageText).below
        self.query_one("#page-box").border_subtitle = Content(f"below: {', '.join(below)}" if below else "")

    def action_close(self) -> None:
        """Back to the view."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Hands the page to the terminal's clipboard."""
        text = self.query_one(PageText).text
        self.app.copy_to_clipboard(text)
        self.notify(f"{len(text.splitlines())} lines copied, if the terminal allows it.", markup=False, timeout=3)

    def action_export(self) -> None:
        """Asks how the page is to be written to a file."""
        page, picture = self.page, self._dashboard.picture
        if page is None or picture is None:
            return
        drawing = self.app.export_screenshot(title=self._subject)

        def named(form: ExportFormat) -> str:
            return proposed_name(page.report.kind, picture, form)

        def later(form: ExportFormat) -> Callable[[], str]:
            unicode = not self._ascii
            return lambda: drawing if form == "svg" else text_of(page, form, unicode=unicode)

        self.app.push_screen(ExportDialog(self._subject, named, later))
