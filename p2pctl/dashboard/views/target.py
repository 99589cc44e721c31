"""The target: its objects, and who uses them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.geometry import Size
from textual.message import Message

from p2pctl.dashboard.contents.target import NAMES, TargetContents
from p2pctl.dashboard.contents.target_keys import record_key
from p2pctl.dashboard.contents.target_pages import target_page_of
from p2pctl.dashboard.dialogs.page import Maker, PageDialog
from p2pctl.dashboard.picture import Picture
from p2pctl.dashboard.views.beside import needed
from p2pctl.dashboard.views.target_layout import LEAST, share, side_by_side, stacked
from p2pctl.dashboard.views.view import Shown, View
from p2pctl.dashboard.widgets.record_list import RecordList
from p2pctl.dashboard.widgets.tab_row import Tab, TabRow

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from p2pctl.dashboard.panel import Panel

_LEFT = ("namespaces", "subsystems")
LEFT, RIGHT = 11, 9
"""How lists that stand side by side share the width."""


class Body(Container):
    """Where the lists stand; a line for a filter may take some of its room."""

    class Resized(Message):
        """There is more room, or less."""

    def on_resize(self) -> None:
        """Tells the view."""
        self.post_message(self.Resized())


class Target(View):
    """Lists of objects: side by side where there is room, below each other, or one at a time behind tabs."""

    TITLE: ClassVar[str] = "Target"
    NAME: ClassVar[str] = "target"
    DEFAULT_CSS = """
    Target > #target-body { height: 1fr; layout: vertical; }
    Target > #target-body.-split { layout: horizontal; }
    Target > #target-body > Vertical { height: auto; width: 1fr; }
    Target > #target-body.-split > Vertical { height: 1fr; }
    Target > #target-body.-split > #target-left { width: 11fr; margin: 0 1 0 0; }
    Target > #target-body.-split > #target-right { width: 9fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab,right_square_bracket", "turn(1)", "Next list", key_display="]", tooltip="To the next list of objects",
            id="target.next-list",
        ),
        Binding(
            "shift+tab,left_square_bracket", "turn(-1)", "Previous list", show=False,
            tooltip="To the list of objects before", id="target.previous-list",
        ),
    ]  # fmt: skip

    def __init__(self, shown: Shown) -> None:
        super().__init__(shown)
        self._contents = TargetContents()
        self._panels: dict[str, Panel] = {}
        self._chosen = NAMES[0]
        self._arranged: Size | None = None
        """The room that the lists were last given."""

    def compose(self) -> ComposeResult:
        """All lists that there may be; those without a panel are not seen."""
        yield TabRow(id="target-tabs")
        with Body(id="target-body"):
            with Vertical(id="target-left"):
                yield from self._lists(name for name in NAMES if name in _LEFT)
            with Vertical(id="target-right"):
                yield from self._lists(name for name in NAMES if name not in _LEFT)

    @staticmethod
    def _lists(names: Iterable[str]) -> Iterable[RecordList]:
        for name in names:
            records = RecordList(id=f"target-{name}")
            records.display = False
            yield records

    def panels(self, picture: Picture) -> tuple[Panel, ...]:
        """The lists."""
        return self._contents.panels(picture)

    def details(self, panel_name: str, key: str) -> Maker | None:
        """The pages that the commands show."""
        return target_page_of(panel_name, key)

    def on_record_list_opened(self, message: RecordList.Opened) -> None:
        """Opens the page of the record, whose key says what it is."""
        message.stop().prevent_default()
        make = self.details(message.list.panel.name, message.key) if message.list.panel else None
        if make:
            self.app.push_screen(PageDialog(message.key, make))

    def show(self, picture: Picture) -> None:
        """Shows the lists that are seen; the others are not worked out cell by cell."""
        self.picture = picture
        self._panels = {panel.name: panel for panel in self.panels(picture)}
        if self._chosen not in self._panels:
            self._chosen = next(iter(self._panels))
        if any(self._list(name).has_focus for name in NAMES if name not in self._panels):
            self._choose(self._chosen)
        else:
            self._arrange()

    def on_body_resized(self, message: Body.Resized) -> None:
        """More or fewer lists fit."""
        message.stop()
        if self._panels and self._room != self._arranged:
            self._arrange()

    @property
    def _room(self) -> Size:
        """What there is for lists, with the row of tabs if that is seen."""
        body = self.query_one("#target-body").size
        return Size(body.width, body.height + int(self.query_one(TabRow).display)) if body else self.size

    def _arrange(self) -> None:
        """Gives each list its place, and shows those that have one."""
        self._arranged = room = self._room
        names = [name for name in NAMES if name in self._panels]
        split = side_by_side(room.width) and not self._wider_alone(names, room)
        halves = [[name for name in names if (name in _LEFT) is left] for left in (True, False)]
        columns = [half for half in halves if half] if split else [names]
        all_fit = all(stacked(room.height, len(column)) for column in columns)
        split = split and all_fit and len(columns) > 1
        self.query_one("#target-body").set_class(split, "-split")
        for side, half in zip(("left", "right"), halves, strict=True):
            self.query_one(f"#target-{side}").display = bool(half) and (all_fit or self._chosen in half)
        tabs = self.query_one(TabRow)
        tabs.display = not all_fit
        tabs.show([Tab(name, _counted(self._panels[name])) for name in names], self._chosen)
        if all_fit:
            for column in columns:
                self._stack(column, room.height)
        for name in NAMES:
            records = self._list(name)
            records.display = name in self._panels and (all_fit or name == self._chosen)
            if records.display:
                records.titled = all_fit
                if not all_fit:
                    records.styles.height = max(room.height - 1, 1)
                records.show(self._panels[name])

    def _wider_alone(self, names: Sequence[str], room: Size) -> bool:
        """Whether lists that all show whole below each other would lose columns beside each other."""
        if sum(_lines(self._panels[name]) for name in names) > room.height:
            return False
        for name in names:
            # All of them are seen, either way.
            self._list(name).show(self._panels[name])
        return any(
            needed([self._list(name)]) > room.width * (LEFT if name in _LEFT else RIGHT) // (LEFT + RIGHT)
            for name in names
        )

    def _stack(self, names: Sequence[str], room: int) -> None:
        """Shares the lines among lists that stand below each other."""
        wanted = [_lines(self._panels[name]) for name in names]
        favoured = names.index(self._chosen) if self._chosen in names else None
        for name, lines in zip(names, share(wanted, room, favoured), strict=True):
            self._list(name).styles.height = lines

    def _list(self, name: str) -> RecordList:
        return self.query_one(f"#target-{name}", RecordList)

    def _choose(self, name: str) -> None:
        """Looks at a list, and goes there."""
        self._chosen = name
        # The keys go there first: a list that is hidden while it has them would take them from whoever has them next.
        self._list(name).display = True
        self.screen.set_focus(self._list(name), scroll_visible=False)
        self._arrange()

    def action_turn(self, by: int) -> None:
        """To another list, round and round."""
        names = [name for name in NAMES if name in self._panels]
        if names:
            self._choose(names[(names.index(self._chosen) + by) % len(names)])

    def on_tab_row_chosen(self, message: TabRow.Chosen) -> None:
        """To the list that was clicked on."""
        message.stop()
        if message.name in self._panels:
            self._choose(message.name)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The list that has the keys comes first when lines are few."""
        name = next((name for name in self._panels if self._list(name) is event.widget), None)
        if name is not None and name != self._chosen:
            self._chosen = name
            self._arrange()

    def go_to(self, key: str) -> bool:
        """Puts the cursor on a record by its key, or by the subject of a finding."""
        wanted = record_key(key)
        for name, panel in self._panels.items():
            if wanted in panel.keys:
                self._choose(name)
                return self._list(name).go_to(wanted)
        return False


def _counted(panel: Panel) -> str:
    """``Namespaces 7``."""
    return f"{panel.title} {len(panel.items)}" if panel.columns else panel.title


def _lines(panel: Panel) -> int:
    """That show all of a panel: its title, its head, its records and notes."""
    if not panel.items:
        return 3 + len(panel.notes)
    return max(2 + len(panel.items) + len(panel.notes), LEAST)
