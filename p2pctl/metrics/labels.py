"""Names from the host as label values: one line, nothing unseen in it, not too long, and still told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from p2pctl.model.facts import ABSENT, Missing
from p2pctl.render.text import clean

T = TypeVar("T")

LONGEST = 256
"""Characters of a label value. An NQN has 223 at most; the files of a stranger's recording have any number."""
MOST = 128
"""Objects of one kind that have samples of their own: more would be more series than one host is worth."""


def label(value: object) -> str:
    """A value as a label has it: empty for what the host does not have, ``?`` for what could not be told.

    Two names never become the same label, or a scrape would hold a series twice and be refused as a whole.
    """
    if value is None or value is ABSENT:
        return ""
    if isinstance(value, Missing):
        return "?"
    # A backslash of the name's own is doubled, so that the one that `clean` writes is another.
    text = clean(str(value).replace("\\", "\\\\"))
    if len(text) <= LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text[: LONGEST - len(digest) - 1]}~{digest}"


def foremost(objects: Iterable[T], troubled: Callable[[T], bool]) -> tuple[Sequence[T], int]:
    """The objects that get samples of their own, in their order, and how many do not: those in trouble come first."""
    each = list(objects)
    if len(each) <= MOST:
        return each, 0
    return sorted(each, key=lambda one: not troubled(one))[:MOST], len(each) - MOST
