"""Tables for terminals. Addresses and names are never cut: what does not fit goes by whole columns, and is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import StringIO

from p2pctl.render.cells import cell
from p2pctl.render.layout import Look, kept, wrap
from p2pctl.render.notes import asides, emptiness
from p2pctl.render.report import Column, Item, Report
from p2pctl.render.text import Span, Tone, paint, width

GAP = 2

_PART = re.compile(r"[^:.,/-]*[:.,/-]|[^:.,/-]+")
"""What a name is made of: it breaks after these marks, where it has to."""

_STYLES: dict[Tone, str] = {
    "strong": "bold",
    "dim": "dim",
    "good": "green",
    "warning": "yellow",
    "bad": "red",
    "accent": "cyan",
}


def table_lines(report: Report, look: Look) -> Iterator[str]:
    """The table with its remarks below."""
    if report.items:
        yield from grid_rows(report.columns, report.items, look)
    else:
        yield from _wrapped(emptiness(report), look)
    notes = asides(report)
    if notes:
        yield ""
    for note in notes:
        yield from _wrapped(note, look)


def _wrapped(note: str, look: Look) -> Iterator[str]:
    return (paint(line, color=look.color) for line in wrap(note, look.width))


def grid_rows(columns: Sequence[Column], items: Sequence[Item], look: Look) -> Iterator[str]:
    """The rows of a table that fits the width, and what had to go."""
    cells = [[cell(column, item) for item in items] for column in columns]
    natural = [
        max(width(column.title), *(width(span.text) for span in spans))
        for column, spans in zip(columns, cells, strict=True)
    ]
    least = [min(wide, c.least) if c.style == "text" else wide for c, wide in zip(columns, natural, strict=True)]
    stay = kept([column.priority for column in columns], least, look.width, GAP)
    room = max(look.width, sum(least[i] for i in stay) + GAP * (len(stay) - 1))
    shown = [(columns[i], cells[i], least[i]) for i in stay]
    widths = _widths([least[i] for i in stay], [natural[i] for i in stay], room)
    fitted = zip(shown, widths, strict=True)
    exact = any(width(word) > wide for (_, spans, _), wide in fitted for word in _longest(spans))
    if exact:
        shown = [
            (c, [_broken(one, wide) for one in spans], wide) for (c, spans, _), wide in zip(shown, widths, strict=True)
        ]
    yield from _drawn(shown, look._replace(width=room), exact=exact)
    hidden = [column.title.lower() for index, column in enumerate(columns) if index not in stay]
    if hidden:
        yield from hidden_note(hidden, look)


def _widths(least: Sequence[int], natural: Sequence[int], room: int) -> list[int]:
    """Cells for each column: what is left goes to those first that need the fewest more."""
    widths = list(least)
    left = room - sum(least) - GAP * (len(least) - 1)
    for index in sorted(range(len(least)), key=lambda i: (natural[i] - least[i], i)):
        more = max(min(natural[index] - least[index], left), 0)
        widths[index] += more
        left -= more
    return widths


def _longest(spans: Sequence[Span]) -> Iterator[str]:
    return (word for span in spans for word in span.text.split(" "))


def _broken(span: Span, room: int) -> Span:
    """The text with words that are too long broken where their parts end."""
    return Span(" ".join(_parted(word, room) for word in span.text.split(" ")), span.tone)


def _parted(word: str, room: int) -> str:
    if width(word) <= room:
        return word
    lines = [""]
    for part in _PART.findall(word):
        if lines[-1] and width(lines[-1] + part) > room:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def hidden_note(titles: Sequence[str], look: Look) -> Iterator[str]:
    """Which columns a narrow terminal hides, and how to see them."""
    note = f"Hidden at this width: {', '.join(titles)} (-o plain, or a wider terminal, shows them)."
    return (paint(tuple(Span(s.text, "dim") for s in line), color=look.color) for line in wrap(note, look.width))


def _drawn(shown: Sequence[tuple[Column, list[Span], int]], look: Look, *, exact: bool) -> Iterator[str]:
    """The table; ``exact``: the cells of each column are given, not just the least that it needs."""
    from rich.box import Box  # noqa: PLC0415  rich takes as long to import as a whole listing takes to make
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    rule = "──" if look.unicode else "--"
    box = Box(f"    \n    \n {rule} \n    \n    \n    \n    \n    \n", ascii=not look.unicode)
    table = Table(box=box, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column, _, least in shown:
        table.add_column(
            Text(column.title.upper()),
            justify="right" if column.right else "left",
            no_wrap=column.style != "text",
            min_width=least,
            max_width=least if exact else None,
            overflow="fold",
        )
    for row in zip(*(spans for _, spans, _ in shown), strict=True):
        table.add_row(*(Text(span.text, _STYLES[span.tone] if span.tone else "") for span in row))
    out = StringIO()
    console = Console(
        file=out,
        width=look.width,
        force_terminal=look.color,
        color_system="standard" if look.color else None,
        legacy_windows=False,
        _environ={},
    )
    console.print(table)
    return (line.rstrip(" ") for line in out.getvalue().splitlines())
