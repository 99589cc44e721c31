"""Text that is safe to show: one line, with nothing in it that moves a cursor or hides.

Names come from device firmware, configfs and recordings of strangers' hosts, so every text format and every error
message passes them through ``clean`` before they reach a terminal.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Tone = Literal["strong", "dim", "good", "warning", "bad", "accent"]
"""Emphasis. It never carries meaning of its own: the words say it too."""

_SGR: dict[Tone, str] = {"strong": "1", "dim": "2", "good": "32", "warning": "33", "bad": "31", "accent": "36"}

_INVISIBLE = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0}
    | {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)
"""Fillers and selectors: printable by their Unicode category, yet nothing is seen."""


def clean(text: str) -> str:
    r"""The text with everything unseen spelled out: ``\x1b``, ``\u202e``, ``\udcff``.

    That is what Unicode calls control, format, surrogate, private or unassigned, every space but U+0020, and letters
    without a glyph. A backslash stays as it is: names as systemd escapes them remain searchable.
    """
    if text.isprintable() and (text.isascii() or _INVISIBLE.isdisjoint(map(ord, text))):
        return text
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    code = ord(char)
    if char.isprintable() and code not in _INVISIBLE:
        return char
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Terminal cells that cleaned text takes: East Asian wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415  only names beyond ASCII pay for the tables

    return cell_len(text)


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """The text filled with spaces to ``cells`` terminal cells, at its left where ``right`` aligns it there."""
    fill = " " * (cells - width(text))
    return fill + text if right else text + fill


class Span(NamedTuple):
    """A piece of a line, shown with one emphasis."""

    text: str
    tone: Tone | None = None


Line: TypeAlias = "str | Span | tuple[str | Span, ...]"
"""One line for people. Builders hand in raw names: they are cleaned here, and markup in them stays text."""


def spans(line: Line) -> tuple[Span, ...]:
    """The line's pieces, cleaned."""
    if isinstance(line, Span):
        return (Span(clean(line.text), line.tone),)
    if isinstance(line, str):
        return (Span(clean(line)),)
    return tuple(span for piece in line for span in spans(piece))


def line_width(line: Line) -> int:
    """Terminal cells that the line takes."""
    return sum(width(span.text) for span in spans(line))


def paint(line: Line, *, color: bool) -> str:
    """The line as it is written to a terminal, without trailing spaces."""
    if not color:
        return "".join(span.text for span in spans(line)).rstrip(" ")
    return "".join(_painted(span) for span in spans(line)).rstrip(" ")


def _painted(span: Span) -> str:
    return f"\x1b[{_SGR[span.tone]}m{span.text}\x1b[0m" if span.tone and span.text else span.text
