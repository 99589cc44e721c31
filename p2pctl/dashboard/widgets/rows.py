"""The records of a list: which of them show, in which order, and what their cells say. Knows nothing of a screen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from p2pctl.dashboard.panel import Panel
from p2pctl.dashboard.widgets.filtering import EDGE, Filter, parse
from p2pctl.dashboard.widgets.values import Rank, rank
from p2pctl.render.cells import cell
from p2pctl.render.report import Column, Item, lookup
from p2pctl.render.text import Span, width

NUMBERED = frozenset({
    "ana_grpid", "cntlid", "controller", "index", "iommu_group", "nsid", "numa_node", "pid", "port", "portid",
})  # fmt: skip
"""Keys of columns whose numbers are names: none of them is more than another."""


class Sorting(NamedTuple):
    """By what records are sorted."""

    column: str | None = None
    """Key of a column; None leaves them in the panel's own order."""
    reverse: bool = False

    @classmethod
    def first(cls, column: Column | None) -> Sorting:
        """The order that people expect first: of amounts the largest, of names as they are read."""
        return cls(column.key, column.style in {"number", "bytes"} and column.key not in NUMBERED) if column else cls()


class Row:
    """A record as it shows. Stays the same object while its item stays the same."""

    __slots__ = ("cells", "hay", "item", "key", "rank", "widths")

    def __init__(self, key: str, item: Item, columns: tuple[Column, ...]) -> None:
        self.key = key
        self.item = item
        self.cells: tuple[Span, ...] = tuple([cell(column, item) for column in columns])
        """One for each column of the panel, shown or not."""
        self.widths: tuple[int, ...] = tuple([width(span.text) for span in self.cells])
        """Terminal cells of them."""
        self.hay: str | None = None
        """What a filter looks at, once one did."""
        self.rank: Rank | None = None
        """Where it stands in the sorting that is set; None for what stands last."""


class Rows:
    """A panel's records as a list shows them."""

    def __init__(self) -> None:
        self.panel: Panel | None = None
        self.columns: tuple[Column, ...] = ()
        """All of the panel's."""
        self.all: list[Row] = []
        """In the panel's own order."""
        self.shown: list[Row] = []
        """Those that the filter finds, sorted."""
        self.widths: list[int] = []
        """Terminal cells that each column needs for its title and all of its records."""
        self.text = ""
        """The filter as it was typed."""
        self.sorting = Sorting()
        self.hidden: frozenset[str] = frozenset()
        """Keys of columns that nobody wants to see; one that all of them are in counts as none."""
        self._filter = Filter()

    def show(self, panel: Panel) -> None:
        """Takes these records. What is the same, or equal to the last ones, is not looked at again."""
        before, fresh = self.panel, panel.columns != self.columns
        self.panel, self.columns = panel, panel.columns
        if before is not None and not fresh:
            if panel.items is before.items and panel.keys is before.keys:
                return
            if panel.keys is before.keys or list(panel.keys) == [row.key for row in self.all]:
                self._refill(panel)
                return
        known = {} if fresh else {row.key: row for row in self.all}
        self.all, changed = [], []
        for key, item in zip(panel.keys, panel.items, strict=True):
            # Taken out, so that a key that comes twice does not show one record twice.
            row = known.pop(key, None)
            if row is None or (row.item is not item and row.item != item):
                row = Row(key, item, self.columns)
                changed.append(row)
            self.all.append(row)
        if fresh:
            self._filter = parse(self.text, self.columns)
        self._measure(self.all, anew=True)
        self._arrange(changed)

    def _refill(self, panel: Panel) -> None:
        """The same records in the same order: what ticks, of thousands, must cost next to nothing."""
        changed = []
        for place, (row, item) in enumerate(zip(self.all, panel.items, strict=True)):
            if row.item is item:
                continue
            if row.item == item:
                row.item = item  # the next look may bring this very one
                continue
            self.all[place] = Row(row.key, item, self.columns)
            changed.append(self.all[place])
        if changed:
            self._measure(changed, anew=False)
            self._arrange(changed)

    def _measure(self, rows: Iterable[Row], *, anew: bool) -> None:
        """Widths only grow while the records stay the same ones: what ticks must not have its column jump."""
        least = [width(column.title) for column in self.columns] if anew else self.widths
        self.widths = [max(found) for found in zip(least, *(row.widths for row in rows), strict=True)]

    def narrow(self, text: str) -> None:
        """Shows only what this finds."""
        self.text = text
        self._filter = parse(text, self.columns)
        self._arrange(())

    def sort(self, sorting: Sorting) -> None:
        """Shows records in this order. What is equal in it keeps the panel's own."""
        self.sorting = sorting
        self._arrange(self.all)

    def hide(self, keys: Collection[str]) -> None:
        """Leaves out these columns, also for the filter."""
        self.hidden = frozenset(keys)
        for row in self.all:
            row.hay = None
        self._arrange(())

    def state(self) -> dict[str, object]:
        """Hidden columns and the order, for JSON."""
        return {"hidden": sorted(self.hidden), "sort": self.sorting.column, "reverse": self.sorting.reverse}

    def restore(self, state: object) -> None:
        """Takes up what ``state`` gave; whatever else may stand in a file is passed over."""
        if not isinstance(state, Mapping):
            return
        hidden, column = state.get("hidden"), state.get("sort")
        if isinstance(hidden, list):
            self.hide({key for key in hidden if isinstance(key, str)})
        if column is None or isinstance(column, str):
            self.sort(Sorting(column, state.get("reverse") is True))

    @property
    def room(self) -> list[int]:
        """Terminal cells that each column needs, with the arrow at the title of that by which records are sorted."""
        by = self.sorted_by
        return [
            max(wide, width(column.title) + 1) if column is by else wide
            for column, wide in zip(self.columns, self.widths, strict=True)
        ]

    @property
    def wanted(self) -> list[int]:
        """Places of the columns that are not hidden."""
        stay = [place for place, column in enumerate(self.columns) if column.key not in self.hidden]
        return stay or list(range(len(self.columns)))

    def place(self, key: str, near: int = 0) -> int | None:
        """Where a record stands among those that show; looks first where it was."""
        if 0 <= near < len(self.shown) and self.shown[near].key == key:
            return near
        return next((place for place, row in enumerate(self.shown) if row.key == key), None)

    @property
    def sorted_by(self) -> Column | None:
        """The column that they are sorted by; None where that is none of the panel's."""
        return next((column for column in self.columns if column.key == self.sorting.column), None)

    def _arrange(self, unranked: Iterable[Row]) -> None:
        """Filters and sorts anew; those rows do not know their rank yet."""
        found = self.all
        if self._filter.text:
            wanted = frozenset(self.wanted)
            found = [row for row in found if self._filter.matches(_hay(row, wanted))]
        column = self.sorted_by
        if column is None:
            self.shown = found[::-1] if self.sorting.reverse and self.sorting.column is None else list(found)
            return
        for row in unranked:
            row.rank = rank(lookup(row.item, column.key))
        here = [row for row in found if row.rank is not None]
        here.sort(key=_rank, reverse=self.sorting.reverse)
        self.shown = here + [row for row in found if row.rank is None]


def _rank(row: Row) -> Rank:
    return row.rank or ()


def _hay(row: Row, wanted: Collection[int]) -> str:
    if row.hay is None:
        row.hay = EDGE.join(span.text if place in wanted else "" for place, span in enumerate(row.cells)).casefold()
    return row.hay
