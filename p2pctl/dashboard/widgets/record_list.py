"""The list that every view shows records with, and what keys and the mouse do to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from p2pctl.dashboard.widgets.drawn_list import LEAD, DrawnList
from p2pctl.dashboard.widgets.fitting import whole
from p2pctl.dashboard.widgets.lines import cut
from p2pctl.dashboard.widgets.list_keys import LIST_KEYS
from p2pctl.dashboard.widgets.rows import Row, Sorting
from p2pctl.render.cells import cell
from p2pctl.render.report import Column, Item
from p2pctl.render.text import clean

TOLD = 60
"""Cells of what is told of a text that was copied."""


class RecordList(DrawnList):
    """A panel that can be moved in, filtered, sorted, marked and copied from."""

    BINDINGS: ClassVar[list[BindingType]] = [*LIST_KEYS]

    @dataclass
    class About(Message):
        """Something about a list."""

        list: RecordList

        @property
        def control(self) -> RecordList:
            """The list."""
            return self.list

    @dataclass
    class Opened(About):
        """Somebody wants to see all of a record."""

        key: str
        item: Item

    @dataclass
    class Moved(About):
        """The cursor is on another record."""

        key: str

    @dataclass
    class Marked(About):
        """Other records are marked than before."""

        keys: tuple[str, ...]
        """In the order in which they were."""

    filtered: ClassVar[str] = ""
    """What a filter is for, where it is for more than this list."""
    _told: str | None = None
    """Key of the last record of which it was told that the cursor is on it."""
    _fresh = False
    """Whether it has the focus only since the click that goes on."""

    @property
    def current(self) -> tuple[str, Item] | None:
        """The record that the cursor is on."""
        return (self.row.key, self.row.item) if self.row else None

    @property
    def columns_shown(self) -> list[Column]:
        """Those that have room."""
        return [self.rows.columns[placed.which] for placed in self._frame.fit.placed]

    def go_to(self, key: str) -> bool:
        """Puts the cursor on a record; False where there is none of that key. A filter that hides it is taken away."""
        if self.rows.place(key) is None and any(row.key == key for row in self.rows.all):
            self.narrow("")
        place = self.rows.place(key, self.cursor)
        if place is None:
            return False
        self.cursor = place
        self.see_cursor()
        return True

    def narrow(self, text: str) -> None:
        """Filters: ``text``, ``!text``, ``column:text``; empty shows everything."""
        with self._keeping():
            self.rows.narrow(text)

    def sort(self, sorting: Sorting) -> None:
        """Sorts."""
        with self._keeping():
            self.rows.sort(sorting)

    def hide(self, keys: frozenset[str]) -> None:
        """Shows all columns but these."""
        with self._keeping():
            self.rows.hide(keys)
        self.shift = min(self.shift, self.most_shift)

    def state(self) -> dict[str, object]:
        """What is worth keeping until the next run, for JSON: hidden columns and the order. Not the filter."""
        return self.rows.state()

    def restore(self, state: object) -> None:
        """Takes up a state; what makes no sense in it is passed over."""
        with self._keeping():
            self.rows.restore(state)

    def sync(self) -> None:
        """Also tells where the cursor is."""
        super().sync()
        if self.row and self.row.key != self._told:
            self._told = self.row.key
            self.post_message(self.Moved(self, self.row.key))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Marks are for lists that ask for them; Esc is others' without a filter."""
        del parameters
        if action == "mark":
            return self.markable
        return bool(self.rows.text) if action == "widen" else True

    def action_move(self, lines: int) -> None:
        """Up or down."""
        self.cursor = min(max(self.cursor + lines, 0), max(len(self.rows.shown) - 1, 0))
        self.see_cursor()

    def action_page(self, pages: int) -> None:
        """A screen up or down."""
        self.action_move(pages * max(self.seen.height - self.head, 1))

    def action_first(self) -> None:
        """To the top."""
        self.action_move(-len(self.rows.shown))

    def action_last(self) -> None:
        """To the end."""
        self.action_move(len(self.rows.shown))

    def action_shift(self, way: int) -> None:
        """To the side: to where the next column begins, but never by more than half of the screen."""
        starts = [placed.start for placed in whole(self.rows.wanted, self.rows.room).placed]
        half = max(self.room // 2, 1)
        if way > 0:
            goal = min([start for start in starts if start > self.shift] + [self.shift + half])
        else:
            goal = max([start for start in starts if start < self.shift] + [self.shift - half])
        self.shift = min(max(goal, 0), self.most_shift)

    def action_open(self) -> None:
        """Opens the record."""
        if self.current:
            self.post_message(self.Opened(self, *self.current))

    def action_mark(self) -> None:
        """Marks the record, or takes its mark away."""
        if self.row:
            key = self.row.key
            rest = tuple(one for one in self.chosen if one != key)
            self.chosen = rest if key in self.chosen else (*rest, key)

    def watch_chosen(self) -> None:
        """Tells it."""
        super().watch_chosen()
        self.post_message(self.Marked(self, self.chosen))

    def action_sort(self) -> None:
        """By the next column that shows; after the last one, in the panel's own order."""
        columns = self.columns_shown
        keys = [None, *(column.key for column in columns)]
        here = keys.index(self.rows.sorting.column) if self.rows.sorting.column in keys else 0
        following = [*columns, None][here] if here < len(keys) else None
        self.sort(Sorting.first(following))

    def action_reverse(self) -> None:
        """The other way round."""
        column, reverse = self.rows.sorting
        self.sort(Sorting(column, not reverse))

    def action_widen(self) -> None:
        """Shows everything again."""
        self.narrow("")

    def action_copy(self) -> None:
        """Copies the cells, sizes in bytes, of all columns that are not hidden."""
        if self.row:
            columns = [self.rows.columns[place] for place in self.rows.wanted]
            self._copy("\t".join(self.copied(column, self.row) for column in columns))

    def copied(self, column: Column, row: Row) -> str:
        """A cell as it is copied."""
        return cell(column, row.item, exact=True).text

    def action_copy_key(self) -> None:
        """Copies the key."""
        if self.row:
            self._copy(clean(self.row.key))

    def _copy(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
        told = cut(text.replace("\t", "  "), TOLD, self.glyphs.cut)
        self.app.notify(f"Copied: {told}", markup=False)

    def on_focus(self) -> None:
        """The click that brings the focus opens nothing."""
        self._fresh = True

    def on_key(self) -> None:
        """What follows a key is no such click."""
        self._fresh = False

    def on_click(self, event: events.Click) -> None:
        """On a head it sorts. On a record it goes there, and opens it where the cursor was already, or when doubled."""
        fresh, self._fresh = self._fresh, False
        top = self.top
        if event.y < len(top):
            if top[event.y] == "head":
                self._sort_at(event.x)
            return
        place = event.y - len(top) + self.scroll_offset.y
        if not 0 <= place < len(self.rows.shown):
            return
        if event.chain > 1 or (place == self.cursor and not fresh):
            self.cursor = place
            self.action_open()
        else:
            self.cursor = place

    def on_mouse_scroll_right(self) -> None:
        """To the side."""
        self.action_shift(1)

    def on_mouse_scroll_left(self) -> None:
        """And back."""
        self.action_shift(-1)

    def _sort_at(self, x: int) -> None:
        """By the column below: first its own way, then the other, then not at all."""
        x += self.shift - (LEAD if self.marks.shown or self.shift else 0)
        under = [placed.which for placed in self._frame.fit.placed if placed.start <= x]
        if not under:
            return
        first, now = Sorting.first(self.rows.columns[under[-1]]), self.rows.sorting
        if now.column != first.column:
            self.sort(first)
        else:
            self.sort(Sorting() if now.reverse is not first.reverse else first._replace(reverse=not first.reverse))
