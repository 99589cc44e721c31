"""A view as a file: what of it goes into which format, and a file that is never written over."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from p2pctl import saving
from p2pctl.dashboard.panel import Panel, section
from p2pctl.dashboard.picture import Picture
from p2pctl.errors import UsageError
from p2pctl.model.facts import Missing
from p2pctl.render.formats import Format, lines
from p2pctl.render.layout import Look
from p2pctl.render.page import Page
from p2pctl.render.report import Column, Item, Report

if TYPE_CHECKING:
    from p2pctl.dashboard.views.view import View

ExportFormat = Literal["json", "csv", "plain", "svg"]
FORMATS: tuple[ExportFormat, ...] = ("json", "csv", "plain", "svg")
_SUFFIXES: Mapping[ExportFormat, str] = MappingProxyType({"json": "json", "csv": "csv", "plain": "txt", "svg": "svg"})

_LIST_COLUMNS = (Column("name", "list", style="name"), Column("title", "title"))


def view_page(view: str, picture: Picture, panels: Sequence[Panel]) -> Page:
    """A view as a page. Its document, ``p2pctl.dashboard-<view>/1``, has an item a list, the records in ``items``."""
    items: list[Item] = [{"name": one.name, "title": one.title, "items": list(one.items)} for one in panels]
    counts = {one.name: len(one.items) for one in panels}
    report = Report.of(
        picture.snapshot, f"dashboard-{view}", items, _LIST_COLUMNS, summary={"records": counts}, flat=False
    )
    return Page(report, tuple(map(section, panels)))


def panel_report(view: str, picture: Picture, panel: Panel) -> Report:
    """One list of a view by itself: what a CSV file holds."""
    kind = f"dashboard-{view}-{panel.name}"
    return Report.of(picture.snapshot, kind, panel.items, panel.columns, empty=panel.empty, notes=panel.notes)


def text_of(result: Page | Report, form: Format, *, unicode: bool = True) -> str:
    """A page or a report as the text of a file."""
    return "".join(f"{line}\n" for line in lines(result, form, Look(width=120, unicode=unicode)))


class Export(NamedTuple):
    """A view of a moment, which can be had in any format."""

    view: View
    picture: Picture
    focused: str | None
    """The name of the list that the cursor is in."""
    drawing: str
    """The screen as SVG, drawn before a dialog lay over it."""

    @property
    def title(self) -> str:
        """What it is, and which list of it a CSV file would hold."""
        names = self.view.list_names
        if len(names) < 2:
            return self.view.TITLE
        return f"{self.view.TITLE} (csv: {self.focused if self.focused in names else names[0]} only)"

    def named(self, form: ExportFormat) -> str:
        """The name that the file gets unless somebody wants another."""
        return proposed_name(self.view.NAME, self.picture, form)

    def later(self, form: ExportFormat) -> Callable[[], str]:
        """What makes the text of the file, in any thread: thousands of records take their time."""
        if form == "svg":
            return lambda: self.drawing
        panels = self.view.panels_later(self.picture)
        return lambda: self._text(panels(), form)

    def _text(self, panels: Sequence[Panel], form: Format) -> str:
        if form != "csv":
            return text_of(view_page(self.view.NAME, self.picture, panels), form)
        listed = next((one for one in panels if one.name == self.focused), panels[0])
        return text_of(panel_report(self.view.NAME, self.picture, listed), form)


def proposed_name(view: str, picture: Picture, form: ExportFormat) -> str:
    """``p2pctl-pools-host-20261102T090003Z.json``: a name that no other export of another second has."""
    host = picture.snapshot.source.host
    known = "host" if isinstance(host, Missing) else re.sub(r"[^A-Za-z0-9._-]+", "-", host).strip("-.")[:60] or "host"
    try:
        moment = datetime.fromtimestamp(picture.snapshot.taken, UTC).strftime("%Y%m%dT%H%M%SZ")
    except (ValueError, OverflowError, OSError):
        moment = "unknown-time"
    return f"p2pctl-{view}-{known}-{moment}.{_SUFFIXES[form]}"


def form_of(name: str) -> ExportFormat | None:
    """The format that a file's name speaks of."""
    suffix = _suffix(name)
    return next((form for form in FORMATS if _SUFFIXES[form] == suffix), None)


def called(name: str, form: ExportFormat) -> str:
    """The name for a file of this format: one that speaks of another format speaks of this one then."""
    return f"{name[: -len(_suffix(name)) - 1]}.{_SUFFIXES[form]}" if form_of(name) else name


def completed(name: str, form: ExportFormat) -> str:
    """The name with the ending of its format, if it has none. Raises UsageError where it has another."""
    suffix = _suffix(name)
    if suffix not in {"", _SUFFIXES[form]}:
        hint = f"end it in {', '.join(f'.{one}' for one in _SUFFIXES.values())}, or leave the ending out"
        raise UsageError(f"{name} would hold {form}, which its ending belies", hint=hint, path=name)
    return name if suffix or name.endswith(("/", ".")) else f"{name}.{_SUFFIXES[form]}"


def _suffix(name: str) -> str:
    return Path(name).suffix.removeprefix(".").lower()


def write_new(name: str, text: str) -> int:
    """Writes a file that is not there yet, for its owner alone; returns its bytes. Raises UsageError."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        saving.write(data, str(Path(name).expanduser()))
    except FileExistsError as error:
        hint = "give it another name"
        raise UsageError(f"{name} is there already: nothing is written over", hint=hint, path=name) from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        hint = "name a directory that you may write to"
        raise UsageError(f"cannot write {name}: {reason}", hint=hint, path=name) from error
    return len(data)


class Writing:
    """A file that is being written, as long as somebody wants it."""

    def __init__(self, name: str, make: Callable[[], str]) -> None:
        self.name = name
        self._make = make
        self._settled = threading.Lock()

    def write(self) -> int | None:
        """Writes it and returns its bytes; None where it was no longer wanted, and is not there. Raises UsageError."""
        text = self._make()
        if self._settled.locked():
            return None
        size = write_new(self.name, text)
        if self._settled.acquire(blocking=False):
            return size
        with contextlib.suppress(OSError):
            Path(self.name).expanduser().unlink()
        return None

    def cancel(self) -> bool:
        """Has it come to nothing, from any thread and without waiting; False where it is written already."""
        return self._settled.acquire(blocking=False)
