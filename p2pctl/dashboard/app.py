"""The screen as a whole: wires the sampler to the views. Everything else has a place of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import ClassVar, cast

from rich.console import RenderableType
from textual.app import ComposeResult, ScreenStackError, SystemCommand
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.events import Key
from textual.screen import Screen
from textual.timer import Timer

from p2pctl.dashboard import changes, keeping, pacing
from p2pctl.dashboard.app_keys import APP_KEYS
from p2pctl.dashboard.appearance import Drawn
from p2pctl.dashboard.changing import Verb
from p2pctl.dashboard.contents.legends import legend
from p2pctl.dashboard.dialogs.export import ExportDialog
from p2pctl.dashboard.dialogs.help import HelpDialog, help_page
from p2pctl.dashboard.exporting import Export
from p2pctl.dashboard.freshness import Freshness
from p2pctl.dashboard.glyphs import ASCII, UNICODE
from p2pctl.dashboard.inbox import Inbox
from p2pctl.dashboard.palette import Jumps
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.sampler import Sampler
from p2pctl.dashboard.settings import Settings
from p2pctl.dashboard.source import Changer, Source
from p2pctl.dashboard.system_commands import system_commands
from p2pctl.dashboard.undertaking import Undertaking
from p2pctl.dashboard.views import VIEWS
from p2pctl.dashboard.views.view import Shown, View
from p2pctl.dashboard.widgets.head import Head
from p2pctl.dashboard.widgets.key_line import KeyLine
from p2pctl.dashboard.widgets.stage import Stage
from p2pctl.dashboard.widgets.view_tabs import ViewTabs
from p2pctl.render.text import clean


class Dashboard(Drawn):
    """The live screen. ``run`` returns None, or the exit code that a signal asks for."""

    CSS_PATH = "app.tcss"
    TITLE = "p2pctl"
    COMMANDS = {Jumps}  # noqa: RUF012  as textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012  as textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = APP_KEYS

    def __init__(self, source: Source, changer: Changer | None = None, settings: Settings | None = None) -> None:
        super().__init__(settings or Settings())
        self.source = source
        self.changer = changer
        self.shown = Shown(ASCII if self.settings.ascii else UNICODE, self.settings.lists)
        self.picture: Picture | None = None
        self.freshness = Freshness()
        self._inbox = Inbox(self)
        self.sampler = Sampler(source, self._inbox.put, interval=self.settings.interval)
        self._ticker: Timer | None = None
        self.undertaking: Undertaking | None = None
        """The change that was last asked for, in whatever phase it is."""
        self.kept_last: dict[str, object] = {}
        """What `keeping.kept` gave when the screen closed; nothing where it broke."""
        self._loop_used: asyncio.AbstractEventLoop | None = None
        self._trail: list[str] = []
        """Views from which somebody was led to the one that is seen, the last one last."""

    def compose(self) -> ComposeResult:
        """What it is about, the views, what is seen of the chosen one, the keys."""
        yield Head()
        yield Stage(self.shown, self.settings.view)
        yield KeyLine()

    def on_mount(self) -> None:
        """Begins to look."""
        self._loop_used = asyncio.get_running_loop()
        self.query_one(Head).choose(self.settings.view)
        if self.settings.notes:
            self.notify(clean("; ".join(self.settings.notes)), severity="warning", markup=False)
        self.query_one(Stage).focus_in()
        self._say()
        self.sampler.start()

    def on_unmount(self) -> None:
        """Ends the sampler, without waiting for a read that goes on."""
        self.sampler.end()

    def on_sampled(self) -> None:
        """Keeps what was seen, and shows the last of it."""
        if not self.is_running:
            return  # the widgets are being taken down
        seen = self._inbox.empty()
        if seen is not None:
            self.picture = seen
            self._show(seen)
        elif self.picture is not None:
            self.view.show(self.picture)  # there may be news to show
        self._say()

    def _show(self, picture: Picture) -> None:
        """Hands a picture to the view and to every dialog that takes one."""
        self.view.show(picture)
        for screen in self.screen_stack[1:]:
            show = getattr(screen, "show", None)
            if show is not None and screen.is_mounted:
                show(picture)

    def _say(self) -> None:
        """Brings the top line and the line of trouble up to date, and sees to it that they stay so."""
        if not self.is_running:
            return
        due = self.query_one(Head).say(self.picture, self.freshness, self.sampler, write=self.settings.write)
        if self._ticker is not None:
            self._ticker.stop()
        self._ticker = self.set_timer(due, self._say) if due is not None and self.is_running else None

    @property
    def view(self) -> View:
        """The view that is seen."""
        return self.query_one(Stage).view

    async def action_view(self, name: str) -> None:
        """Shows another view, for which somebody asked by its name: there is no way back to keep."""
        self._trail.clear()
        await self._turn(name)
        self.refresh_bindings()

    async def lead(self, name: str) -> None:
        """Shows another view; Esc leads back."""
        before = self.view.NAME
        await self._turn(name)
        if before != name:
            self._trail.append(before)
            self.refresh_bindings()

    async def action_lead_back(self) -> None:
        """Back to the view that somebody was led from."""
        if self._trail:
            await self._turn(self._trail.pop())
            self.refresh_bindings()

    async def _turn(self, name: str) -> None:
        stage = self.query_one(Stage)
        if await stage.turn(name):
            self.query_one(Head).choose(name)
            if self.picture:
                stage.view.show(self.picture)
            stage.focus_in()

    async def on_view_tabs_chosen(self, message: ViewTabs.Chosen) -> None:
        """A click on a tab."""
        await self.action_view(message.name)

    async def jump(self, view: str, key: str) -> bool:
        """Shows a view with the cursor on a record; False where there is no such record, or a change goes on."""
        if view not in {one.NAME for one in VIEWS} or changes.busy(self):
            return False
        while len(self.screen_stack) > 1:
            self.pop_screen()
        await self.lead(view)
        return self.view.go_to(key)

    def action_pause(self) -> None:
        """Holds the picture, or lets it go on."""
        pacing.pause(self)
        self._say()

    def action_rate(self, by: int) -> None:
        """Looks more or less often, in steps."""
        pacing.turn(self, by)
        self._say()

    def action_look(self) -> None:
        """Reads everything anew."""
        self.sampler.look_now()

    def action_help(self) -> None:
        """The keys that work here."""
        words = legend(self.view.NAME, self.shown.glyphs)
        page = help_page(self, self.screen, self.screen.active_bindings, words, changes.off(self))
        self.push_screen(HelpDialog(page))

    def action_export(self) -> None:
        """Asks how the view is to be written to a file."""
        if self.picture is None:
            self.notify("There is nothing to export yet.", severity="warning", markup=False)
            return
        focused = getattr(self.screen.focused, "panel", None)
        export = Export(self.view, self.picture, focused.name if focused else None, self.export_screenshot())
        self.push_screen(ExportDialog(export.title, export.named, export.later))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The one gate for changes: without --write their keys are dimmed and do nothing."""
        if action == "change":
            return changes.allowed(self, cast("Verb", parameters[0]))
        if action == "lead_back":
            return bool(self._trail)
        return super().check_action(action, parameters)

    def on_key(self, event: Key) -> None:
        """A key that nobody took: one of a change says why there is none."""
        changes.say_why_not(self, event.key)

    def action_change(self, verb: Verb) -> None:
        """Begins a change, which is planned and asked for first. It goes by the gate, whoever calls it."""
        if self.check_action("change", (verb,)):
            changes.begin(self, verb)

    def on_undertaking_ticked(self, message: Undertaking.Ticked) -> None:
        """Remembers the step until the dialog looks."""
        if self.undertaking is not None:
            self.undertaking.progress.tell(message.line)

    def on_undertaking_ended(self, message: Undertaking.Ended) -> None:
        """Notes a change in the log; whoever wanted to leave meanwhile leaves."""
        if self.undertaking is None:
            return
        self.undertaking.ended(message.end)
        self.shown.events += (changes.ended(self, self.undertaking),)
        changes.tell(self)
        if self.undertaking.leaving is not None:
            self.exit(self.undertaking.leaving or None)

    def action_command_palette(self) -> None:
        """Everything there is to go to and to do; not while a change is carried out, which must stay in sight."""
        if not changes.busy(self):
            super().action_command_palette()

    async def action_quit(self) -> None:
        """Quits; where a change is being carried out, at its end."""
        if not changes.leave(self):
            self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers besides the things themselves."""
        del screen
        return system_commands(self)

    def end(self, code: int) -> bool:
        """Ends with an exit code, from a signal handler or another thread; False where it is not open yet."""
        if self._loop_used is None or self._loop_used.is_closed():
            return False
        self._loop_used.call_soon_threadsafe(self._end, code)
        return True

    def _end(self, code: int) -> None:
        """Ends; a change that is being carried out is stopped and undone first."""
        if not changes.leave(self, code):
            self.exit(code)

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Ends; what is worth keeping is noted while the widgets still stand."""
        with contextlib.suppress(NoMatches, ScreenStackError):
            self.kept_last = keeping.kept(self)
        super().exit(result, return_code, message)
