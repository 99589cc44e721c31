"""Text as mdoc: the language of manual pages (mdoc(7))."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping

_MACRO_LIKE = re.compile(r"[A-Z][a-z]?[a-z]?|%[A-Z]")
_PUNCTUATION = frozenset(".,:;()[]?!|")
_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")
_OPTION = re.compile(r"(?<![\w-])-{1,2}(?=[a-zA-Z])[a-zA-Z-]*")


def text(words: str) -> str:
    """Words for a text line: nothing in them is taken for a request, and options can be copied from the page."""
    escaped = words.replace("\\", "\\e")
    escaped = _OPTION.sub(lambda found: found[0].replace("-", "\\-"), escaped)
    return f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped


def arguments(words: str) -> str:
    """Words for a macro's line: none of them is taken for another macro, or for punctuation."""
    parts = (
        f"\\&{word}" if _MACRO_LIKE.fullmatch(word) or word in _PUNCTUATION else word for word in text(words).split()
    )
    return " ".join(parts).replace('"', "\\(dq")


def paragraph(words: str) -> Iterator[str]:
    """A paragraph as lines, each sentence on lines of its own."""
    for sentence in _SENTENCE.split(" ".join(words.split())):
        for line in textwrap.wrap(sentence, 100, break_long_words=False, break_on_hyphens=False):
            yield text(line)


def literal(lines: Iterable[str]) -> Iterator[str]:
    """Lines that stand as they are: commands."""
    yield ".Bd -literal -offset indent"
    yield from (text(line).replace("-", "\\-").replace("\\\\-", "\\-") for line in lines)
    yield ".Ed"


def sections(source: str) -> dict[str, list[str]]:
    """The sections of a source by title, each without its heading."""
    found: dict[str, list[str]] = {}
    for line in source.splitlines():
        if line.startswith(".Sh "):
            found[line[4:]] = []
        elif found:
            next(reversed(found.values())).append(line)
    return found


def in_order(references: Iterable[str]) -> Iterator[str]:
    """The lines of SEE ALSO as mdoc(7) wants them: by section, then by name, with commas between."""
    lines = sorted(references, key=lambda line: (line.split()[2], line.split()[1]))
    yield from (f"{line} ," for line in lines[:-1])
    yield from lines[-1:]


def filled(source: str, made: Mapping[str, Iterable[str]]) -> str:
    """The source with its comments that name a list (``@NAME``) replaced by it, and SEE ALSO in order.

    Raises KeyError for a name that nobody makes.
    """
    lines: list[str] = []
    references: list[str] = []
    for line in source.splitlines():
        if line.startswith(".Sh "):
            lines += in_order(references)
            references = []
        if lines and lines[-1] == ".Sh SEE ALSO" and line.startswith(".Xr "):
            references.append(line)
        elif line.startswith('.\\" @'):
            lines += made[line[5:]]
        else:
            lines.append(line)
    return "\n".join([*lines, *in_order(references)]) + "\n"
